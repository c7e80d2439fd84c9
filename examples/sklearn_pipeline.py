"""A network in a scikit-learn pipeline, its settings chosen by grid search.

``NeuralClassifier`` is a scikit-learn estimator: its hyper-parameters are constructor arguments, so a search can try
them like those of any other learner. The pipeline scales the pixels to [0, 1] and holds the network. The search judges
each setting by cross-validation: the digits that judge a network have never been shown to it, nor to the scaling.
Digits that the search never saw judge the winner.

    python examples/sklearn_pipeline.py             # 6 settings, 5 folds, on all cores
    python examples/sklearn_pipeline.py --quick     # 2 settings, 2 folds
"""

from __future__ import annotations

from pathlib import Path

import click
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from omomi.inspect.confusion import count_confusions, plot_confusion
from omomi.inspect.pictures import plot_history
from omomi.interop.sklearn import NeuralClassifier


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/sklearn_pipeline"), help="Where files go.")
@click.option("--jobs", default=-1, show_default=True, help="Processes; −1 is as many as there are cores.")
@click.option("--seed", default=0, show_default=True, help="Of the initial weights and the order of the digits.")
@click.option("--quick", is_flag=True, help="Fewer settings, folds and epochs, in one process.")
def main(out: Path, jobs: int, seed: int, quick: bool) -> float:
    """Choose a network for the 8×8 digits by grid search."""
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, stratify=y, random_state=seed)

    network = NeuralClassifier(batch_size=32, epochs=8 if quick else 60, early_stopping=True, random_state=seed)
    pipeline = make_pipeline(MinMaxScaler(), network)
    # A step's arguments are named after the step.
    grid = {
        "neuralclassifier__hidden_layers": [(30,), (100,)] if quick else [(30,), (100,), (100, 50)],
        "neuralclassifier__l2": [0.0] if quick else [0.0, 1e-3],
    }
    search = GridSearchCV(pipeline, grid, cv=2 if quick else 5, n_jobs=1 if quick else jobs)
    search.fit(x_train, y_train)

    results = search.cv_results_
    for settings, mean, deviation in zip(
        results["params"], results["mean_test_score"], results["std_test_score"], strict=True
    ):
        told = ", ".join(f"{name.removeprefix('neuralclassifier__')}={value}" for name, value in settings.items())
        print(f"{mean:.1%} ± {deviation:.1%}  {told}")

    accuracy = search.score(x_test, y_test)
    print(f"the best one reads {accuracy:.1%} of {len(y_test)} digits that the search never saw")

    # What a pipeline holds is still a network of Omomi's.
    best = search.best_estimator_[-1]
    best.model_.summary()
    out.mkdir(parents=True, exist_ok=True)
    curves = {"loss": best.loss_curve_, "val_loss": best.validation_loss_curve_}
    plot_history(curves, "loss", out / "loss.png")
    plot_confusion(count_confusions(y_test, search.predict(x_test)), out / "confusion.png")
    print(f"the curves and the confusions are in {out}")
    return float(accuracy)


if __name__ == "__main__":
    main()

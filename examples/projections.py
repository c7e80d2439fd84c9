"""Thirteen measurements of wines in the plane: PCA, LDA and kernel PCA.

PCA looks for the directions of most variance and does not know the cultivars. LDA is told them, and looks for the
directions in which they lie furthest apart. Kernel PCA is PCA in the feature space of a kernel: directions may be bent.

    python examples/projections.py
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.classic import LDA, PCA, KernelPCA, LogisticRegression
from omomi.classic.pictures import plot_projections


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/projections"), help="Where files go.")
@click.option("--quick", is_flag=True, expose_value=False, help="Changes nothing: this is quick.")
def main(out: Path) -> dict[str, float]:
    """Project the wines and the circles, and see how well a straight line tells the classes apart there."""
    out.mkdir(parents=True, exist_ok=True)
    (x, y), (x_test, y_test) = omomi.datasets.wine.load_data()
    mean, spread = x.mean(axis=0), x.std(axis=0)
    X, X_test = ((part - mean) / spread for part in (x.astype(np.float64), x_test))
    scores = {}
    learners = {"PCA": PCA(2), "LDA": LDA(2), "kernel PCA, rbf": KernelPCA(2)}
    for name, learner in learners.items():
        Z = learner.fit_transform(X, y)
        scores[name] = LogisticRegression().fit(Z, y).score(learner.transform(X_test), y_test)
        print(f"{name:16}   {scores[name]:.1%} of the test wines are told apart in the plane")
    shown = {name: learner.transform(X) for name, learner in learners.items()}
    names = omomi.datasets.wine.CLASSES
    line = "142 wines, 13 measurements each"
    plot_projections(shown, y, out / "wine.png", names=names, title="Wines in the plane", line=line)

    circles, labels = omomi.datasets.circles(200)
    bent = KernelPCA(3, gamma=3.0).fit_transform(circles)
    scores["circles"] = LogisticRegression(C=100).fit(circles, labels).score(circles, labels)
    scores["circles, kernel PCA"] = LogisticRegression(C=100).fit(bent, labels).score(bent, labels)
    print(
        f"circles: a line reads {scores['circles']:.0%} right in the plane, "
        f"{scores['circles, kernel PCA']:.0%} in three kernel components"
    )
    shown = {"as they are": circles, "kernel components 1, 3": bent[:, [0, 2]]}
    plot_projections(
        shown,
        labels,
        out / "circles.png",
        names=("outer", "inner"),
        title="Circles, unbent",
        line="kernel PCA, e^(−3 ‖x − x′‖²)",
    )
    print(f"the pictures are in {out}")
    return scores


if __name__ == "__main__":
    main()

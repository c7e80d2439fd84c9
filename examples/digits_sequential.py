"""Handwritten digits with Sequential: the same network as in digits_free_style.py, in a few lines.

A Sequential is a list of layers. ``compile`` says how to train it, ``fit`` trains, ``evaluate`` judges, ``predict``
answers. The network is 784–400–200–10 with tanh and softmax; the loss is the categorical cross-entropy against
one-hot targets, the optimiser is stochastic gradient descent with mini-batches.

    python examples/digits_sequential.py            # MNIST, 60,000 images
    python examples/digits_sequential.py --quick    # the 8×8 digits that come with scikit-learn
"""

from __future__ import annotations

from pathlib import Path

import click

import omomi
from omomi.inspect.pictures import plot_history, plot_samples
from omomi.layers import Dense, Flatten, Rescaling
from omomi.utils import to_categorical


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/digits_sequential"), help="Where files go.")
@click.option("--epochs", default=10, show_default=True, help="How often each image is shown.")
@click.option("--batch-size", default=20, show_default=True, help="Images in one step.")
@click.option("--learning-rate", default=0.1, show_default=True, help="η of the gradient descent.")
@click.option("--seed", default=0, show_default=True, help="Of the initial weights and the order of the images.")
@click.option("--quick", is_flag=True, help="Train on the small digits that come with scikit-learn.")
def main(out: Path, epochs: int, batch_size: int, learning_rate: float, seed: int, quick: bool) -> dict[str, float]:
    """Train a fully connected network on handwritten digits."""
    try:
        data = omomi.datasets.load("digits" if quick else "mnist")
    except omomi.errors.DownloadError as error:
        raise click.ClickException(f"{error}\n  or: --quick needs no download") from error
    out.mkdir(parents=True, exist_ok=True)
    (x_train, y_train), (x_test, y_test) = data.train, data.test
    plot_samples(x_train, y_train, out / "samples.png")

    # Class 3 as the row 0 0 0 1 0 0 0 0 0 0: what the ten outputs should be.
    t_train, t_test = to_categorical(y_train, 10), to_categorical(y_test, 10)

    model = omomi.Sequential(
        [
            Flatten(input_shape=data.shape),
            Rescaling(1 / data.scale),  # bytes from 0 to 255 become numbers from 0 to 1
            Dense(400, activation="tanh"),
            Dense(200, activation="tanh"),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.summary()
    model.compile(omomi.optimizers.SGD(learning_rate), loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train, t_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, t_test), verbose=2
    )

    scores = model.evaluate(x_test, t_test, return_dict=True)
    print(f"test loss {scores['loss']:.4f}, test accuracy {scores['accuracy']:.2%}")
    probabilities = model.predict(x_test[:1])[0]
    print(f"the first test image is a {y_test[0]}; the network says {probabilities.argmax()}", end=" ")
    print(f"with probability {probabilities.max():.1%}")

    plot_history(history.history, "accuracy", out / "accuracy.png")
    plot_history(history.history, "loss", out / "loss.png")
    print(f"the curves are in {out}")
    return scores


if __name__ == "__main__":
    main()

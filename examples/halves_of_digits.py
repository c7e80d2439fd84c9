"""Two inputs and two outputs: a digit cut into halves, and a network that says which it is and how much ink it takes.

Both halves pass the same layer, which so has one set of weights and two calls. What lies between the inputs and the
outputs is a model; so is any part of it.

    python examples/halves_of_digits.py            # MNIST, 60,000 images
    python examples/halves_of_digits.py --quick    # the 8×8 digits that come with scikit-learn
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import omomi
from omomi.inspect.pictures import plot_history
from omomi.layers import Concatenate, Dense, Dropout


def build(size: int, seed: int) -> omomi.Model:
    """The network, for halves of so many pixels."""
    left, right = omomi.Input((size,), name="left"), omomi.Input((size,), name="right")
    strokes = Dense(64, activation="relu", name="strokes")  # one layer, called twice
    seen = Concatenate(name="seen")([strokes(left), strokes(right)])
    both = Dense(64, activation="relu", name="both")(Dropout(0.2)(seen))
    digit = Dense(10, activation="softmax", name="digit")(both)
    ink = Dense(1, name="ink")(both)
    return omomi.Model([left, right], [digit, ink], name="halves", seed=seed)


def halves(images: Any, labels: Any, scale: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and targets by name: the two halves; the class, and the mean of the pixels."""
    x = images.reshape(len(images), images.shape[1], -1) / scale
    middle = x.shape[2] // 2
    parts = {"left": x[:, :, :middle], "right": x[:, :, middle:]}
    inputs = {name: part.reshape(len(part), -1).astype("float32") for name, part in parts.items()}
    return inputs, {"digit": labels, "ink": x.mean(axis=(1, 2))}


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/halves_of_digits"), help="Where files go.")
@click.option("--epochs", default=10, show_default=True, help="How often each image is shown.")
@click.option("--seed", default=0, show_default=True, help="Of the initial weights and the order of the images.")
@click.option("--quick", is_flag=True, help="Train on the small digits that come with scikit-learn.")
def main(out: Path, epochs: int, seed: int, quick: bool) -> dict[str, float]:
    """Train a network with two inputs and two outputs on handwritten digits."""
    try:
        data = omomi.datasets.load("digits" if quick else "mnist")
    except omomi.errors.DownloadError as error:
        raise click.ClickException(f"{error}\n  or: --quick needs no download") from error
    out.mkdir(parents=True, exist_ok=True)
    train, test = halves(*data.train, data.scale), halves(*data.test, data.scale)

    model = build(train[0]["left"].shape[1], seed)
    model.summary(batch_size=64)
    omomi.inspect.draw_model(model, out / "network.svg")
    model.compile(
        "adam",
        loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
        loss_weights={"digit": 1.0, "ink": 5.0},  # the mean square of so small a number counts little by itself
        metrics={"digit": "accuracy", "ink": "mae"},
    )
    history = model.fit(*train, batch_size=64, epochs=epochs, validation_split=0.1)
    plot_history(history.history, "digit_accuracy", out / "accuracy.png")

    logs: dict[str, float] = model.evaluate(*test, return_dict=True)
    print(f"on test data: {100 * logs['digit_accuracy']:.1f} % of the digits, the ink to {logs['ink_mae']:.4f}")
    model.save(out / "model.safetensors")
    features = omomi.Model(model.input, model.get_layer("both").output)  # a part of it, with the same weights
    print(f"what both halves come to, for each digit: {features.predict(test[0]).shape}")
    return logs


if __name__ == "__main__":
    main()

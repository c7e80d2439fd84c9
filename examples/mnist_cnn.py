"""A convolutional network reads handwritten digits.

A dense layer connects every pixel with every unit and has to learn each stroke anew at each place. A convolution
slides one small kernel over the whole image: few weights, and a stroke is found wherever it stands. The network:

    Conv 32 × 3×3, ReLU  →  Conv 32 × 3×3, ReLU  →  MaxPool 2×2  →  Dropout ¼  →  Flatten
    →  Dense 128, ReLU  →  Dropout ½  →  Dense 10, softmax

Dropout silences a random share of the units in each step of training, so that no unit can rely on another one;
when the network is judged, all of them speak. That is why the accuracy on the test images may lie above that of
training. The loss is the categorical cross-entropy, the optimiser is Adam.

What comes out: curves of accuracy and loss, a drawing of the network, its wrong answers with their probabilities, the
confusion matrix, the kernels of the first layer, and the trained model in a file.

    python examples/mnist_cnn.py            # MNIST, 60,000 images
    python examples/mnist_cnn.py --quick    # the 8×8 digits that come with scikit-learn
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.inspect.confusion import count_confusions, plot_confusion
from omomi.inspect.draw import draw_model
from omomi.inspect.filters import plot_filters
from omomi.inspect.pictures import plot_errors, plot_history
from omomi.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from omomi.utils import to_categorical


def build(shape: tuple[int, int, int], classes: int, seed: int) -> omomi.Sequential:
    """The network for images of this shape: height, width, channels."""
    model = omomi.Sequential(
        [
            Input(shape),
            Conv2D(32, (3, 3), activation="relu"),
            Conv2D(32, (3, 3), activation="relu"),
            MaxPooling2D((2, 2)),
            Dropout(0.25),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(classes, activation="softmax"),
        ],
        name="digit reader",
        seed=seed,
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/mnist_cnn"), help="Where files go.")
@click.option("--epochs", default=6, show_default=True, help="How often each image is shown.")
@click.option("--batch-size", default=64, show_default=True, help="Images in one step.")
@click.option("--seed", default=0, show_default=True, help="Of weights, dropout and order.")
@click.option("--quick", is_flag=True, help="Train on the small digits that come with scikit-learn.")
def main(out: Path, epochs: int, batch_size: int, seed: int, quick: bool) -> dict[str, float]:
    """Train a convolutional network on handwritten digits."""
    try:
        data = omomi.datasets.load("digits" if quick else "mnist")
    except omomi.errors.DownloadError as error:
        raise click.ClickException(f"{error}\n  or: --quick needs no download") from error
    out.mkdir(parents=True, exist_ok=True)

    # An image is (height, width, channels); a gray one has one channel. Bytes become numbers from 0 to 1.
    (x_train, y_train), (x_test, y_test) = data.train, data.test
    x_train, x_test = (x[..., None].astype(np.float32) / data.scale for x in (x_train, x_test))
    classes = len(data.classes)

    model = build(x_train.shape[1:], classes, seed)
    model.summary(batch_size=batch_size)
    # The test images only show how training goes: nothing is chosen by them.
    history = model.fit(
        x_train,
        to_categorical(y_train, classes),
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(x_test, to_categorical(y_test, classes)),
    )
    scores = model.evaluate(x_test, to_categorical(y_test, classes), return_dict=True)
    print(f"test loss {scores['loss']:.4f}, test accuracy {scores['accuracy']:.2%}")

    probabilities = model.predict(x_test)
    plot_history(history.history, "accuracy", out / "accuracy.png")
    plot_history(history.history, "loss", out / "loss.png")
    draw_model(model, out / "model.svg")
    draw_model(model, out / "model.png")
    plot_errors(x_test, y_test, probabilities, out / "errors.png")
    plot_confusion(count_confusions(y_test, probabilities), out / "confusion.png")
    plot_filters(model.get_layer("conv2d").kernel, out / "filters.png", title="Kernels of the first layer")
    model.save(out / "model.safetensors")
    print(f"pictures and model are in {out}")
    return scores


if __name__ == "__main__":
    main()

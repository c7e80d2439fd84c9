"""Handwritten digits, in the free style: the network, the mini-batches and the loop are written out.

The network is fully connected, with two hidden layers: 784–400–200–10.

    z₁ = tanh(x W₁ + b₁)        z₂ = tanh(z₁ W₂ + b₂)        y = softmax(z₂ W₃ + b₃)

One row of x is one image. The loss is the cross-entropy E = −(1/N) Σₙ Σⱼ tₙⱼ log yₙⱼ against one-hot targets t. In
training, softmax and cross-entropy are one function, so that nothing overflows and the backward pass starts at
δ = (y − t)/N.

Training goes by mini-batches: in each epoch the images come in a new order and are cut into batches of N; one batch
gives one step W ← W − η ∂E/∂W. The script examples/digits_sequential.py does the same in a few lines.

    python examples/digits_free_style.py            # MNIST, 60,000 images
    python examples/digits_free_style.py --quick    # the 8×8 digits that come with scikit-learn
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

import omomi
from omomi import functions as F
from omomi.inspect.pictures import plot_history
from omomi.utils import to_categorical


class DigitReader(omomi.Layer):
    """784–400–200–10, tanh. ``call`` returns the pre-activation of the softmax (the logits)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.W1 = self.add_weight((input_shape[-1], 400), "glorot_uniform")
        self.b1 = self.add_weight((400,), "zeros")
        self.W2 = self.add_weight((400, 200), "glorot_uniform")
        self.b2 = self.add_weight((200,), "zeros")
        self.W3 = self.add_weight((200, 10), "glorot_uniform")
        self.b3 = self.add_weight((10,), "zeros")

    def call(self, x: omomi.Variable) -> omomi.Variable:
        z1 = F.tanh(F.affine(x, self.W1, self.b1))
        z2 = F.tanh(F.affine(z1, self.W2, self.b2))
        return F.affine(z2, self.W3, self.b3)


def mini_batches(x: np.ndarray, t: np.ndarray, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All samples once, in random order, ``size`` at a time."""
    order = np.random.default_rng(seed).permutation(len(x))
    for start in range(0, len(x), size):
        rows = order[start : start + size]
        yield x[rows], t[rows]


def judge(net: DigitReader, x: np.ndarray, t: np.ndarray) -> tuple[float, float]:
    """Loss and accuracy, without recording a graph."""
    with omomi.no_grad():
        u = net(x)
        E = F.softmax_cross_entropy(u, t)
    return E.item(), float(np.mean(u.numpy().argmax(axis=1) == t.argmax(axis=1)))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/digits_free_style"), help="Where files go.")
@click.option("--epochs", default=10, show_default=True, help="How often each image is shown.")
@click.option("--batch-size", default=20, show_default=True, help="Images in one step.")
@click.option("--learning-rate", default=0.1, show_default=True, help="η of the gradient descent.")
@click.option("--quick", is_flag=True, help="Train on the small digits that come with scikit-learn.")
def main(out: Path, epochs: int, batch_size: int, learning_rate: float, quick: bool) -> float:
    """Train a fully connected network on handwritten digits, with a loop of one's own."""
    try:
        data = omomi.datasets.load("digits" if quick else "mnist")
    except omomi.errors.DownloadError as error:
        raise click.ClickException(f"{error}\n  or: --quick needs no download") from error
    out.mkdir(parents=True, exist_ok=True)

    # Each image becomes a vector of numbers from 0 to 1, each label a one-hot row.
    (x, labels), (x_test, labels_test) = data.train, data.test
    x, x_test = (images.reshape(len(images), -1).astype(np.float32) / data.scale for images in (x, x_test))
    t, t_test = to_categorical(labels, 10), to_categorical(labels_test, 10)

    net = DigitReader(seed=0)
    optimizer = omomi.optimizers.SGD(learning_rate).setup(net)
    history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(epochs):
        for x_batch, t_batch in mini_batches(x, t, batch_size, seed=epoch):
            E = F.softmax_cross_entropy(net(x_batch), t_batch)  # forward
            net.cleargrads()
            E.backward()  # backward: ∂E/∂W of every parameter
            optimizer.update()  # W ← W − η ∂E/∂W
        for prefix, samples in (("", (x, t)), ("val_", (x_test, t_test))):
            loss, accuracy = judge(net, *samples)
            history[f"{prefix}loss"].append(loss)
            history[f"{prefix}accuracy"].append(accuracy)
        print(f"epoch {epoch + 1:2d}  " + "  ".join(f"{name} {values[-1]:.4f}" for name, values in history.items()))

    plot_history(history, "accuracy", out / "accuracy.png")
    plot_history(history, "loss", out / "loss.png")
    print(f"test accuracy {history['val_accuracy'][-1]:.2%}; the curves are in {out}")
    return history["val_accuracy"][-1]


if __name__ == "__main__":
    main()

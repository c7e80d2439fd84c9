"""A network cleans pictures: convolutions make an image small, transposed convolutions make it large again.

It sees a digit with noise on it and is asked for the digit without. What it knows of digits has to pass through a
bottleneck of few numbers, in which there is no room for the noise (Vincent et al. 2008):

    8 × 8   →  4 × 4 × 16  →  2 × 2 × 32  →  4 × 4 × 16  →  8 × 8
        Conv2D, stride 2      Conv2D        Conv2DTranspose

A convolution with stride 2 gathers: each number of the result looks at a window, two pixels on from the one before. A
transposed convolution is the way back: each number puts the kernel down, two pixels on from the one before, and where
the copies overlap they add up. Its forward pass is the convolution's backward pass for x, and the other way round.

Beside it stands what needs no learning: the mean of the 3 × 3 pixels around. It takes away noise, and edges with it.

    python examples/denoising_autoencoder.py            # some seconds
    python examples/denoising_autoencoder.py --quick

prints the mean squared error of each, and draws digits with noise, cleaned, and as they were.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi import functions as F
from omomi.datasets import digits
from omomi.inspect.draw import draw_model
from omomi.inspect.pictures import plot_history, plot_samples
from omomi.layers import Conv2D, Conv2DTranspose, Input

KINDS = ("with noise", "cleaned", "as it was")


def noisy(x: np.ndarray, seed: int) -> np.ndarray:
    """The images (n, 8, 8, 1) with Gaussian noise of standard deviation 0.4, cut to the range from 0 to 1."""
    noise = np.random.default_rng(seed).normal(0, 0.4, x.shape)
    return np.clip(x + noise, 0, 1).astype(np.float32)


def build(seed: int) -> omomi.Sequential:
    """The network."""
    model = omomi.Sequential(
        [
            Input((8, 8, 1)),
            Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
            Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"),
        ],
        seed=seed,
    )
    model.compile(omomi.optimizers.Adam(3e-3), "mse")
    return model


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/denoising_autoencoder"), help="Where files go."
)
@click.option("--epochs", default=60, show_default=True, help="How often each image is shown.")
@click.option("--seed", default=0, show_default=True, help="Of weights, noise and order.")
@click.option("--quick", is_flag=True, help="Fewer epochs.")
def main(out: Path, epochs: int, seed: int, quick: bool) -> dict[str, float]:
    """Train a network to take noise from digits."""
    (images, _), (test_images, _) = digits.load_data()
    x, x_test = (a[..., None].astype(np.float32) / 16 for a in (images, test_images))
    seen, seen_test = noisy(x, seed), noisy(x_test, seed + 1)
    model = build(seed)
    epochs = min(epochs, 15) if quick else epochs
    history = model.fit(seen, x, batch_size=32, epochs=epochs, validation_data=(seen_test, x_test), verbose=0)
    model.summary()

    cleaned = model.predict(seen_test)
    smoothed = F.average_pooling_2d(seen_test, 3, strides=1, padding="same").array
    errors = {
        name: float(np.mean((picture - x_test) ** 2))
        for name, picture in (("with noise", seen_test), ("mean of 3 × 3", smoothed), ("network", cleaned))
    }
    for name, error in errors.items():
        print(f"{name:<14} mean squared error {error:.4f}")

    out.mkdir(parents=True, exist_ok=True)
    rows = np.stack([seen_test[:10], cleaned[:10], x_test[:10]], axis=1).reshape(-1, 8, 8, 1)
    plot_samples(rows, np.tile(np.arange(3), 10), out / "digits.png", KINDS)
    plot_history(history.history, "loss", out / "loss.png")
    draw_model(model, out / "model.svg")
    print(f"pictures are in {out}")
    return errors


if __name__ == "__main__":
    main()

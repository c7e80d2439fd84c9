"""A residual network tells shapes apart, and why it has ways past its layers.

A deep network of plain layers is hard to train: every layer changes the delta on its way back, and the first ones hear
little of it. A residual block computes only what is to be *added* to its input,

    y = x + F(x),        ∂E/∂x = ∂E/∂y + ∂E/∂y ∂F/∂x,

so each delta has a way back on which nothing changes it: Add passes it on to both sides (He et al. 2016,
arXiv:1512.03385). F is convolution, batch normalisation, ReLU, convolution, batch normalisation. Where the image gets
smaller and the channels more, a convolution of size 1 on the way past brings x to the new shape.

The images are drawn here: discs, squares, triangles and crosses of any size, place and colour on a noisy ground. In
training each is mirrored and moved at random, in every epoch in another way: that is part of the step, and the network
never sees the same image twice. The same network without its ways past the blocks is trained beside it.

    python examples/residual_network.py            # 3,000 images
    python examples/residual_network.py --quick    # a few images and one block for each size
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.inspect.draw import draw_model
from omomi.inspect.pictures import plot_history, plot_samples
from omomi.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Input,
    RandomFlip,
    RandomTranslation,
    Rescaling,
)

SHAPES = ("disc", "square", "triangle", "cross")


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of shapes: bytes (count, 32, 32, 3), and which shape it is."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:32, :32]
    x, kinds = np.empty((count, 32, 32, 3), np.uint8), rng.integers(0, len(SHAPES), count)
    for image, kind in zip(x, kinds, strict=True):
        size = rng.uniform(4, 10)
        down, right = row - rng.uniform(10, 22), column - rng.uniform(10, 22)
        inside = {
            "disc": np.hypot(down, right) < size,
            "square": np.maximum(abs(down), abs(right)) < 0.85 * size,
            "triangle": (abs(right) < (down + size) / 2) & (down < size * 0.8),
            "cross": (np.minimum(abs(down), abs(right)) < size / 4) & (np.maximum(abs(down), abs(right)) < size),
        }[SHAPES[kind]]
        ground, colour = rng.uniform(0, 255, (2, 3))
        noisy = np.where(inside[..., None], colour, ground) + rng.normal(0, 20, (32, 32, 3))
        image[...] = np.clip(noisy, 0, 255)
    return x, kinds


def block(x: omomi.Variable, filters: int, strides: int, shortcut: bool) -> omomi.Variable:
    """y = ReLU(x + F(x)); without the shortcut y = ReLU(F(x))."""
    y = Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    y = Activation("relu")(BatchNormalization(momentum=0.9)(y))
    y = Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = BatchNormalization(momentum=0.9)(y)
    if shortcut:
        if strides > 1:
            x = BatchNormalization(momentum=0.9)(Conv2D(filters, 1, strides, use_bias=False)(x))
        y = Add()([x, y])
    return Activation("relu")(y)


def build(blocks: int, seed: int, shortcut: bool = True) -> omomi.Model:
    """A network with so many blocks for each of three sizes of the image."""
    inputs = Input((32, 32, 3))
    x = Rescaling(1 / 127.5, -1.0)(inputs)
    x = RandomTranslation(0.1, 0.1, fill_mode="nearest")(RandomFlip("horizontal")(x))
    x = Activation("relu")(BatchNormalization(momentum=0.9)(Conv2D(8, 3, padding="same", use_bias=False)(x)))
    for stage, filters in enumerate((8, 16, 32)):
        for number in range(blocks):
            x = block(x, filters, 2 if stage and number == 0 else 1, shortcut)
    outputs = Dense(len(SHAPES), activation="softmax")(GlobalAveragePooling2D()(x))
    model = omomi.Model(inputs, outputs, name="residual" if shortcut else "plain", seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/residual_network"), help="Where files go.")
@click.option("--epochs", default=10, show_default=True, help="How often each image is shown.")
@click.option("--blocks", default=3, show_default=True, help="Residual blocks for each of three sizes.")
@click.option("--seed", default=0, show_default=True, help="Of weights, augmentation and order.")
@click.option("--quick", is_flag=True, help="Few images, one block for each size.")
def main(out: Path, epochs: int, blocks: int, seed: int, quick: bool) -> dict[str, float]:
    """Train a residual network on shapes, and the same network without its shortcuts."""
    x, y = images(160 if quick else 3000, seed)
    x_test, y_test = images(80 if quick else 1000, seed + 1)
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, float] = {}
    for shortcut in (True, False):
        model = build(1 if quick else blocks, seed, shortcut)
        history = model.fit(x, y, batch_size=32, epochs=epochs, validation_data=(x_test, y_test))
        found[model.name] = model.evaluate(x_test, y_test, return_dict=True)["accuracy"]
        print(f"{model.name}: {model.count_params():,} parameters, test accuracy {found[model.name]:.1%}")
        plot_history(history.history, "loss", out / f"loss_{model.name}.png")
        if shortcut:
            draw_model(model, out / "model.svg")
            model.save(out / "model.safetensors")
    plot_samples(x[:18], y[:18], out / "samples.png", SHAPES)
    print(f"pictures and model are in {out}")
    return found


if __name__ == "__main__":
    main()

"""The two networks that ``omomi train`` knows by name, and how each is trained unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from omomi.datasets import Dataset
from omomi.errors import ConfigurationError
from omomi.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Rescaling, Reshape
from omomi.models.sequential import Sequential

Shape = tuple[int, ...]
SMALL_IMAGE = 16  # pixels; below, convolutions keep the size of the image
SMALL_DATA = 10_000  # samples; below, more epochs are needed and cost little


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: the options that were not given.

    Args:
        optimizer: its name.
        learning_rate: its rate, or ``None`` for its own default.
        batch_size: samples in a step.
        epochs: how often every sample is seen.
    """

    optimizer: str
    learning_rate: float | None
    batch_size: int
    epochs: int


def cnn(shape: Shape, classes: int, scale: float, seed: int) -> Sequential:
    """Two convolutions, pooling, a hidden layer, softmax: the classic network for handwritten digits.

    It takes images as they are, (H, W) or (H, W, C), and divides them by ``scale`` first.
    """
    if len(shape) not in (2, 3):
        raise ConfigurationError(
            "a convolution reads images.",
            where="the network cnn",
            expected="samples of shape (height, width) or (height, width, channels)",
            received=f"samples of shape {shape}",
            fix="--model mlp",
        )
    channels = shape[2:] or (1,)
    padding = "same" if min(shape[:2]) < SMALL_IMAGE else "valid"
    return Sequential(
        [
            Rescaling(1 / scale, input_shape=shape),
            Reshape((*shape[:2], *channels)),
            Conv2D(32, 3, activation="relu", padding=padding),
            Conv2D(32, 3, activation="relu", padding=padding),
            MaxPooling2D(2),
            Dropout(0.25),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(classes, activation="softmax"),
        ],
        name="cnn",
        seed=seed,
    )


def mlp(shape: Shape, classes: int, scale: float, seed: int) -> Sequential:
    """Two hidden layers of tanh units and softmax; for 28×28 pixels the classic 784–400–200–10.

    The features of a vector have units of their own, so that each is standardised first.
    """
    inputs = prod(shape)
    first, second = (400, 200) if inputs > 400 else (64, 32)
    scaled = [Rescaling(1 / scale, input_shape=shape), Flatten()]
    return Sequential(
        [
            *([BatchNormalization(input_shape=shape)] if len(shape) == 1 else scaled),
            Dense(first, activation="tanh"),
            Dense(second, activation="tanh"),
            Dense(classes, activation="softmax"),
        ],
        name="mlp",
        seed=seed,
    )


NETWORKS = {"cnn": cnn, "mlp": mlp}


def recipe(network: str, data: Dataset) -> Recipe:
    """How a network is trained on this data unless options say otherwise."""
    small = len(data.train[1]) < SMALL_DATA
    if len(data.shape) == 1:
        return Recipe("adam", None, batch_size=16, epochs=100)
    if network == "mlp":
        return Recipe("sgd", 0.1, batch_size=20, epochs=40 if small else 10)
    return Recipe("adam", None, batch_size=32, epochs=30) if small else Recipe("adam", None, batch_size=64, epochs=6)

"""The networks that are measured, as data: every contender builds the same network from the same description.

Beside the description stand the shapes, the floating-point operations counted from them, the initial weights and the
data, and a plain float64 forward pass against which every contender's outputs are checked before anything is timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array: TypeAlias = Any
Shape = tuple[int, ...]
Weights = list[dict[str, Array]]  # of each layer, by name; {} for a layer without


@dataclass(frozen=True)
class Rescaling:
    """y = scale · x, for images that are kept as uint8."""

    scale: float = 1 / 255


@dataclass(frozen=True)
class Conv:
    """A convolution with a square kernel and stride 1."""

    filters: int
    activation: str | None = None
    padding: str = "valid"
    bias: bool = True
    size: int = 3


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation per channel. The momentum lets running statistics follow within a few dozen steps."""

    momentum: float = 0.9
    epsilon: float = 1e-3


@dataclass(frozen=True)
class Activation:
    """An activation on its own, after batch normalisation."""

    name: str


@dataclass(frozen=True)
class MaxPool:
    """The largest of each 2×2 window, windows side by side."""


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout."""

    rate: float


@dataclass(frozen=True)
class Flatten:
    """Images to vectors."""


@dataclass(frozen=True)
class Dense:
    """A dense layer."""

    units: int
    activation: str | None = None


LayerSpec = Rescaling | Conv | BatchNorm | Activation | MaxPool | Dropout | Flatten | Dense


@dataclass(frozen=True)
class Network:
    """A classifier; its last layer is Dense with softmax, its loss the cross-entropy.

    Args:
        input_shape: of one sample, channels last.
        optimizer: "adam" (β₁ 0.9, β₂ 0.999, ε 1e-7) or plain "sgd".
    """

    name: str
    input_shape: Shape
    layers: tuple[LayerSpec, ...]
    optimizer: str
    rate: float

    @property
    def classes(self) -> int:
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.units

    @property
    def random(self) -> bool:
        """Whether training draws masks, so that two contenders cannot agree number by number."""
        return any(isinstance(layer, Dropout) for layer in self.layers)

    def shapes(self) -> Iterator[tuple[LayerSpec, Shape, Shape]]:
        """Each layer with the shape of one sample before and after it."""
        shape = self.input_shape
        for layer in self.layers:
            before, shape = shape, shape_after(layer, shape)
            yield layer, before, shape


def shape_after(layer: LayerSpec, shape: Shape) -> Shape:
    """The shape of one sample after a layer."""
    match layer:
        case Conv():
            lost = layer.size - 1 if layer.padding == "valid" else 0
            return (shape[0] - lost, shape[1] - lost, layer.filters)
        case MaxPool():
            return (shape[0] // 2, shape[1] // 2, shape[2])
        case Flatten():
            return (prod(shape),)
        case Dense():
            return (layer.units,)
        case _:
            return shape


# ---- floating-point operations ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """The multiply-accumulates of one convolution or dense layer, for one sample and one pass.

    Args:
        channels: of its input, C_in; 1 for the first layer of a grey image.
        passes: 3 in training (forward, input gradient, kernel gradient); 2 for the first layer, since nobody asks for
            the gradient of the data.
    """

    kind: str
    macs: int
    channels: int
    passes: int


def products(network: Network) -> list[Product]:
    """The convolutions and dense layers of a network. Nothing else is counted: it is less than one in a hundred."""
    found: list[Product] = []
    for layer, before, after in network.shapes():
        if isinstance(layer, Conv | Dense):
            window = layer.size**2 if isinstance(layer, Conv) else 1
            kind = "convolution" if isinstance(layer, Conv) else "dense"
            found.append(Product(kind, prod(after) * window * before[-1], before[-1], 3 if found else 2))
    return found


def flops(network: Network, training: bool) -> int:
    """Floating-point operations for one sample; a multiply-accumulate is two."""
    return sum(2 * p.macs * (p.passes if training else 1) for p in products(network))


# ---- weights and data ------------------------------------------------------------------------------------------------


def initial_weights(network: Network, seed: int = 0) -> Weights:
    """Glorot-uniform kernels (in float32; convolutions (KH, KW, C_in, C_out)) and what else each layer starts with."""
    rng = np.random.default_rng(seed)
    weights: Weights = []
    for layer, before, _ in network.shapes():
        own: dict[str, Array] = {}
        if isinstance(layer, Conv | Dense):
            window = (layer.size, layer.size) if isinstance(layer, Conv) else ()
            units = layer.filters if isinstance(layer, Conv) else layer.units
            limit = np.sqrt(6 / (prod(window) * (before[-1] + units)))
            own["kernel"] = rng.uniform(-limit, limit, (*window, before[-1], units)).astype(np.float32)
            if isinstance(layer, Dense) or layer.bias:
                own["bias"] = np.zeros(units, np.float32)
        elif isinstance(layer, BatchNorm):
            zeros, ones = np.zeros(before[-1], np.float32), np.ones(before[-1], np.float32)
            own = {"gamma": ones, "beta": zeros, "mean": zeros.copy(), "variance": ones.copy()}
        weights.append(own)
    return weights


def data(network: Network, count: int, seed: int = 1) -> tuple[Array, Array]:
    """Samples in [0, 1] that can be learned, and one-hot targets: each class is a pattern of its own under noise."""
    rng = np.random.default_rng(seed)
    patterns = rng.random((network.classes, *network.input_shape), np.float32)
    labels = rng.integers(0, network.classes, count)
    x = (patterns[labels] + rng.random((count, *network.input_shape), np.float32)) / 2
    if isinstance(network.layers[0], Rescaling):
        x = (x * 255).astype(np.uint8)
    return x, np.eye(network.classes, dtype=np.float32)[labels]


# ---- the forward pass as the formulas say ----------------------------------------------------------------------------


def expected_outputs(network: Network, weights: Weights, x: Array) -> Array:
    """The probabilities of a trained or untrained network in float64, with dropout off and running statistics."""
    y = x.astype(np.float64)
    for layer, own in zip(network.layers, weights, strict=True):
        match layer:
            case Rescaling():
                y = y * layer.scale
            case Conv():
                p = (layer.size - 1) // 2 if layer.padding == "same" else 0
                y = np.pad(y, ((0, 0), (p, p), (p, p), (0, 0)))
                windows = sliding_window_view(y, (layer.size, layer.size), axis=(1, 2))
                y = activated(np.einsum("nhwcij,ijco->nhwo", windows, own["kernel"]) + own.get("bias", 0), layer)
            case Dense():
                y = activated(y @ own["kernel"] + own["bias"], layer)
            case BatchNorm():
                y = (y - own["mean"]) / np.sqrt(own["variance"] + layer.epsilon) * own["gamma"] + own["beta"]
            case Activation():
                y = np.maximum(y, 0)
            case MaxPool():
                n, h, w, c = y.shape
                y = y[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
            case Flatten():
                y = y.reshape(len(y), -1)
    return y


def activated(u: Array, layer: Conv | Dense) -> Array:
    """f(u) for the layer's activation."""
    match layer.activation:
        case "relu":
            return np.maximum(u, 0)
        case "tanh":
            return np.tanh(u)
        case "softmax":
            e = np.exp(u - u.max(1, keepdims=True))
            return e / e.sum(1, keepdims=True)
        case _:
            return u


def cross_entropy(p: Array, t: Array) -> float:
    """−mean Σ t log p."""
    return float(-np.mean(np.sum(t * np.log(np.maximum(p, 1e-30)), axis=1)))


# ---- channels first --------------------------------------------------------------------------------------------------


def channels_first(network: Network, weights: Weights) -> Weights:
    """The same weights for contenders that keep images as (N, C, H, W).

    Convolution kernels become (C_out, C_in, KH, KW), dense kernels (out, in). The dense layer after Flatten reads the
    pixels in another order, (C, H, W), so the rows of its kernel are put in that order.
    """
    turned: Weights = []
    image: Shape | None = None  # before Flatten, until the first dense layer has read it
    for (layer, before, _), own in zip(network.shapes(), weights, strict=True):
        own = dict(own)
        if isinstance(layer, Conv):
            own["kernel"] = np.ascontiguousarray(own["kernel"].transpose(3, 2, 0, 1))
        elif isinstance(layer, Flatten):
            image = before
        elif isinstance(layer, Dense):
            kernel = own["kernel"]
            if image is not None:
                kernel = kernel.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
                image = None
            own["kernel"] = np.ascontiguousarray(kernel.T)
        turned.append(own)
    return turned


# ---- the networks of the table ---------------------------------------------------------------------------------------


def _block(filters: int) -> tuple[LayerSpec, ...]:
    """Convolution, batch normalisation, ReLU, pooling."""
    return (Conv(filters, padding="same", bias=False), BatchNorm(), Activation("relu"), MaxPool())


_CNN: tuple[LayerSpec, ...] = (
    Conv(32, "relu"),
    Conv(32, "relu"),
    MaxPool(),
    Dropout(0.25),
    Flatten(),
    Dense(128, "relu"),
    Dropout(0.5),
    Dense(10, "softmax"),
)

CNN = Network("CNN", (28, 28, 1), _CNN, "adam", 1e-3)
CNN_UINT8 = Network("CNN on uint8 images", (28, 28, 1), (Rescaling(), *_CNN), "adam", 1e-3)
MLP = Network("MLP", (784,), (Dense(400, "tanh"), Dense(200, "tanh"), Dense(10, "softmax")), "sgd", 0.1)
BN = Network(
    "BN network", (28, 28, 1), (*_block(32), *_block(32), *_block(64), Flatten(), Dense(10, "softmax")), "adam", 1e-3
)
WIDE = Network(
    "wider CNN", (32, 32, 3), (*_block(64), *_block(128), *_block(256), Flatten(), Dense(10, "softmax")), "adam", 1e-3
)

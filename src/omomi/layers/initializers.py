"""The numbers that parameters start from.

What is drawn too large saturates, what is drawn too small vanishes: Glorot, He and LeCun choose the spread from the
number of inputs (fan-in) and outputs (fan-out) of a unit, so that the variance of activations, or of deltas, stays
about the same from layer to layer. Names and defaults are Keras 3's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import prod, sqrt
from typing import Any, ClassVar

import numpy as np

from omomi.engines import random
from omomi.engines.engine import Array
from omomi.errors import ConfigurationError, ShapeError, UnknownNameError

Size = tuple[int, ...]

# The standard deviation of a standard normal number that is drawn again while |z| > 2.
TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer:
    """From a shape and the address of a draw to the first numbers (float64, on the host)."""

    def __call__(self, shape: Size, address: Array) -> Array:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape: Size, address: Array) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """All 1."""

    def __call__(self, shape: Size, address: Array) -> Array:
        return np.ones(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """All ``value``."""

    value: float = 0.0

    def __call__(self, shape: Size, address: Array) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class RandomNormal(Initializer):
    """Normal numbers N(mean, stddev²)."""

    mean: float = 0.0
    stddev: float = 0.05

    def __call__(self, shape: Size, address: Array) -> Array:
        return self.mean + self.stddev * random.normal(address, prod(shape)).reshape(shape)


@dataclass(frozen=True)
class RandomUniform(Initializer):
    """Uniform numbers in [minval, maxval)."""

    minval: float = -0.05
    maxval: float = 0.05

    def __call__(self, shape: Size, address: Array) -> Array:
        return self.minval + (self.maxval - self.minval) * random.uniform(address, prod(shape)).reshape(shape)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal numbers, drawn again while they lie more than two standard deviations from the mean."""

    mean: float = 0.0
    stddev: float = 0.05

    def __call__(self, shape: Size, address: Array) -> Array:
        return self.mean + self.stddev * truncated_normal(address, prod(shape)).reshape(shape)


@dataclass(frozen=True)
class VarianceScaling(Initializer):
    """Numbers of variance scale / n, where n is the fan-in, the fan-out or their mean."""

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"

    def __post_init__(self) -> None:
        if self.mode not in ("fan_in", "fan_out", "fan_avg"):
            raise UnknownNameError("mode of VarianceScaling", self.mode, ("fan_in", "fan_out", "fan_avg"))
        if self.distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise UnknownNameError(
                "distribution", self.distribution, ("truncated_normal", "untruncated_normal", "uniform")
            )
        if self.scale <= 0:
            raise ConfigurationError("the scale of VarianceScaling is positive.", received=self.scale)

    def __call__(self, shape: Size, address: Array) -> Array:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        count = prod(shape)
        if self.distribution == "uniform":  # U(−a, a) has variance a²/3
            numbers = sqrt(3 * variance) * (2 * random.uniform(address, count) - 1)
        elif self.distribution == "untruncated_normal":
            numbers = sqrt(variance) * random.normal(address, count)
        else:
            numbers = sqrt(variance) / TRUNCATED_DEVIATION * truncated_normal(address, count)
        return numbers.reshape(shape)


@dataclass(frozen=True)
class _Named(Initializer):
    """A VarianceScaling that has a name of its own in the literature."""

    scaling: ClassVar[VarianceScaling]

    def __call__(self, shape: Size, address: Array) -> Array:
        return self.scaling(shape, address)


class GlorotUniform(_Named):
    """U(−a, a), a = √(6 / (fan-in + fan-out)). Source: Glorot and Bengio 2010."""

    scaling = VarianceScaling(1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated N(0, 2 / (fan-in + fan-out)). Source: Glorot and Bengio 2010."""

    scaling = VarianceScaling(1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """U(−a, a), a = √(6 / fan-in): half of ReLU's units are silent. Source: He et al. 2015, arXiv:1502.01852."""

    scaling = VarianceScaling(2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated N(0, 2 / fan-in). Source: He et al. 2015, arXiv:1502.01852."""

    scaling = VarianceScaling(2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """U(−a, a), a = √(3 / fan-in). Source: LeCun et al. 1998, "Efficient BackProp"."""

    scaling = VarianceScaling(1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated N(0, 1 / fan-in). Source: LeCun et al. 1998, "Efficient BackProp"; used with SELU."""

    scaling = VarianceScaling(1.0, "fan_in", "truncated_normal")


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A matrix with orthonormal columns (or rows, if it is wide), times ``gain``.

    The Q of a QR decomposition of normal numbers, with signs fixed by R's diagonal so that it is uniformly
    distributed. More than two axes are seen as (all but the last, last). Source: Saxe et al. 2013, arXiv:1312.6120.
    """

    gain: float = 1.0

    def __call__(self, shape: Size, address: Array) -> Array:
        if len(shape) < 2:
            raise ShapeError("an orthogonal matrix has two axes or more.", received=f"shape {shape}")
        rows, columns = prod(shape[:-1]), shape[-1]
        tall = random.normal(address, rows * columns).reshape(max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(tall)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@dataclass(frozen=True)
class Custom(Initializer):
    """A function of your own, ``function(shape) -> array``. It cannot be saved by name."""

    function: Callable[..., Any]

    def __call__(self, shape: Size, address: Array) -> Array:
        numbers = np.asarray(self.function(shape), np.float64)
        if numbers.shape != tuple(shape):
            raise ShapeError(
                "an initialiser returned another shape.", expected=f"shape {shape}", received=f"shape {numbers.shape}"
            )
        return numbers


def fans(shape: Size) -> tuple[float, float]:
    """Fan-in and fan-out of a kernel: (in, out), or (KH, KW, C_in, C_out), each unit seeing KH·KW·C_in values."""
    if len(shape) < 2:
        size = float(prod(shape))
        return size, size
    field = prod(shape[:-2])
    return float(field * shape[-2]), float(field * shape[-1])


def truncated_normal(address: Array, count: int) -> Array:
    """Standard normal numbers with |z| ≤ 2; what lies outside is replaced from the next draw of the same address."""
    numbers = random.normal(address, count)
    outside = np.abs(numbers) > 2
    again = address.copy()
    while outside.any():
        again[4] += np.uint32(1)
        numbers[outside] = random.normal(again, count)[outside]
        outside = np.abs(numbers) > 2
    return numbers


BY_NAME: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
}
ALIASES = {"normal": "random_normal", "uniform": "random_uniform", "zero": "zeros", "one": "ones"}


def get(identifier: Any) -> Initializer:
    """An initialiser from its name, its configuration, a function of the shape, or itself.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, dict):
        kind = identifier.get("class_name", "")
        by_class = {cls.__name__: cls for cls in BY_NAME.values()}
        if kind not in by_class:
            raise UnknownNameError("initializer", kind, by_class)
        return by_class[kind](**identifier.get("config", {}))
    if isinstance(identifier, str):
        name = ALIASES.get(identifier.lower(), identifier.lower())
        by_class = {cls.__name__.lower(): cls for cls in BY_NAME.values()}
        found = BY_NAME.get(name) or by_class.get(name)
        if found is None:
            raise UnknownNameError("initializer", identifier, BY_NAME)
        return found()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        return Custom(identifier)
    raise UnknownNameError("initializer", identifier, BY_NAME)


def serialize(initializer: Initializer) -> dict[str, Any]:
    """An initialiser's name and configuration.

    Raises:
        ConfigurationError: it is a function of the user's own, which a file cannot hold.
    """
    if isinstance(initializer, Custom):
        raise ConfigurationError(
            "an initialiser that is a function cannot be written to a file.",
            fix="make it a subclass of omomi.initializers.Initializer, or save the weights alone",
        )
    return {"class_name": type(initializer).__name__, "config": initializer.get_config()}

"""Points in the plane, made here: small problems that show what a hidden layer is for.

Each function returns x, float32 (n, 2), and y, int64 (n,), in random order, and is a function of its arguments
alone: the same seed gives the same points on every machine.
"""

from __future__ import annotations

import numpy as np

from omomi.datasets.idx import Pair
from omomi.engines.random import address, normal, permutation
from omomi.errors import ConfigurationError


def xor(n: int = 200, noise: float = 0.1, seed: int = 0) -> Pair:
    """Exclusive or: clouds around the corners of the unit square, y = 1 where exactly one coordinate is 1.

    No line separates the classes. ``xor(4, noise=0)`` is the truth table.
    """
    i = np.arange(n)
    a, b = i % 2, i // 2 % 2
    return _finish("xor", np.stack([a, b], axis=1), a ^ b, noise, seed)


def spirals(n: int = 300, classes: int = 3, noise: float = 0.03, seed: int = 0) -> Pair:
    """Interleaved spirals, one per class: from the centre to radius 1 in three quarters of a turn."""
    if classes < 1:
        raise ConfigurationError("a spiral per class needs classes.", where="spirals", received=f"classes={classes}")
    y = np.arange(n) % classes
    r = (np.arange(n) // classes + 1) / max(-(-n // classes), 1)
    angle = 2 * np.pi * y / classes + 1.5 * np.pi * r
    return _finish("spirals", r[:, None] * _circle(angle), y, noise, seed)


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> Pair:
    """Two half-moons that reach into each other."""
    y = np.arange(n) % 2
    half = _circle(np.pi * _even_steps(n))
    return _finish("moons", np.where(y[:, None] == 0, half, [1.0, 0.5] - half), y, noise, seed)


def circles(n: int = 200, noise: float = 0.05, factor: float = 0.5, seed: int = 0) -> Pair:
    """A circle of radius 1 (class 0) around one of radius ``factor`` (class 1)."""
    y = np.arange(n) % 2
    radius = np.where(y == 0, 1.0, factor)
    return _finish("circles", radius[:, None] * _circle(2 * np.pi * _even_steps(n)), y, noise, seed)


def _even_steps(n: int) -> np.ndarray:
    """From 0 to almost 1 in even steps, each taken twice: once per class."""
    return (np.arange(n) // 2) / max(-(-n // 2), 1)


def _circle(angle: np.ndarray) -> np.ndarray:
    """Points of the unit circle, (n, 2)."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _finish(name: str, points: np.ndarray, y: np.ndarray, noise: float, seed: int) -> Pair:
    """Add Gaussian noise and bring the samples into random order."""
    n = len(y)
    points = points + noise * normal(address(seed, f"{name}/noise"), 2 * n).reshape(n, 2)
    order = permutation(address(seed, f"{name}/order"), n)
    return points[order].astype(np.float32), y[order].astype(np.int64)

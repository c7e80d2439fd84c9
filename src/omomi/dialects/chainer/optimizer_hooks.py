"""``chainer.optimizer_hooks``: what happens to the gradients before an update."""

from __future__ import annotations

from typing import Any

import numpy as np


class WeightDecay:
    """g ← g + rate · p."""

    name = "WeightDecay"

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, optimizer: Any) -> None:
        for parameter in optimizer.moving():
            parameter.grad = parameter.grad + self.rate * parameter.array


class Lasso:
    """g ← g + rate · sign p."""

    name = "Lasso"

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, optimizer: Any) -> None:
        for parameter in optimizer.moving():
            parameter.grad = parameter.grad + self.rate * np.sign(parameter.array)


class GradientClipping:
    """All gradients scaled so that their common norm is at most ``threshold``."""

    name = "GradientClipping"

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(self, optimizer: Any) -> None:
        norm = float(np.sqrt(sum(float(np.sum(np.square(p.grad))) for p in optimizer.moving())))
        if norm > self.threshold:
            for parameter in optimizer.moving():
                parameter.grad = parameter.grad * np.float32(self.threshold / norm)


class GradientHardClipping:
    """Each entry of the gradients kept between two bounds."""

    name = "GradientHardClipping"

    def __init__(self, lower_bound: float, upper_bound: float) -> None:
        self.bounds = lower_bound, upper_bound

    def __call__(self, optimizer: Any) -> None:
        for parameter in optimizer.moving():
            parameter.grad = np.clip(parameter.grad, *self.bounds)

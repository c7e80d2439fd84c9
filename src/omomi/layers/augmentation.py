"""Images changed at random in training, each one differently, and left alone in prediction.

They are part of the step: drawn from (seed, step, path, draw), so that a run with augmentation resumes exactly. The
mathematics: omomi.ops.augmentation.
"""

from __future__ import annotations

from math import pi
from typing import Any

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.preprocessing import _Images, _Sized, fitted
from omomi.ops.augmentation import FILL_MODES, INTERPOLATIONS

FLIPS = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}


class _Random(_Images):
    """What random layers share: in training ``changed``, otherwise the input."""

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        return self.changed(inputs) if training else inputs

    def changed(self, inputs: Variable) -> Variable:
        """The images as training sees them."""
        raise NotImplementedError

    def range_of(self, factor: Any, what: str, lowest: float = -1.0, highest: float = 1.0) -> tuple[float, float]:
        """The range that a factor means: −f to f for a number, otherwise the two numbers given."""
        pair = (max(-abs(factor), lowest), abs(factor)) if isinstance(factor, (int, float)) else tuple(factor)
        if len(pair) != 2 or not lowest <= pair[0] <= pair[1] <= highest:
            raise ConfigurationError(
                f"{what} is a number, or the ends of a range.",
                where=self.where,
                expected=f"{what}=0.2 (from −0.2 to 0.2) or {what}=(-0.1, 0.3), within {lowest:g} … {highest:g}",
                received=f"{what}={factor!r}",
            )
        return float(pair[0]), float(pair[1])


class RandomFlip(_Random):
    """In training each image is mirrored, or not, with equal chances.

    Args:
        mode: "horizontal" (left and right change places), "vertical", or "horizontal_and_vertical".
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        if mode not in FLIPS:
            raise UnknownNameError("mode", mode, FLIPS, where=self.where)
        self.mode = mode

    def changed(self, inputs: Variable) -> Variable:
        return functions.random_flip(inputs, FLIPS[self.mode])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}


class _Warped(_Random):
    """What moves, turns and zooms share: how images are read, and what lies outside."""

    def __init__(self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        if fill_mode not in FILL_MODES:
            raise UnknownNameError("fill_mode", fill_mode, FILL_MODES, where=self.where)
        if interpolation not in INTERPOLATIONS:
            raise UnknownNameError("interpolation", interpolation, INTERPOLATIONS, where=self.where)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, float(fill_value)

    def changed(self, inputs: Variable) -> Variable:
        return functions.warp(
            inputs,
            functions.random_affine(inputs, **self.ranges()),
            interpolation=self.interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
        )

    def ranges(self) -> dict[str, Any]:
        """What is drawn, as functions.random_affine takes it."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


class RandomTranslation(_Warped):
    """In training each image is moved by a random distance.

    Args:
        height_factor: of the height, downward: 0.2 is up to a fifth up or down, (0.0, 0.2) down only.
        width_factor: of the width, to the right, the same way.
        fill_mode: what appears at the border: "constant" (``fill_value``), "nearest", "reflect" or "wrap".
        interpolation: "bilinear" or "nearest".
        fill_value: of the border, in mode "constant".
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **options)
        self.height_factor = self.range_of(height_factor, "height_factor")
        self.width_factor = self.range_of(width_factor, "width_factor")

    def ranges(self) -> dict[str, Any]:
        return {"height_shift": self.height_factor, "width_shift": self.width_factor}

    def get_config(self) -> dict[str, Any]:
        factors = {"height_factor": list(self.height_factor), "width_factor": list(self.width_factor)}
        return {**super().get_config(), **factors}


class RandomRotation(_Warped):
    """In training each image is turned about its centre by a random angle.

    Args:
        factor: of a full turn, counterclockwise: 0.1 is up to 36° either way, (0.0, 0.25) up to a quarter to the left.
        fill_mode, interpolation, fill_value: as in :class:`RandomTranslation`.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **options)
        self.factor = self.range_of(factor, "factor")

    def ranges(self) -> dict[str, Any]:
        return {"angle": (2 * pi * self.factor[0], 2 * pi * self.factor[1])}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": list(self.factor)}


class RandomZoom(_Warped):
    """In training each image is made larger or smaller about its centre.

    Args:
        height_factor: above 0 the image gets smaller and shows its surroundings, below 0 larger: (−0.3, −0.1) shows
            between 70 and 90 % of the height.
        width_factor: the same of the width; that of the height, so that proportions are kept, unless given.
        fill_mode, interpolation, fill_value: as in :class:`RandomTranslation`.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **options)
        self.height_factor = self.range_of(height_factor, "height_factor", -0.99, 10.0)
        self.width_factor = None if width_factor is None else self.range_of(width_factor, "width_factor", -0.99, 10.0)

    def ranges(self) -> dict[str, Any]:
        height, width = ((f[0] + 1, f[1] + 1) if f else None for f in (self.height_factor, self.width_factor))
        return {"height_zoom": height, "width_zoom": width}

    def get_config(self) -> dict[str, Any]:
        width = None if self.width_factor is None else list(self.width_factor)
        return {**super().get_config(), "height_factor": list(self.height_factor), "width_factor": width}


class RandomCrop(_Sized):
    """In training a window of each image at a random place; otherwise the largest of its shape, in the middle, resized.

    Images too small for the window are cut and resized in training as well.

    Args:
        height, width: of the window.
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(height, width, seed=seed, **options)

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        if training and inputs.shape[1] >= self.height and inputs.shape[2] >= self.width:
            return functions.random_crop(inputs, (self.height, self.width))
        return fitted(inputs, self.height, self.width)


class _Toned(_Random):
    """What changes of brightness and contrast share: the range of values."""

    def __init__(self, value_range: Any, seed: int | None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        low, high = value_range
        if not low < high:
            raise ConfigurationError(
                "value_range is the smallest and the largest value of an entry.",
                where=self.where,
                expected="(0, 255), or (0, 1) after a Rescaling(1 / 255)",
                received=f"value_range={value_range!r}",
            )
        self.value_range = (float(low), float(high))

    def draw(self, inputs: Variable, low: float, high: float) -> Variable:
        """One number for each image."""
        return functions.random_uniform((inputs.shape[0], 1, 1, 1), low, high, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": list(self.value_range)}


class RandomContrast(_Toned):
    """In training each image gets more or less contrast: x ← (x − m) f + m, m the mean of its channel.

    Args:
        factor: f is drawn between 1 − factor and 1 + factor; (a, b) is between 1 − a and 1 + b.
        value_range: what the result is clipped to.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **options: Any) -> None:
        super().__init__(value_range, seed, **options)
        pair = (factor, factor) if isinstance(factor, (int, float)) else tuple(factor)
        if len(pair) != 2 or not (0 <= pair[0] <= 1 and pair[1] >= 0):
            raise ConfigurationError(
                "factor is how far contrast may go down and up.",
                where=self.where,
                expected="factor=0.2 or factor=(0.1, 0.3), the first at most 1",
                received=f"factor={factor!r}",
            )
        self.factor = (float(pair[0]), float(pair[1]))

    def changed(self, inputs: Variable) -> Variable:
        mean = functions.mean(inputs, axis=(1, 2), keepdims=True)
        factor = self.draw(inputs, 1 - self.factor[0], 1 + self.factor[1])
        return functions.clip((inputs - mean) * factor + mean, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": list(self.factor)}


class RandomBrightness(_Toned):
    """In training each image gets lighter or darker by one number.

    Args:
        factor: of the range of values: 0.2 is up to a fifth of it either way, (0.0, 0.2) lighter only.
        value_range: what the result is clipped to.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **options: Any) -> None:
        super().__init__(value_range, seed, **options)
        self.factor = self.range_of(factor, "factor")

    def changed(self, inputs: Variable) -> Variable:
        low, high = self.value_range
        return functions.clip(inputs + self.draw(inputs, *(f * (high - low) for f in self.factor)), low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": list(self.factor)}

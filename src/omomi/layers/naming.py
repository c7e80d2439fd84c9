"""How layers are named and written down, and the shapes of samples and inputs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, ShapeError


def sample_shape(shape: Any, where: str, may_begin_open: bool = False) -> tuple[int | None, ...] | None:
    """Check the shape of one sample as a user wrote it. One that begins with ``None`` usually includes the batch."""
    if shape is None:
        return None
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if sizes and sizes[0] is None and len(sizes) > 1 and not may_begin_open:
        raise ShapeError(
            "the shape of a sample has no batch.",
            where=where,
            expected=f"input_shape={sizes[1:]}",
            received=f"input_shape={sizes}",
            fix="leave the batch size out of input_shape",
        )
    if any(d is not None and (not isinstance(d, (int, np.integer)) or d < 1) for d in sizes):
        raise ShapeError("sizes are positive whole numbers.", where=where, received=f"input_shape={sizes}")
    return sizes


def is_default(value: Any, default: Any) -> bool:
    """Whether a value of a configuration is what the constructor takes unless told."""
    if isinstance(value, dict):
        return isinstance(default, str) and snake_case(value.get("class_name", "")) == default
    return bool((tuple(value) if isinstance(value, list) else value) == default) or (value, default) == ("linear", None)


def snake_case(kind: str) -> str:
    """A class name as a layer name, as Keras spells it: MaxPooling2D → max_pooling2d, PReLU → p_re_lu."""
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def check_data_format(value: str | None, where: str) -> None:
    """Channels come last, everywhere."""
    if value not in (None, "channels_last"):
        raise ConfigurationError(
            "the channels come last, in every layer.",
            where=where,
            expected='data_format="channels_last"',
            received=f"data_format={value!r}",
            fix="bring the images to (batch, height, width, channels): np.moveaxis(x, 1, -1), or a Permute layer first",
        )

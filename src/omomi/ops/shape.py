"""Shapes: the same numbers in another arrangement. Backward, every delta returns to the number it belongs to.

Where numbers are copied (broadcasting, taking one entry twice), their deltas add up; where numbers are left out (a
slice), the delta is zero.
"""

from __future__ import annotations

from itertools import accumulate
from operator import index as as_int
from types import EllipsisType
from typing import Any

import numpy as np

from omomi.errors import DtypeError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Shape = tuple[int, ...]

# Reshape: the numbers in their order, counted off anew. One entry of the shape may be −1.
#   forward   y = x in the new shape        backward   gx = gy in the old shape


def reshape_forward(xp: Namespace, x: Array, *, shape: Shape) -> tuple[Array, Saved]:
    return x.reshape(shape), (x.shape,)


def reshape_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, shape: Shape) -> tuple[Array, ...]:
    (old,) = saved
    return (gy.reshape(old),)


reshape = Rule("reshape", reshape_forward, reshape_backward, "y = x in another shape", "gx = gy in the shape of x")


# Transposition: the axes in another order, reversed unless told.
#   forward   axis k of y = axis axes[k] of x          backward   axis axes[k] of gx = axis k of gy


def transpose_forward(xp: Namespace, x: Array, *, axes: Shape | None = None) -> tuple[Array, Saved]:
    return xp.transpose(x, axes), ()


def transpose_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axes: Shape | None = None
) -> tuple[Array, ...]:
    if axes is None:
        return (xp.transpose(gy),)
    axes = tuple(a % gy.ndim for a in axes)
    return (xp.transpose(gy, tuple(axes.index(k) for k in range(gy.ndim))),)


transpose = Rule("transpose", transpose_forward, transpose_backward, "y = xᵀ", "gx = gyᵀ")


# Flip: an axis (or some, or all) backwards.
#   forward   y = x backwards               backward   gx = gy backwards


def flip_forward(xp: Namespace, x: Array, *, axis: int | Shape | None = None) -> tuple[Array, Saved]:
    return xp.flip(x, axis), ()


def flip_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int | Shape | None = None
) -> tuple[Array, ...]:
    return (xp.flip(gy, axis),)


flip = Rule("flip", flip_forward, flip_backward, "y = x backwards", "gx = gy backwards")


# Broadcasting repeats an axis of length 1, and puts new axes in front: its backward is a sum. As everywhere, the
# gradient keeps the broadcast shape and the graph calls sum_to.
#   forward   y = x repeated                backward   gx = sum of gy over the copies


def broadcast_to_forward(xp: Namespace, x: Array, *, shape: Shape) -> tuple[Array, Saved]:
    return xp.broadcast_to(x, shape), ()


def broadcast_to_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, shape: Shape) -> tuple[Array, ...]:
    return (gy,)


broadcast_to = Rule("broadcast_to", broadcast_to_forward, broadcast_to_backward, "y = x repeated", "gx = Σ copies gy")


# The sum over whatever broadcasting from ``shape`` would repeat: the adjoint of broadcasting, and the other way round.
#   forward   y = sum of x over the copies             backward   gx = gy repeated


def sum_to_forward(xp: Namespace, x: Array, *, shape: Shape) -> tuple[Array, Saved]:
    if x.shape == shape:
        return x, (shape,)
    new = x.ndim - len(shape)  # axes that broadcasting puts in front
    repeated = tuple(new + k for k, size in enumerate(shape) if size == 1 and x.shape[new + k] != 1)
    return x.sum(axis=(*range(new), *repeated)).reshape(shape), (x.shape,)


def sum_to_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, shape: Shape) -> tuple[Array, ...]:
    (large,) = saved
    return (xp.broadcast_to(gy, large),)


sum_to = Rule("sum_to", sum_to_forward, sum_to_backward, "y = Σ copies x", "gx = gy repeated")


# Concatenation: arrays one after the other along an axis; each receives the part of the delta that stands in its place.
#   forward   y = [x₁, x₂, …]               backward   [gx₁, gx₂, …] = gy, cut in the same places


def concatenate_forward(xp: Namespace, *xs: Array, axis: int = 0) -> tuple[Array, Saved]:
    return xp.concatenate(xs, axis=axis), tuple(x.shape[axis] for x in xs)


def concatenate_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = 0
) -> tuple[Array | None, ...]:
    parts = xp.split(gy, list(accumulate(saved))[:-1], axis=axis)
    return tuple(part if needed else None for part, needed in zip(parts, wanted, strict=True))


concatenate = Rule("concatenate", concatenate_forward, concatenate_backward, "y = [x₁, x₂, …]", "[gx₁, gx₂, …] = gy")


# Splitting: the reverse. ``sections`` is a number of equal parts, or the places of the cuts.
#   forward   [y₁, y₂, …] = x               backward   gx = [gy₁, gy₂, …], with zeros for a part that was not used


def split_forward(xp: Namespace, x: Array, *, sections: int | Shape, axis: int = 0) -> tuple[tuple[Array, ...], Saved]:
    ys = tuple(xp.split(x, sections if isinstance(sections, int) else list(sections), axis=axis))
    return ys, (x.dtype, *(y.shape for y in ys))


def split_backward(
    xp: Namespace,
    saved: Saved,
    gy: tuple[Array | None, ...],
    wanted: Wanted,
    *,
    sections: int | Shape,
    axis: int = 0,
) -> tuple[Array, ...]:
    dtype, *shapes = saved
    parts = [xp.zeros(shape, dtype) if g is None else g for g, shape in zip(gy, shapes, strict=True)]
    return (xp.concatenate(parts, axis=axis),)


split = Rule("split", split_forward, split_backward, "[y₁, y₂, …] = x", "gx = [gy₁, gy₂, …]")


# Stacking: arrays of one shape, side by side along a new axis.
#   forward   y[k] = xₖ                     backward   gxₖ = gy[k]


def stack_forward(xp: Namespace, *xs: Array, axis: int = 0) -> tuple[Array, Saved]:
    return xp.stack(xs, axis=axis), ()


def stack_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = 0
) -> tuple[Array | None, ...]:
    parts = xp.moveaxis(gy, axis, 0)
    return tuple(parts[k] if needed else None for k, needed in enumerate(wanted))


stack = Rule("stack", stack_forward, stack_backward, "y[k] = xₖ", "gxₖ = gy[k]")


# Padding with a constant value; ``widths`` says how many entries are put before and after, for each axis.
#   forward   y = x with a border           backward   gx = gy without the border


def pad_forward(
    xp: Namespace, x: Array, *, widths: tuple[tuple[int, int], ...], value: float = 0.0
) -> tuple[Array, Saved]:
    return xp.pad(x, widths, constant_values=value), (x.shape,)


def pad_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, widths: tuple[tuple[int, int], ...], value: float = 0.0
) -> tuple[Array, ...]:
    (shape,) = saved
    return (gy[tuple(slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True))],)


pad = Rule("pad", pad_forward, pad_backward, "y = x with a border", "gx = gy without the border")


# An index of integers, slices, None and …, known before the numbers are. As an attribute it must be hashable, which
# slices are not: ``static_index`` writes a slice as the triple (start, stop, step).
#   forward   y = x[index]                  backward   gx = 0, then gx[index] = gy

Part = int | tuple[int | None, int | None, int | None] | EllipsisType | None


def static_index(index: Any) -> tuple[Part, ...]:
    """The attribute ``index`` of :data:`getitem` for what stands between the brackets of x[…].

    Raises:
        DtypeError: an array, a list or a boolean stands there.
    """
    return tuple(_static_part(part) for part in (index if isinstance(index, tuple) else (index,)))


def _static_part(part: Any) -> Part:
    if isinstance(part, slice):
        start, stop, step = (None if n is None else as_int(n) for n in (part.start, part.stop, part.step))
        return start, stop, step
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, int | np.integer) and not isinstance(part, bool):
        return int(part)
    raise DtypeError(
        "an index is made of integers, slices, None and …",
        where="getitem",
        received=f"{part!r} ({type(part).__name__})",
        fix="functions.take(x, indices, axis) selects by an array of integers, functions.where by a condition",
    )


def _unpacked(index: tuple[Part, ...]) -> tuple[Any, ...]:
    return tuple(slice(*part) if isinstance(part, tuple) else part for part in index)


def getitem_forward(xp: Namespace, x: Array, *, index: tuple[Part, ...]) -> tuple[Array, Saved]:
    return x[_unpacked(index)], (x.shape,)


def getitem_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, index: tuple[Part, ...]
) -> tuple[Array, ...]:
    (shape,) = saved
    return (xp.scatter_add(xp.zeros(shape, gy.dtype), _unpacked(index), gy),)


getitem = Rule("getitem", getitem_forward, getitem_backward, "y = x[index]", "gx = 0, gx[index] = gy")


# Taking the entries of an axis by an array of integers, in any order and as often as it says (an embedding takes rows
# of its table). An entry that is taken many times receives the sum of its deltas.
#   forward   y[…, k, …] = x[…, iₖ, …]      backward   gx = 0, then gx[…, iₖ, …] += gy[…, k, …]


def take_forward(xp: Namespace, x: Array, indices: Array, *, axis: int = 0) -> tuple[Array, Saved]:
    return xp.take(x, indices, axis=axis), (x.shape, indices)


def take_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = 0) -> tuple[Array | None, ...]:
    shape, indices = saved
    place = (*[slice(None)] * (axis % len(shape)), indices)
    return xp.scatter_add(xp.zeros(shape, gy.dtype), place, gy), None


take = Rule("take", take_forward, take_backward, "y[k] = x[iₖ]", "gx = 0, gx[iₖ] += gy[k]", constants=("indices",))


# An embedding: the rows of a table that whole numbers name (Bengio et al. 2003). A row that is named many times
# receives the sum of its deltas. It is a product with one-hot vectors, without the vectors.
#   forward   y[…] = W[i[…]]                backward   gW = 0, then gW[i] += gy
#
# No number counts from the end, and one outside the table is an error; ``where`` says whose, in the message.


def embedding_forward(xp: Namespace, W: Array, indices: Array, *, where: str = "embedding") -> tuple[Array, Saved]:
    return xp.lookup(W, indices, where), (W.shape, indices)


def embedding_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, where: str = "embedding"
) -> tuple[Array | None, ...]:
    shape, indices = saved
    return xp.scatter_add(xp.zeros(shape, gy.dtype), indices, gy), None


embedding = Rule(
    "embedding", embedding_forward, embedding_backward, "y = W[i]", "gW = 0, gW[i] += gy", constants=("indices",)
)


# A cast: the same numbers in another dtype (named by a string: "float32"); the delta is cast back.
#   forward   y = x as dtype                backward   gx = gy as the dtype of x


def cast_forward(xp: Namespace, x: Array, *, dtype: str) -> tuple[Array, Saved]:
    return x.astype(dtype), (x.dtype,)


def cast_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, dtype: str) -> tuple[Array | None, ...]:
    (old,) = saved
    return (gy.astype(old) if wanted[0] else None,)


cast = Rule("cast", cast_forward, cast_backward, "y = x as dtype", "gx = gy as the dtype of x")

"""Convolution of sequences, images and volumes. The formulas and their derivatives stand in ``omomi.ops.convolution``.

Sizes are one number for all axes, or one for each. Padding is "valid", "same", or the zeros before and after, for each
axis. A sequence is an image with one row.
"""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.functions.arithmetic import add
from omomi.graph.functions.arrays import concatenate, split
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import convolution as _convolution
from omomi.ops import depthwise_convolution as _depthwise
from omomi.ops.convolution import causal_padding, resolve_padding, transposed_size
from omomi.ops.rule import Rule

Input = Any  # a Variable, an array, or numbers
Sizes = int | tuple[int, ...]
Padding = str | tuple[Any, ...]
AXES = {1: "T", 2: "H, W", 3: "D, H, W"}
KERNEL = {1: "K", 2: "KH, KW", 3: "KD, KH, KW"}


def convolution_1d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """x (N, T, C_in), kernel (K, C_in / groups, C_out), bias (C_out,) → (N, OT, C_out). The kernel is not flipped.

    Args:
        padding: "valid", "same", "causal" (zeros before alone: no output sees a later time) or (before, after).
        groups: as in :func:`convolution_2d`.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the sequence.
    """
    x, W = as_variable(x), as_variable(W)
    _check(1, x, W, groups)
    padding, dilation = _row_padding(padding, W, dilation), _row(dilation)
    options: dict[str, Any] = {"strides": _row(strides), "padding": padding, "dilation": dilation, "groups": groups}
    return sequence(convolution_2d(one_row(x), W.reshape((1, *W.shape)), b, **options))


def convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """x (N, H, W, C_in), kernel (KH, KW, C_in, C_out), bias (C_out,) → (N, OH, OW, C_out). The kernel is not flipped.

    With ``groups`` the kernel is (KH, KW, C_in / groups, C_out): each group of filters reads its own group of channels.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the image.
    """
    return _convolve(_convolution.convolution_2d, 2, x, W, b, groups, strides, padding, dilation)


def convolution_3d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Volumes x (N, D, H, W, C_in), kernel (KD, KH, KW, C_in / groups, C_out), bias (C_out,) → (N, OD, OH, OW, C_out).

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the volume.
    """
    return _convolve(_convolution.convolution_3d, 3, x, W, b, groups, strides, padding, dilation)


def _convolve(
    rule: Rule,
    rank: int,
    x: Input,
    W: Input,
    b: Input | None,
    groups: int,
    strides: Sizes,
    padding: Padding,
    dilation: Sizes,
) -> Variable:
    x, W = as_variable(x), as_variable(W)
    _check(rank, x, W, groups)
    placed = {"strides": sizes_of(strides, rank), "dilation": sizes_of(dilation, rank)}
    pads = resolve_padding(padding, x.shape[1:-1], W.shape[:-2], **placed)
    if groups == 1:
        return apply(rule, x, W, *_given(b), padding=pads, **placed)
    if rank == 2 and W.shape[2] == 1:  # every group is one channel: the same numbers in the same order
        kernel = W.reshape((*W.shape[:2], groups, W.shape[3] // groups))
        return depthwise_convolution_2d(x, kernel, b, padding=pads, **placed)
    # One convolution for each group of channels, side by side.
    parts = zip(split(x, groups, axis=rank + 1), split(W, groups, axis=rank + 1), strict=True)
    y = concatenate([apply(rule, part, kernel, padding=pads, **placed) for part, kernel in parts], axis=rank + 1)
    return y if b is None else add(y, b)


def depthwise_convolution_1d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
) -> Variable:
    """Each channel of a sequence by its own kernels: x (N, T, C), kernel (K, C, D), bias (C·D,) → (N, OT, C·D).

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the sequence.
    """
    x, W = as_variable(x), as_variable(W)
    _check_depthwise(1, x, W)
    padding, dilation = _row_padding(padding, W, dilation), _row(dilation)
    kernel = W.reshape((1, *W.shape))
    y = depthwise_convolution_2d(one_row(x), kernel, b, strides=_row(strides), padding=padding, dilation=dilation)
    return sequence(y)


def depthwise_convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
) -> Variable:
    """Each channel by its own kernels: x (N, H, W, C), kernel (KH, KW, C, D), bias (C·D,) → (N, OH, OW, C·D).

    The D results of a channel lie beside one another.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the image.
    """
    x, W = as_variable(x), as_variable(W)
    _check_depthwise(2, x, W)
    placed = {"strides": sizes_of(strides, 2), "dilation": sizes_of(dilation, 2)}
    pads = resolve_padding(padding, x.shape[1:3], W.shape[:2], **placed)
    return apply(_depthwise.depthwise_convolution_2d, x, W, *_given(b), padding=pads, **placed)


def transposed_convolution_1d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    dilation: Sizes = 1,
) -> Variable:
    """x (N, T, C_in), kernel (K, C_out, C_in), bias (C_out,) → (N, OT, C_out); see transposed_convolution_2d.

    Raises:
        ShapeError: the shapes do not fit.
    """
    x, W = as_variable(x), as_variable(W)
    _check_transposed(1, x, W)
    extra = None if output_padding is None else (0, *sizes_of(output_padding, 1))
    options: dict[str, Any] = {"strides": _row(strides), "padding": padding, "dilation": _row(dilation)}
    kernel = W.reshape((1, *W.shape))
    return sequence(transposed_convolution_2d(one_row(x), kernel, b, output_padding=extra, **options))


def transposed_convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    dilation: Sizes = 1,
) -> Variable:
    """The way back of a convolution: a coarse image becomes a finer one.

    Shapes: x (N, H, W, C_in), kernel (KH, KW, C_out, C_in), bias (C_out,) → (N, OH, OW, C_out).

    Args:
        padding: that of the convolution that would lead back: "valid": OH = (H − 1) s + max(K', s); "same": OH = H s.
        output_padding: with it OH = (H − 1) s + K' + output_padding ("valid"), or (H − 1) s + K' mod 2 + output_padding
            ("same").

    Raises:
        ShapeError: the shapes do not fit.
    """
    rule = _convolution.transposed_convolution_2d
    return _transpose(rule, 2, x, W, b, strides, padding, output_padding, dilation)


def transposed_convolution_3d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    dilation: Sizes = 1,
) -> Variable:
    """x (N, D, H, W, C_in), kernel (KD, KH, KW, C_out, C_in), bias (C_out,) → volumes; see transposed_convolution_2d.

    Raises:
        ShapeError: the shapes do not fit.
    """
    rule = _convolution.transposed_convolution_3d
    return _transpose(rule, 3, x, W, b, strides, padding, output_padding, dilation)


def _transpose(
    rule: Rule,
    rank: int,
    x: Input,
    W: Input,
    b: Input | None,
    strides: Sizes,
    padding: str,
    output_padding: Sizes | None,
    dilation: Sizes,
) -> Variable:
    x, W = as_variable(x), as_variable(W)
    _check_transposed(rank, x, W)
    kernel, steps, apart = W.shape[:-2], sizes_of(strides, rank), sizes_of(dilation, rank)
    extra = None if output_padding is None else sizes_of(output_padding, rank)
    size = transposed_size(x.shape[1:-1], kernel, steps, padding, extra, apart)
    pads = resolve_padding(padding, size, kernel, steps, apart)
    y = apply(rule, x, W, size=size, strides=steps, padding=pads, dilation=apart)
    return y if b is None else add(y, b)


def one_row(x: Variable) -> Variable:
    """A batch of sequences as images with one row."""
    return x.reshape((x.shape[0], 1, *x.shape[1:]))


def sequence(y: Variable) -> Variable:
    """Images with one row as sequences."""
    return y.reshape((y.shape[0], *y.shape[2:]))


def _row(value: Sizes) -> tuple[int, int]:
    return (1, *sizes_of(value, 1))  # type: ignore[return-value]


def _row_padding(padding: Padding, W: Variable, dilation: Sizes) -> Padding:
    """Padding of a sequence as that of an image with one row."""
    if padding == "causal":
        return (0, 0), causal_padding(W.shape[0], *sizes_of(dilation, 1))
    if isinstance(padding, str):
        return padding
    return (0, 0), padding if isinstance(padding[0], int) else padding[0]


def sizes_of(value: Sizes, rank: int) -> tuple[int, ...]:
    """One number for each axis."""
    sizes = (value,) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(sizes) != rank:
        raise ShapeError("a size has one number for each axis.", expected=f"1 number or {rank}", received=value)
    return sizes


def _given(b: Input | None) -> tuple[Variable, ...]:
    return () if b is None else (as_variable(b),)


def _check(rank: int, x: Variable, W: Variable, groups: int) -> None:
    if x.ndim != rank + 2 or W.ndim != rank + 2 or x.shape[-1] != W.shape[-2] * groups or W.shape[-1] % groups:
        cut, whole = (f" / {groups}", f", C_out a multiple of {groups}") if groups > 1 else ("", "")
        kernel = f"({KERNEL[rank]}, C_in{cut}, C_out){whole}"
        raise _misfit(f"convolution_{rank}d", rank, "C_in", kernel, x, W)


def _check_depthwise(rank: int, x: Variable, W: Variable) -> None:
    if x.ndim != rank + 2 or W.ndim != rank + 2 or x.shape[-1] != W.shape[-2]:
        raise _misfit(f"depthwise_convolution_{rank}d", rank, "C", f"({KERNEL[rank]}, C, D)", x, W)


def _check_transposed(rank: int, x: Variable, W: Variable) -> None:
    if x.ndim != rank + 2 or W.ndim != rank + 2 or x.shape[-1] != W.shape[-1]:
        raise _misfit(f"transposed_convolution_{rank}d", rank, "C_in", f"({KERNEL[rank]}, C_out, C_in)", x, W)


def _misfit(where: str, rank: int, channels: str, kernel: str, x: Variable, W: Variable) -> ShapeError:
    kind = {1: "sequence", 2: "image", 3: "volume"}[rank]
    return ShapeError(
        f"{kind} and kernel do not fit together.",
        where=where,
        expected=f"x (N, {AXES[rank]}, {channels}) and W {kernel}",
        received=f"x {x.shape}, W {W.shape}",
    )

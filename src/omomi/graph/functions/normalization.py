"""Normalisation of single samples. The formulas and their derivatives stand in ``omomi.ops.normalization``."""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.errors import ShapeError
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import normalization as _normalization

Input = Any  # a Variable, an array, or numbers


def layer_normalization(
    x: Input, gamma: Input | None = None, beta: Input | None = None, *, epsilon: float = 1e-3
) -> Variable:
    """y = γ (x − μ) / √(σ² + ε) + β, with mean and variance over the last axes of each sample.

    Args:
        x: (…, *D).
        gamma, beta: of shape D, which says which axes are normalised; 1 and 0 unless given, over the last axis.

    Raises:
        ShapeError: γ or β do not have the shape of the last axes.
    """
    x = as_variable(x)
    gamma, beta = _scale_and_shift("layer_normalization", x, gamma, beta)
    return apply(_normalization.layer_normalization, x, gamma, beta, epsilon=float(epsilon))


def rms_normalization(x: Input, gamma: Input | None = None, *, epsilon: float = 1e-6) -> Variable:
    """y = γ x / √(mean x² + ε), with the mean over the last axes of each sample: those of γ.

    Raises:
        ShapeError: γ does not have the shape of the last axes.
    """
    x = as_variable(x)
    gamma, _ = _scale_and_shift("rms_normalization", x, gamma, None)
    return apply(_normalization.rms_normalization, x, gamma, epsilon=float(epsilon))


def group_normalization(
    x: Input, gamma: Input | None = None, beta: Input | None = None, *, groups: int = 32, epsilon: float = 1e-3
) -> Variable:
    """Each group of channels of a sample normalised by its own mean and variance: x (N, …, C), γ and β (C,).

    Raises:
        ShapeError: the channels cannot be cut into so many groups.
    """
    x = as_variable(x)
    if x.ndim < 2 or groups < 1 or x.shape[-1] % groups:
        raise ShapeError(
            "the channels cannot be cut into so many groups.",
            where="group_normalization",
            expected=f"(N, …, C) with C a multiple of {groups}",
            received=f"x {x.shape}",
        )
    gamma, beta = _scale_and_shift("group_normalization", x, gamma, beta)
    return apply(_normalization.group_normalization, x, gamma, beta, groups=int(groups), epsilon=float(epsilon))


def unit_normalization(x: Input, axis: int | tuple[int, ...] = -1, *, epsilon: float = 1e-12) -> Variable:
    """Every vector along ``axis`` scaled to length 1: y = x / max(‖x‖, ε)."""
    axis = axis if isinstance(axis, int) else tuple(int(a) for a in axis)
    return apply(_normalization.unit_normalization, as_variable(x), axis=axis, epsilon=float(epsilon))


def _scale_and_shift(where: str, x: Variable, gamma: Input | None, beta: Input | None) -> tuple[Variable, Variable]:
    """γ and β, 1 and 0 where there are none."""
    given = [as_variable(v) for v in (gamma, beta) if v is not None]
    shape = given[0].shape if given else x.shape[-1:]
    if any(v.shape != shape for v in given) or x.shape[x.ndim - len(shape) :] != shape:
        raise ShapeError(
            "scale and shift have the shape of the axes that are normalised.",
            where=where,
            expected=f"the last axes of x {x.shape}",
            received=", ".join(f"shape {v.shape}" for v in given),
        )
    xp = current().xp
    return (
        Variable(xp.ones(shape, dtype=x.dtype), requires_grad=False) if gamma is None else as_variable(gamma),
        Variable(xp.zeros(shape, dtype=x.dtype), requires_grad=False) if beta is None else as_variable(beta),
    )

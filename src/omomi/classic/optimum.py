"""The minimum of a convex cost: Newton's method, and L-BFGS where the second derivatives are not given.

Gradient descent comes near the minimum of a one-layer network quickly and to many digits slowly. What it lacks is the
curvature. Newton's method is told it, L-BFGS learns it from how the gradient changed. The gradient g is that of
backpropagation.

    direction    d = −H g,  H = (∇²E)⁻¹; or as the last m pairs (s, y) tell, s = z₊ − z, y = g₊ − g
    step         z₊ = z + α d,  α found by bisection so that E falls enough and the slope along d flattens enough

Sources: Nocedal 1980, "Updating quasi-Newton matrices with limited storage" (H times a vector in two loops); Lewis
and Overton 2013, "Nonsmooth optimization via quasi-Newton methods" (the bisection for Wolfe's two conditions).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from omomi.engines.selection import get, instead
from omomi.graph.variable import Variable

MEMORY = 20  # pairs that are remembered
ENOUGH, FLAT = 1e-4, 0.9  # of the fall that the slope promises; of the slope that may be left
BISECTIONS = 50
LAST_DIGIT = 1e-16

Cost = Callable[..., Variable]
Curvature = Callable[..., np.ndarray]
Pairs = deque[tuple[np.ndarray, np.ndarray, float]]


@dataclass(slots=True)
class Minimum:
    """Where the search ended.

    Args:
        values: the parameters, in their shapes.
        cost: E at the start and after every step.
        gradient: the largest entry of the gradient, in the scales of the search.
        converged: whether that is below the tolerance, or E has no digit left to fall by.
    """

    values: list[np.ndarray]
    cost: list[float]
    gradient: float
    converged: bool


def minimise(
    cost: Cost,
    start: Sequence[np.ndarray],
    scales: Sequence[np.ndarray],
    *,
    tol: float,
    max_iter: int,
    curvature: Curvature | None = None,
) -> Minimum:
    """Walk down a convex cost until no entry of its gradient is larger than ``tol``.

    Args:
        cost: from Variables, one for each parameter, to a scalar Variable E.
        start: the parameters to start from, float64.
        scales: of each parameter, a size by which E changes moderately; the search is over parameter / scale.
        tol: of the gradient with respect to parameter / scale.
        max_iter: the most steps.
        curvature: from the parameters, as arrays, to the matrix ∇²E over all their entries, positive definite.
    """
    shapes = [value.shape for value in start]
    ends = np.cumsum([value.size for value in start])[:-1]
    scale = np.concatenate([np.broadcast_to(s, v.shape).ravel() for s, v in zip(scales, start, strict=True)])

    def unpacked(z: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(shape) for part, shape in zip(np.split(z * scale, ends), shapes, strict=True)]

    def evaluate(z: np.ndarray) -> tuple[float, np.ndarray]:
        """E and its gradient with respect to z."""
        variables = [Variable(value) for value in unpacked(z)]
        E = cost(*variables)
        E.backward()
        return E.item(), scale * np.concatenate([np.ravel(np.asarray(v.grad)) for v in variables])

    z = np.concatenate([np.ravel(value) for value in start]) / scale
    pairs: Pairs = deque(maxlen=MEMORY)

    def direction() -> np.ndarray:
        if curvature is None:
            return _remembered(g, pairs)
        return np.asarray(-np.linalg.solve(scale[:, None] * curvature(*unpacked(z)) * scale, g))

    # Float64 on the reference engine: small arrays, many digits.
    with instead(get("numpy")), np.errstate(over="ignore"):
        E, g = evaluate(z)
        history, exhausted = [E], False
        while (largest := float(np.abs(g).max())) > tol and len(history) <= max_iter:
            d = direction()
            if exhausted := -(g @ d) <= LAST_DIGIT * abs(E):
                break
            found = _step(evaluate, z, E, g, d)
            if found is None:  # rounding has spoilt the curvature: forget it, and go straight down
                pairs.clear()
                found = _step(evaluate, z, E, g, -g)
            if found is None:
                break  # E has no more digits to fall by
            z_new, E, g_new = found
            s, y = z_new - z, g_new - g
            if s @ y > 0:
                pairs.append((s, y, 1 / (s @ y)))
            z, g = z_new, g_new
            history.append(E)
    return Minimum(unpacked(z), history, largest, largest <= tol or exhausted)


def _remembered(g: np.ndarray, pairs: Pairs) -> np.ndarray:
    """−H g: Nocedal's two loops."""
    q, shares = g.copy(), []
    for s, y, rho in reversed(pairs):
        share = rho * (s @ q)
        q -= share * y
        shares.append(share)
    if pairs:
        s, y, rho = pairs[-1]
        q /= rho * (y @ y)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q += (share - rho * (y @ q)) * s
    return -q


def _step(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], z: np.ndarray, E: float, g: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """A step along d that satisfies Wolfe's conditions; ``None`` if E does not fall along d."""
    slope = g @ d
    if not slope < 0:
        return None
    alpha, low, high = 1.0, 0.0, np.inf
    for _ in range(BISECTIONS):
        z_new = z + alpha * d
        E_new, g_new = evaluate(z_new)
        # Near the minimum E falls by less than its last digit; the slope still tells (Hager and Zhang 2005).
        rounding = 1e-13 * abs(E)
        if not E_new <= E + ENOUGH * alpha * slope + rounding or g_new @ d > -FLAT * slope:
            high = alpha
        elif g_new @ d < FLAT * slope:
            low = alpha
        else:
            return z_new, E_new, g_new
        alpha = (low + high) / 2 if np.isfinite(high) else 2 * low
    return None

"""Is a gradient right? Compare it with finite differences, in float64.

The central difference D(h) = (f(x + h) − f(x − h)) / 2h differs from f'(x) by c₂h² + c₄h⁴ + …; Richardson's
extrapolation (4 D(h/2) − D(h)) / 3 removes the first term. With h = 10⁻³ about ten digits remain, enough to tell a
derivative that is off by 0.1 % (or by 10⁻⁷) from a right one. The price: within h of a kink (ReLU at 0, equal
values under a maximum) the difference is wrong and not the gradient, so points are chosen away from kinks.

The upstream gradient must be random. All ones would pass rules that are wrong: the gradients of batch
normalisation and softmax vanish there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from omomi.engines import reference
from omomi.engines.engine import Array, Namespace
from omomi.ops.rule import Rule
from omomi.ops.shape import sum_to

STEP = 1e-3
TOLERANCE = 1e-7

# ---- the numeric core: functions of plain arrays -------------------------------------------------------------------


def derivative(f: Callable[[float], Array], step: float = STEP) -> Array:
    """f'(0) of a function from one number to an array, to order step⁴."""

    def central(h: float) -> Array:
        return (f(h) - f(-h)) / (2 * h)

    return (4 * central(step / 2) - central(step)) / 3


def directional(f: Callable[[Array], Array], x: Array, v: Array, step: float = STEP) -> Array:
    """J v: how f changes when x moves along v, for max |v| ≤ 1 (an entry of x then moves by at most the step)."""
    return derivative(lambda h: f(x + h * v), step)


def jacobian(f: Callable[[Array], Array], x: Array, step: float = STEP) -> Array:
    """J = ∂f/∂x, one column per entry of x: shape (f(x).size, x.size)."""
    columns = []
    for index in range(x.size):
        unit = np.zeros(x.size)
        unit[index] = 1
        columns.append(directional(f, x, unit.reshape(x.shape), step).reshape(-1))
    return np.stack(columns, axis=1) if columns else np.zeros((f(x).size, 0))


def error(analytic: Array, numeric: Array) -> float:
    """max |a − n| / max(1, max |a|, max |n|): absolute for small gradients, relative for large ones."""
    a, n = np.asarray(analytic, np.float64), np.asarray(numeric, np.float64)
    if a.size == 0:
        return 0.0
    worst = float(np.max(np.abs(a - n)) / max(1.0, np.max(np.abs(a)), np.max(np.abs(n))))
    return worst if np.isfinite(worst) else float("inf")


# ---- what is reported ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """The verdict on the gradient of one array.

    Args:
        name: which array.
        error: the largest error of its gradient, as :func:`error` measures it; infinite where there is no number.
        problem: what is wrong beside the numbers (a wrong shape, a missing gradient); empty if nothing is.
    """

    name: str
    error: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on a set of gradients; ``print(report)`` shows one line per array."""

    title: str
    entries: tuple[Entry, ...]
    tolerance: float = TOLERANCE

    @property
    def passed(self) -> bool:
        return all(self._right(entry) for entry in self.entries)

    @property
    def error(self) -> float:
        """The largest error of all."""
        return max((entry.error for entry in self.entries), default=0.0)

    def _right(self, entry: Entry) -> bool:
        return not entry.problem and entry.error <= self.tolerance

    def __str__(self) -> str:
        lines = [f"{self.title}: {'right' if self.passed else 'WRONG'} (tolerance {self.tolerance:.0e})"]
        width = max((len(entry.name) for entry in self.entries), default=0)
        for entry in self.entries:
            verdict = entry.problem or f"error {entry.error:.1e}"
            lines.append(f"  {entry.name:{width}}  {'right' if self._right(entry) else 'WRONG'}  {verdict}")
        return "\n".join(lines)


# ---- rules ---------------------------------------------------------------------------------------------------------


def input_names(rule: Rule, count: int) -> list[str]:
    """The names of a rule's array inputs, of which a call has ``count``: x, W, b, or xs[0], xs[1], …"""
    names: list[str] = []
    for parameter in list(signature(rule.forward).parameters.values())[1:]:  # the first is xp
        if parameter.kind is Parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(count - len(names))]
        elif parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
            names.append(parameter.name)
    return names[:count]


def differentiable(rule: Rule, arrays: Sequence[Array]) -> tuple[bool, ...]:
    """For each input whether the rule owes it a gradient: a float array, and none of the rule's constants."""
    names = input_names(rule, len(arrays))
    return tuple(
        np.issubdtype(array.dtype, np.floating) and name.split("[")[0] not in rule.constants
        for name, array in zip(names, arrays, strict=True)
    )


def un_broadcast(gradient: Array, shape: tuple[int, ...]) -> Array | None:
    """The gradient summed over what broadcasting repeated; ``None`` if ``shape`` does not broadcast to its shape."""
    try:
        fits = np.broadcast_shapes(gradient.shape, shape) == gradient.shape
    except ValueError:
        return None
    return sum_to.forward(reference.xp, gradient, shape=shape)[0] if fits else None


def check_rule(
    rule: Rule,
    arrays: Sequence[Array],
    attributes: Mapping[str, Any] | None = None,
    rng: np.random.Generator | None = None,
    *,
    full: bool = True,
    tolerance: float = TOLERANCE,
    xp: Namespace = reference.xp,
) -> Report:
    """Compare a rule's backward with finite differences of its forward.

    Args:
        rule: a rule that has a backward.
        arrays: its array inputs. Floats are taken in float64; they should lie away from kinks.
        attributes: the static attributes of the call.
        rng: where random upstream gradients and directions come from.
        full: compare the whole Jacobian, entry by entry (small arrays); otherwise its product with one random
            direction per input and one random upstream gradient (arrays of any size).
        tolerance: the largest error that is still right.
        xp: the array namespace to run on.

    A rule with several outputs is checked for each output alone (the others unused, their gy ``None``) and for
    all of them together.
    """
    call = _Call(rule, arrays, dict(attributes or {}), xp)
    rng = rng or np.random.default_rng(0)
    slopes = {i: call.slope(i, None if full else rng) for i, wanted in enumerate(call.wanted) if wanted}

    choices: list[tuple[int, ...]] = [(k,) for k in call.floats]  # which outputs are used
    if len(choices) > 1:
        choices.append(call.floats)
    entries = []
    for used in choices:
        gys = call.upstream(used, rng, every=full and len(used) == 1)
        gradients = [call.backward(gy) for gy in gys]
        label = "" if len(choices) == 1 else " from " + ", ".join(f"y[{k}]" for k in used)
        for i, name in enumerate(input_names(rule, len(arrays))):
            error_, problem = _compare(call, i, slopes.get(i), gys, [gx[i] for gx in gradients])
            entries.append(Entry(name + label, error_, problem))
    return Report(rule.name, tuple(entries), tolerance)


Upstream = dict[int, Array]  # gy of the outputs that are used
Slope = tuple[Array, Array]  # some directions v as columns, and J v for each of them


class _Call:
    """One call of a rule in float64: its outputs, its backward, and its slopes by finite differences."""

    def __init__(self, rule: Rule, arrays: Sequence[Array], attributes: dict[str, Any], xp: Namespace) -> None:
        self.rule, self.attributes, self.xp = rule, attributes, xp
        self.arrays = [a.astype(np.float64) if np.issubdtype(a.dtype, np.floating) else a for a in arrays]
        self.wanted = differentiable(rule, self.arrays)
        y, self.saved = rule.forward(xp, *self.arrays, **attributes)
        self.several = isinstance(y, tuple)
        self.outputs = [np.asarray(part) for part in (y if self.several else (y,))]
        self.floats = tuple(k for k, y in enumerate(self.outputs) if np.issubdtype(y.dtype, np.floating))

    def forward(self, i: int, x: Array) -> Array:
        """The float outputs as one vector, with input i replaced by x."""
        arrays = [*self.arrays[:i], x, *self.arrays[i + 1 :]]
        y, _ = self.rule.forward(self.xp, *arrays, **self.attributes)
        parts = y if self.several else (y,)
        return np.concatenate([np.asarray(parts[k]).reshape(-1) for k in self.floats])

    def slope(self, i: int, rng: np.random.Generator | None) -> Slope:
        """How the outputs change with input i: along one random direction, or without ``rng`` along every entry."""
        x = self.arrays[i]
        f = partial(self.forward, i)
        if rng is None:
            return np.eye(x.size), jacobian(f, x)
        v = rng.uniform(-1, 1, x.shape)
        return v.reshape(-1, 1), directional(f, x, v).reshape(-1, 1)

    def upstream(self, used: tuple[int, ...], rng: np.random.Generator, *, every: bool) -> list[Upstream]:
        """A random upstream gradient of the used outputs, and if there is one only, every unit vector beside it."""
        gys = [{k: rng.uniform(-1, 1, self.outputs[k].shape) for k in used}]
        if every:
            shape = self.outputs[used[0]].shape
            gys += [{used[0]: unit.reshape(shape)} for unit in np.eye(self.outputs[used[0]].size)]
        return gys

    def backward(self, gy: Upstream) -> tuple[Array | None, ...]:
        assert self.rule.backward is not None, f"{self.rule.name} has no derivative"
        parts = tuple(gy.get(k) for k in range(len(self.outputs)))
        return self.rule.backward(
            self.xp, self.saved, parts if self.several else parts[0], self.wanted, **self.attributes
        )

    def flat(self, gy: Upstream) -> Array:
        """An upstream gradient as one vector over the float outputs, zero where an output is unused."""
        return np.concatenate([gy.get(k, np.zeros(self.outputs[k].shape)).reshape(-1) for k in self.floats])


def _compare(
    call: _Call, i: int, slope: Slope | None, gys: list[Upstream], gradients: list[Array | None]
) -> tuple[float, str]:
    """For input i: gx v against gy J v, over all upstream gradients gy and directions v. (error, problem)"""
    if slope is None:
        given = any(gx is not None for gx in gradients)
        return 0.0, "a gradient where None belongs" if given else ""
    directions, changes = slope
    shape = call.arrays[i].shape
    worst = 0.0
    for gy, gx in zip(gys, gradients, strict=True):
        expected = call.flat(gy) @ changes
        if gx is None:
            if len(gy) == len(call.floats) or error(expected, np.zeros_like(expected)) > 0:
                return np.inf, "None where a gradient belongs"
            continue  # the outputs that are used do not depend on this input
        summed = un_broadcast(np.asarray(gx), shape)
        if summed is None:
            return np.inf, f"a gradient of shape {np.shape(gx)} for an input of shape {shape}"
        worst = max(worst, error(summed.reshape(-1) @ directions, expected))
    return worst, ""

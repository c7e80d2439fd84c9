"""Is the gradient of a whole model right? Compare it with finite differences, in float64.

The outputs y are summed with random weights gy, F = Σ gy ⊙ y, so that the upstream gradient is random (all ones would
hide errors: the gradients of batch normalisation and softmax vanish there). For each parameter and each input, ∂F/∂p
from backpropagation is then compared with the slope of F: along one random direction, which involves every entry, and
for small arrays along every entry alone.

Kinks give no false alarm. A slope is believed only where differences of several lengths agree
(:mod:`omomi.inspect.finite_differences`). Where they do not (a ReLU at exactly 0, equal values under a maximum: an
image's black background under a kernel with bias 0 does both), everything is moved a hair to the side by random amounts
and checked there; and an error must show at two points before it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from omomi.engines.reference import numpy_engine
from omomi.engines.selection import instead
from omomi.errors import ConfigurationError
from omomi.graph.backpropagation import backward
from omomi.graph.context import no_grad, training_mode
from omomi.inspect.check_subjects import Function, Network, Subject
from omomi.inspect.finite_differences import slope
from omomi.inspect.text_table import printable, text_table
from omomi.layers.layer import Layer

__all__ = ["ArrayCheck", "GradientReport", "check_gradients"]

Array = Any

TOLERANCE = 1e-6
SMALL = 24  # entries of an array that is checked entry by entry
ATTEMPTS = 5  # points: the one given, and others beside it
_ASIDE = 1e-2  # how far points beside it lie, relative to the size of the array's entries

RIGHT, WRONG, UNDECIDED = "right", "WRONG", "no verdict"


@dataclass(frozen=True, slots=True)
class ArrayCheck:
    """The verdict on the gradient of one array.

    Attributes:
        name: the parameter's path, or the name of the input.
        shape: of the array.
        method: "direction", or "direction and entries" where every entry was checked as well; then remarks.
        error: the largest relative error, |∂F − slope| over the size of the slope.
        verdict: "right", "WRONG", or "no verdict" where no point was found at which differences can tell.
        aside: whether it was checked beside the given point, since the point itself lies on a kink.
    """

    name: str
    shape: tuple[int, ...]
    method: str
    error: float
    verdict: str
    aside: bool = False


@dataclass(frozen=True, slots=True)
class GradientReport:
    """The verdict on all gradients of a model or function; ``print(report)`` shows one line for each array."""

    title: str
    entries: tuple[ArrayCheck, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether every gradient was found right."""
        return all(entry.verdict == RIGHT for entry in self.entries)

    @property
    def error(self) -> float:
        """The largest relative error of all."""
        return max((entry.error for entry in self.entries), default=0.0)

    def to_text(self, width: int | None = None) -> str:
        """A line of verdict, and a table with a line for each parameter and input."""
        rows = [
            (
                e.name,
                " × ".join(map(str, e.shape)) or "1",
                e.verdict,
                f"{e.error:.1e}",
                e.method + (", beside a kink" if e.aside else ""),
            )
            for e in self.entries
        ]
        head = printable(f"{self.title}: {self.summary}")
        return f"{head}\n{text_table(('gradient of', 'shape', 'verdict', 'error', 'checked'), rows, width=width)}"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""
        names = ("name", "shape", "method", "error", "verdict", "aside")
        entries = [{name: getattr(entry, name) for name in names} for entry in self.entries]
        return {"title": self.title, "passed": self.passed, "tolerance": self.tolerance, "entries": entries}

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        bad = [entry.name for entry in self.entries if entry.verdict == WRONG]
        open_ = [entry.name for entry in self.entries if entry.verdict == UNDECIDED]
        if bad:
            return f"WRONG gradient of {', '.join(bad)} (tolerance {self.tolerance:.0e})"
        if open_:
            return f"no verdict on {', '.join(open_)}: a kink everywhere near; fewer samples help"
        return f"all {len(self.entries)} gradients are right, largest error {self.error:.1e}"

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<GradientReport of {self.summary}>"


def check_gradients(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    loss: Any = None,
    seed: int = 0,
    full: bool | None = None,
    tolerance: float = TOLERANCE,
) -> GradientReport:
    """Compare every gradient of a model, or of a function of Variables, with finite differences.

    Everything is computed in float64 by the rules as they are written, in training mode: dropout keeps one mask, batch
    normalisation uses the statistics of the batch. Afterwards the model is as it was: parameters, buffers, gradients,
    dtype and step.

    Args:
        model: a model or any other layer; or a function of one or more Variables that returns a Variable, or several.
        x: a batch of inputs, (N, …); a few samples are enough. For a function of several Variables, a tuple of arrays.
        y: targets. With them the loss that the model was compiled with is checked, without them its outputs.
        loss: a loss to check with ``y`` instead of the compiled one; as ``compile`` takes it.
        seed: of the random upstream gradients and directions.
        full: check every entry of every array (slow for large ones) or of none; of small arrays unless given.
        tolerance: the largest relative error that is still right.

    Raises:
        DataError: ``x`` is empty or holds no numbers.
        NotBuiltError: ``y`` is given, and there is no loss.
        ConfigurationError: the function returns no Variable, or has no input to differentiate.

    Example:
        >>> import numpy as np, omomi
        >>> model = omomi.Sequential([omomi.layers.Dense(2, activation="tanh", input_shape=(3,))], seed=0)
        >>> omomi.inspect.check_gradients(model, np.eye(3)).passed
        True
    """
    subject = Network(model, x, y, loss) if isinstance(model, Layer) else Function(model, x)
    rng = np.random.default_rng(seed)
    with instead(numpy_engine()), np.errstate(all="ignore"), training_mode(), subject.in_float64():
        entries = _check(subject, rng, full, tolerance)
    return GradientReport(subject.title, entries, tolerance)


def _check(subject: Subject, rng: np.random.Generator, full: bool | None, tolerance: float) -> tuple[ArrayCheck, ...]:
    start = subject.start()
    if not start:
        raise ConfigurationError(
            "there is nothing to differentiate.", where=subject.title, expected="an array of floats"
        )
    open_ = {
        name: _Open(name, rng.uniform(-1, 1, array.shape), _directions(array.size, full))
        for name, array in start.items()
    }
    for attempt in range(ATTEMPTS):
        if all(not each.left for each in open_.values()):
            break
        point = _Point(subject, _beside(start, rng) if attempt else start, rng)
        for each in open_.values():
            point.judge(each, tolerance, aside=attempt > 0)
    return tuple(each.check() for each in open_.values())


_ALL = -1  # the random direction, in which every entry moves


def _directions(size: int, full: bool | None) -> list[int]:
    """One random direction, and for a small array every entry alone, by its index."""
    entries = size > 1 and (size <= SMALL if full is None else full)
    return [_ALL, *range(size)] if entries else [_ALL]


@dataclass
class _Open:
    """What is known of one array's gradient so far; ``left`` are the directions that still need a verdict."""

    name: str
    everywhere: Array  # the random direction
    left: list[int]
    error: float = 0.0
    wrong: bool = False
    aside: bool = False
    drowned: bool = False
    problem: str = ""
    suspects: frozenset[int] = frozenset()  # directions in which the gradient looked wrong once

    def __post_init__(self) -> None:
        self.entries = len(self.left) > 1

    def vector(self, direction: int) -> Array:
        """The direction as an array."""
        if direction == _ALL:
            return self.everywhere
        unit = np.zeros(self.everywhere.shape)
        unit.flat[direction] = 1.0
        return unit

    def check(self) -> ArrayCheck:
        """The verdict."""
        method = "direction and entries" if self.entries else "direction"
        method = self.problem or method + (", as far as rounding shows" if self.drowned else "")
        verdict = WRONG if self.wrong else UNDECIDED if self.left else RIGHT
        return ArrayCheck(self.name, self.everywhere.shape, method, self.error, verdict, self.aside)


def _beside(start: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """A point near this one: every entry moved by up to a hundredth of the array's size."""
    moved = {}
    for name, array in start.items():
        size = float(np.sqrt(np.mean(array * array))) if array.size else 0.0
        moved[name] = array + _ASIDE * (size or 1.0) * rng.uniform(-1, 1, array.shape)
    return moved


class _Point:
    """F = Σ gy ⊙ y around one point: its gradients from backpropagation, and its slopes."""

    def __init__(self, subject: Subject, point: dict[str, Array], rng: np.random.Generator) -> None:
        self.subject, self.point = subject, point
        self.first_step = 0  # of the differences: in a network with many kinks, long steps all fail
        ys, leaves = subject.outputs(point)
        self.gys = [np.asarray(rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)) for y in ys]
        used = [(y, gy) for y, gy in zip(ys, self.gys, strict=True) if y.requires_grad]
        for leaf in leaves.values():
            leaf.grad = None
        backward([y for y, _ in used], [gy for _, gy in used])
        self.gradients = {
            name: np.zeros(leaf.shape) if leaf.grad is None else np.asarray(leaf.grad) for name, leaf in leaves.items()
        }
        for leaf in leaves.values():
            leaf.grad = None
        self.magnitude = sum(float(np.sum(np.abs(gy * y.numpy()))) for y, gy in zip(ys, self.gys, strict=True))

    def value(self, name: str, array: Array) -> float:
        """F with one array replaced."""
        with no_grad():
            ys, _ = self.subject.outputs({**self.point, name: array})
        return float(sum(np.sum(gy * y.numpy()) for y, gy in zip(ys, self.gys, strict=True)))

    def judge(self, each: _Open, tolerance: float, *, aside: bool) -> None:
        """Compare one array's gradient with slopes in the directions that still need a verdict."""
        x, g = self.point[each.name], self.gradients[each.name]
        if not np.isfinite(g).all():
            each.left, each.wrong, each.error, each.problem = [], True, np.inf, "the gradient is not finite"
            return
        typical = float(np.linalg.norm(g)) / max(np.sqrt(g.size), 1)  # the size of one entry of the gradient
        open_: list[int] = []
        for direction in each.left:
            v = each.vector(direction)
            expected = float(np.sum(g * v))
            scale = max(abs(expected), typical * float(np.linalg.norm(v)))
            moved = partial(self.moved, each.name, x, v)
            found = slope(moved, scale, self.magnitude, self.first_step)
            off = abs(found.value - expected)
            error = off / (max(scale, abs(found.value)) or 1.0)
            if found.decided and off <= tolerance * max(scale, abs(found.value)) + found.rounding:
                self.first_step = found.start
                each.error, each.aside = max(each.error, error), each.aside or aside
                each.drowned |= found.rounding > tolerance * scale > 0
            elif found.decided and off > found.doubt and direction in each.suspects:
                each.wrong, each.error = True, max(each.error, error)  # wrong at two points: it is
            else:
                self.first_step = 0
                each.suspects |= {direction} if found.decided else set()
                open_.append(direction)
        each.left = [] if each.wrong else open_

    def moved(self, name: str, x: Array, v: Array, h: float) -> float:
        """F with one array moved by h along v."""
        return self.value(name, x + h * v)

"""The recorder of the ledger: a hook that looks at sampled steps, and the rows that it writes.

A watched step is run twice: once rule by rule, with the hook, and thrown away; once as it always is. So the bits of
training are the same with and without a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from omomi.engines.engine import Array, Attributes, floating
from omomi.engines.selection import current
from omomi.graph.hooks import Hook
from omomi.graph.variable import Node
from omomi.layers.state import Parameter, arrays
from omomi.ops import activation, convolution, depthwise_convolution
from omomi.ops.rule import Rule
from omomi.training.ledger import Explosion, Failure, LayerFacts, Ledger

ACTIVATIONS = frozenset(rule.name for rule in vars(activation).values() if isinstance(rule, Rule))
# Where the slope f′(u) is below a twentieth of its largest, as a test of y = f(u).
SATURATED: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda y: y * (1 - y) < 0.05 * 0.25,
    "tanh": lambda y: y * y > 0.95,
    "softsign": lambda y: (1 - abs(y)) ** 2 < 0.05,
    "hard_sigmoid": lambda y: (y <= 0) | (y >= 1),
    "step": lambda y: np.ones(y.shape, bool),  # the slope is 0 everywhere
    "softmax": lambda y: y.max(axis=-1) > 0.987,  # the largest probability's own slope is y (1 − y), at most ¼
}
# Activations of which a unit that is 0 for every sample passes no delta: it cannot learn its way back.
MORTAL = frozenset({"relu", "relu6"})
CONVOLUTIONS = {
    rule.name
    for chapter in (convolution, depthwise_convolution)
    for rule in vars(chapter).values()
    if isinstance(rule, Rule)
}
WEIGHTED = frozenset({"affine", "matmul"} | CONVOLUTIONS)
SOFTMAXES = frozenset({"softmax", "log_softmax", "softmax_cross_entropy", "sparse_softmax_cross_entropy"})
EXPLODED = 20.0  # times the lowest mean of the losses before
REMEMBERED = ("losses", "total", "lowest", "alarmed")


class Stepping(Protocol):
    """A step with its entries, as :class:`omomi.training.loop.CompiledStep` is one."""

    step: Any
    entries: Any

    def __call__(self, batch: dict[str, Array]) -> dict[str, Array]: ...


class Watched(Protocol):
    """What the recorder needs to know of a model."""

    def parameters(self) -> dict[str, Parameter]: ...
    def walk(self) -> Any: ...
    def state(self) -> Any: ...


class Recorder:
    """Runs the steps of training, watches the sampled ones, and writes the ledger.

    Args:
        model: whose layers and parameters are watched.
        period: see :class:`Ledger`.
    """

    def __init__(self, model: Watched, period: int) -> None:
        self.model = model
        self.ledger = Ledger(period)
        self.counter = model.state()["step"]
        self.epoch = self.number = 0
        self.losses, self.total = 0, 0.0  # how many steps, and the sum of their losses
        self.lowest = np.inf  # the lowest that the mean of the losses has been
        self.alarmed = False

    def get_state(self) -> dict[str, Any]:
        """The ledger, and what its next rows depend on, for a checkpoint."""
        return {"ledger": self.ledger.to_dict(), **{name: getattr(self, name) for name in REMEMBERED}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`get_state` told; the ledger is a new one."""
        self.ledger = Ledger.from_dict(state["ledger"])
        for name in REMEMBERED:
            setattr(self, name, state[name])

    def at(self, epoch: int, number: int) -> None:
        """The next step is batch ``number`` of this epoch."""
        self.epoch, self.number = epoch, number

    def run(self, step: Stepping, batch: dict[str, Array]) -> dict[str, Array]:
        """Run a step; look at it if it is sampled, or if the loss has just exploded. Returns its report."""
        number = self.step_number()
        if self.number % self.ledger.period == 0 or self.alarmed:
            self.alarmed = False
            report = self.watch(step, batch)
        else:
            report = step(batch)
        self.judge(number, float(host(report["loss"])))
        return report

    def watch(self, step: Stepping, batch: dict[str, Array]) -> dict[str, Array]:
        """Run a step with the hook, and write a row."""
        parameters = self.model.parameters()
        before = {path: np.array(host(p._array)) for path, p in parameters.items()}
        look = Look(self.model, self.ledger, self.step_number())
        with look:
            report = step(batch)
        self.write(look, {path: (before[path], host(p._array)) for path, p in parameters.items()})
        return report

    def write(self, look: Look, moves: Mapping[str, tuple[Any, Any]]) -> None:
        """Write the row of a step that was looked at, with each parameter before and after it."""
        rows = look.of_parameters()
        for path, (before, after) in moves.items():
            weight, moved = norm(before), norm(after - before)
            rows.setdefault(path, {}).update(weight=weight, update=moved / weight if weight else np.nan)
        self.ledger.append(look.step, self.epoch, look.loss, look.of_layers(), rows)

    def observe(self, step: Stepping, batch: dict[str, Array]) -> None:
        """Look at a step that is not taken, and write a row."""
        parameters = self.model.parameters()
        before = arrays(step.entries)
        look = Look(self.model, self.ledger, self.step_number())
        with look:
            after, _ = step.step(before, batch)
        self.write(look, {path: (host(before[path]), host(after[path])) for path in parameters})

    def judge(self, number: int, loss: float) -> None:
        """Notice that the loss explodes, and look at the step after that."""
        if self.ledger.explosion is None and loss > EXPLODED * self.lowest:
            self.ledger.explosion = Explosion(number, loss, self.lowest)
            self.alarmed = True
        self.losses, self.total = self.losses + 1, self.total + loss
        self.lowest = min(self.lowest, self.total / self.losses)

    def failed(self, step: Stepping, batch: dict[str, Array], culprit: str) -> None:
        """The step met a number that is not finite: it is watched too, and the ledger remembers where it came from."""
        self.ledger.failure = Failure(self.step_number(), culprit)
        if not self.ledger.steps or self.ledger.steps[-1] != self.step_number():
            self.watch(step, batch)

    def step_number(self) -> int:
        """The number of the step that comes next."""
        return int(host(self.counter._array))


class Look(Hook):
    """One look at one step: what the rules computed, forward and backward, layer by layer.

    Layers are known by path; what is computed outside any layer, as the loss is, belongs to none.
    """

    def __init__(self, model: Watched, ledger: Ledger, step: int) -> None:
        self.ledger, self.step = ledger, step
        self.kinds = {path: type(layer).__name__ for path, layer in model.walk()}
        self.paths = {id(p): path for path, p in model.parameters().items()}
        self.loss, self.unit = np.nan, 1.0
        self.last: Any = None  # what the last rule computed: at the end of the forward pass, the loss
        self.forward = True
        self.outputs: dict[str, Array] = {}
        self.found: dict[str, dict[str, list[float]]] = {}  # of each call of a layer, a number
        self.ends: set[int] = set()  # the nodes whose output leaves their layer
        self.through: set[str] = set()  # the layers whose activation the deltas have passed
        self.gradients: dict[str, Array] = {}
        self.alive: dict[str, Array] = {}

    def note(self, path: str, quantity: str, value: float) -> None:
        """One more number of a layer that may be called more than once."""
        self.found[path].setdefault(quantity, []).append(value)

    # ---- forward ----------------------------------------------------------------------------------------------

    def after_forward(self, rule: Rule, given: list[Array], attributes: Attributes, path: str, y: Any) -> None:
        if not self.forward:
            return  # metrics
        self.last = y = y[0] if isinstance(y, tuple) else y
        if rule.name in SOFTMAXES and not self.ledger.softmax_twice and probabilities(host(given[0])):
            self.ledger.softmax_twice = f"layer {path}" if path else "the loss"
        if not path or not floating(y.dtype):
            return
        facts = self.ledger.layers.setdefault(path, LayerFacts(self.kinds.get(path, "")))
        self.found.setdefault(path, {})
        self.outputs[path] = y
        if len(y.shape) > 1:
            facts.units = int(y.shape[-1])
        if rule.name in WEIGHTED:
            self.note(path, "input_size", size(host(given[0])))
        if rule.name in ACTIVATIONS:
            facts.activation = rule.name
            self.look_at_activation(rule.name, path, host(y))
        if rule.name == "batch_normalization":
            self.look_at_statistics(path, *(host(a) for a in (given[0], given[3], given[4])))

    def look_at_activation(self, name: str, path: str, y: Any) -> None:
        if name in SATURATED:
            self.note(path, "saturated", float(np.mean(SATURATED[name](y))))
        if name in MORTAL and y.ndim > 1:
            active = (y != 0).any(axis=tuple(range(y.ndim - 1)))
            self.alive[path] = active | self.alive[path] if path in self.alive else active

    def look_at_statistics(self, path: str, x: Any, running_mean: Any, running_variance: Any) -> None:
        over = tuple(range(x.ndim - 1))
        self.note(path, "batch_mean", size(x.mean(axis=over)))
        self.note(path, "batch_deviation", float(x.std(axis=over).mean()))
        self.note(path, "running_mean", size(running_mean))
        self.note(path, "running_deviation", float(np.sqrt(running_variance).mean()))

    # ---- backward ---------------------------------------------------------------------------------------------

    def before_backward(self, node: Node, gy: Any) -> None:
        if self.forward:
            self.forward = False
            self.loss = float(np.mean(host(self.last)))
            # ∂E/∂E = 1, or the scale of the loss in half precision: deltas are told without it.
            start = float(np.mean(host(gy)))
            self.unit = start if np.isfinite(start) and start != 0 else 1.0

    def after_backward(self, node: Node, gy: Any, gx: tuple[Array | None, ...]) -> None:
        path = node.path if node.path in self.found else ""
        if path and id(node) in self.ends:
            deltas = gy if isinstance(gy, tuple) else (gy,)
            self.note(path, "output_delta", self.delta(*(d for d in deltas if d is not None)))
        if path and node.rule.name in ACTIVATIONS and gx[0] is not None:
            self.note(path, "delta", self.delta(gx[0]))
            self.through.add(path)
        for x, g in zip(node.inputs, gx, strict=True):
            if g is None:
                continue
            if id(x) in self.paths:
                of = self.paths[id(x)]
                self.gradients[of] = host(g) + self.gradients[of] if of in self.gradients else host(g)
            elif x.creator is None or x.creator.path != node.path:
                if x.creator is not None:
                    self.ends.add(id(x.creator))
                if path:
                    self.note(path, "input_delta", self.delta(g))

    def delta(self, *parts: Array) -> float:
        """‖δ‖ of one array, or of several together."""
        return float(np.hypot.reduce([norm(host(part)) for part in parts])) / self.unit

    # ---- the row ----------------------------------------------------------------------------------------------

    def of_layers(self) -> dict[str, dict[str, float]]:
        """The quantities of each layer in this step."""
        row: dict[str, dict[str, float]] = {}
        for path, found in self.found.items():
            values = row[path] = {q: float(COMBINED.get(q, np.mean)(v)) for q, v in found.items()}
            if path not in self.through and "output_delta" in values:
                # No activation was passed: u is the output itself. Or the loss takes the pre-activation.
                linked = self.ledger.layers[path].activation != ""
                values["delta"] = values.pop("output_delta") if linked else values["output_delta"]
            y = host(self.outputs[path])
            values["output_mean"], values["output_deviation"] = float(y.mean()), float(y.std(axis=0).mean())
            if path in self.alive:
                values["dead"] = float(1 - self.alive[path].mean())
                self.remember(self.ledger.layers[path], self.alive[path])
        return row

    def remember(self, facts: LayerFacts, active: Array) -> None:
        """Which units were active in this step."""
        if len(facts.last_active) != len(active):
            facts.last_active = [-1] * len(active)
        facts.last_active = [self.step if a else s for a, s in zip(active, facts.last_active, strict=True)]

    def of_parameters(self) -> dict[str, dict[str, float]]:
        """The norms of the gradients in this step."""
        sizes = {path: norm(g) / self.unit for path, g in self.gradients.items()}
        return {path: {"gradient": sizes[path]} for path in self.paths.values() if path in sizes}


# Of a layer that is called more than once, norms are those of all calls together; everything else is a mean.
COMBINED: dict[str, Callable[[list[float]], Any]] = {
    "delta": np.hypot.reduce,
    "output_delta": np.hypot.reduce,
    "input_delta": np.hypot.reduce,
}


def host(array: Array) -> Any:
    """An array as NumPy's; numbers of half precision as float32, in which sums of squares do not overflow."""
    found = current().to_host(array)
    return found.astype(np.float32) if found.dtype.name in ("bfloat16", "float16") else found


def probabilities(x: Any) -> bool:
    """Whether every row is one of probabilities: not negative, and summing to 1."""
    if x.ndim < 2 or x.shape[-1] < 2:
        return False
    return bool((x >= 0).all() and np.abs(x.sum(axis=-1) - 1).max(initial=0) < 1e-3)


def norm(array: Any) -> float:
    """‖a‖, the root of the sum of squares; large finite numbers do not overflow."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = float(np.square(array).sum())
        if 1e-30 < total < np.inf:
            return float(np.sqrt(total))
        largest = float(np.abs(array).max()) if array.size else 0.0
        if largest == 0 or not np.isfinite(largest):
            return largest
        return largest * float(np.sqrt(np.square(array / np.array(largest, array.dtype)).sum()))


def size(array: Any) -> float:
    """The root of the mean square."""
    return norm(array) / float(np.sqrt(max(array.size, 1)))

"""Softmax, losses and metrics: the head of a network."""

from __future__ import annotations

from math import prod

from omomi.engines.cpu import elementwise, loss, metric, probability_loss, termwise
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, floats, only, rows, shape_of
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call, Value
from omomi.engines.engine import Array

ENTROPIES = ("softmax_cross_entropy", "sparse_softmax_cross_entropy")
PROBABILITY_LOSSES = ("categorical_cross_entropy", "sparse_categorical_cross_entropy")
METRIC = "_metric"  # the ending of a loss's name where it is a metric
COUNTED = (
    "mean_squared_error",
    "mean_absolute_error",
    "binary_cross_entropy",
    "hinge",
    "kl_divergence",
    "huber",
    "log_cosh",
    "poisson",
    "squared_hinge",
    "sigmoid_cross_entropy",
    *PROBABILITY_LOSSES,
)


def last_axis(p: Planner, call: Call) -> bool:
    """Whether the rule works along the last axis of a batch of rows."""
    ndim = len(shape_of(p, call.inputs[0]))
    return ndim >= 2 and call.attributes.get("axis", -1) in (-1, ndim - 1)


def targets(p: Planner, value: Value) -> Place:
    """Targets as kernels read them: rows like the output's, or class indices of eight bytes."""
    dtype = dtype_of(p, value)
    if dtype in FLOATS:
        return rows(p.place(value))
    if dtype == "int64":
        return p.place(value).vector
    if value not in p.widened:
        p.widened[value] = p.room((prod(shape_of(p, value)),), "int64")
        p.launch(elementwise.widen, p.place(value).vector, p.widened[value])
    return p.widened[value]


def reads_rows_and_targets(p: Planner, call: Call) -> bool:
    """Whether x, t and w are what the kernels of losses and accuracies take."""
    x, t, w = call.inputs
    dtype, of_targets = dtype_of(p, x), dtype_of(p, t)
    return (
        dtype in FLOATS
        and dtype_of(p, w) == dtype
        and of_targets in (dtype, "int64", *elementwise.WIDENINGS)
        and len(shape_of(p, x)) >= 2
        and prod(shape_of(p, x)) > 0
    )


class Softmax(Lowering):
    """Probabilities; a cross-entropy of the same logits computes them too, and then they are made there."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and last_axis(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        x, y = only(call.inputs), only(call.outputs)
        entropy = self.entropy_of(p, call)
        if entropy is not None:
            p.keep(entropy, rows(p.place(y)))
        else:
            p.launch(loss.softmax, rows(p.place(x)), rows(p.place(y)))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        y, gy, gx = only(call.partner.outputs), only(call.inputs), only(call.outputs)
        p.launch(loss.softmax_gradient, rows(p.place(y)), rows(p.place(gy)), rows(p.place(gx)))

    def entropy_of(self, p: Planner, call: Call) -> Call | None:
        """The cross-entropy of the same logits, if nobody needs the probabilities before it."""
        calls = p.notes.calls
        for reader in p.uses.get(only(call.inputs), ()):
            if reader.kind == "forward" and reader.rule.name in ENTROPIES and reads_rows_and_targets(p, reader):
                before = calls[: calls.index(reader)]
                if not any(only(call.outputs) in other.inputs for other in before):
                    return reader
        return None


class LogSoftmax(Lowering):
    """The logarithm of the softmax."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and last_axis(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        p.launch(loss.log_softmax, rows(p.place(only(call.inputs))), rows(p.place(only(call.outputs))))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        y, gy, gx = only(call.partner.outputs), only(call.inputs), only(call.outputs)
        p.launch(loss.log_softmax_gradient, rows(p.place(y)), rows(p.place(gy)), rows(p.place(gx)))


class CrossEntropy(Lowering):
    """E and the probabilities in one pass; backward starts at y − t."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return reads_rows_and_targets(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        x, t, w = (value for value in call.inputs if value is not None)
        logits = rows(p.place(x))
        (y,) = p.kept(call) if p.keeps(call) else p.keep(call, p.room(logits.shape, logits.dtype))
        p.launch(loss.cross_entropy, logits, targets(p, t), p.place(w).vector, y, p.place(only(call.outputs)).vector)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        _, t, w = (value for value in call.partner.inputs if value is not None)
        gx = call.outputs[0]
        if gx is not None:
            p.launch(
                loss.cross_entropy_gradient,
                *p.kept(call.partner),
                targets(p, t),
                p.place(w).vector,
                p.place(only(call.inputs)).vector,
                rows(p.place(gx)),
            )


class ProbabilityLoss(Lowering):
    """A cross-entropy from probabilities; backward computes anew what forward knew."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return reads_rows_and_targets(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        x, t, w = (value for value in call.inputs if value is not None)
        attributes = dict(call.attributes)
        p.launch(
            lambda x, t, w, error: probability_loss.forward(x, t, w, error, **attributes),
            rows(p.place(x)),
            targets(p, t),
            p.place(w).vector,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        x, t, w = (value for value in call.partner.inputs if value is not None)
        gx = call.outputs[0]
        attributes = dict(call.attributes)
        if gx is not None:
            p.launch(
                lambda x, t, w, gy, gx: probability_loss.backward(x, t, w, gy, gx, **attributes),
                rows(p.place(x)),
                targets(p, t),
                p.place(w).vector,
                p.place(only(call.inputs)).vector,
                rows(p.place(gx)),
            )


class Termwise(Lowering):
    """A loss that adds up terms of single outputs. Where the target is differentiated, its gradient is −gx."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and len(shape_of(p, call.inputs[0])) >= 2

    def forward(self, p: Planner, call: Call) -> None:
        x, t, w = (p.place(value) for value in call.inputs if value is not None)
        name, attributes = call.rule.name, dict(call.attributes)
        p.launch(
            lambda x, t, w, error: termwise.forward(name, x, t, w, error, **attributes),
            rows(x),
            rows(t),
            w.vector,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        x, t, w = (p.place(value) for value in call.partner.inputs if value is not None)
        gx, gt, _ = call.outputs
        name, attributes = call.rule.name, dict(call.attributes)
        result = p.place(gx) if gx is not None else p.room(x.shape, x.dtype)
        p.launch(
            lambda x, t, w, gy, gx: termwise.backward(name, x, t, w, gy, gx, **attributes),
            rows(x),
            rows(t),
            w.vector,
            p.place(only(call.inputs)).vector,
            rows(result),
        )
        if gt is not None:
            p.launch(lambda g, y: elementwise.scale(g, y, factor=-1.0), result.vector, p.place(gt).vector)


class Accuracy(Lowering):
    """The weighted count of right answers, and the weight."""

    def accepts(self, p: Planner, call: Call) -> bool:
        dtypes = dtype_of(p, call.inputs[0]), dtype_of(p, call.inputs[1])
        return (call.rule.name != "binary_accuracy" or dtypes[0] == dtypes[1]) and reads_rows_and_targets(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        x, t, w = (value for value in call.inputs if value is not None)
        name, attributes = call.rule.name, dict(call.attributes)
        total, weight = (p.place(value).vector for value in call.outputs if value is not None)
        p.launch(
            lambda x, t, w, total, weight: metric.accuracy(name, x, t, w, total, weight, **attributes),
            rows(p.place(x)),
            targets(p, t),
            p.place(w).vector,
            total,
            weight,
        )


class CountedLoss(Lowering):
    """A loss as a metric: M E and the weight."""

    def accepts(self, p: Planner, call: Call) -> bool:
        name = call.rule.name.removesuffix(METRIC)
        fits = floats(p, call) and len(shape_of(p, call.inputs[0])) >= 2
        return fits if name in termwise.CODES else reads_rows_and_targets(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        x, t, w = (value for value in call.inputs if value is not None)
        name, attributes = call.rule.name.removesuffix(METRIC), dict(call.attributes)

        def launches(x: Array, t: Array, w: Array, error: Array, total: Array, weight: Array) -> list[Launch]:
            if name in termwise.CODES:
                counted = termwise.forward(name, x, t, w, error, **attributes)
            else:
                counted = probability_loss.forward(x, t, w, error, **attributes)
            return [*counted, *metric.count_loss(error, w, total, weight)]

        total, weight = (p.place(value).vector for value in call.outputs if value is not None)
        error = p.room((1,), dtype_of(p, x))
        p.launch(launches, rows(p.place(x)), targets(p, t), p.place(w).vector, error, total, weight)


LOWERINGS: dict[str, Lowering] = {
    "softmax": Softmax(),
    "log_softmax": LogSoftmax(),
    **{name: Termwise() for name in termwise.CODES},
    **{name: CrossEntropy() for name in ENTROPIES},
    **{name: ProbabilityLoss() for name in PROBABILITY_LOSSES},
    **{f"{name}{METRIC}": CountedLoss() for name in COUNTED},
    **{name: Accuracy() for name in metric.ACCURACIES},
}

"""From the arguments of ``compile`` to what training minimises and counts, output by output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.structure import mapped
from omomi.training import losses, metric_names
from omomi.training.callbacks import Logs
from omomi.training.metric import Metric
from omomi.training.objective import Objective, Output, Part


def check_weights(given: Any) -> Any:
    """loss_weights as ``compile`` was given them, if they are numbers."""
    each = places_of(given) if several(given) else [given]
    if any(one is not None and not isinstance(one, (int, float)) for one in each):
        raise ConfigurationError(
            "loss_weights are numbers.",
            where="compile",
            received=f"loss_weights={given!r}",
            fix="metrics=[…], by name: the third argument is loss_weights",
        )
    return given


def several(value: Any) -> bool:
    """Whether an argument says something for each output: a list, or a dictionary that is no configuration."""
    return isinstance(value, (list, tuple)) or (isinstance(value, Mapping) and "class_name" not in value)


def get_losses(given: Any) -> Any:
    """The loss, or those of several outputs, as ``compile`` was given them."""
    if not several(given):
        return losses.get(given)
    found = mapped(lambda loss: None if loss is None else losses.get(loss), given)
    if not any(found.values() if isinstance(found, dict) else found):
        raise ConfigurationError("no output has a loss.", where="compile", received=f"loss={given!r}")
    return found


def objective_of(loss: Any, weights: Any, outputs: Sequence[Output]) -> Objective:
    """What training minimises.

    Raises:
        ConfigurationError, UnknownNameError: losses or weights do not fit the outputs.
    """
    each = for_each(loss, outputs, "loss") if several(loss) else [loss] * len(outputs)
    for output, found in zip(outputs, each, strict=True):
        if found is None and len(outputs) == 1:
            raise ConfigurationError("the output has no loss.", where="compile", received=repr(output.name))
    shares: Sequence[Any] = [None] * len(outputs)
    if weights is not None:
        if not several(weights) and len(outputs) > 1:
            raise ConfigurationError(
                "loss_weights has one number for each output.",
                where="compile",
                expected=f"a list of {len(outputs)} numbers, or a dictionary of {names(outputs)}",
                received=f"loss_weights={weights!r}",
            )
        shares = for_each(weights, outputs, "loss_weights") if several(weights) else [weights]
    return Objective(
        [
            Part(output, found, 1.0 if share is None else float(share))
            for output, found, share in zip(outputs, each, shares, strict=True)
        ]
    )


def metrics_of(given: tuple[Any, Any], objective: Objective, dtype: str) -> list[Metric]:
    """What training counts: the loss; with several outputs, the loss of each; and the metrics without and with weights.

    Their names are Keras's: "loss", "left_loss", "left_accuracy".
    """
    counted = [Metric("loss", dtype=dtype)]
    trained = [part for part in objective.parts if part.loss is not None]
    if len(trained) > 1:
        for part in trained:
            counted.append(Metric(f"{part.output.name}_loss", dtype=dtype))
            counted[-1].output = part.output.place
    taken = {m.name for m in counted}
    outputs = [part.output for part in objective.parts]
    for argument, weighted in zip(given, (False, True), strict=True):
        what = "weighted_metrics" if weighted else "metrics"
        for part, named in zip(objective.parts, metrics_for_each(argument, outputs, what), strict=True):
            for one in named:
                if part.loss is None:
                    raise ConfigurationError(
                        "an output without a loss has no targets to be judged by.",
                        where=f"compile, {what}",
                        received=f"{one!r} for output {part.output.name!r}",
                    )
                counted.append(metric_names.resolve(one, part.loss, part.output.shape))
                counted[-1].weighted, counted[-1].output = weighted, part.output.place
                prefix = f"{part.output.name}_" if len(outputs) > 1 else ""
                counted[-1].name = free_name(prefix, counted[-1].name, weighted, taken)
                taken.add(counted[-1].name)
    return counted


def free_name(prefix: str, name: str, weighted: bool, taken: set[str]) -> str:
    """The name of a metric in logs: weighted_accuracy beside accuracy, and then accuracy_1."""
    full = prefix + name
    if full in taken and weighted:
        full = f"{prefix}weighted_{name}"
    number, base = 1, full
    while full in taken:
        full, number = f"{base}_{number}", number + 1
    return full


def metrics_for_each(given: Any, outputs: Sequence[Output], what: str) -> list[list[Any]]:
    """The metrics of each output. With one output, all are its own."""
    if not given:
        return [[] for _ in outputs]
    if len(outputs) == 1:
        return [[one for part in (given.values() if isinstance(given, Mapping) else [given]) for one in as_list(part)]]
    if not several(given):
        raise ConfigurationError(
            f"{what} of a model with several outputs say which output they judge.",
            where="compile",
            expected=f"a dictionary of {names(outputs)}, or a list with one entry for each",
            received=f"{what}={given!r}",
        )
    return [as_list(one) for one in for_each(given, outputs, what)]


def check_names(loss: Any, given: tuple[Any, Any]) -> None:
    """Raise for an unknown metric when the model is compiled, not when it is trained."""
    some = loss if not several(loss) else next(x for x in places_of(loss) if x is not None)
    for argument in given:
        for one in places_of(argument) if several(argument) else [argument]:
            for name in as_list(one):
                find = (
                    metric_names.made if several(loss) else metric_names.resolve
                )  # which output it judges is not known yet
                find(name, some, (None, 2))


def for_each(given: Any, outputs: Sequence[Output], what: str) -> list[Any]:
    """What an argument says of each output, in their order; ``None`` where it says nothing.

    Raises:
        UnknownNameError: it names an output that there is not.
        ConfigurationError: it has another number of entries.
    """
    if isinstance(given, Mapping):
        by_name = {output.name: output for output in outputs}
        for name in given:
            if name not in by_name:
                raise UnknownNameError("output", name, by_name, where=what)
        return [given.get(output.name) for output in outputs]
    if len(given) != len(outputs):
        raise ConfigurationError(
            f"{what} has one entry for each output.",
            where="compile" if what not in ("y", "sample_weight") else "data",
            expected=f"{len(outputs)} entries, for {names(outputs)}",
            received=f"{len(given)} entries",
        )
    return list(given)


def places_of(value: Any) -> list[Any]:
    """The entries of a list or dictionary."""
    return list(value.values() if isinstance(value, Mapping) else value)


def as_list(value: Any) -> list[Any]:
    """One or several as a list; none as an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def names(outputs: Sequence[Output]) -> str:
    """The outputs by name, as messages list them."""
    return ", ".join(repr(output.name) for output in outputs)


def as_given(names: Any) -> Any:
    """Metrics as ``compile`` was given them, one name as a list of one."""
    if isinstance(names, Mapping):
        return dict(names)
    return list(names) if isinstance(names, (list, tuple)) else [] if names is None else [names]


def as_keras(logs: Logs, return_dict: bool) -> Any:
    """Loss and metrics as Keras returns them: one number, a list, or by name."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]

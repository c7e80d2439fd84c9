"""Data as users give it, matched to the inputs and outputs of a model, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError, DtypeError, ShapeError, UnknownNameError
from omomi.graph.structure import mapped, places
from omomi.graph.variable import Variable, as_array
from omomi.layers.inputs import single
from omomi.layers.layer import Shape
from omomi.models.compiling import for_each, names, several
from omomi.models.network import Port
from omomi.training.batches import Array, as_data, check_lengths, sample_weights
from omomi.training.objective import Objective, Output
from omomi.training.targets import shown


def is_array(value: Any) -> bool:
    """Whether this is an array of samples, rather than numbers that an array is made of."""
    return len(getattr(value, "shape", ())) > 0


def inputs_of(x: Any) -> Any:
    """Inputs as arrays: one; or a list or dictionary of them, where arrays are given so."""
    if isinstance(x, Mapping):
        return {name: as_data(part, f"x[{name!r}]") for name, part in x.items()}
    if isinstance(x, (list, tuple)) and x and all(is_array(part) for part in x):
        return [as_data(part, f"x[{position}]") for position, part in enumerate(x)]
    return as_data(x, "x")


def ordered(inputs: Any, ports: Sequence[Port], where: str) -> list[Any]:
    """One value for each input of a network, given alone, as a list, or by name.

    Raises:
        UnknownNameError: a name that no input has.
        DataError: another number of them.
    """
    if isinstance(inputs, Mapping):
        named = {name: port for port in ports for name in (port.layer.name, port.name)}
        found: dict[str, Any] = {}
        for name, value in inputs.items():
            if name not in named:
                raise UnknownNameError("input", name, [port.name for port in ports], where=where)
            found[named[name].name] = value
        missing = [port.name for port in ports if port.name not in found]
        if missing:
            raise DataError(
                "an input is missing.",
                where=where,
                expected=", ".join(repr(port.name) for port in ports),
                received=", ".join(map(repr, inputs)),
                fix=f"x={{…, {missing[0]!r}: …}}",
            )
        return [found[port.name] for port in ports]
    if len(ports) == 1:
        alone = isinstance(inputs, (list, tuple)) and len(inputs) == 1 and is_array(inputs[0])
        return [inputs[0] if alone and len(inputs[0].shape) == len(ports[0].shape) else inputs]
    if not isinstance(inputs, (list, tuple)) or len(inputs) != len(ports):
        names = ", ".join(repr(port.name) for port in ports)
        raise DataError(
            f"the model has {len(ports)} inputs.",
            where=where,
            expected=f"a list of {len(ports)} arrays, for {names}; or a dictionary by these names",
            received=f"{len(inputs)} entries" if isinstance(inputs, (list, tuple)) else f"one {type(inputs).__name__}",
        )
    return list(inputs)


def ports_of(x: Any, ports: Sequence[Port], where: str) -> Any:
    """Inputs as arrays, in the order of the network's inputs; alone if there is one.

    Raises:
        DataError, UnknownNameError, DtypeError: they do not fit.
    """
    arrays: list[Array] = []
    for port, value in zip(ports, ordered(x, ports, where), strict=True):
        what = "x" if len(ports) == 1 else f"x of input {port.name!r}"
        array = as_data(value, what)
        wanted = np.dtype(port.layer.data_dtype)
        if wanted.kind != "f" and array.dtype.kind == "f":
            if (array != np.floor(array)).any():
                raise DtypeError(
                    "this input takes whole numbers.",
                    where=what,
                    expected=f"dtype {wanted}, as its Input says",
                    received=f"{array.dtype} with fractions",
                )
            array = array.astype(wanted)
        arrays.append(array)
    return arrays[0] if len(arrays) == 1 else arrays


def check_fits(shape: Any, ports: Sequence[Port], where: str) -> None:
    """Raise unless inputs of these shapes (batch first) fit a network."""
    shapes = [shape] if single(shape) else list(places(shape).values())
    if len(shapes) != len(ports):
        raise ShapeError(
            "another number of inputs.",
            where=where,
            expected=f"{len(ports)}: {', '.join(repr(port.name) for port in ports)}",
            received=f"{len(shapes)}",
        )
    for one, port in zip(shapes, ports, strict=True):
        known = tuple(one)
        if len(known) != len(port.shape) or any(
            None not in (a, b) and a != b for a, b in zip(known[1:], port.shape[1:], strict=True)
        ):
            raise ShapeError(
                "this does not fit the model's input.",
                where=f"{where}, input {port.name!r}",
                expected=f"shape {shown(port.shape)}",
                received=f"shape {known}",
                fix=input_fix(known, port.shape[1:]),
            )


def variables(inputs: Any) -> Any:
    """Several inputs as Variables, so that a list of arrays is not taken for one array."""
    if isinstance(inputs, Mapping) or (isinstance(inputs, (list, tuple)) and inputs and all(map(is_array, inputs))):
        return mapped(lambda x: x if isinstance(x, Variable) else Variable(as_array(x), requires_grad=False), inputs)
    return inputs


def targets_of(y: Any, objective: Objective, samples: int, dtype: str) -> dict[str, Array | None]:
    """Targets by place, aligned with the outputs; ``None`` for an output without a loss.

    Raises:
        DataError, ShapeError, DtypeError: they do not fit the outputs or their losses.
    """
    parts = objective.parts
    outputs = [part.output for part in parts]
    if len(parts) == 1 and not isinstance(y, Mapping):
        wrapped = isinstance(y, (list, tuple)) and len(y) == 1 and is_array(y[0]) and len(y[0]) == samples != 1
        given = [y[0] if wrapped else y]
    else:
        if not several(y):
            raise DataError(
                "the model has several outputs, and each has targets of its own.",
                where="y",
                expected=f"a list of {len(outputs)} arrays, or a dictionary of {names(outputs)}",
                received=type(y).__name__,
            )
        trained = [part.output for part in parts if part.loss is not None]
        only = isinstance(y, (list, tuple)) and len(y) == len(trained) < len(outputs)  # the trained outputs alone
        found = dict(zip([o.name for o in trained], y, strict=True)) if only else y
        given = for_each(found, outputs, "y")
    aligned: dict[str, Array | None] = {}
    for part, one in zip(parts, given, strict=True):
        what = "y" if len(parts) == 1 else f"y of output {part.output.name!r}"
        aligned[part.output.place] = None
        if part.loss is None:
            continue
        if one is None:
            raise DataError(
                "an output with a loss has no targets.",
                where=what,
                expected=f"targets of shape {shown(part.output.shape)}",
                fix=f"y={{{part.output.name!r}: …}}, or loss={{{part.output.name!r}: None}}",
            )
        one = as_data(one, what)
        check_lengths(x=range(samples), **{what: one})
        where = part.loss.name if len(parts) == 1 else f"{part.loss.name} of output {part.output.name!r}"
        one = part.loss.align(one, part.output.shape, where)
        if not part.loss.indexed:
            # here and not in the step: a recorded step would take what a cast gives for a constant
            with np.errstate(over="ignore"):  # a step of training names what has become an infinity
                one = one.astype(dtype, copy=False)
        aligned[part.output.place] = one
    return aligned


def weights_of(targets: Mapping[str, Array | None], objective: Objective, sample_weight: Any, class_weight: Any) -> Any:
    """The weights of the samples: ``None``, one array for all outputs, or a structure with those of each.

    Raises:
        DataError, ConfigurationError: they do not fit the samples or the outputs.
    """
    parts = objective.parts
    outputs = [part.output for part in parts]
    if len(parts) == 1:
        if isinstance(sample_weight, Mapping):
            sample_weight = for_each(sample_weight, outputs, "sample_weight")[0]
        y = targets[outputs[0].place]
        assert y is not None
        return sample_weights(y, sample_weight, class_weight)
    of_classes: Sequence[Any] = [None] * len(outputs)
    if class_weight:
        if not all(isinstance(one, Mapping) for one in class_weight.values()):
            raise ConfigurationError(
                "class_weight does not say which of the outputs it is for.",
                where="class_weight",
                expected=f"a dictionary of {names(outputs)}, each with the weights of its classes",
                received=repr(class_weight),
                fix="or give sample_weight for each output",
            )
        of_classes = for_each(class_weight, outputs, "class_weight")
    each = isinstance(sample_weight, Mapping) or (
        isinstance(sample_weight, (list, tuple)) and any(one is None or is_array(one) for one in sample_weight)
    )
    if not each and not class_weight:
        some = next(y for y in targets.values() if y is not None)
        return sample_weights(some, sample_weight, None)
    own = for_each(sample_weight, outputs, "sample_weight") if each else [sample_weight] * len(outputs)
    found: list[Array | None] = []
    for output, one, classes in zip(outputs, own, of_classes, strict=True):
        y = targets[output.place]
        found.append(None if y is None else sample_weights(y, one, classes))
    return in_places(outputs, found)


def in_places(outputs: Sequence[Output], values: Sequence[Any]) -> Any:
    """One value for each output, in the structure of the outputs."""
    place = outputs[0].place
    if place == "":
        return values[0]
    if place[0] == "[":
        return list(values)
    return {output.place[1:]: value for output, value in zip(outputs, values, strict=True)}


def check_samples(x: Array, given: Shape, where: str, what: str = "x") -> None:
    """Raise unless samples like those of ``x`` have this shape."""
    sample = tuple(x.shape[1:])
    if len(sample) != len(given) or any(g is not None and g != d for g, d in zip(given, sample, strict=True)):
        raise ShapeError(
            "the data does not fit the model's input.",
            where=where,
            expected=f"{what} of shape {shown((None, *given))}",
            received=f"{what} of shape {x.shape}",
            fix=input_fix(x.shape, given),
        )


def input_fix(received: tuple[int, ...], given: Shape) -> str | None:
    """The likely reason why data does not fit the input_shape."""
    sample = received[1:]
    if tuple(given[1:]) == sample:
        return f"input_shape seems to include the number of samples; leave it out: input_shape={sample}"
    if tuple(given) == received:
        return "one sample is a batch of one: x[None]"
    if (*sample, 1) == tuple(given):
        return "gray images have one channel: x[..., None]"
    known = [d for d in given if d is not None]
    size, wanted = 1, 1
    for d in sample:
        size *= d
    for d in known:
        wanted *= d
    if size == wanted and len(known) == len(given):
        return f"x = x.reshape(len(x), {', '.join(map(str, known))})"
    return None


def outputs_of(shapes: Any, labels: Sequence[str] | None = None) -> list[Output]:
    """The outputs of a model from their shapes: a tuple for one; a list or dictionary of tuples for several."""
    if isinstance(shapes, tuple):
        return [Output("", labels[0] if labels else "output", shapes)]
    found = places(shapes)
    if labels is None:
        labels = [place[1:] if place[0] == "/" else f"output_{place[1:-1]}" for place in found]
    return [Output(place, label, shape) for label, (place, shape) in zip(labels, found.items(), strict=True)]

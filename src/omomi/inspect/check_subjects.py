"""What a gradient check is applied to: a function of Variables, or a network on a batch, in float64."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.graph.context import no_grad
from omomi.graph.structure import first, mapped, places, structured
from omomi.graph.variable import Variable
from omomi.inspect.stepping import given_inputs, input_labels, loss_of, whole_loss
from omomi.layers.input_layer import InputLayer
from omomi.layers.layer import Layer
from omomi.layers.state import StateEntry, holding
from omomi.models.model import Model
from omomi.models.network import Ref
from omomi.training.batches import as_data, check_lengths
from omomi.training.objective import Objective

Array = Any

_DOUBLE = np.dtype(np.float64)


class Subject:
    """What is checked: arrays by name, and outputs as a function of them."""

    title: str

    def start(self) -> dict[str, Array]:
        """The arrays to differentiate by, in float64, where they are now."""
        raise NotImplementedError

    def outputs(self, point: dict[str, Array]) -> tuple[list[Variable], dict[str, Variable]]:
        """The outputs at this point, and the Variables that hold the point's arrays."""
        raise NotImplementedError

    @contextmanager
    def in_float64(self) -> Iterator[None]:
        """Inside, everything computes in float64; afterwards it is as it was."""
        yield


# ---- functions -----------------------------------------------------------------------------------------------------


class Function(Subject):
    """A function of Variables."""

    def __init__(self, function: Callable[..., Any], x: Any) -> None:
        if not callable(function):
            raise ConfigurationError(
                "only a model or a function of Variables has gradients to check.",
                where="check_gradients",
                received=type(function).__name__,
            )
        self.function = function
        self.title = getattr(function, "__name__", type(function).__name__)
        given = x if isinstance(x, tuple) else (x,)
        arrays = [as_data(a.numpy() if isinstance(a, Variable) else a, "x") for a in map(_at_least_one, given)]
        self.arrays = [a.astype(_DOUBLE) if a.dtype.kind == "f" else a for a in arrays]
        self.arrays = [a.reshape(np.shape(g)) for a, g in zip(self.arrays, given, strict=True)]
        self.names = _argument_names(function, len(self.arrays))

    def start(self) -> dict[str, Array]:
        return {n: a for n, a in zip(self.names, self.arrays, strict=True) if a.dtype.kind == "f"}

    def outputs(self, point: dict[str, Array]) -> tuple[list[Variable], dict[str, Variable]]:
        inputs = [Variable(point.get(n, a)) for n, a in zip(self.names, self.arrays, strict=True)]
        leaves = {n: v for n, v in zip(self.names, inputs, strict=True) if n in point}
        return as_outputs(self.function(*inputs), self.title), leaves


def _at_least_one(value: Any) -> Any:
    """A single number as an array of one; the rest as it is."""
    return np.atleast_1d(value) if np.ndim(value) == 0 and not isinstance(value, Variable) else value


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return names[:count] if len(names) >= count else [f"x[{i}]" for i in range(count)]


def as_outputs(result: Any, where: str) -> list[Variable]:
    """What a function returned, as a list of Variables of floats.

    Raises:
        ConfigurationError: it is something else.
    """
    ys = list(result) if isinstance(result, (tuple, list)) else [result]
    if not ys or not all(isinstance(y, Variable) for y in ys):
        raise ConfigurationError(
            "the function does not return Variables.",
            where=where,
            expected="a Variable, or a tuple of them",
            received=type(result).__name__,
            fix="compute with omomi.functions and operators on Variables, not with NumPy",
        )
    return [y for y in ys if y.dtype.kind == "f"]


# ---- models --------------------------------------------------------------------------------------------------------


class Network(Subject):
    """A model or another layer on a batch; with targets, its loss."""

    def __init__(self, model: Layer, x: Any, y: Any, loss: Any) -> None:
        self.model, self.title = model, model.name
        self.x = given_inputs(model, x)
        if not isinstance(model, Model) and not model.built:
            with no_grad(), np.errstate(all="ignore"):
                model(mapped(lambda array: Variable(array[:1], requires_grad=False), self.x))
        self.loss = loss_of(model, loss) if y is not None else None
        self.y = y
        if y is not None and not isinstance(self.loss, Objective):
            self.y = as_data(y, "y")
            check_lengths(x=first(self.x), y=self.y)
        self.labels = input_labels(model, self.x)
        self.floats = {
            self.labels[place]: array.dtype.kind == "f" or (array.dtype.kind in "iu" and reads_numbers(model, number))
            for number, (place, array) in enumerate(places(self.x).items())
        }

    @contextmanager
    def in_float64(self) -> Iterator[None]:
        with in_float64(self.model):
            yield

    def start(self) -> dict[str, Array]:
        arrays = {path: np.array(p.array, _DOUBLE) for path, p in self.model.parameters().items()}
        for place, array in places(self.x).items():
            if self.floats[self.labels[place]]:
                arrays[self.labels[place]] = array.astype(_DOUBLE)
        return arrays

    def outputs(self, point: dict[str, Array]) -> tuple[list[Variable], dict[str, Variable]]:
        parameters = self.model.parameters()
        leaves: dict[str, Variable] = {path: p for path, p in parameters.items() if path in point}
        inputs: dict[str, Variable] = {}
        for place, array in places(self.x).items():
            name = self.labels[place]
            inputs[f"x{place}"] = Variable(point.get(name, array), requires_grad=self.floats[name])
            if name in point:
                leaves[name] = inputs[f"x{place}"]
        x = structured("x", inputs)
        entries = self.model.state()
        values = {path: point.get(path, entry._array) for path, entry in entries.items()}
        with holding(entries, values):
            loss = self.loss
            y = self.model(x, training=True) if loss is None else whole_loss(self.model, loss, x, self.y)
            ys = as_outputs(list(places(y).values()), self.title)
        return ys, leaves


def reads_numbers(model: Layer, number: int = 0) -> bool:
    """Whether integers (the bytes of an image) are numbers to the model at this input, and not indices to look up."""
    network = model._network if isinstance(model, Model) else None
    if network is not None:
        given = Ref(-1, f"[{number}]")
        return all(reads_numbers(node.layer) for node in network.nodes if given in node.reads())
    inside = [layer for layer in model.children.values() if not isinstance(layer, InputLayer)]
    return reads_numbers(inside[0]) if inside else model.casts_integers or not model.weights


@contextmanager
def in_float64(model: Layer) -> Iterator[None]:
    """Inside, parameters and arithmetic of the model are float64; afterwards all is as it was, whatever happened."""
    entries = model.state()
    floats: Sequence[StateEntry] = [entry for entry in entries.values() if entry.dtype.kind == "f"]
    kept = [(entry, entry._dtype, entry.grad) for entry in floats]
    layers = [(layer, {"dtype": layer.dtype, "precision": layer.precision}) for _, layer in model.walk()]
    values = {
        path: np.array(entry.array, _DOUBLE) if entry.dtype.kind == "f" else np.array(entry.array)
        for path, entry in entries.items()
    }
    with holding(entries, values):
        try:
            for entry in floats:
                entry._dtype = _DOUBLE
            for layer, _ in layers:
                vars(layer).update(dtype="float64", precision="float32")  # that is: not mixed
            yield
        finally:
            for entry, dtype, grad in kept:
                entry._dtype, entry.grad = dtype, grad
            for layer, before in layers:
                vars(layer).update(before)  # past __setattr__: nothing changes, so no recorded step is discarded

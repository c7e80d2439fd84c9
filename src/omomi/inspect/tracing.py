"""One real training step as data: the computational graph with every formula, value and delta."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, UnknownNameError
from omomi.files import write_json, write_text
from omomi.graph.structure import first, mapped, places
from omomi.graph.variable import Variable
from omomi.inspect.expanding import expanded
from omomi.inspect.formulas import array_text, norm, number, shape_text, summary_text
from omomi.inspect.recording import Names, Recorder, TracedNode, TracedValue, assemble, bytes_of
from omomi.inspect.stepping import given_inputs, input_labels, loss_of, untouched, whole_loss
from omomi.inspect.text_table import printable, text_table
from omomi.inspect.trace_svg import draw_trace
from omomi.layers.layer import DTYPES
from omomi.layers.state import Parameter, arrays
from omomi.training.batches import as_data, check_lengths
from omomi.training.objective import Objective

__all__ = ["Trace", "trace"]

SMALL = 64  # numbers of an array that data holds in full; larger ones are summarised
WRITTEN = 16  # the same for text


@dataclass(frozen=True)
class Trace:
    """A training step, node by node, from the input to the loss and back.

    Attributes:
        title: the model's name.
        engine: the engine that computed it.
        samples: in the batch.
        loss: E.
        nodes: the calls of rules, in the order in which they ran.
        values: every array of the step by name, in the same order: inputs, parameters, the output of every node.
        saved_bytes: what the nodes keep for backward, every array counted once.
        whole: in an expanded trace, composites that stayed whole because their parts would not give the same numbers
            in this precision.
    """

    title: str
    engine: str
    samples: int
    loss: float
    nodes: tuple[TracedNode, ...]
    values: Mapping[str, TracedValue]
    saved_bytes: int
    whole: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> TracedValue:
        """A value by name: "x", "dense/kernel", "dense/affine", "E".

        Raises:
            UnknownNameError: there is none of that name; the message names the nearest.
        """
        if name not in self.values:
            raise UnknownNameError("value in this trace", name, self.values)
        return self.values[name]

    def node(self, name: str) -> TracedNode:
        """A node by name: "dense/affine".

        Raises:
            UnknownNameError: there is none of that name; the message names the nearest.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise UnknownNameError("node in this trace", name, [node.name for node in self.nodes])

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """∂E/∂p of every parameter p, by path."""
        found = {v.name: v.delta for v in self.values.values() if v.role == "parameter"}
        return {name: delta for name, delta in found.items() if delta is not None}

    # ---- as text ------------------------------------------------------------------------------------------------

    def to_text(self, width: int | None = None) -> str:
        """A table of the nodes, then one of the parameters, then every small array in numbers.

        Args:
            width: in characters; as wide as the tables need, unless given.
        """
        batch = f"{self.samples} sample{'s' * (self.samples != 1)}"
        head = f"{self.title}: one training step on {batch}, engine {self.engine}, E = {number(self.loss, 6)}"
        rows = [self._row(i, node) for i, node in enumerate(self.nodes, 1)]
        columns = ("", "node", "forward, backward", "shape", "value, delta ∂E/∂", "ms", "saved")
        parts = [head, text_table(columns, rows, right=(0, 5, 6), width=width)]
        parameters = [v for v in self.values.values() if v.role == "parameter"]
        if parameters:
            lines = [(v.name, shape_text(v.shape), summary_text(v.value), _delta_text(v)) for v in parameters]
            parts.append(text_table(("parameter", "shape", "value", "gradient ∂E/∂"), lines, width=width))
        small = [v for v in self.values.values() if v.role != "buffer" and 0 < v.value.size <= WRITTEN]
        numbers = [
            (v.name, array_text(v.value), "" if v.delta is None else array_text(v.delta))
            for v in small
            if v.value.dtype.kind == "f"
        ]
        if numbers:
            parts.append(text_table(("small arrays", "numbers", "∂E/∂"), numbers, width=width))
        if self.whole:
            parts.append("not expanded, for its parts would round differently: " + ", ".join(self.whole))
        return printable("\n\n".join(parts))

    def _row(self, index: int, node: TracedNode) -> tuple[str, ...]:
        output = self.values[node.outputs[0]]
        times = [f"{1000 * node.seconds:.2f}"]
        times += [f"{1000 * node.backward_seconds:.2f}"] if node.backward_seconds is not None else []
        back = node.gradient if node.backward_seconds is not None else ""
        return (
            str(index),
            node.name + (f"\n{node.label}" if node.label else ""),
            f"{node.formula}\n{back}".strip(),
            shape_text(output.shape),
            f"{summary_text(output.value)}\n{_delta_text(output)}".strip(),
            "\n".join(times),
            _bytes(node.saved_bytes),
        )

    def __str__(self) -> str:
        return self.to_text(width=max(100, get_terminal_size((140, 24)).columns))

    def __repr__(self) -> str:
        return f"<Trace of {self.title}: {len(self.nodes)} nodes, E = {number(self.loss, 6)}>"

    # ---- as data and as a picture ------------------------------------------------------------------------------

    def to_dict(self, limit: int = SMALL) -> dict[str, Any]:
        """Everything as plain values that JSON can hold.

        Args:
            limit: arrays of more numbers are summarised by shape, dtype, norm, smallest, largest and mean.
        """
        return {
            "title": self.title,
            "engine": self.engine,
            "samples": self.samples,
            "loss": self.loss,
            "saved_bytes": self.saved_bytes,
            "whole": list(self.whole),
            "nodes": [_node_dict(node) for node in self.nodes],
            "values": {
                name: {
                    "role": v.role,
                    "value": _array_dict(v.value, limit),
                    "delta": None if v.delta is None else _array_dict(v.delta, limit),
                }
                for name, v in self.values.items()
            },
        }

    def to_svg(self, columns: int = 1) -> str:
        """The computational graph as an SVG picture: values flow down in blue, deltas flow back up in vermilion.

        Args:
            columns: the columns that a long chain is broken into: 1 is for screens and phones, 2 or 3 for one page.
        """
        return draw_trace(self, columns)

    def _repr_html_(self) -> str:
        return f'<div style="max-width:100%;overflow-x:auto">{self.to_svg()}</div>'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trace as a picture (.svg), as data (.json) or as text (.txt), by the ending of the file's name.

        Raises:
            ConfigurationError: another ending.
            FileAccessError: the file cannot be written.
        """
        target = Path(path)
        match target.suffix.lower():
            case ".svg":
                write_text(target, self.to_svg())
            case ".json":
                write_json(target, self.to_dict())
            case ".txt":
                write_text(target, self.to_text() + "\n")
            case ending:
                raise ConfigurationError(
                    "a trace is written as a picture, as data or as text.",
                    where=str(path),
                    expected="a name that ends in .svg, .json or .txt",
                    received=repr(ending),
                )
        return target


def _delta_text(v: TracedValue) -> str:
    return "" if v.delta is None else f"δ {summary_text(v.delta)}"


def _bytes(count: int) -> str:
    if count == 0:
        return ""
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"


def _node_dict(node: TracedNode) -> dict[str, Any]:
    plain = ("name", "rule", "path", "inputs", "arguments", "outputs", "formula", "gradient", "label", "part_of")
    latex, latex_gradient = node.latex
    return {
        **{key: getattr(node, key) for key in plain},
        "latex": latex,
        "latex_gradient": latex_gradient,
        "attributes": {key: _plain(value) for key, value in node.attributes.items()},
        "gradient_norms": [None if g is None else norm(g) for g in node.gradients],
        "seconds": node.seconds,
        "backward_seconds": node.backward_seconds,
        "saved_bytes": node.saved_bytes,
    }


def _plain(value: Any) -> Any:
    """An attribute as JSON can hold it."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _array_dict(array: np.ndarray, limit: int) -> dict[str, Any]:
    found: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size <= limit:
        found["numbers"] = array.tolist()
    if array.size and array.dtype.kind in "fiu":
        low, high, mean = float(array.min()), float(array.max()), float(array.mean(dtype=np.float64))
        found |= {"norm": norm(array), "min": low, "max": high, "mean": mean}
    return found


# ---- making a trace --------------------------------------------------------------------------------------------------


def trace(model: Any, x: Any, y: Any, *, loss: Any = None, sample_weight: Any = None, expand: bool = False) -> Trace:
    """Run one training step, forward and backward, and write down all that happens in it.

    The step is real: training mode, the engine that is chosen, the masks that the model's next step would draw. Only
    the update is left out, and afterwards the model is as it was: parameters, buffers, gradients, draws and step.
    Beside the parameters' gradients the delta of the input x is computed, so that every value of floats has one.

    Args:
        model: a model or any other layer.
        x: the batch of inputs, (N, …); several as a list, or by name.
        y: the targets, as the loss takes them; of several outputs as a list, or by name.
        loss: a loss instead of the compiled one, as ``compile`` takes it.
        sample_weight: one weight for each sample, (N,); 1 unless given.
        expand: spell composite rules out in primitive ones: affine as dot and add, batch normalisation and softmax with
            loss as the books draw them. Values and deltas stay the same.

    Raises:
        NotBuiltError: the model was not compiled, and no loss is given.
        DataError, ShapeError, DtypeError: the batch is empty or does not fit the model or the loss.

    Example:
        >>> import numpy as np, omomi
        >>> model = omomi.Sequential([omomi.layers.Dense(1, input_shape=(2,), kernel_initializer="ones")], seed=0)
        >>> step = omomi.inspect.trace(model, np.array([[1.0, 2.0]]), np.array([[1.0]]), loss="squared_error")
        >>> step.loss, step["dense/affine"].delta  # y = 3, E = ½ (3 − 1)², ∂E/∂y = 3 − 1
        (2.0, array([[2.]], dtype=float32))
    """
    x = given_inputs(model, x)
    loss = loss_of(model, loss)
    if isinstance(loss, Objective):
        samples = len(first(x))
    else:
        y, samples = as_data(y, "y"), len(first(x))
        check_lengths(x=first(x), y=y)
    dtype = DTYPES[model.dtype or "float32"]
    x = mapped(lambda array: array.astype(dtype) if array.dtype.kind == "f" else array, x)
    entries = model.state()
    before = arrays(entries)
    with untouched(entries):
        labels = input_labels(model, x)
        inputs = mapped(lambda array: Variable(current().asarray(array), name="x"), x)
        recorder = Recorder()
        with np.errstate(all="ignore"), recorder:
            E = whole_loss(model, loss, inputs, y, sample_weight)
            E.backward()
        names = Names()
        for place, given in places(inputs).items():
            names.add(given._array, labels[place], "input", given.grad)
        for path, entry in entries.items():
            names.add(before[path], path, "parameter" if isinstance(entry, Parameter) else "buffer", entry.grad)
        nodes = assemble(recorder.calls, names, given={id(E._array): "E"})
        whole: tuple[str, ...] = ()
        if expand:
            nodes, whole = expanded(nodes, recorder.calls, names)
    saved: set[int] = set()
    total = sum(bytes_of(call.saved, saved) for call in recorder.calls)
    return Trace(model.name, current().name, samples, float(E), tuple(nodes), names.values, total, whole)

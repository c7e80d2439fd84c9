"""One step of a recurrence as a layer of its own, and the layer that carries any such cell along a sequence.

Omomi's own cells go over a whole sequence in one rule, alone or stacked; a cell of your own is called step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.context import context
from omomi.graph.variable import Variable, as_variable
from omomi.layers.layer import Layer, Shape
from omomi.layers.precision import parameters_in
from omomi.layers.recurrence import Recurrent, States
from omomi.layers.recurrent import GRU, LSTM, SimpleRNN
from omomi.layers.registry import deserialize, serialize
from omomi.layers.wrappers import as_list, build_inside, checked

# What a layer over sequences has and a cell has not.
_OF_SEQUENCES = ("return_sequences", "return_state", "go_backwards", "stateful")


class _Cell(Recurrent):
    """What Omomi's cells share: (N, C) and the states before → the output (N, H) and the states after."""

    @property
    def state_size(self) -> Any:
        """H, or a list for several states."""
        return self.units if self.states == 1 else [self.units] * self.states

    @property
    def output_size(self) -> int:
        """H."""
        return self.units

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 2 or (self.built and shape[-1] != self.kernel.shape[0]):
            raise ShapeError(
                "a cell reads one step.",
                where=self.where,
                expected=f"shape (batch, {self.kernel.shape[0] if self.built else 'features'})",
                received=f"shape {tuple(shape)}",
                fix="RNN(cell) carries it along a sequence" if len(shape) == 3 else None,
            )

    def call(self, inputs: Variable, states: Any = None, training: bool = False) -> Any:  # type: ignore[override]
        """One step.

        Returns:
            The output, and the list of the states after it.
        """
        first = self.first(states, inputs.shape[0], inputs._array.dtype)
        y, last = self.over(inputs.reshape((inputs.shape[0], 1, inputs.shape[1])), first, None, training)
        return [y[:, 0], *last]

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return super().multiply_accumulates((input_shape[0], 1, *input_shape[1:]))

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        return super().backward_accumulates((input_shape[0], 1, *input_shape[1:]), moved, learns)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape = (input_shape[0], self.units)
        return [shape] * (1 + self.states)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key not in _OF_SEQUENCES}


class SimpleRNNCell(_Cell, SimpleRNN):
    """One step of :class:`omomi.layers.SimpleRNN`: ``cell(x, states)`` → [h, h]. Arguments as there."""


class LSTMCell(_Cell, LSTM):
    """One step of :class:`omomi.layers.LSTM`: ``cell(x, states)`` → [h, h, c]. Arguments as there."""


class GRUCell(_Cell, GRU):
    """One step of :class:`omomi.layers.GRU`: ``cell(x, states)`` → [h, h]. Arguments as there."""


class StackedRNNCells(Layer):
    """Several cells as one: each reads the output of the one before it, in the same step.

    Args:
        cells: from the first to the last.
    """

    def __init__(self, cells: Sequence[Layer], **options: Any) -> None:
        super().__init__(**options)
        if not cells:
            raise ConfigurationError("there is no cell to stack.", where=self.where)
        self.cells = [checked(cell, "what is stacked", self.where) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """Those of all cells, one after another."""
        return [size for cell in self.cells for size in sizes_of(cell)]

    @property
    def output_size(self) -> Any:
        """That of the last cell."""
        return output_of(self.cells[-1])

    def build(self, input_shape: Shape) -> None:
        for position, (cell, shape) in enumerate(self.inside(input_shape)):
            build_inside(self, f"cells_{position}", cell, shape)

    def call(self, inputs: Variable, states: Any = None, training: bool = False) -> Any:
        last: list[Variable] = []
        states = as_list(states)
        for cell in self.cells:
            count = len(sizes_of(cell))
            inputs, *after = flat(cell(inputs, states[:count], training=training))
            states, last = states[count:], last + after
        return [inputs, *last]

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return sum(cell.multiply_accumulates(shape) for cell, shape in self.inside(input_shape))

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        return sum(
            cell.backward_accumulates(shape, moved, learns or number > 0)
            for number, (cell, shape) in enumerate(self.inside(input_shape))
        )

    def inside(self, input_shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        """The cells, with the shapes that they read."""
        for cell in self.cells:
            yield cell, input_shape
            input_shape = (input_shape[0], output_of(cell))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return [(input_shape[0], self.output_size), *((input_shape[0], size) for size in self.state_size)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> StackedRNNCells:
        return cls(**{**config, "cells": [deserialize(entry, custom_objects) for entry in config["cells"]]})


class RNN(States):
    """A cell carried along a sequence: (N, T, C) → (N, H), or (N, T, H) with ``return_sequences``.

    A cell of your own is a layer with ``state_size`` (a number, or a list), perhaps ``output_size``, and
    ``call(x, states)`` that returns the output and the list of the new states.

    Args:
        cell: a cell, or a list of cells, which are stacked.
        return_sequences, return_state, go_backwards, stateful, unroll: as in :class:`omomi.layers.SimpleRNN`.
        zero_output_for_mask: whether the output is 0 where a step is padding; that of the step before otherwise.

    Example:
        >>> import numpy as np, omomi
        >>> class Sum(omomi.Layer):
        ...     state_size = 1
        ...     def call(self, x, states):
        ...         total = states[0] + x
        ...         return total, [total]
        >>> omomi.layers.RNN(Sum())(np.array([[[1.0], [2.0], [4.0]]], np.float32))
        Variable([[7.]])
    """

    casts_integers = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(return_sequences, return_state, go_backwards, stateful, unroll, **options)
        made = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        self.cell = checked(made, "what is carried along", self.where)
        if not hasattr(made, "state_size"):
            raise ConfigurationError(
                "a cell says how large its states are.",
                where=self.where,
                received=repr(made),
                fix="state_size = 32, or a list for several states; a layer over sequences needs no RNN around it",
            )
        self.zero_output_for_mask = bool(zero_output_for_mask)

    @property
    def state_shapes(self) -> list[tuple[int, ...]]:
        return [(size,) if isinstance(size, int) else tuple(size) for size in sizes_of(self.cell)]

    def build(self, input_shape: Shape) -> None:
        build_inside(self, "cell", self.cell, (input_shape[0], *input_shape[2:]))

    def call(self, inputs: Variable, mask: Any = None, initial_state: Any = None, training: bool = False) -> Any:
        """Go over the sequences; ``mask`` and ``initial_state`` as in the other recurrent layers."""
        samples, dtype = inputs.shape[0], inputs._array.dtype
        states = self.first(initial_state, samples, dtype)
        steps = None if mask is None else functions.cast(mask, dtype)
        if self.go_backwards:
            inputs = functions.flip(inputs, axis=1)
            steps = None if steps is None else functions.flip(steps, axis=1)
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        if all(isinstance(cell, _Cell) for cell in cells):
            y, last = whole(cells, inputs, states, steps, training)
        else:
            y, last = step_by_step(self.cell, inputs, states, steps, training)
        self.keep(last)
        if self.zero_output_for_mask and steps is not None and self.return_sequences:
            y = y * steps.reshape((*steps.shape, 1))
        out = y if self.return_sequences else y[:, -1]
        return [out, *last] if self.return_state else out

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return (input_shape[1] or 1) * self.cell.multiply_accumulates((input_shape[0], *input_shape[2:]))

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        step = (input_shape[0], *input_shape[2:])
        return (input_shape[1] or 1) * self.cell.backward_accumulates(step, moved, learns)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        size = output_of(self.cell)
        sizes = (size,) if isinstance(size, int) else tuple(size)
        out = (*input_shape[: 2 if self.return_sequences else 1], *sizes)
        return [out, *((input_shape[0], *s) for s in self.state_shapes)] if self.return_state else out

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "cell": serialize(self.cell)}
        return {**config, "zero_output_for_mask": True} if self.zero_output_for_mask else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> RNN:
        return cls(**{**config, "cell": deserialize(config["cell"], custom_objects)})


def sizes_of(cell: Any) -> list[Any]:
    """The sizes of a cell's states."""
    return list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def output_of(cell: Any) -> Any:
    """The size of a cell's output; that of its first state unless it says so."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell)[0] if size is None else size


def flat(found: Any) -> list[Variable]:
    """Output and states as one list: a cell returns (output, [states]), or all in a row."""
    output, *states = found
    return [output, *(s for part in states for s in (part if isinstance(part, (list, tuple)) else [part]))]


def whole(
    cells: Sequence[Any], x: Variable, states: list[Variable], mask: Variable | None, training: bool
) -> tuple[Variable, list[Variable]]:
    """Omomi's cells over the whole sequence, one after the other: a stack of cells is a stack of layers."""
    last: list[Variable] = []
    for cell in cells:
        first, states = states[: cell.states], states[cell.states :]
        if context.half is None or cell.full_precision:
            x, after = cell.over(x, first, mask, training)
        else:
            with parameters_in(cell, context.half):
                x, after = cell.over(x, first, mask, training)
        last += after
    return x, last


def step_by_step(
    cell: Layer, x: Variable, states: list[Variable], mask: Variable | None, training: bool
) -> tuple[Variable, list[Variable]]:
    """A cell called at each step; where a step does not exist, states and output stay what they were."""
    outputs: list[Variable] = []
    for t in range(x.shape[1]):
        y, *after = flat(cell(x[:, t], states, training=training))
        if mask is not None:
            exists = mask[:, t].reshape((x.shape[0], *(1,) * (y.ndim - 1)))
            before = outputs[-1] if outputs else as_variable(current().xp.zeros(y.shape, y._array.dtype))
            y = exists * y + (1.0 - exists) * before
            after = [exists * new + (1.0 - exists) * old for new, old in zip(after, states, strict=True)]
        outputs.append(y)
        states = after
    return functions.stack(outputs, axis=1), states

"""What the recurrent layers share: arguments, the part of the input, states, and what of the outputs is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, DataError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable, as_variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.activations import ALIASES
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Buffer, Parameter
from omomi.ops.recurrent import ACTIVATIONS


class States(Layer):
    """A layer over sequences whose states can outlive a call.

    Args:
        return_sequences: the output of every step, (N, T, H), rather than the last one, (N, H).
        return_state: a list of the output and the last states.
        go_backwards: read the sequence from its end; the outputs are in the order in which they were computed.
        stateful: a batch starts from the states that the batch before ended with, sample by sample, in training,
            evaluation and prediction; :meth:`reset_states` starts anew. All batches have one size.
        unroll: accepted, and without effect: how a scan is compiled is the engine's business.
    """

    supports_masking = True

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful = bool(go_backwards), bool(stateful)

    @property
    def state_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each state of one sample."""
        raise NotImplementedError

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 3 or shape[-1] is None:
            raise ShapeError(
                "the input is not a batch of sequences.",
                where=self.where,
                expected="shape (batch, steps, features)",
                received=f"shape {tuple(shape)}",
                fix="return_sequences=True in a recurrent layer before it; one feature in each step: x[..., None]"
                if len(shape) == 2
                else None,
            )
        if shape[1] == 0:
            raise ShapeError("the sequences have no steps.", where=self.where, received=f"shape {tuple(shape)}")

    def first(self, given: Any, samples: int, dtype: Any) -> list[Variable]:
        """The states before the first step: those given, those that are kept, or zeros."""
        shapes = [(samples, *shape) for shape in self.state_shapes]
        if given is None and self.stateful:
            if not self.carried:
                self.carry_for(samples)
            given = list(self.carried.values())
        if given is None:
            return [as_variable(current().xp.zeros(shape, dtype)) for shape in shapes]
        states = [as_variable(s) for s in (given if isinstance(given, (list, tuple)) else [given])]
        if [s.shape for s in states] != shapes:
            kept = self.stateful and states and isinstance(states[0], Buffer)
            raise ShapeError(
                "the states that are kept belong to a batch of another size."
                if kept
                else "the initial state does not fit.",
                where=self.where,
                expected=f"batches of {states[0].shape[0]} samples" if kept else f"{len(shapes)} of shape {shapes[0]}",
                received=f"{samples} samples" if kept else f"shapes {[s.shape for s in states]}",
                fix="reset_states(batch_size=…) starts anew with another size" if kept else None,
            )
        return [s if s.dtype == dtype else functions.cast(s, dtype) for s in states]

    def keep(self, last: Sequence[Variable]) -> None:
        """Remember the states after the last step, where states outlive a call."""
        if self.stateful:
            for buffer, state in zip(self.carried.values(), last, strict=True):
                buffer.assign(state.detach() if state.dtype == buffer.dtype else functions.cast(state, buffer.dtype))

    def carry_for(self, samples: int) -> bool:
        """Make room for the states of batches of this size; whether there was none."""
        if not self.stateful or any(b.shape[0] == samples for b in self.carried.values()):
            return False
        self.carried = {f"state_{i}": self.add_buffer((samples, *shape)) for i, shape in enumerate(self.state_shapes)}
        self.reset_states()
        return True

    def reset_states(self, states: Any = None, batch_size: int | None = None) -> None:
        """Start anew: from zeros, or from these states (NumPy arrays), at the next batch.

        Args:
            batch_size: of the batches from here on; that of the last one unless given.

        Raises:
            ConfigurationError: states do not outlive a call here.
            ShapeError: the states do not fit.
        """
        if not self.stateful:
            raise ConfigurationError(
                "there are no states to reset: none outlives a call.", where=self.where, fix="stateful=True keeps them"
            )
        given = [states] if states is not None and not isinstance(states, (list, tuple)) else states
        if batch_size is not None:
            self.carry_for(int(batch_size))
        elif given and not self.carried:
            self.carry_for(len(given[0]))
        buffers = list(self.carried.values())
        if given is not None and [np.shape(s) for s in given] != [b.shape for b in buffers]:
            raise ShapeError(
                "the states do not fit.",
                where=self.where,
                expected=f"shapes {[b.shape for b in buffers]}",
                received=f"shapes {[np.shape(s) for s in given]}",
            )
        for i, buffer in enumerate(buffers):
            buffer.assign(np.zeros(buffer.shape, buffer.dtype) if given is None else np.asarray(given[i]))

    reset_state = reset_states

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the input for the output of every step, in the order of the outputs; none for last states."""
        if mask is None or not self.return_sequences:
            return None
        steps = functions.flip(mask, axis=1) if self.go_backwards else mask
        return [steps] if self.return_state else steps

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
        }


class Recurrent(States):
    """What the layers of one cell share. Their arguments: :class:`omomi.layers.SimpleRNN`."""

    casts_integers = True
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: str | None,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        dropout: float,
        recurrent_dropout: float,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = positive(units, "units", self.where)
        self.activation = activation_name(activation, self.where)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout, self.recurrent_dropout = (
            share(value, what, self.where)
            for value, what in ((dropout, "dropout"), (recurrent_dropout, "recurrent_dropout"))
        )
        self.kernel: Parameter
        self.recurrent_kernel: Parameter
        self.bias: Parameter | None = None

    @property
    def state_shapes(self) -> list[tuple[int, ...]]:
        return [(self.units,)] * self.states

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if len(shape) > 3 or (self.built and shape[-1] != self.kernel.shape[0]):
            raise ShapeError(
                "the steps are no vectors." if len(shape) > 3 else "the steps have the wrong number of features.",
                where=self.where,
                expected=f"(batch, steps, {self.kernel.shape[0] if self.built else 'features'})",
                received=f"shape {tuple(shape)}",
                fix="TimeDistributed(Flatten()) makes a vector of each step" if len(shape) > 3 else None,
            )

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return (input_shape[1] or 1) * (self.kernel.size + self.recurrent_kernel.size)

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        inputs, states = self.kernel.size, self.recurrent_kernel.size  # the deltas of the states in any case
        needed = moved * (inputs + states) + (moved or learns) * states + learns * inputs
        return (input_shape[1] or 1) * needed

    def bias_shape(self) -> tuple[int, ...]:
        """Of the bias."""
        return (self.gates * self.units,)

    def bias_start(self) -> initializers.Initializer:
        """Where the bias starts from."""
        return self.bias_initializer

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                self.bias_shape(),
                self.bias_start(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def input_bias(self) -> Variable | None:
        """The bias of u."""
        return self.bias

    def recur(
        self, u: Variable, states: list[Variable], mask: Variable | None, kept: Variable | None
    ) -> tuple[Variable, list[Variable]]:
        """The outputs (N, T, H), and the last states."""
        raise NotImplementedError

    def over(
        self, inputs: Variable, states: list[Variable], mask: Variable | None, training: bool
    ) -> tuple[Variable, list[Variable]]:
        """The outputs (N, T, H) and the last states for inputs (N, T, C) in the order in which they are read."""
        samples, _, features = inputs.shape
        dtype = inputs._array.dtype
        if training and self.dropout > 0:
            inputs = inputs * ones_dropped((samples, 1, features), dtype, self.dropout)
        drops = training and self.recurrent_dropout > 0
        kept = ones_dropped((samples, self.units), dtype, self.recurrent_dropout) if drops else None
        return self.recur(functions.affine(inputs, self.kernel, self.input_bias()), states, mask, kept)

    def call(self, inputs: Variable, mask: Any = None, initial_state: Any = None, training: bool = False) -> Any:
        """Go over the sequences.

        Args:
            inputs: (N, T, C).
            mask: (N, T), 1 where a step exists and 0 for padding: such a step keeps state and output.
            initial_state: one array (N, H), or two for the LSTM (output, memory); zeros unless given.
        """
        dtype = inputs._array.dtype
        steps = None if mask is None else functions.cast(mask, dtype)
        if self.go_backwards:
            inputs = functions.flip(inputs, axis=1)
            steps = None if steps is None else functions.flip(steps, axis=1)
        y, last = self.over(inputs, self.first(initial_state, inputs.shape[0], dtype), steps, training)
        self.keep(last)
        out = y if self.return_sequences else y[:, -1]
        return [out, *last] if self.return_state else out

    def compute_output_shape(self, input_shape: Shape) -> Any:
        last = (input_shape[0], self.units)
        out = (*input_shape[:2], self.units) if self.return_sequences else last
        return [out, *[last] * self.states] if self.return_state else out

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }


def ones_dropped(shape: tuple[int, ...], dtype: Any, rate: float) -> Variable:
    """What dropout makes of ones: 0 or 1/(1 − rate)."""
    return functions.dropout(current().xp.ones(shape, dtype), rate)


def activation_name(activation: Any, where: str) -> str:
    """The name of a cell's or gate's activation.

    Raises:
        UnknownNameError: none of those whose derivative follows from their output.
    """
    name = "linear" if activation is None else activation
    name = ALIASES.get(name.lower(), name.lower()) if isinstance(name, str) else name
    if name not in ACTIVATIONS:
        raise UnknownNameError("activation of a recurrent cell", activation, ACTIVATIONS, where=where)
    return str(name)


def share(value: Any, what: str, where: str) -> float:
    """A share of units that is left out, or an error."""
    if not 0 <= value < 1:
        raise ConfigurationError(
            f"{what} is a share.", where=where, expected=f"0 ≤ {what} < 1", received=f"{what}={value!r}"
        )
    return float(value)


def carry_states(model: Layer, samples: int, size: int) -> bool:
    """Before batches of ``size`` of so many ``samples``: room for the states that stateful layers keep.

    Returns:
        Whether the state of the model has changed its form.

    Raises:
        DataError: the last batch would be smaller, and its states would fit nowhere.
    """
    stateful = [layer for _, layer in model.walk() if isinstance(layer, States) and layer.stateful]
    if stateful and samples % size:
        raise DataError(
            "a stateful layer hands states from batch to batch, sample by sample: all batches have one size.",
            where=stateful[0].where,
            expected=f"a number of samples that {size} divides",
            received=f"{samples} samples in batches of {size}",
            fix="another batch_size, or leave samples out",
        )
    changed = [layer.carry_for(size) for layer in stateful]
    return any(changed)

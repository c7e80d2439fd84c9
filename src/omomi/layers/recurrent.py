"""Layers over sequences (N, T, C): the simple recurrent layer, LSTM and GRU. The formulas: omomi.ops.recurrent.

Arguments, gates and weights are in Keras's order: kernel (C, gates·H), recurrent_kernel (H, gates·H), bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable, as_variable
from omomi.layers import initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter
from omomi.ops.recurrent import ACTIVATIONS


class _Recurrent(Layer):
    """What the recurrent layers share: arguments, input part u = x W + b, states, and what of the outputs is kept.

    Args:
        units: H, the number of units.
        activation: f of the cell.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: where the parameters start from.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what their size adds to the loss.
        dropout: the share of the input's entries left out in training, the same ones in every step of a sequence
            (Gal and Ghahramani 2016, arXiv:1512.05287).
        return_sequences: the output of every step, (N, T, H), rather than the last one, (N, H).
        return_state: a list of the output and the last states.
        go_backwards: read the sequence from its end; the outputs are in the order in which they were computed.
    """

    casts_integers = True
    supports_masking = True
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = positive(units, "units", self.where)
        self.activation = self.known(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        if not 0 <= dropout < 1:
            raise ConfigurationError(
                "dropout is a share.", where=self.where, expected="0 ≤ dropout < 1", received=dropout
            )
        if recurrent_dropout or stateful:
            raise ConfigurationError(
                "recurrent_dropout is not offered." if recurrent_dropout else "states do not outlive a call.",
                where=self.where,
                received=f"recurrent_dropout={recurrent_dropout}" if recurrent_dropout else "stateful=True",
                fix="use dropout, of the inputs"
                if recurrent_dropout
                else "return_state=True, and hand the states to the next call as initial_state",
            )
        self.dropout = float(dropout)
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.kernel: Parameter
        self.recurrent_kernel: Parameter
        self.bias: Parameter | None = None

    def known(self, activation: str | None) -> str:
        """The name of the cell's activation.

        Raises:
            ConfigurationError: the gated cells have tanh.
        """
        if activation != "tanh":
            raise ConfigurationError(
                "the cell's activations are fixed.", where=self.where, expected="'tanh'", received=repr(activation)
            )
        return activation

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 3 or shape[-1] is None:
            raise ShapeError(
                "the input is not a batch of sequences.",
                where=self.where,
                expected="shape (batch, steps, features)",
                received=f"shape {tuple(shape)}",
                fix="one feature in each step: x[..., None]" if len(shape) == 2 else None,
            )
        if shape[1] == 0 or (self.built and shape[-1] != self.kernel.shape[0]):
            raise ShapeError(
                "the sequences have no steps." if shape[1] == 0 else "the steps have the wrong number of features.",
                where=self.where,
                expected=f"(batch, steps, {self.kernel.shape[0] if self.built else 'features'})",
                received=f"shape {tuple(shape)}",
            )

    def bias_shape(self) -> tuple[int, ...]:
        """Of the bias."""
        return (self.gates * self.units,)

    def bias_start(self) -> initializers.Initializer:
        """Where the bias starts from."""
        return self.bias_initializer

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width), self.kernel_initializer, regularizer=self.kernel_regularizer
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, regularizer=self.recurrent_regularizer
        )
        if self.use_bias:
            self.bias = self.add_weight(self.bias_shape(), self.bias_start(), regularizer=self.bias_regularizer)

    def input_bias(self) -> Variable | None:
        """The bias of u."""
        return self.bias

    def recur(self, u: Variable, states: list[Variable], mask: Variable | None) -> tuple[Variable, list[Variable]]:
        """The outputs (N, T, H), and the last states."""
        raise NotImplementedError

    def call(self, inputs: Variable, mask: Any = None, initial_state: Any = None, training: bool = False) -> Any:
        """Go over the sequences.

        Args:
            inputs: (N, T, C).
            mask: (N, T), 1 where a step exists and 0 for padding: such a step keeps state and output.
            initial_state: one array (N, H), or two for the LSTM (output, memory); zeros unless given.
        """
        xp = current().xp
        if training and self.dropout > 0:
            kept = functions.dropout(xp.ones((inputs.shape[0], 1, inputs.shape[2]), inputs._array.dtype), self.dropout)
            inputs = inputs * kept
        steps = None if mask is None else functions.cast(mask, inputs._array.dtype)
        if self.go_backwards:
            inputs = functions.flip(inputs, axis=1)
            steps = None if steps is None else functions.flip(steps, axis=1)
        u = functions.affine(inputs, self.kernel, self.input_bias())
        y, last = self.recur(u, self.first(initial_state, u), steps)
        out = y if self.return_sequences else y[:, -1]
        return [out, *last] if self.return_state else out

    def first(self, given: Any, u: Variable) -> list[Variable]:
        """The states before the first step."""
        shape = (u.shape[0], self.units)
        if given is None:
            return [as_variable(current().xp.zeros(shape, u._array.dtype)) for _ in range(self.states)]
        states = [as_variable(s) for s in (given if isinstance(given, (list, tuple)) else [given])]
        if [s.shape for s in states] != [shape] * self.states:
            raise ShapeError(
                "the initial state does not fit.",
                where=self.where,
                expected=f"{self.states} of shape {shape}",
                received=f"shapes {[s.shape for s in states]}",
            )
        return [s if s.dtype == u.dtype else functions.cast(s, u.dtype) for s in states]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the input for the output of every step, in the order of the outputs; none for last states."""
        if mask is None or not self.return_sequences:
            return None
        steps = functions.flip(mask, axis=1) if self.go_backwards else mask
        return [steps] if self.return_state else steps

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
            "dropout": self.dropout,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
        }


class SimpleRNN(_Recurrent):
    """The simple recurrent layer: h_t = f(x_t W + b + h_{t−1} U). Source: Elman 1990.

    Shapes: x (N, T, C) → (N, H), or (N, T, H) with ``return_sequences``. Called with a ``mask`` (N, T), steps of 0 are
    padding; with ``initial_state``, the state before the first step.

    Args:
        units: H, the number of units.
        activation: f: "tanh", "relu", "sigmoid", or "linear" (``None``).
        use_bias, kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what their size adds to the loss.
        dropout: the share of the input's entries left out in training, the same in every step of a sequence.
        return_sequences, return_state, go_backwards: the output of every step; the last states too; from the end.

    Raises:
        ConfigurationError: ``recurrent_dropout`` or ``stateful``, which are not offered.
    """

    gates = 1

    def known(self, activation: str | None) -> str:
        name = activation or "linear"
        if name not in ACTIVATIONS:
            raise UnknownNameError("activation of a simple recurrent layer", name, ACTIVATIONS, where=self.where)
        return name

    def recur(self, u: Variable, states: list[Variable], mask: Variable | None) -> tuple[Variable, list[Variable]]:
        y = functions.simple_recurrence(u, self.recurrent_kernel, states[0], mask, activation=self.activation)
        return y, [y[:, -1]]


class LSTM(_Recurrent):
    """Long short-term memory: gates i, f, o, memory c_t = f c_{t−1} + i g. Source: Hochreiter, Schmidhuber 1997.

    Shapes and arguments as in :class:`SimpleRNN`; its states are output and memory, and ``activation`` is "tanh".
    Columns of the weights: input gate, forget gate, candidate, output gate.

    Args:
        recurrent_activation: of the gates, "sigmoid".
        unit_forget_bias: the bias of the forget gate starts at 1, so that memory lasts from the beginning
            (Jozefowicz et al. 2015).
    """

    gates, states = 4, 2

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = sigmoid(recurrent_activation, self.where)
        self.unit_forget_bias = bool(unit_forget_bias)

    def bias_start(self) -> initializers.Initializer:
        return ForgetBias(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer

    def recur(self, u: Variable, states: list[Variable], mask: Variable | None) -> tuple[Variable, list[Variable]]:
        y, memory = functions.lstm(u, self.recurrent_kernel, states[0], states[1], mask)
        return y, [y[:, -1], memory]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": self.recurrent_activation,
            "unit_forget_bias": self.unit_forget_bias,
        }


class GRU(_Recurrent):
    """The gated recurrent unit: h_t = z h_{t−1} + (1 − z) n. Source: Cho et al. 2014, arXiv:1406.1078.

    Shapes and arguments as in :class:`SimpleRNN`, with ``activation`` "tanh". Columns of the weights: update, reset
    gate, candidate.

    Args:
        recurrent_activation: of the gates, "sigmoid".
        reset_after: whether the reset gate acts on the product h U, which then has a bias of its own: the bias is
            (2, 3H), of the input and of the recurrence. Otherwise, as in the paper, on h, and the bias is (3H,).
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        reset_after: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = sigmoid(recurrent_activation, self.where)
        self.reset_after = bool(reset_after)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Variable | None:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def recur(self, u: Variable, states: list[Variable], mask: Variable | None) -> tuple[Variable, list[Variable]]:
        if self.bias is not None and self.reset_after:
            bias = self.bias[1]
        else:
            bias = as_variable(current().xp.zeros((3 * self.units,), u._array.dtype))
        y = functions.gru(u, self.recurrent_kernel, states[0], bias, mask, reset_after=self.reset_after)
        return y, [y[:, -1]]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": self.recurrent_activation,
            "reset_after": self.reset_after,
        }


@dataclass(frozen=True)
class ForgetBias(initializers.Initializer):
    """A bias of an LSTM whose forget gate starts at 1, and the rest as told."""

    rest: initializers.Initializer

    def __call__(self, shape: tuple[int, ...], address: Array) -> Array:
        units = shape[0] // 4
        start = np.array(self.rest(shape, address))
        start[units : 2 * units] = 1.0
        return start


def sigmoid(activation: str, where: str) -> str:
    """The name of the gates' activation, or an error: the cells have no other."""
    if activation != "sigmoid":
        raise ConfigurationError(
            "the gates' activation is fixed.", where=where, expected="'sigmoid'", received=repr(activation)
        )
    return activation


class RepeatVector(Layer):
    """A vector as a sequence of ``n`` equal steps: (N, C) → (N, n, C).

    Args:
        n: the number of steps.
    """

    def __init__(self, n: int, **options: Any) -> None:
        super().__init__(**options)
        self.n = positive(n, "n", self.where)

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 2:
            raise ShapeError(
                "the input is not a batch of vectors.",
                where=self.where,
                expected="shape (batch, features)",
                received=f"shape {tuple(shape)}",
            )

    def call(self, inputs: Variable) -> Variable:
        batch, features = inputs.shape
        return functions.broadcast_to(inputs.reshape((batch, 1, features)), (batch, self.n, features))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}

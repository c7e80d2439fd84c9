"""Layers over sequences (N, T, C): the simple recurrent layer, LSTM and GRU. The formulas: omomi.ops.recurrent.

Arguments, in their order, gates and weights are Keras's: kernel (C, gates·H), recurrent_kernel (H, gates·H), bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable, as_variable
from omomi.layers import initializers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.recurrence import Recurrent, activation_name


class SimpleRNN(Recurrent):
    """The simple recurrent layer: h_t = f(x_t W + b + h_{t−1} U). Source: Elman 1990.

    Shapes: x (N, T, C) → (N, H), or (N, T, H) with ``return_sequences``. Called with a ``mask`` (N, T), steps of 0 are
    padding; with ``initial_state``, the state before the first step.

    Args:
        units: H, the number of units.
        activation: f: "tanh", "relu", "sigmoid", "hard_sigmoid", "linear" (``None``), … (whatever has a derivative that
            follows from its output).
        use_bias, kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: what their size adds to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: what they may be after each step.
        dropout: the share of the input's entries left out in training, the same in every step of a sequence.
        recurrent_dropout: the share of the entries of h_{t−1} left out on their way to U, the same in every step
            (Gal and Ghahramani 2016, arXiv:1512.05287) and for all gates.
        return_sequences, return_state, go_backwards: the output of every step; the last states too; from the end.
        stateful: a batch starts from the states that the batch before ended with, sample by sample; all batches have
            one size, and ``reset_states()`` starts anew.
        unroll: accepted, and without effect: how a scan is compiled is the engine's business.

    Raises:
        UnknownNameError: an activation whose derivative does not follow from its output.
    """

    gates = 1

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            dropout,
            recurrent_dropout,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            seed=seed,
            **options,
        )

    def recur(
        self, u: Variable, states: list[Variable], mask: Variable | None, kept: Variable | None
    ) -> tuple[Variable, list[Variable]]:
        y = functions.simple_recurrence(u, self.recurrent_kernel, states[0], mask, kept, activation=self.activation)
        return y, [y[:, -1]]


class LSTM(Recurrent):
    """Long short-term memory: gates i, f, o, memory c_t = f c_{t−1} + i g. Source: Hochreiter, Schmidhuber 1997.

    Shapes and arguments as in :class:`SimpleRNN`; its states are output and memory. Columns of the weights: input gate,
    forget gate, candidate, output gate.

    Args:
        activation: of the candidate and of the memory on its way out.
        recurrent_activation: of the gates.
        unit_forget_bias: the bias of the forget gate starts at 1, so that memory lasts from the beginning
            (Jozefowicz et al. 2015).
    """

    gates, states = 4, 2

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            dropout,
            recurrent_dropout,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            seed=seed,
            **options,
        )
        self.recurrent_activation = activation_name(recurrent_activation, self.where)
        self.unit_forget_bias = bool(unit_forget_bias)

    def bias_start(self) -> initializers.Initializer:
        return ForgetBias(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer

    def recur(
        self, u: Variable, states: list[Variable], mask: Variable | None, kept: Variable | None
    ) -> tuple[Variable, list[Variable]]:
        y, memory = functions.lstm(
            u,
            self.recurrent_kernel,
            states[0],
            states[1],
            mask,
            kept,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
        )
        return y, [y[:, -1], memory]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": self.recurrent_activation,
            "unit_forget_bias": self.unit_forget_bias,
        }


class GRU(Recurrent):
    """The gated recurrent unit: h_t = z h_{t−1} + (1 − z) n. Source: Cho et al. 2014, arXiv:1406.1078.

    Shapes and arguments as in :class:`SimpleRNN`. Columns of the weights: update, reset gate, candidate.

    Args:
        activation: of the candidate n.
        recurrent_activation: of the gates.
        reset_after: whether the reset gate acts on the product h U, which then has a bias of its own: the bias is
            (2, 3H), of the input and of the recurrence. Otherwise, as in the paper, on h, and the bias is (3H,).
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            dropout,
            recurrent_dropout,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            seed=seed,
            **options,
        )
        self.recurrent_activation = activation_name(recurrent_activation, self.where)
        self.reset_after = bool(reset_after)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Variable | None:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def recur(
        self, u: Variable, states: list[Variable], mask: Variable | None, kept: Variable | None
    ) -> tuple[Variable, list[Variable]]:
        if self.bias is not None and self.reset_after:
            bias = self.bias[1]
        else:
            bias = as_variable(current().xp.zeros((3 * self.units,), u._array.dtype))
        y = functions.gru(
            u,
            self.recurrent_kernel,
            states[0],
            bias,
            mask,
            kept,
            reset_after=self.reset_after,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
        )
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

"""``keras.backend``: the few functions that scripts use, on Omomi's Variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi import activations
from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.optimizers import Rate
from omomi.graph import functions
from omomi.graph.context import context
from omomi.graph.variable import Variable
from omomi.layers.state import StateEntry

EPSILON = 1e-7


def format_is_last(value: str) -> None:
    """set_image_data_format and set_image_dim_ordering: one order is offered."""
    if value not in ("channels_last", "tf"):
        raise UnsupportedError(
            "the channels come last.", where="keras.backend", received=repr(value), fix='"channels_last" (once "tf")'
        )


def only_float32(value: str) -> None:
    """set_floatx."""
    if value != "float32":
        raise UnsupportedError("floatx is float32.", received=repr(value), fix='a dtype for a layer: dtype="float64"')


def get_value(x: Any) -> Any:
    """The numbers of a variable, or of an optimiser's rate."""
    return np.asarray(x.array) if isinstance(x, Variable) else x


def set_value(x: Any, value: Any) -> None:
    """New numbers for a variable, or for the rate of an optimiser."""
    if isinstance(x, Rate):
        x.assign(value)
    elif isinstance(x, StateEntry):
        x.assign(np.asarray(value))
    else:
        raise UnsupportedError("this is no variable.", where="set_value", received=type(x).__name__)


def shape_of(x: Any) -> tuple[int | None, ...]:
    return tuple(x.shape)


def reduced(name: str) -> Callable[..., Any]:
    function = getattr(functions, name)

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axis = tuple(axis) if isinstance(axis, list) else axis
        return function(x, axis=axis, keepdims=keepdims)

    return reduce


def cross_entropy(target: Any, output: Any) -> Any:
    """−Σ t log y over the last axis."""
    return -(target * functions.log(functions.clip(output, EPSILON, 1.0))).sum(axis=-1)


def binary_cross_entropy(target: Any, output: Any) -> Any:
    """−t log y − (1 − t) log(1 − y), each entry for itself."""
    y = functions.clip(output, EPSILON, 1 - EPSILON)
    return -(target * functions.log(y) + (1 - target) * functions.log(1 - y))


def standard_deviation(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return functions.sqrt(functions.variance(x, axis=axis, keepdims=keepdims))


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, **_: Any) -> Any:
    """Normal numbers that belong to the step: zeros with Gaussian noise."""
    sizes = tuple(int(n) for n in shape)
    zeros = Variable(np.zeros(sizes, np.float32), requires_grad=False)
    return functions.gaussian_noise(zeros, 1.0) * stddev + mean


def names() -> dict[str, Any]:
    """What ``keras.backend`` has."""
    return {
        "image_data_format": lambda: "channels_last",
        "image_dim_ordering": lambda: "tf",
        "set_image_data_format": format_is_last,
        "set_image_dim_ordering": format_is_last,
        "backend": lambda: "omomi",
        "epsilon": lambda: EPSILON,
        "floatx": lambda: "float32",
        "set_floatx": only_float32,
        "clear_session": lambda *_, **__: None,
        "learning_phase": lambda: int(context.training),
        "get_value": get_value,
        "set_value": set_value,
        "eval": get_value,
        "variable": lambda value, **_: Variable(np.asarray(value, np.float32)),
        "constant": lambda value, **_: Variable(np.asarray(value, np.float32), requires_grad=False),
        "int_shape": shape_of,
        "shape": shape_of,
        "ndim": lambda x: len(x.shape),
        "cast": lambda x, dtype: functions.cast(x, dtype),
        "cast_to_floatx": lambda x: functions.cast(x, "float32") if isinstance(x, Variable) else np.float32(x),
        "dot": functions.matmul,
        "transpose": functions.transpose,
        "permute_dimensions": functions.transpose,
        "reshape": functions.reshape,
        "flatten": lambda x: functions.reshape(x, (-1,)),
        "batch_flatten": lambda x: functions.reshape(x, (x.shape[0], -1)),
        "expand_dims": lambda x, axis=-1: expanded(x, axis),
        "squeeze": lambda x, axis: functions.reshape(x, [n for i, n in enumerate(x.shape) if i != axis % x.ndim]),
        "concatenate": lambda xs, axis=-1: functions.concatenate(xs, axis),
        "stack": lambda xs, axis=0: functions.stack(xs, axis),
        "zeros_like": lambda x, **_: x * 0.0,
        "ones_like": lambda x, **_: x * 0.0 + 1.0,
        "abs": functions.absolute,
        "pow": functions.power,
        "clip": functions.clip,
        "std": standard_deviation,
        "var": reduced("variance"),
        "categorical_crossentropy": cross_entropy,
        "binary_crossentropy": binary_cross_entropy,
        "random_normal": random_normal,
        "l2_normalize": lambda x, axis=-1: (
            x / functions.sqrt(functions.maximum((x * x).sum(axis=axis, keepdims=True), 1e-12))
        ),
        **{name: reduced(name) for name in ("sum", "mean", "max", "min", "logsumexp")},
        **{
            name: getattr(functions, name)
            for name in ("exp", "log", "sqrt", "square", "maximum", "minimum", "sin", "cos")
        },
        **{
            name: getattr(activations, name)
            for name in ("relu", "elu", "softmax", "softplus", "softsign", "sigmoid", "tanh")
        },
    }


def expanded(x: Any, axis: int) -> Any:
    """With an axis of length 1 more."""
    shape = list(x.shape)
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
    return functions.reshape(x, shape)

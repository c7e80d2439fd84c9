"""Activations by name, as ``Dense(10, activation="softmax")`` asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable

Activation = Callable[[Variable], Variable]

BY_NAME: dict[str, Activation] = {
    "linear": functions.identity,
    "step": functions.step,
    "sigmoid": functions.sigmoid,
    "tanh": functions.tanh,
    "relu": functions.relu,
    "relu6": functions.relu6,
    "leaky_relu": functions.leaky_relu,
    "elu": functions.elu,
    "selu": functions.selu,
    "softplus": functions.softplus,
    "softsign": functions.softsign,
    "swish": functions.swish,
    "gelu": functions.gelu,
    "mish": functions.mish,
    "hard_sigmoid": functions.hard_sigmoid,
    "exponential": functions.exp,
    "softmax": functions.softmax,
    "log_softmax": functions.log_softmax,
    "sparsemax": functions.sparsemax,
    "hard_tanh": functions.hard_tanh,
    "hard_silu": functions.hard_silu,
    "celu": functions.celu,
    "log_sigmoid": functions.log_sigmoid,
    "squareplus": functions.squareplus,
    "tanh_shrink": functions.tanh_shrink,
    "soft_shrink": functions.soft_shrink,
    "hard_shrink": functions.hard_shrink,
    "threshold": functions.threshold,
    "sparse_sigmoid": functions.sparse_sigmoid,
    "sparse_plus": functions.sparse_plus,
}
ALIASES = {"identity": "linear", "silu": "swish", "hard_swish": "hard_silu"}


def get(identifier: Any) -> Activation:
    """An activation from its name or a function of a Variable; ``None`` is the identity.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if identifier is None:
        return functions.identity
    if isinstance(identifier, str):
        name = ALIASES.get(identifier.lower(), identifier.lower())
        if name not in BY_NAME:
            raise UnknownNameError("activation", identifier, BY_NAME)
        return BY_NAME[name]
    if callable(identifier):
        return cast(Activation, identifier)
    raise UnknownNameError("activation", identifier, BY_NAME)


def serialize(activation: Activation) -> str:
    """The name of an activation.

    Raises:
        ConfigurationError: it is a function of the user's own, which a file cannot hold.
    """
    for name, known in BY_NAME.items():
        if known is activation:
            return name
    raise ConfigurationError(
        "an activation that is a function of your own cannot be written to a file.",
        received=getattr(activation, "__name__", repr(activation)),
        fix="make it a Layer subclass and load it with load_model(path, custom_objects=…), or save the weights alone",
    )

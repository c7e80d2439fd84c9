"""From an estimator's arguments to a network: checked first, then built and compiled."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.graph.randomness import seeded
from omomi.layers import activations, regularizers
from omomi.layers.core import Dense, Dropout
from omomi.models.model import Model
from omomi.models.sequential import Sequential
from omomi.training import optimizers
from omomi.training.losses import Loss
from omomi.training.targets import shown

Limits = tuple[type, float, float, bool]  # kind, smallest and largest value, and whether None is one too

LIMITS: dict[str, Limits] = {
    "learning_rate": (Real, 0.0, float("inf"), True),
    "epochs": (Integral, 1, float("inf"), False),
    "dropout": (Real, 0.0, 1 - 1e-12, False),
    "l1": (Real, 0.0, float("inf"), False),
    "l2": (Real, 0.0, float("inf"), False),
    "tol": (Real, 0.0, float("inf"), False),
    "n_iter_no_change": (Integral, 1, float("inf"), True),
    "validation_fraction": (Real, 1e-12, 1 - 1e-12, False),
}


def check_arguments(arguments: Mapping[str, Any], where: str) -> None:
    """Raise for an argument that is out of its range; called by ``fit``, as scikit-learn does.

    Raises:
        ConfigurationError: an argument is out of its range or of the wrong kind.
        UnknownNameError: an activation or an optimiser that there is not; the message names the nearest.
    """
    for name, (kind, low, high, may_be_none) in LIMITS.items():
        value = arguments[name]
        if value is None and may_be_none:
            continue
        right = isinstance(value, kind) and not isinstance(value, bool)
        if not right or not isfinite(value) or not low <= value <= high:
            number = "a whole number" if kind is Integral else "a number"
            top = "" if high == float("inf") else " and below 1"
            raise ConfigurationError(
                f"{name} is out of its range.",
                where=where,
                expected=f"{number} of at least {low:g}{top}{', or None' if may_be_none else ''}"
                if low in (0, 1)
                else f"{number} above 0{top}",
                received=f"{name}={value!r}",
            )
    size = arguments["batch_size"]
    if not (size in ("auto", "full") if isinstance(size, str) else isinstance(size, int | np.integer) and size >= 1):
        raise ConfigurationError(
            "batch_size is the number of samples in a step.",
            where=where,
            expected='a positive whole number, "auto" or "full"',
            received=f"batch_size={size!r}",
        )
    layer_sizes(arguments["hidden_layers"], where)
    activations.get(arguments["activation"])
    optimizers.get(arguments["optimizer"])
    if arguments["model"] is not None and not callable(arguments["model"]):
        raise ConfigurationError(
            "model is a function that builds a network.",
            where=where,
            expected="a function of (n_inputs, n_outputs, output_activation) that returns an omomi.Model",
            received=repr(arguments["model"]),
        )


def layer_sizes(hidden_layers: Any, where: str) -> tuple[int, ...]:
    """The numbers of hidden units, from one number or several."""
    sizes = (hidden_layers,) if isinstance(hidden_layers, Integral) else hidden_layers
    try:
        sizes = tuple(sizes)
    except TypeError:
        sizes = (None,)
    if any(not isinstance(n, Integral) or isinstance(n, bool) or n < 1 for n in sizes):
        raise ConfigurationError(
            "hidden_layers holds the number of units of each hidden layer.",
            where=where,
            expected="positive whole numbers: (100,), [64, 32], or () for none",
            received=f"hidden_layers={hidden_layers!r}",
        )
    return tuple(int(n) for n in sizes)


def build(
    arguments: Mapping[str, Any], n_inputs: int, n_outputs: int, output_activation: str, dtype: str, seed: int
) -> Model:
    """A network from the estimator's arguments, with its first weights: dense layers, or what the builder makes."""
    if arguments["model"] is not None:
        return built_by_user(arguments["model"], arguments, n_inputs, n_outputs, output_activation, seed)
    penalty = penalty_of(arguments["l1"], arguments["l2"])
    layers: list[Any] = []
    for units in layer_sizes(arguments["hidden_layers"], "hidden_layers"):
        layers.append(Dense(units, activation=arguments["activation"], kernel_regularizer=penalty))
        if arguments["dropout"]:
            layers.append(Dropout(arguments["dropout"]))
    layers.append(Dense(n_outputs, activation=output_activation, kernel_regularizer=penalty))
    model = Sequential(layers, seed=seed, dtype=dtype)
    model.build_from((None, n_inputs))
    return model


def penalty_of(l1: float, l2: float) -> regularizers.Regularizer | None:
    """The regulariser of all kernels."""
    return regularizers.L1L2(float(l1), float(l2)) if l1 or l2 else None


def built_by_user(
    builder: Callable[..., Any],
    arguments: Mapping[str, Any],
    n_inputs: int,
    n_outputs: int,
    output_activation: str,
    seed: int,
) -> Model:
    """What a builder of the user's own makes, if it is a network of the right shape.

    The builder is given those of n_inputs, n_outputs and output_activation that it takes, and ``model_arguments``.

    Raises:
        ConfigurationError: it is no model, has another number of outputs, or outputs that are no probabilities.
        ShapeError: its input_shape is not that of the data.
    """
    where = f"model={getattr(builder, '__name__', type(builder).__name__)}"
    offered = {"n_inputs": n_inputs, "n_outputs": n_outputs, "output_activation": output_activation}
    parameters = inspect.signature(builder).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    given = {name: value for name, value in offered.items() if takes_all or name in parameters}
    with seeded(seed):
        model = builder(**{**given, **(arguments["model_arguments"] or {})})
        if not isinstance(model, Model):
            raise ConfigurationError(
                "the builder returned something else than a network.",
                where=where,
                expected="an omomi.Model, such as a Sequential",
                received=repr(model)[:200],
                fix="return the network at its end" if model is None else None,
            )
        sample = np.zeros((1, n_inputs), model.float_dtype)
        model.fit_to(sample)
        model.state()  # it has its seed from here on
    if model.output_shape != (None, n_outputs):
        raise ConfigurationError(
            "the network has another output than the targets ask for.",
            where=where,
            expected=f"outputs of shape {shown((None, n_outputs))}: the builder is given n_outputs={n_outputs}",
            received=f"outputs of shape {shown(model.output_shape)}",
        )
    last = model(sample).creator
    found = last.rule.name if last is not None else "nothing"
    if output_activation != "linear" and found != output_activation:
        raise ConfigurationError(
            "the network's outputs are no probabilities of the kind that the targets ask for.",
            where=where,
            expected=f"a last layer with activation={output_activation!r}: the builder is given output_activation",
            received=f"the output of {found}",
        )
    return model


def compile_model(model: Model, arguments: Mapping[str, Any], loss: Loss) -> None:
    """Give the network its loss, and an optimiser of its own: the one that is an argument stays as it is."""
    optimizer = optimizers.get(copy.deepcopy(arguments["optimizer"]))
    if arguments["learning_rate"] is not None:
        optimizer.learning_rate = float(arguments["learning_rate"])
    model.compile(optimizer, loss)

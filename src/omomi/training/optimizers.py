"""Optimisers as ``compile(optimizer=…)`` takes them: a rule of omomi.ops.update, its rate and its slots.

Names and defaults are Keras 3's. What an optimiser carries from step to step (its slots, the number of steps, the
rate) is part of the state tree, under "optimizer/".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, NotBuiltError, ShapeError, UnknownNameError
from omomi.graph.variable import apply
from omomi.layers import initializers
from omomi.layers.layer import Layer
from omomi.layers.state import Buffer, Parameter
from omomi.ops import arithmetic, update
from omomi.ops.rule import UpdateRule
from omomi.training.loss_scale import LossScale

# One rate for all, or rates by path: {"dense": 0.1, "dense_1/kernel": array, "": 0.01 for the rest}.
Rate = float | Array | Mapping[str, Any]


class Optimizer:
    """Moves the parameters of a model along their gradients.

    Args:
        rule: how one parameter moves.
        learning_rate: one rate for all parameters; or a mapping from path (of a layer or a parameter; the longest
            that fits counts, "" is the rest) to a rate. A rate is a number, or an array with one rate per unit: a
            vector (units,) scales the columns of an (in, units) kernel and the entries of the bias.
        attributes: of the rule.

    Example:
        >>> import omomi
        >>> optimizer = omomi.optimizers.SGD(learning_rate={"dense": 0.1, "": 0.01})
    """

    def __init__(self, rule: UpdateRule, learning_rate: Rate, **attributes: Any) -> None:
        self.rule, self.attributes = rule, attributes
        self.dtype = "float32"  # of the rates: that of the parameters, once they are known
        self._given_rate = by_path(learning_rate)
        self.rates = {path: self._rate_buffer(rate) for path, rate in self._given_rate.items()}
        self.iterations = Buffer((), initializers.get("zeros"), "uint32")
        self.iterations.assign(0)
        self.loss_scale: LossScale | None = None
        self.slots: dict[str, tuple[Buffer, ...]] = {}
        self.parameters: dict[str, Parameter] = {}
        self.target: Layer | None = None

    def _rate_buffer(self, rate: Any) -> Buffer:
        values = np.asarray(rate, np.float64)
        if not np.isfinite(values).all() or (values < 0).any():
            raise ConfigurationError("a learning rate is finite and not negative.", received=rate)
        buffer = Buffer(values.shape, initializers.get("zeros"), self.dtype)
        buffer.assign(values)
        return buffer

    @property
    def learning_rate(self) -> Any:
        """The rate: a number, an array, or the mapping of rates by path. Assign to change it."""
        values = {path: np.array(current().to_host(rate.array)) for path, rate in self.rates.items()}
        plain = {path: float(v) if v.ndim == 0 else v for path, v in values.items()}
        return plain[""] if list(plain) == [""] else plain

    @learning_rate.setter
    def learning_rate(self, rate: Rate) -> None:
        new = self._given_rate = by_path(rate)
        if list(new) == list(self.rates) and all(np.shape(r) == self.rates[p].shape for p, r in new.items()):
            for path, value in new.items():  # the same places: only numbers change, and a compiled step stays valid
                self.rates[path].assign(value)
        else:
            self.rates = {path: self._rate_buffer(value) for path, value in new.items()}
            self._check_rates()

    def build(self, parameters: Mapping[str, Parameter]) -> None:
        """Make the slots for these parameters. Slots of a parameter that is already known are kept."""
        zeros = initializers.get("zeros")
        for path, p in parameters.items():
            if path in self.slots and self.slots[path] and self.slots[path][0].shape == p.shape:
                continue
            slots = tuple(Buffer(p.shape, zeros, p.dtype) for _ in self.rule.slots)
            for slot, (name, start) in zip(slots, self.rule.slots, strict=True):
                slot.assign(np.full(p.shape, self.slot_starts().get(name, start)))
            self.slots[path] = slots
        self.slots = {path: self.slots[path] for path in parameters}
        self.parameters = dict(parameters)
        dtype = next((p.dtype.name for p in parameters.values()), self.dtype)
        if dtype != self.dtype:
            given, self.dtype = self._given_rate, dtype
            self.rates = {path: self._rate_buffer(rate) for path, rate in given.items()}
        self._check_rates()

    def scale_losses(self, wanted: bool) -> None:
        """Scale the loss, since deltas are float16; or no longer."""
        self.loss_scale = (self.loss_scale or LossScale()) if wanted else None

    def slot_starts(self) -> dict[str, float]:
        """Where a slot starts, if it differs from what the rule says."""
        return {}

    def _check_rates(self) -> None:
        for path, p in self.parameters.items():
            rate = self.rate_of(path)
            try:
                fits = np.broadcast_shapes(rate.shape, p.shape) == p.shape
            except ValueError:
                fits = False
            if not fits:
                raise ShapeError(
                    "the rates do not fit the parameter.",
                    where=f"learning_rate of {path}",
                    expected=f"a number, or one rate per unit that broadcasts against {p.shape}",
                    received=f"shape {rate.shape}",
                )

    def rate_of(self, path: str) -> Buffer:
        """The rate of the parameter at ``path``: that of the longest path that leads to it."""
        fitting = [known for known in self.rates if known in ("", path) or path.startswith(known + "/")]
        if not fitting:
            raise UnknownNameError("learning rate for parameter", path, self.rates)
        return self.rates[max(fitting, key=len)]

    def entries(self) -> dict[str, Buffer]:
        """What the optimiser keeps from step to step, by path."""
        found = {"optimizer/iterations": self.iterations}
        if self.loss_scale is not None:
            found.update(self.loss_scale.entries())
        for path, rate in self.rates.items():
            found[f"optimizer/learning_rate/{path}" if path else "optimizer/learning_rate"] = rate
        for path, slots in self.slots.items():
            for (name, _), slot in zip(self.rule.slots, slots, strict=True):
                found[f"optimizer/{name}/{path}"] = slot
        return found

    def moved(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """One step: the new parameters, slots and count, by path. Nothing is changed yet."""
        engine = current()
        one = engine.asarray(1, dtype="uint32")
        t = apply(arithmetic.add, self.iterations, one)._array
        new = {"optimizer/iterations": t}
        for path, g in gradients.items():
            slots = tuple(slot._array for slot in self.slots[path])
            new[path], new_slots = engine.update(
                self.rule, self.parameters[path]._array, g, slots, t, self.rate_of(path)._array, self.attributes
            )
            for (name, _), slot in zip(self.rule.slots, new_slots, strict=True):
                new[f"optimizer/{name}/{path}"] = slot
        return new

    # ---- the free style ---------------------------------------------------------------------------------------

    def setup(self, model: Layer) -> Self:
        """Choose the model that :meth:`update` moves."""
        self.target = model
        return self

    def update(self) -> None:
        """Move the parameters of the model by their ``grad``, and go on to the next step.

        Parameters without a gradient stay where they are.

        Raises:
            NotBuiltError: there is no model (:meth:`setup`), or it has no gradients (``loss.backward()``).
        """
        if self.target is None:
            raise NotBuiltError("the optimiser has no model.", where="update", fix="optimizer.setup(model) once, first")
        parameters = self.target.parameters()
        gradients = {path: p.grad for path, p in parameters.items() if p.grad is not None}
        if not gradients:
            raise NotBuiltError(
                "no parameter has a gradient.",
                where="update",
                fix="compute the loss on a batch and call loss.backward() before",
            )
        if list(parameters) != list(self.parameters):
            self.build(parameters)
        new = self.moved(gradients)
        for path, entry in {**parameters, **self.entries()}.items():
            if path in new:
                entry._array = new[path]
        step = self.target._own_step()
        step._array = current().asarray(int(step._array) + 1, dtype="uint32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        rate = self.learning_rate
        plain = {
            path: value if isinstance(value, float) else value.tolist()
            for path, value in (rate if isinstance(rate, dict) else {"": rate}).items()
        }
        return {"learning_rate": plain if isinstance(rate, dict) else plain[""], **self.config()}

    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the rate."""
        return dict(self.attributes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


def by_path(rate: Rate) -> dict[str, Any]:
    """A rate as a mapping from path."""
    return dict(rate) if isinstance(rate, Mapping) else {"": rate}


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's look ahead if asked.

    p ← p − η g; with momentum α: v ← α v − η g, p ← p + v.
    """

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        if not 0 <= momentum <= 1:
            raise ConfigurationError("momentum lies between 0 and 1.", where="SGD", received=momentum)
        if momentum == 0:
            super().__init__(update.sgd, learning_rate)
        else:
            super().__init__(update.nesterov if nesterov else update.momentum, learning_rate, momentum=float(momentum))
        self.momentum, self.nesterov = float(momentum), bool(nesterov)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "nesterov": self.nesterov}


class Momentum(SGD):
    """SGD with momentum: v ← α v − η g, p ← p + v."""

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate, momentum)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class Nesterov(SGD):
    """Nesterov's accelerated gradient."""

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate, momentum, nesterov=True)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients. Source: Duchi et al. 2011."""

    def __init__(
        self, learning_rate: Rate = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7
    ) -> None:
        self.initial_accumulator_value = float(initial_accumulator_value)
        super().__init__(update.adagrad, learning_rate, epsilon=float(epsilon))

    def slot_starts(self) -> dict[str, float]:
        return {self.rule.slots[0][0]: self.initial_accumulator_value}

    def config(self) -> dict[str, Any]:
        return {"initial_accumulator_value": self.initial_accumulator_value, **self.attributes}


class RMSprop(Optimizer):
    """Divides by the root of a running mean of squared gradients. Source: Tieleman and Hinton 2012."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        super().__init__(
            update.rmsprop,
            learning_rate,
            rho=float(rho),
            momentum=float(momentum),
            epsilon=float(epsilon),
            centered=bool(centered),
        )


class Adadelta(Optimizer):
    """Steps in the units of the parameter. Source: Zeiler 2012, arXiv:1212.5701."""

    def __init__(self, learning_rate: Rate = 0.001, rho: float = 0.95, epsilon: float = 1e-7) -> None:
        super().__init__(update.adadelta, learning_rate, rho=float(rho), epsilon=float(epsilon))


class Adam(Optimizer):
    """Running means of gradient and squared gradient, corrected for their start. Source: Kingma and Ba 2014.

    ``amsgrad`` keeps the largest second moment. Source: Reddi et al. 2018.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        self.amsgrad = bool(amsgrad)
        super().__init__(
            update.amsgrad if amsgrad else update.adam,
            learning_rate,
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(epsilon),
        )

    def config(self) -> dict[str, Any]:
        return {**self.attributes, "amsgrad": self.amsgrad}


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient. Source: Loshchilov and Hutter 2017, arXiv:1711.05101."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(
            update.adamw,
            learning_rate,
            weight_decay=float(weight_decay),
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(epsilon),
        )


class Nadam(Optimizer):
    """Adam with Nesterov momentum. Source: Dozat 2016."""

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(
            update.nadam, learning_rate, beta_1=float(beta_1), beta_2=float(beta_2), epsilon=float(epsilon)
        )


class Adamax(Optimizer):
    """Adam with the largest instead of the mean squared gradient. Source: Kingma and Ba 2014, section 7.1."""

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(
            update.adamax, learning_rate, beta_1=float(beta_1), beta_2=float(beta_2), epsilon=float(epsilon)
        )


class Lion(Optimizer):
    """Steps of equal size along the sign of a running mean. Source: Chen et al. 2023, arXiv:2302.06675."""

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, weight_decay: float = 0.0
    ) -> None:
        super().__init__(
            update.lion, learning_rate, beta_1=float(beta_1), beta_2=float(beta_2), weight_decay=float(weight_decay)
        )


BY_NAME: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "adamax": Adamax,
    "lion": Lion,
}


def get(identifier: Any) -> Optimizer:
    """An optimiser from its name, class, configuration, or itself.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        name = str(identifier.get("class_name", "")).lower()
        if name not in BY_NAME:
            raise UnknownNameError("optimizer", name, BY_NAME)
        return BY_NAME[name](**identifier.get("config", {}))
    if isinstance(identifier, str):
        if identifier.lower() not in BY_NAME:
            raise UnknownNameError("optimizer", identifier, BY_NAME)
        return BY_NAME[identifier.lower()]()
    if identifier in BY_NAME.values():
        return identifier()  # type: ignore[no-any-return]
    raise UnknownNameError("optimizer", identifier, BY_NAME)

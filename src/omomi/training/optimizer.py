"""What all optimisers share: rates, slots, and what becomes of parameters in a step.

What an optimiser carries from step to step (its slots, the number of steps, the rate) is part of the state tree, under
"optimizer/". The named ones stand in :mod:`omomi.training.optimizers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, NotBuiltError, ShapeError, UnknownNameError
from omomi.graph.context import no_grad
from omomi.graph.variable import Variable, apply
from omomi.layers import initializers
from omomi.layers.layer import Layer
from omomi.layers.state import Buffer, Parameter
from omomi.ops import arithmetic, elementary, optimization, penalty, schedule
from omomi.ops.rule import UpdateRule
from omomi.training import schedules
from omomi.training.loss_scale import LossScale
from omomi.training.optimizer_options import Options
from omomi.training.schedules import LearningRateSchedule

# One rate for all, or rates by path: {"dense": 0.1, "dense_1/kernel": array, "": 0.01 for the rest}.
Rate = float | Array | LearningRateSchedule | Mapping[str, Any]

MEAN, AVERAGE = "optimizer/gradient_mean", "optimizer/average"


class Optimizer:
    """Moves the parameters of a model along their gradients.

    Args:
        rule: how one parameter moves.
        learning_rate: one rate for all parameters; or a mapping from path (of a layer or a parameter; the longest
            that fits counts, "" is the rest) to a rate. A rate is a number, an array with one rate per unit (a
            vector (units,) scales the columns of an (in, units) kernel and the entries of the bias), or a schedule.
        options: what every optimiser can do besides its rule.
        attributes: of the rule.

    Example:
        >>> import omomi
        >>> optimizer = omomi.optimizers.SGD(learning_rate={"dense": 0.1, "": 0.01})
    """

    def __init__(
        self, rule: UpdateRule, learning_rate: Rate, options: Options | None = None, **attributes: Any
    ) -> None:
        self.rule, self.attributes, self.options = rule, attributes, options or Options()
        self.dtype = "float32"  # of the rates: that of the parameters, once they are known
        self._given_rate = by_path(learning_rate)
        self.rates = {path: self._rate_buffer(rate) for path, rate in self._given_rate.items()}
        self.iterations = Buffer((), initializers.get("zeros"), "uint32")
        self.iterations.assign(0)
        self.loss_scale: LossScale | None = None
        self.undecayed: tuple[str, ...] = ()  # regular expressions: the paths of parameters that do not decay
        self.gradient_means: dict[str, Buffer] = {}
        self.averages: dict[str, Buffer] = {}
        self.slots: dict[str, tuple[Buffer, ...]] = {}
        self.parameters: dict[str, Parameter] = {}
        self.target: Layer | None = None

    def _rate_buffer(self, rate: Any) -> Buffer:
        values = rate.base() if isinstance(rate, LearningRateSchedule) else np.asarray(rate, np.float64)
        schedules.checked(values, type(self).__name__, "learning_rate")
        buffer = Buffer(values.shape, initializers.get("zeros"), self.dtype)
        buffer.assign(values)
        return buffer

    @property
    def name(self) -> str:
        """The name given, else that of the class in small letters."""
        return self.options.name or type(self).__name__.lower()

    @property
    def learning_rate(self) -> Any:
        """The rate of the coming step: a number, an array, or the mapping of rates by path. Assign to change it.

        Raises:
            ConfigurationError: on assigning a number where a schedule moves the rate.
        """
        values = {path: np.array(current().to_host(rate)) for path, rate in self._rates_now(self.iterations).items()}
        plain = {path: float(v) if v.ndim == 0 else v for path, v in values.items()}
        return plain[""] if list(plain) == [""] else plain

    @learning_rate.setter
    def learning_rate(self, rate: Rate) -> None:
        new = by_path(rate)
        moving = [path for path, value in self._given_rate.items() if isinstance(value, LearningRateSchedule)]
        given = [path for path, value in new.items() if isinstance(value, LearningRateSchedule)]
        if moving and not given:
            raise ConfigurationError(
                "a schedule moves the learning rate, so it cannot be set to a number.",
                where=type(self).__name__,
                received=repr(self._given_rate[moving[0]]),
                fix="assign another schedule, or make the optimiser with a number",
            )
        same = list(new) == list(self.rates) and not moving and not given
        if same and all(np.shape(r) == self.rates[p].shape for p, r in new.items()):
            for path, value in new.items():  # the same places: only numbers change, and a compiled step stays valid
                schedules.checked(np.asarray(value, np.float64), type(self).__name__, "learning_rate")
                self.rates[path].assign(value)
            self._given_rate = new
        else:
            self.rates, self._given_rate = {path: self._rate_buffer(value) for path, value in new.items()}, new
            self._check_rates()
            self.parameters = {}  # whoever trains builds anew, and forgets the compiled step

    def build(self, parameters: Mapping[str, Parameter]) -> None:
        """Make the slots for these parameters. Slots of a parameter that is already known are kept."""
        zeros = initializers.get("zeros")
        for path, p in parameters.items():
            if self.options.every > 1 and not fits(self.gradient_means.get(path), p):
                self.gradient_means[path] = Buffer(p.shape, zeros, p.dtype)
                self.gradient_means[path].assign(np.zeros(p.shape))
            if self.options.use_ema and not fits(self.averages.get(path), p):
                self.averages[path] = Buffer(p.shape, zeros, p.dtype)
                self.averages[path].assign(p.array)
            shapes = self.rule.slot_shapes(p.shape)
            if shapes and tuple(slot.shape for slot in self.slots.get(path, ())) == shapes:
                continue
            slots = tuple(Buffer(shape, zeros, p.dtype) for shape in shapes)
            for slot, (name, start) in zip(slots, self.rule.slots, strict=True):
                slot.assign(np.full(slot.shape, self.slot_starts().get(name, start)))
            self.slots[path] = slots
        for known in (self.slots, self.gradient_means, self.averages):
            for path in [path for path in known if path not in parameters]:
                del known[path]
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
        """The rate of the parameter at ``path``, at the start if a schedule moves it."""
        return self.rates[self.rate_path(path)]

    def rate_path(self, path: str) -> str:
        """The longest of the paths with a rate that lead to the parameter at ``path``."""
        fitting = [known for known in self.rates if known in ("", path) or path.startswith(known + "/")]
        if not fitting:
            raise UnknownNameError("learning rate for parameter", path, self.rates)
        return max(fitting, key=len)

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
        found.update({f"{MEAN}/{path}": mean for path, mean in self.gradient_means.items()})
        found.update({f"{AVERAGE}/{path}": average for path, average in self.averages.items()})
        return found

    def moved(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """One step: the new parameters, slots and counts, by path. Nothing is changed yet."""
        engine, options, every = current(), self.options, self.options.every
        one = engine.asarray(1, dtype="uint32")
        t = apply(arithmetic.add, self.iterations, one)._array
        new = {"optimizer/iterations": t}
        rates = self._rates_now(self.iterations)
        if every > 1:
            gradients, means = self._accumulated(gradients, t, rates), dict[str, Array]()
            means.update({f"{MEAN}/{path}": g for path, g in gradients.items()})
            new.update(means)
        gradients = self._clipped(gradients)
        rule, attributes = self.rule, self.attributes
        for path, g in gradients.items():
            parameter, rate = self.parameters[path], rates[self.rate_path(path)]
            p = parameter._array
            decays = not any(re.search(pattern, path) for pattern in self.undecayed)
            if options.weight_decay and decays:
                decay = {"weight_decay": options.weight_decay}
                p, _ = self._moved_by(optimization.weight_decay, p, g, (), t, rate, decay)
            if "weight_decay" in attributes and not decays:
                attributes = {**attributes, "weight_decay": 0.0}
            slots = tuple(slot._array for slot in self.slots[path])
            p, new_slots = self._moved_by(rule, p, g, slots, t, rate, attributes)
            attributes = self.attributes
            factor = getattr(parameter.regularizer, "proximal_factor", 0.0)
            if factor:
                p, _ = self._moved_by(optimization.soft_threshold, p, g, (), t, rate, {"factor": factor})
            if parameter.constraint is not None:
                with no_grad():
                    p = parameter.constraint(Variable(p, requires_grad=False))._array
            if options.use_ema:
                p, new[f"{AVERAGE}/{path}"] = self._averaged(path, p, t, rate)
            new[path] = p
            for (name, _), slot in zip(rule.slots, new_slots, strict=True):
                new[f"optimizer/{name}/{path}"] = slot
        return new

    def _moved_by(
        self,
        rule: UpdateRule,
        p: Array,
        g: Array,
        slots: tuple[Array, ...],
        t: Array,
        rate: Array,
        attributes: Mapping[str, Any],
    ) -> tuple[Array, tuple[Array, ...]]:
        """A parameter moved by a rule, in every K-th step where gradients are accumulated."""
        if self.options.every > 1:
            rule, attributes = optimization.sparse(rule), {**attributes, "every": self.options.every}
        return current().update(rule, p, g, slots, t, rate, attributes)

    def _accumulated(self, gradients: Mapping[str, Array], t: Array, rates: Mapping[str, Array]) -> dict[str, Array]:
        """The means of the gradients since the last update."""
        attributes, means = {"every": self.options.every}, {}
        for path, g in gradients.items():
            mean, rate = self.gradient_means[path]._array, rates[self.rate_path(path)]
            means[path] = current().update(optimization.accumulate, mean, g, (), t, rate, attributes)[0]
        return means

    def _clipped(self, gradients: Mapping[str, Array]) -> Mapping[str, Array]:
        """The gradients, kept within the bounds that the options set."""
        options = self.options
        if options.clipvalue is not None:
            low, high = -options.clipvalue, options.clipvalue
            return {path: apply(elementary.clip, g, low=low, high=high)._array for path, g in gradients.items()}
        norm = options.clipnorm or options.global_clipnorm
        if norm is None or not gradients:
            return gradients
        squares = {path: apply(penalty.l2_penalty, g, factor=1.0) for path, g in gradients.items()}
        if options.global_clipnorm is not None:
            common = apply(optimization.clip_factor, *squares.values(), norm=norm)
            factors = dict.fromkeys(gradients, common)
        else:
            factors = {path: apply(optimization.clip_factor, s, norm=norm) for path, s in squares.items()}
        return {path: apply(arithmetic.multiply, g, factors[path])._array for path, g in gradients.items()}

    def _averaged(self, path: str, p: Array, t: Array, rate: Array) -> tuple[Array, Array]:
        """A parameter that has moved, and its running average with it."""
        engine, options = current(), self.options
        attributes = {"momentum": options.ema_momentum, "every": options.every}
        average, _ = engine.update(optimization.average, self.averages[path]._array, p, (), t, rate, attributes)
        if options.ema_overwrite_frequency:
            frequency = {"frequency": options.ema_overwrite_frequency * options.every}
            p, _ = engine.update(optimization.overwrite, p, average, (), t, rate, frequency)
        return p, average

    def _rates_now(self, iterations: Variable) -> dict[str, Array]:
        """The rates by path after that many steps."""
        rates: dict[str, Array] = {path: rate._array for path, rate in self.rates.items()}
        moving = {path: s for path, s in self._given_rate.items() if isinstance(s, LearningRateSchedule)}
        if moving:
            with no_grad():
                every = self.options.every
                t = iterations if every == 1 else apply(schedule.updates_made, iterations, every=every)
                rates.update({path: found.rate_at(self.rates[path], t) for path, found in moving.items()})
        return rates

    def exclude_from_weight_decay(self, var_list: Iterable[Parameter] = (), var_names: Iterable[str] = ()) -> None:
        """Parameters that do not decay: these, and those in whose path one of these regular expressions is found.

        Call it before ``fit``, and, for a ``var_list``, after the model was built.
        """
        exactly = (f"^{re.escape(p.name)}$" for p in var_list if p.name)
        self.undecayed = (*self.undecayed, *var_names, *exactly)

    def finalize_variable_values(self, parameters: Mapping[str, Parameter]) -> None:
        """Put the running averages, if there are any, in the place of the parameters. The end of ``fit`` does so."""
        if self.options.use_ema and int(current().to_host(self.iterations._array)) >= self.options.every:
            for path, average in self.averages.items():
                parameters[path].assign(average.array)

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
        plain = {path: schedules.serialize(self._rate_as_it_is(path)) for path in self.rates}
        kept = {} if not self.undecayed else {"undecayed": list(self.undecayed)}
        return {
            "learning_rate": plain[""] if list(plain) == [""] else plain,
            **self.config(),
            **self.options.config(),
            **kept,
        }

    def _rate_as_it_is(self, path: str) -> Any:
        """A schedule; or a rate as it was given, unless the state has another by now."""
        given = self._given_rate[path]
        if isinstance(given, LearningRateSchedule):
            return given
        now = np.array(current().to_host(self.rates[path]._array))
        return given if np.array_equal(np.asarray(given, now.dtype), now) else now

    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the rate."""
        return dict(self.attributes)

    def __repr__(self) -> str:
        rates = {path: self._rate_as_it_is(path) for path in self.rates}
        told = {"learning_rate": rates[""] if list(rates) == [""] else rates, **self.config(), **self.options.config()}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in told.items())})"


def by_path(rate: Rate) -> dict[str, Any]:
    """A rate as a mapping from path."""
    if isinstance(rate, Mapping) and not schedules.is_described(rate):
        return {path: schedules.get(value) for path, value in rate.items()}
    return {"": schedules.get(rate)}


def fits(buffer: Buffer | None, p: Parameter) -> bool:
    """Whether this buffer can go on with that parameter."""
    return buffer is not None and buffer.shape == p.shape and buffer.dtype == p.dtype

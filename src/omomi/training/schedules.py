"""Schedules of the learning rate, as optimisers take them: ``SGD(learning_rate=CosineDecay(0.1, 1000))``.

The mathematics stands in ``omomi.ops.schedule``. Names and defaults are Keras 3's where Keras has the schedule. A
schedule is a function of the number of steps taken, which is part of the state: so it stays valid in a recorded step,
and a run that is resumed goes on at the same rate. Where gradients are accumulated, it counts updates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import schedule, shape
from omomi.ops.rule import Rule


class LearningRateSchedule:
    """From the number of steps taken to a rate.

    Subclass it with a ``__call__(step)`` of your own, which computes with functions on Variables: in training,
    ``step`` is a Variable, 0 in the first step.

    Args:
        initial_learning_rate: the rate at the start: a number, or one rate per unit.
        name: for your own orientation.

    Example:
        >>> import omomi
        >>> rate = omomi.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
        >>> rate(0), rate(200)
        (0.1, 0.025)
    """

    rule: ClassVar[Rule | None] = None
    fields: ClassVar[tuple[str, ...]] = ()  # the attributes of the rule, which are attributes of the schedule too

    def __init__(self, initial_learning_rate: Any, name: str | None = None) -> None:
        self.initial_learning_rate, self.name = initial_learning_rate, name
        self.base()

    def base(self) -> Array:
        """The rate that the rule starts from, float64.

        Raises:
            ConfigurationError: it is not finite, or negative.
        """
        if self.rule is None:  # a class of the user's own: what it says for the first step
            with_numbers = self(Variable(np.zeros((), np.float64), requires_grad=False))
            values = as_variable(with_numbers).numpy()
        else:
            values = np.asarray(self.initial_learning_rate, np.float64)
        return checked(values, type(self).__name__, "initial_learning_rate")

    def attributes(self) -> dict[str, Any]:
        """The static attributes of the rule."""
        return {field: getattr(self, field) for field in self.fields}

    def __call__(self, step: Any) -> Any:
        """The rate after that many steps, as a number, or as an array where there is one for each unit."""
        t = np.asarray(step.numpy() if isinstance(step, Variable) else step)
        rate = np.asarray(current().to_host(self.rate_at(current().asarray(self.base()), current().asarray(t))))
        return float(rate) if rate.ndim == 0 else rate

    def rate_at(self, base: Any, t: Any) -> Array:
        """The rate after t steps, inside a step: an array of base's shape and dtype."""
        if self.rule is None:
            base = as_variable(base)
            found = self(apply(shape.cast, t, dtype=base.dtype.name))
            found = apply(shape.cast, as_variable(found), dtype=base.dtype.name)
            return apply(shape.broadcast_to, found, shape=base.shape)._array
        return apply(self.rule, base, t, **self.attributes())._array

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        first: dict[str, Any] = {}
        if hasattr(self, "initial_learning_rate"):
            given = self.initial_learning_rate
            first["initial_learning_rate"] = given if isinstance(given, (int, float)) else np.asarray(given).tolist()
        return {**first, **self.attributes(), **({} if self.name is None else {"name": self.name})}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """The schedule that :meth:`get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


def checked(values: Array, where: str, what: str) -> Array:
    """Raise unless rates are finite and not negative."""
    if not np.isfinite(values).all() or (values < 0).any():
        raise ConfigurationError(
            "a learning rate is finite and not negative.", where=where, received=f"{what}={values.tolist()!r}"
        )
    return values


def check_positive(where: str, **numbers: float) -> None:
    """Raise unless all of these are numbers above 0."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, float, np.number)) or not 0 < number < np.inf:
            raise ConfigurationError(f"{name} is a number above 0.", where=where, received=f"{name}={number!r}")


class ExponentialDecay(LearningRateSchedule):
    """ηₜ = η₀ d^(t/T): ``decay_rate`` d in every ``decay_steps`` T; ``staircase``: at once.

    At the end of each T steps.
    """

    rule = schedule.exponential_decay
    fields = ("decay_steps", "decay_rate", "staircase")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        check_positive(type(self).__name__, decay_steps=decay_steps, decay_rate=decay_rate)
        self.decay_steps, self.decay_rate, self.staircase = decay_steps, decay_rate, bool(staircase)
        super().__init__(initial_learning_rate, name)


class InverseTimeDecay(ExponentialDecay):
    """ηₜ = η₀ / (1 + d t/T); ``staircase``: in stairs of T steps."""

    rule = schedule.inverse_time_decay


class StepDecay(LearningRateSchedule):
    """The rate times ``drop`` after every ``step_size`` steps: exponential decay in stairs."""

    rule = schedule.exponential_decay

    def __init__(self, initial_learning_rate: Any, step_size: int, drop: float = 0.1, name: str | None = None) -> None:
        check_positive(type(self).__name__, step_size=step_size, drop=drop)
        self.step_size, self.drop = step_size, drop
        super().__init__(initial_learning_rate, name)

    def attributes(self) -> dict[str, Any]:
        return {"decay_steps": self.step_size, "decay_rate": self.drop, "staircase": True}

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in self.attributes()} | {
            "step_size": self.step_size,
            "drop": self.drop,
        }


class PolynomialDecay(LearningRateSchedule):
    """Down to ``end_learning_rate`` within ``decay_steps``, as (1 − t/T)^``power``.

    ``cycle`` begins anew after them.
    """

    rule = schedule.polynomial_decay
    fields = ("decay_steps", "end_learning_rate", "power", "cycle")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        check_positive(type(self).__name__, decay_steps=decay_steps)
        checked(np.asarray(end_learning_rate, np.float64), type(self).__name__, "end_learning_rate")
        self.decay_steps, self.end_learning_rate = decay_steps, end_learning_rate
        self.power, self.cycle = power, bool(cycle)
        super().__init__(initial_learning_rate, name)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[0]`` up to and with step ``boundaries[0]``, then ``values[1]``, and so on.

    One value more than boundaries.
    """

    rule = schedule.piecewise_constant_decay
    fields = ("boundaries", "values")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None) -> None:
        where = type(self).__name__
        if len(boundaries) != len(values) - 1 or list(boundaries) != sorted(boundaries):
            raise ConfigurationError(
                "there is one rate more than there are boundaries, which rise.",
                where=where,
                expected=f"{len(boundaries) + 1} values for boundaries {sorted(boundaries)}",
                received=f"boundaries={list(boundaries)}, values={list(values)}",
            )
        self.boundaries, self.values = tuple(boundaries), tuple(values)
        checked(np.asarray(values, np.float64), where, "values")
        super().__init__(float(self.values[0]), name)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "boundaries": list(self.boundaries), "values": list(self.values)}
        del config["initial_learning_rate"]
        return config


class CosineDecay(LearningRateSchedule):
    """Down to the share ``alpha`` along half a cosine within ``decay_steps``.

    With ``warmup_target``, the rate first rises to it in a straight line within ``warmup_steps``. Source: Loshchilov
    and Hutter 2017, arXiv:1608.03983.
    """

    rule = schedule.cosine_decay
    fields = ("decay_steps", "alpha", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        check_positive(type(self).__name__, decay_steps=decay_steps)
        self.decay_steps, self.alpha = decay_steps, alpha
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        super().__init__(initial_learning_rate, name)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay again and again: each cycle ``t_mul`` times as long and starting ``m_mul`` times as high as the
    last.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983.
    """

    rule = schedule.cosine_decay_restarts
    fields = ("first_decay_steps", "t_mul", "m_mul", "alpha")

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        check_positive(where, first_decay_steps=first_decay_steps, t_mul=t_mul, m_mul=m_mul)
        if t_mul < 1:
            raise ConfigurationError("cycles do not become shorter.", where=where, received=f"t_mul={t_mul!r}")
        self.first_decay_steps, self.alpha = first_decay_steps, alpha
        self.t_mul, self.m_mul = t_mul, m_mul
        super().__init__(initial_learning_rate, name)


class OneCycle(LearningRateSchedule):
    """Up to ``max_learning_rate`` and down again, once in ``total_steps``; afterwards the rate stays at its lowest.

    It starts from max/``div_factor``, is highest after the share ``pct_start`` of the steps, and ends at
    max/(``div_factor`` · ``final_div_factor``). Source: Smith and Topin 2018, arXiv:1708.07120.
    """

    rule = schedule.one_cycle
    fields = ("total_steps", "pct_start", "div_factor", "final_div_factor")

    def __init__(
        self,
        max_learning_rate: Any,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        name: str | None = None,
    ) -> None:
        where = type(self).__name__
        check_positive(where, total_steps=total_steps, div_factor=div_factor, final_div_factor=final_div_factor)
        if not 0 <= pct_start <= 1:
            raise ConfigurationError("pct_start is a share.", where=where, received=f"pct_start={pct_start!r}")
        self.total_steps, self.pct_start = int(total_steps), pct_start
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        super().__init__(max_learning_rate, name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {"max_learning_rate": config.pop("initial_learning_rate"), **config}


class Warmup(LearningRateSchedule):
    """A warm-up before another schedule, or before a constant rate: from ``start`` to its first rate in a straight
    line.

    The schedule counts its steps after the ``warmup_steps``. Source: Goyal et al. 2017, arXiv:1706.02677, section 2.2.
    """

    rule = schedule.warmup

    def __init__(self, schedule: Any, warmup_steps: int, start: float = 0.0, name: str | None = None) -> None:
        check_positive(type(self).__name__, warmup_steps=warmup_steps)
        self.schedule = get(schedule)
        checked(np.asarray(start, np.float64), type(self).__name__, "start")
        self.warmup_steps, self.start = int(warmup_steps), start
        self.name = name
        self.base()

    def base(self) -> Array:
        if isinstance(self.schedule, LearningRateSchedule):
            return self.schedule.base()
        return checked(np.asarray(self.schedule, np.float64), type(self).__name__, "schedule")

    def rate_at(self, base: Any, t: Any) -> Array:
        if isinstance(self.schedule, LearningRateSchedule):
            after = apply(schedule.steps_after, t, steps=self.warmup_steps)
            base = self.schedule.rate_at(base, after)
        return apply(schedule.warmup, base, t, steps=self.warmup_steps, start=self.start)._array

    def get_config(self) -> dict[str, Any]:
        return {
            "schedule": serialize(self.schedule),
            "warmup_steps": self.warmup_steps,
            "start": self.start,
            **({} if self.name is None else {"name": self.name}),
        }


BY_CLASS: dict[str, type[LearningRateSchedule]] = {
    cls.__name__: cls
    for cls in (
        ExponentialDecay,
        InverseTimeDecay,
        StepDecay,
        PolynomialDecay,
        PiecewiseConstantDecay,
        CosineDecay,
        CosineDecayRestarts,
        OneCycle,
        Warmup,
    )
}


def is_described(value: Any) -> bool:
    """Whether this is what :func:`serialize` made of a schedule."""
    return isinstance(value, Mapping) and "class_name" in value and set(value) <= {"class_name", "config"}


def get(value: Any) -> Any:
    """A rate as it is; a schedule from its configuration.

    Raises:
        UnknownNameError: no schedule has this name.
    """
    if not is_described(value):
        return value
    kind = value["class_name"]
    if kind not in BY_CLASS:
        raise UnknownNameError("schedule", kind, BY_CLASS)
    return BY_CLASS[kind].from_config(value.get("config", {}))


def serialize(rate: Any) -> Any:
    """A rate or a schedule as plain values.

    Raises:
        ConfigurationError: it is of a class that a file cannot name.
    """
    if not isinstance(rate, LearningRateSchedule):
        return float(rate) if np.ndim(rate) == 0 else np.asarray(rate).tolist()
    if BY_CLASS.get(type(rate).__name__) is not type(rate):
        raise ConfigurationError(
            "a schedule of your own cannot be written to a file.",
            received=type(rate).__name__,
            fix=f"one of {', '.join(BY_CLASS)}; or save the weights alone (get_weights)",
        )
    return {"class_name": type(rate).__name__, "config": rate.get_config()}

"""Constraints, as layers take them: what a parameter may be after a step has moved it.

The mathematics stands in ``omomi.ops.constraint``. Names and defaults are Keras's. An ``axis`` is that of the sum
under the root: for a dense kernel (in, units), axis 0 gives every unit its own norm; for the kernel (KH, KW, C,
filters) of a convolution, axis (0, 1, 2) gives every filter its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.variable import Variable, apply
from omomi.ops import constraint
from omomi.ops.rule import Rule

Axis = int | tuple[int, ...]


class Constraint:
    """From a parameter that a step has moved to what it may be. Subclass it with a ``__call__`` of your own."""

    rule: ClassVar[Rule]

    def __call__(self, w: Variable) -> Variable:
        result: Variable = apply(self.rule, w, **asdict(self))  # type: ignore[call-overload]
        return result

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """Norms of at most ``max_value``. Source: Hinton et al. 2012, arXiv:1207.0580."""

    rule = constraint.max_norm
    max_value: float = 2
    axis: Axis = 0

    def __post_init__(self) -> None:
        check(self, max_value=self.max_value)


@dataclass(frozen=True)
class NonNeg(Constraint):
    """No negative weights."""

    rule = constraint.non_negative


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Norms of 1."""

    rule = constraint.unit_norm
    axis: Axis = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class MinMaxNorm(Constraint):
    """Norms between ``min_value`` and ``max_value``.

    A ``rate`` below 1 goes only that share of the way in each step.
    """

    rule = constraint.min_max_norm
    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: Axis = 0

    def __post_init__(self) -> None:
        check(self, min_value=self.min_value, max_value=self.max_value, rate=self.rate)
        if self.min_value > self.max_value or self.rate > 1:
            raise ConfigurationError(
                "the norms lie between two numbers, and the rate is a share.",
                where="MinMaxNorm",
                expected="min_value ≤ max_value and rate ≤ 1",
                received=f"min_value={self.min_value!r}, max_value={self.max_value!r}, rate={self.rate!r}",
            )


def check(made: Any, **numbers: float) -> None:
    """Raise unless these are numbers ≥ 0; and make the axis something that a rule can take."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= 0:
            raise ConfigurationError(
                "a norm is not negative.", where=type(made).__name__, received=f"{name}={number!r}"
            )
    if isinstance(made.axis, list):  # from a file
        object.__setattr__(made, "axis", tuple(made.axis))


BY_CLASS: dict[str, type[Constraint]] = {cls.__name__: cls for cls in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}
BY_NAME: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
    "min_max_norm": MinMaxNorm,
}


def get(identifier: Any) -> Any:
    """A constraint from its name, its configuration, or itself; ``None`` and a function of your own stay what they are.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, dict):
        kind = identifier.get("class_name", "")
        if kind not in BY_CLASS:
            raise UnknownNameError("constraint", kind, BY_CLASS)
        return BY_CLASS[kind](**identifier.get("config", {}))
    if isinstance(identifier, str):
        small = {name.lower(): cls for name, cls in BY_CLASS.items()}
        found = BY_NAME.get(identifier.lower()) or small.get(identifier.lower())
        if found is not None:
            return found()
    if isinstance(identifier, type) and issubclass(identifier, Constraint):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    raise UnknownNameError("constraint", identifier, BY_NAME)


def serialize(constraint: Any) -> dict[str, Any] | None:
    """A constraint's name and configuration.

    Raises:
        ConfigurationError: it is of a kind that a file cannot name.
    """
    if constraint is None:
        return None
    if BY_CLASS.get(type(constraint).__name__) is not type(constraint):
        raise ConfigurationError(
            "a constraint of your own cannot be written to a file.",
            received=getattr(constraint, "__name__", type(constraint).__name__),
            fix=f"one of {', '.join(BY_CLASS)}; or save the weights alone (get_weights)",
        )
    return {"class_name": type(constraint).__name__, "config": constraint.get_config()}

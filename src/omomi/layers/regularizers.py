"""Regularisers, as layers take them: what the size of weights, or of a layer's output, adds to the loss.

The mathematics stands in ``omomi.ops.penalty``. Names and defaults are Keras's; L2 is λ Σ w², without ½.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable


class Regularizer:
    """From a Variable to the scalar that it adds to the loss. Subclass it with a ``__call__`` of your own."""

    def __call__(self, x: Variable) -> Variable:
        raise NotImplementedError

    @property
    def proximal_factor(self) -> float:
        """λ of a step w ← sign(w) max(|w| − η λ, 0) that follows the optimiser's; 0: there is none."""
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class L1(Regularizer):
    """l1 Σ |w|: takes weights that are of little use to 0. Source: Tibshirani 1996.

    Its gradient ±l1 pulls weights towards 0 and past it, and leaves none exactly 0. With ``proximal``, a parameter is
    first moved by the gradient of the loss alone, and then by η l1 towards 0, where it stops: exact zeros. Source:
    Parikh and Boyd 2014, "Proximal algorithms", section 4.2. (For parameters; the activity of a layer has no such
    step.)
    """

    l1: float = 0.01
    proximal: bool = False

    def __post_init__(self) -> None:
        check_factor(self, "l1", self.l1)

    def __call__(self, x: Variable) -> Variable:
        return functions.l1_penalty(x.detach() if self.proximal else x, self.l1)

    @property
    def proximal_factor(self) -> float:
        return self.l1 if self.proximal else 0.0

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "proximal": True} if self.proximal else {"l1": self.l1}


@dataclass(frozen=True)
class L2(Regularizer):
    """l2 Σ w²: keeps all weights small. Source: Hoerl and Kennard 1970."""

    l2: float = 0.01

    def __post_init__(self) -> None:
        check_factor(self, "l2", self.l2)

    def __call__(self, x: Variable) -> Variable:
        return functions.l2_penalty(x, self.l2)


@dataclass(frozen=True)
class L1L2(Regularizer):
    """l1 Σ |w| + l2 Σ w². Source: Zou and Hastie 2005, the elastic net."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        check_factor(self, "l1", self.l1)
        check_factor(self, "l2", self.l2)

    def __call__(self, x: Variable) -> Variable:
        if not self.l1:
            return functions.l2_penalty(x, self.l2)
        penalty = functions.l1_penalty(x, self.l1)
        return penalty + functions.l2_penalty(x, self.l2) if self.l2 else penalty


def check_factor(regularizer: Regularizer, name: str, factor: float) -> None:
    """Raise unless a factor λ is a finite number ≥ 0."""
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 <= factor < float("inf"):
        raise ConfigurationError(
            "the factor of a penalty is finite and not negative.",
            where=type(regularizer).__name__,
            received=f"{name}={factor!r}",
        )


BY_NAME: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}
BY_CLASS: dict[str, type[Regularizer]] = {cls.__name__: cls for cls in BY_NAME.values()}


def get(identifier: Any) -> Regularizer | None:
    """A regulariser from its name, its configuration, or itself; ``None`` stays ``None``.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, dict):
        kind = identifier.get("class_name", "")
        if kind not in BY_CLASS:
            raise UnknownNameError("regularizer", kind, BY_CLASS)
        return BY_CLASS[kind](**identifier.get("config", {}))
    if isinstance(identifier, str):
        found = BY_NAME.get(identifier.lower()) or BY_CLASS.get(identifier)
        if found is not None:
            return found()
    if isinstance(identifier, type) and issubclass(identifier, Regularizer):
        return identifier()
    raise UnknownNameError("regularizer", identifier, BY_NAME)


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """A regulariser's name and configuration.

    Raises:
        ConfigurationError: it is of a class that a file cannot name.
    """
    if regularizer is None:
        return None
    if BY_CLASS.get(type(regularizer).__name__) is not type(regularizer):
        raise ConfigurationError(
            "a regulariser of your own cannot be written to a file.",
            received=type(regularizer).__name__,
            fix="L1, L2 or L1L2; or save the weights alone (get_weights)",
        )
    return {"class_name": type(regularizer).__name__, "config": regularizer.get_config()}

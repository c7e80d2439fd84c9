"""What every optimiser can do besides its rule: clip, decay weights, accumulate gradients, average parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from omomi.errors import ConfigurationError, UnknownNameError


class CommonOptions(TypedDict, total=False):
    """The keyword arguments that every optimiser takes; see :class:`Options`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptionsGiven(CommonOptions, total=False):
    """Those of an optimiser whose rule has no decay of its own."""

    weight_decay: float | None


# What older versions of Keras called them. Their decay is one of the rate, not of the weights.
FORMERLY = {
    "lr": "learning_rate=…",
    "decay": "learning_rate=InverseTimeDecay(rate, 1, decay), of omomi.optimizers.schedules",
}


@dataclass(frozen=True)
class Options:
    """Names and defaults are Keras 3's.

    Args:
        weight_decay: λ of p ← p − η λ p, beside the gradient's step.
        clipnorm: a gradient that is longer is shortened to this, each for itself.
        clipvalue: entries of gradients are kept between minus this and this.
        global_clipnorm: as ``clipnorm``, of all gradients as one vector.
        use_ema: keep a running average of each parameter, which takes its place at the end of ``fit``.
        ema_momentum: how much of the average is kept in an update.
        ema_overwrite_frequency: parameters are replaced by their averages after so many updates.
        gradient_accumulation_steps: K: parameters move in every K-th step, along the mean of K gradients.
        name: of the optimiser.
    """

    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    gradient_accumulation_steps: int | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        for name in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm"):
            number = getattr(self, name)
            low = number >= 0 if name == "weight_decay" and is_number(number) else is_number(number) and number > 0
            if number is not None and not (low and number < float("inf")):
                raise ConfigurationError(f"{name} is a positive number.", received=f"{name}={number!r}")
        for name in ("ema_overwrite_frequency", "gradient_accumulation_steps"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ConfigurationError(f"{name} is a positive whole number.", received=f"{name}={number!r}")
        clips = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, n) is not None]
        if len(clips) > 1:
            raise ConfigurationError(
                "gradients are clipped in one way.",
                expected="one of clipnorm, clipvalue and global_clipnorm",
                received=" and ".join(clips),
            )
        if not is_number(self.ema_momentum) or not 0 <= self.ema_momentum <= 1:
            raise ConfigurationError("ema_momentum lies between 0 and 1.", received=repr(self.ema_momentum))

    @classmethod
    def of(cls, where: str, given: Mapping[str, Any]) -> Options:
        """From keyword arguments.

        Raises:
            UnknownNameError: an optimiser has no such argument.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownNameError("argument", name, ["learning_rate", *known], where=where, fix=FORMERLY.get(name))
        return cls(**given)

    @property
    def every(self) -> int:
        """In every how many steps the parameters move."""
        return self.gradient_accumulation_steps or 1

    def config(self) -> dict[str, Any]:
        """Those that differ from the defaults."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


def is_number(value: Any) -> bool:
    """Whether this is a number, and not True or False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)

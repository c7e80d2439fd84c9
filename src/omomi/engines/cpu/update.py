"""Optimisers in one pass: which kernel serves a rule, and the numbers it takes from the rule's attributes.

The attributes have the defaults of the rules. Differences such as 1 − β are taken here, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log

from omomi.engines.cpu import optimization, optimizers
from omomi.engines.cpu.kernel import Kernel
from omomi.engines.cpu.launch import Array, Launch, scratch
from omomi.engines.cpu.passes import chunks_for


def _decay(beta: float) -> tuple[float, float, float]:
    """β, 1 − β and ln β."""
    return beta, 1 - beta, log(beta) if beta > 0 else -inf


def _polyak(*, momentum: float = 0.9) -> tuple[float, ...]:
    return momentum, 1, 0


def _nesterov(*, momentum: float = 0.9) -> tuple[float, ...]:
    return momentum, momentum, 1


def _adagrad(*, epsilon: float = 1e-7) -> tuple[float, ...]:
    return (epsilon,)


def _rmsprop(
    *, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7, centered: bool = False
) -> tuple[float, ...]:
    return rho, 1 - rho, momentum, epsilon, int(centered)


def _adadelta(*, rho: float = 0.95, epsilon: float = 1e-7) -> tuple[float, ...]:
    return rho, 1 - rho, epsilon


def _adam(
    *, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, weight_decay: float = 0.0
) -> tuple[float, ...]:
    return *_decay(beta_1), *_decay(beta_2), epsilon, weight_decay


def _adamw(*, weight_decay: float = 0.004, **attributes: float) -> tuple[float, ...]:
    return _adam(weight_decay=weight_decay, **attributes)


def _amsgrad(*, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[float, ...]:
    return *_decay(beta_1), *_decay(beta_2), epsilon


def _nadam(*, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[float, ...]:
    return beta_1, 1 - beta_1, *_decay(beta_2), epsilon


def _adamax(*, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[float, ...]:
    return *_decay(beta_1), beta_2, epsilon


def _lion(*, weight_decay: float = 0.0, beta_1: float = 0.9, beta_2: float = 0.99) -> tuple[float, ...]:
    return beta_1, 1 - beta_1, beta_2, 1 - beta_2, weight_decay


def _weight_decay(*, weight_decay: float = 0.004) -> tuple[float, ...]:
    return (weight_decay,)


def _soft_threshold(*, factor: float = 0.01) -> tuple[float, ...]:
    return (factor,)


def _accumulate(*, every: int = 1) -> tuple[float, ...]:
    return (every,)


def _average(*, momentum: float = 0.99, every: int = 1) -> tuple[float, ...]:
    return every, momentum, 1 - momentum


def _overwrite(*, frequency: int = 1) -> tuple[float, ...]:
    return (frequency,)


PASSES: dict[str, tuple[Kernel, Callable[..., tuple[float, ...]]]] = {
    "sgd": (optimizers.sgd, lambda: ()),
    "momentum": (optimizers.momentum, _polyak),
    "nesterov": (optimizers.momentum, _nesterov),
    "adagrad": (optimizers.adagrad, _adagrad),
    "rmsprop": (optimizers.rmsprop, _rmsprop),
    "adadelta": (optimizers.adadelta, _adadelta),
    "adam": (optimizers.adam, _adam),
    "adamw": (optimizers.adam, _adamw),
    "amsgrad": (optimizers.amsgrad, _amsgrad),
    "nadam": (optimizers.nadam, _nadam),
    "adamax": (optimizers.adamax, _adamax),
    "lion": (optimizers.lion, _lion),
    "weight_decay": (optimization.weight_decay, _weight_decay),
    "soft_threshold": (optimization.soft_threshold, _soft_threshold),
    "accumulate": (optimization.accumulate, _accumulate),
    "average": (optimization.average, _average),
    "overwrite": (optimization.overwrite, _overwrite),
}


def accepts_rate(parameter: tuple[int, ...], rate: tuple[int, ...]) -> bool:
    """Whether a rate of that shape repeats along a parameter: it is one number, or has the parameter's last axes."""
    axes = list(rate)
    while axes and axes[0] == 1:
        del axes[0]
    return not axes or tuple(axes) == parameter[len(parameter) - len(axes) :]


def update(
    name: str, p: Array, g: Array, slots: tuple[Array, ...], t: Array, rate: Array, **attributes: float
) -> list[Launch]:
    """Move a parameter, in place.

    Args:
        name: of the rule, one of ``PASSES``.
        p, g, slots: of one dtype and length, as vectors; p and the slots are written.
        t: uint32 (1,), the number of the step, from 1 on.
        rate: of p's dtype, as a vector; see ``accepts_rate``.
        attributes: the rule's; it has defaults for what is missing.
    """
    declared, numbers = PASSES[name]
    given = [array for key, array in (("g", g), ("t", t)) if key in declared.parameters]
    moving = [*given[:1], *slots, *given[1:]] if "g" in declared.parameters else [*slots, *given]
    rates = (rate, scratch(optimizers.RUN, p.dtype)) if "rate" in declared.parameters else ()
    dtype, chunks, work = p.dtype.name, chunks_for(p.size), p.size * (2 + len(slots))
    return [Launch(declared, p, *moving, *rates, *numbers(**attributes), dtype=dtype, chunks=chunks, work=work)]

"""Samples of every rule: the one source that all contracts over rules draw from.

A rule's samples say on which arrays and attributes it is tried. From them alone the suite checks the rule's
gradients (full Jacobian on the fixed samples, directional derivatives on the random ones), that it keeps dtypes,
mutates nothing and accepts strided and broadcast inputs, and that every engine kernel of its name computes the
same. A rule without samples fails the suite.

Each chapter of ``omomi.ops`` has a module of the same name here, which fills a dictionary ``SAMPLES`` from rule
name to :class:`Samples`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

import numpy as np
from hypothesis.strategies import SearchStrategy


class Sample(NamedTuple):
    """One call of a rule: float arrays in float64, away from kinks; attributes as the rule takes them."""

    arrays: tuple[np.ndarray, ...]
    attributes: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Samples:
    """How a rule is tried.

    Args:
        fixed: from a NumPy generator to a few small calls (every array at most about 60 numbers), which together
            show every attribute and every broadcast at least once.
        random: a hypothesis strategy of calls with random shapes, sizes 0 and 1 among them where they make sense.
        undifferentiated: True for a rule that has no derivative (metrics, draws).
    """

    fixed: Callable[[np.random.Generator], list[Sample]]
    random: SearchStrategy[Sample] = field(kw_only=True)
    undifferentiated: bool = field(default=False, kw_only=True)


def collect() -> dict[str, Samples]:
    """The samples of every chapter, by rule name."""
    samples: dict[str, Samples] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        found = import_module(module.name).SAMPLES
        assert not samples.keys() & found.keys(), f"{module.name} repeats {samples.keys() & found.keys()}"
        samples |= found
    return samples

"""A rule as a layer: what an operator or a function leaves in a network when it is called on symbolic tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.variable import Variable, apply
from omomi.layers.layer import Layer
from omomi.ops import RULES
from omomi.ops.rule import Rule

LARGEST = 10_000  # numbers of a constant that a configuration may hold


class Operation(Layer):
    """One rule on its inputs and on constants: ``a * 2 + b`` between symbolic tensors is two of these.

    Args:
        rule: its name.
        attributes: of the rule.
        operands: what the rule is called on, in order: ``None`` stands for the next input; anything else is a constant,
            ``{"dtype": …, "numbers": …}``.

    Raises:
        UnknownNameError: there is no such rule.
    """

    replayable = True
    several_inputs = True

    def __init__(self, rule: str, attributes: Any = None, operands: Any = (None,), **options: Any) -> None:
        if rule not in RULES:
            raise UnknownNameError("rule", rule, RULES)
        self.rule = RULES[rule]
        super().__init__(**options)
        self.attributes = {name: hashable(value) for name, value in (attributes or {}).items()}
        self.operands = [None if one is None else np.asarray(one["numbers"], one["dtype"]) for one in operands]

    @classmethod
    def of(cls, rule: Rule, inputs: Sequence[Variable], attributes: Mapping[str, Any]) -> Operation:
        """The operation of a rule that is called on symbolic tensors and constants.

        Raises:
            ConfigurationError: a constant cannot be one.
        """
        constants: list[Any] = []
        for x in inputs:
            if not x.symbolic and (x.dtype == np.uint32 and x.shape == (5,)):
                raise ConfigurationError(
                    "a random function called on a symbolic tensor would draw the same numbers in every step.",
                    where=rule.name,
                    fix="a layer draws anew: layers.Dropout and its like",
                )
            if not x.symbolic and (x.requires_grad or x.size > LARGEST):
                raise ConfigurationError(
                    "what is not symbolic in a network is a constant, and this is none.",
                    where=rule.name,
                    expected=f"at most {LARGEST:,} numbers that training does not move",
                    received=f"a Variable of shape {x.shape}{', requires_grad' if x.requires_grad else ''}",
                    fix="a layer of your own with add_weight or add_buffer",
                )
            constants.append(None if x.symbolic else written(x))
        return cls(rule.name, attributes, constants)

    def default_name(self) -> str:
        return self.rule.name

    def call(self, inputs: Sequence[Variable]) -> Any:
        given = iter(inputs)
        return apply(self.rule, *(next(given) if one is None else one for one in self.operands), **self.attributes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rule": self.rule.name,
            "attributes": {name: plain(value) for name, value in self.attributes.items()},
            "operands": [None if one is None else written(one) for one in self.operands],
        }


def written(constant: Any) -> dict[str, Any]:
    """A constant as plain values."""
    numbers = np.asarray(constant)
    return {"dtype": numbers.dtype.name, "numbers": numbers.tolist()}


def plain(value: Any) -> Any:
    """An attribute of a rule as plain values; a tuple is a list, and … a string."""
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return "…" if isinstance(value, EllipsisType) else value


def hashable(value: Any) -> Any:
    """What :func:`plain` wrote, as an attribute of a rule."""
    if isinstance(value, (list, tuple)):
        return tuple(hashable(part) for part in value)
    return ... if value == "…" else value

"""L1: the mathematics. One rule per operation, forward and backward, grouped by chapter.

A new chapter is one more import below; a new rule is one more ``Rule`` in its chapter.
"""

from __future__ import annotations

from types import ModuleType

from omomi.errors import ConfigurationError
from omomi.ops import activation as activation
from omomi.ops import arithmetic as arithmetic
from omomi.ops import attention as attention
from omomi.ops import augmentation as augmentation
from omomi.ops import constraint as constraint
from omomi.ops import convolution as convolution
from omomi.ops import counting as counting
from omomi.ops import depthwise_convolution as depthwise_convolution
from omomi.ops import distance as distance
from omomi.ops import dropout as dropout
from omomi.ops import elementary as elementary
from omomi.ops import focal as focal
from omomi.ops import linear as linear
from omomi.ops import loss as loss
from omomi.ops import masking as masking
from omomi.ops import metric as metric
from omomi.ops import noise as noise
from omomi.ops import normalization as normalization
from omomi.ops import optimization as optimization
from omomi.ops import penalty as penalty
from omomi.ops import pooling as pooling
from omomi.ops import precision as precision
from omomi.ops import recurrent as recurrent
from omomi.ops import reduction as reduction
from omomi.ops import resampling as resampling
from omomi.ops import schedule as schedule
from omomi.ops import shape as shape
from omomi.ops import sparsemax as sparsemax
from omomi.ops import update as update
from omomi.ops import update_with_norms as update_with_norms
from omomi.ops.rule import Rule, UpdateRule

__all__ = ["RULES", "UPDATES", "Rule", "UpdateRule"]


def _collect(modules: list[ModuleType]) -> tuple[dict[str, Rule], dict[str, UpdateRule]]:
    """Every rule and every optimiser's rule that the modules define, by name."""
    found: dict[str, Rule | UpdateRule] = {}
    for module in modules:
        for rule in vars(module).values():
            if isinstance(rule, Rule | UpdateRule) and found.setdefault(rule.name, rule) is not rule:
                raise ConfigurationError(
                    f"two rules are named {rule.name!r}.",
                    where=module.__name__,
                    fix="engines find their kernels by a rule's name: give one of them another",
                )
    rules = {name: rule for name, rule in found.items() if isinstance(rule, Rule)}
    return rules, {name: rule for name, rule in found.items() if isinstance(rule, UpdateRule)}


RULES, UPDATES = _collect([module for module in globals().values() if isinstance(module, ModuleType)])

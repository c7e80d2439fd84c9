"""How the rules are collected."""

from __future__ import annotations

from types import ModuleType

import pytest

from omomi import ops
from omomi.errors import ConfigurationError
from omomi.ops import RULES, UPDATES, activation, arithmetic, update
from omomi.ops.rule import Rule, UpdateRule


def chapter(*rules: Rule | UpdateRule) -> ModuleType:
    module = ModuleType("chapter")
    for k, rule in enumerate(rules):
        setattr(module, f"rule_{k}", rule)
    return module


def test_rules_and_updates_are_found_by_name() -> None:
    assert RULES["tanh"] is activation.tanh
    assert UPDATES["adam"] is update.adam
    assert not RULES.keys() & UPDATES.keys()


def test_every_rule_says_its_formulas() -> None:
    for rule in RULES.values():
        assert rule.formula, rule.name
        assert rule.gradient or rule.backward is None, rule.name


def test_a_chapter_may_use_the_rule_of_another() -> None:
    assert ops._collect([chapter(arithmetic.add), chapter(arithmetic.add)]) == ({"add": arithmetic.add}, {})


def test_two_rules_of_one_name_are_an_error() -> None:
    other = Rule("add", arithmetic.add.forward, arithmetic.add.backward, "y = a + b")
    with pytest.raises(ConfigurationError, match="two rules are named 'add'"):
        ops._collect([chapter(arithmetic.add), chapter(other)])
    with pytest.raises(ConfigurationError, match="two rules are named 'adam'"):
        ops._collect([chapter(update.adam), chapter(Rule("adam", lambda xp: (0, ()), None, "y = 0"))])

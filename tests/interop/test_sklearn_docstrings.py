"""The examples in the estimators' docstrings run."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_the_examples_run(name):
    results = doctest.testmod(importlib.import_module(f"omomi.interop.sklearn.{name}"))
    assert results.attempted > 0
    assert results.failed == 0

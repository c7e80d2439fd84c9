"""The examples in the docstrings of the inspection functions run and show what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["model_check", "tracing", "chains", "explanation"])
def test_examples(module):
    results = doctest.testmod(importlib.import_module(f"omomi.inspect.{module}"))
    assert results.attempted > 0
    assert results.failed == 0

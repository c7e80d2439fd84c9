"""The import hook: names mean dialects while it serves, and nothing else ever."""

from __future__ import annotations

import importlib
import sys

import pytest

from omomi.dialects.hook import DIALECTS, UnsupportedError, serving


def test_names_mean_dialects_only_while_it_serves():
    before = sys.modules.get("keras")
    with serving({"keras": "omomi.dialects.keras1"}):
        keras = importlib.import_module("keras")
        core = importlib.import_module("keras.layers.core")
        assert keras.__version__ == "1.2.2"
        assert core is sys.modules["omomi.dialects.keras1.layers.core"]
        assert importlib.import_module("tensorflow").keras.__version__ == "2.15.0"
    assert sys.modules.get("keras") is before
    assert not [name for name in sys.modules if name.startswith("keras.layers")]


def test_a_dotted_name_counts_before_the_shorter_one():
    with serving():
        assert importlib.import_module("tensorflow.keras.layers").__name__ == "omomi.dialects.tf_keras.layers"


def test_what_is_missing_is_named_with_what_to_use_instead():
    with serving():
        with pytest.raises(UnsupportedError, match=r"import keras\.applications\.vgg16"):
            importlib.import_module("keras.applications.vgg16")
        with pytest.raises(UnsupportedError, match=r"keras\.layers\.LocallyConnected2D") as error:
            getattr(importlib.import_module("keras.layers"), "LocallyConnected2D")  # noqa: B009
        assert "Conv2D" in str(error.value)
        with pytest.raises(ImportError):  # as scripts that try several imports expect
            importlib.import_module("keras.layers.nowhere")


def test_every_dialect_can_be_imported():
    for real in DIALECTS.values():
        assert importlib.import_module(real).__name__ == real

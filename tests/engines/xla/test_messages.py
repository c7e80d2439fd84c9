"""What users read where the engine jax cannot run, or runs out of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import omomi
from omomi.engines import selection, xla
from omomi.engines.xla.traced import explained
from omomi.errors import EngineError


def test_without_jax_the_package_is_named(monkeypatch):
    monkeypatch.setattr(xla, "find_spec", lambda name: None)
    monkeypatch.setattr(selection, "_made", {})
    with pytest.raises(EngineError, match=r'pip install "omomi\[jax\]"'):
        omomi.use("jax")
    with pytest.raises(EngineError, match="JAX is not installed"):
        omomi.distributed.join("localhost:1", 2, 0)


def test_a_platform_that_is_not_there_is_named():
    source = str(Path(omomi.__file__).parents[1])
    environment = {**os.environ, "JAX_PLATFORMS": "cuda", "PYTHONPATH": source, "OMOMI_ENGINE": "jax"}
    found = subprocess.run(
        [sys.executable, "-c", "import omomi; omomi.engine()"], env=environment, capture_output=True, text=True
    )
    assert "omomi.errors.EngineError: engine jax: JAX finds no device that it can use." in found.stderr
    assert "JAX_PLATFORMS=cuda" in found.stderr
    assert "omomi doctor" in found.stderr


def test_no_memory_is_explained_and_other_errors_stay_what_they_are():
    reason = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12345 bytes.\nmore")
    error = explained(reason)
    assert isinstance(error, EngineError)
    assert "a smaller batch_size" in str(error)
    assert "12345 bytes" in str(error)
    other = jax.errors.JaxRuntimeError("INTERNAL: something")
    assert explained(other) is other


def test_data_that_does_not_fit_comes_from_the_host(monkeypatch):
    with omomi.use("jax"):
        layout = omomi.engine().layout
        data = {"x": np.ones((4, 2), np.float32)}
        assert set(omomi.engine().keep(lambda: data)) == {"x"}

        def starved(*_):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

        monkeypatch.setattr(layout, "place", starved)
        assert omomi.engine().keep(lambda: data) is None
        monkeypatch.setattr(layout, "fits", lambda size: size < 32)
        assert omomi.engine().keep(lambda: data) is None


def test_memory_that_is_not_there(monkeypatch):
    """The program fails before it runs: nothing of the model is lost."""
    with omomi.use("jax"):
        model = omomi.Sequential([omomi.layers.Dense(4, input_shape=(3,))], seed=0)
        model.compile("sgd", "mse")

        def starved(*_):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

        x = np.ones((8, 3), np.float32)
        model.train_on_batch(x, np.ones((8, 4), np.float32))
        step = model._steps.made["jax", "train"]
        before = model.get_weights()
        monkeypatch.setattr(step.compiled, "program", starved)
        with pytest.raises(EngineError, match="no memory left"):
            model.train_on_batch(x, np.ones((8, 4), np.float32))
        for a, b in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)

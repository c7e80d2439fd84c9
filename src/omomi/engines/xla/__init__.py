"""The engine "jax": the same rules, traced once for each shape and compiled by XLA for CPU, GPU or TPU.

JAX is imported in this package alone, and only when the engine is first asked for.

====================  ==================================================================================
``engine``            the engine: eager calls, and steps as one XLA program each
``namespace``         jax.numpy, and beside it windows, fold, scatter_add, scan, random_bits and erf
``philox``            the counter-based random words in 32-bit arithmetic
``convolution``       convolution by XLA's own primitive, forward and backward
``devices``           which devices there are, and how a batch is spread over them
``traced``            a step, or many, as one program
``processes``         several processes that train together
====================  ==================================================================================
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from omomi.engines.engine import Engine
from omomi.errors import EngineError


def xla_engine() -> Engine:
    """The engine that computes with JAX.

    Raises:
        EngineError: JAX is not installed, too old, or finds no device.
    """
    check_installed()
    try:
        engine: Engine = import_module("omomi.engines.xla.engine").XlaEngine()
    except (ImportError, AttributeError) as reason:
        raise EngineError(
            "the installed JAX cannot be used.",
            where="engine jax",
            received=str(reason),
            fix='pip install --upgrade "omomi[jax]"',
        ) from reason
    return engine


def check_installed() -> None:
    """Raise if there is no JAX."""
    if find_spec("jax") is None:
        raise EngineError(
            "JAX is not installed.",
            where="engine jax",
            expected="the package jax, which brings XLA along",
            fix='pip install "omomi[jax]" for the processor, pip install "omomi[jax-cuda]" for an NVIDIA GPU',
        )

"""One rule, on all its fixed samples, as one XLA program: what it computes there, and what it should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from omomi.engines import selection
from omomi.engines.reference import numpy_engine
from omomi.ops import RULES, Rule
from tests.samples import Sample, collect

SAMPLES = collect()
# The programs are small and run once: XLA should not spend time on making them fast.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Call(NamedTuple):
    """A rule on a sample, with a delta for each output and which inputs have a gradient."""

    rule: Rule
    sample: Sample
    arrays: tuple[np.ndarray, ...]
    deltas: tuple[Any, ...]
    wanted: tuple[bool, ...]
    single: bool


def calls(name: str, dtype: str) -> list[Call]:
    """The rule's fixed samples in a dtype."""
    rng = np.random.default_rng(0)
    rule = RULES[name]
    found = []
    for sample in SAMPLES[name].fixed(rng):
        arrays = tuple(np.asarray(a).astype(dtype if np.asarray(a).dtype.kind == "f" else np.asarray(a).dtype)
                       for a in sample.arrays)  # fmt: skip
        y, _ = rule.forward(numpy_engine().xp, *arrays, **sample.attributes)
        outputs = [np.asarray(part) for part in (y if isinstance(y, tuple) else (y,))]
        deltas = tuple(rng.normal(size=o.shape).astype(o.dtype) if o.dtype.kind == "f" else None for o in outputs)
        floats = [a.dtype.kind == "f" for a in arrays]
        wanted = tuple(floats[k] and k not in constants(rule, len(arrays)) for k in range(len(arrays)))
        found.append(Call(rule, sample, arrays, deltas, wanted, not isinstance(y, tuple)))
    return found


def constants(rule: Rule, count: int) -> set[int]:
    """Positions of the inputs that the rule never differentiates."""
    code = rule.forward.__code__
    names = code.co_varnames[1 : code.co_argcount]
    return {names.index(name) for name in rule.constants if name in names and names.index(name) < count}


def by_engine(engine: Any, call: Call, arrays: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Outputs and gradients as an engine computes them."""
    with selection.instead(engine):
        y, saved, by_kernel = engine.forward(call.rule, list(arrays), dict(call.sample.attributes))
        outputs = (y,) if call.single else tuple(y)
        if call.rule.backward is None or not any(call.wanted) or all(d is None for d in call.deltas):
            return outputs, []
        gy = engine.asarray(call.deltas[0]) if call.single else tuple(
            None if d is None else engine.asarray(d) for d in call.deltas
        )  # fmt: skip
        gx = engine.backward(call.rule, saved, gy, call.wanted, dict(call.sample.attributes), by_kernel)
    return outputs, [g for g, want in zip(gx, call.wanted, strict=True) if want and g is not None]


def by_vjp(engine: Any, call: Call, arrays: Any) -> list[Any]:
    """The gradients as JAX derives them from the rule's forward function alone."""
    moved = [k for k, want in enumerate(call.wanted) if want]

    def forward(*floats: Any) -> list[Any]:
        inputs = list(arrays)
        for k, value in zip(moved, floats, strict=True):
            inputs[k] = value
        y, _ = call.rule.forward(engine.xp, *inputs, **call.sample.attributes)
        return [o for o, d in zip((y,) if call.single else y, call.deltas, strict=True) if d is not None]

    _, pull = jax.vjp(forward, *(arrays[k] for k in moved))
    return list(pull([engine.asarray(d) for d in call.deltas if d is not None]))


def compiled(function: Callable[[Any], Any], inputs: Any) -> Any:
    """What a program computes, on the host."""
    return jax.tree.map(np.asarray, jax.jit(function, compiler_options=QUICKLY)(inputs))


def un_broadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient summed over what was broadcast, as the graph does it centrally."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(k for k, size in enumerate(shape) if size == 1 and g.shape[k] != 1)
    return g.sum(axis=repeated, keepdims=True)

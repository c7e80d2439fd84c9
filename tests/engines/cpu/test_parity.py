"""Parity by introspection: every lowering of the CPU engine against its rule, on that rule's samples.

One call, forward and backward, is a step of its own: recorded, planned and replayed. What it computes must be what
the rule computes, in float64 to 1e-12 and in float32 within the rounding of its sums.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from omomi.engines.cpu.engine import Replayed
from omomi.engines.cpu.launch import Program
from omomi.engines.cpu.lowerings import LOWERINGS, UPDATES
from omomi.engines.reference import numpy_engine, xp
from omomi.engines.selection import current, instead
from omomi.graph.backpropagation import backward
from omomi.graph.variable import Variable, apply
from omomi.ops import RULES
from omomi.ops import UPDATES as UPDATE_RULES
from tests.samples import collect

SAMPLES = collect()
ENGINE = numpy_engine()


def step_of(rule, attributes, count):
    """A step that is one call of a rule, forward and backward."""

    def step(state, batch):
        inputs = [Variable(batch[f"x{i}"]) for i in range(count)]
        y = apply(rule, *inputs, **attributes)
        outputs = y if isinstance(y, tuple) else (y,)
        report = {f"y{i}": out._array for i, out in enumerate(outputs)}
        differentiable = [out for out in outputs if out.requires_grad]
        if rule.backward is not None and differentiable:
            backward(differentiable[:1], [batch["gy"]])
            report.update({f"gx{i}": x.grad for i, x in enumerate(inputs) if x.grad is not None})
        return state, report

    return step


def run(rule, sample, dtype, rng):
    """What the rule and what the plan compute, for a sample in a dtype, and the plan."""
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arrays]
    batch = {f"x{i}": a for i, a in enumerate(arrays)}
    y, _ = rule.forward(xp, *arrays, **sample.attributes)
    first = y[0] if isinstance(y, tuple) else y
    batch["gy"] = rng.normal(size=np.shape(first)).astype(dtype)
    copies = {name: a.copy() for name, a in batch.items()}
    step = step_of(rule, dict(sample.attributes), len(arrays))
    with instead(ENGINE):
        _, expected = step({}, batch)
        replayed = Replayed(step)
        replayed({}, batch)
        _, found = replayed({}, batch)  # a second time, over what the first has left in the arena
    for name, a in batch.items():
        assert_array_equal(a, copies[name], "an input was changed")
    assert set(found) == set(expected)
    return expected, found, replayed, arrays


def agree(expected, found, dtype, arrays):
    """Within the rounding of sums over everything that goes in."""
    size = max((a.size for a in arrays), default=1)
    for name, value in expected.items():
        scale = max(1.0, float(np.abs(value).max(initial=0)))
        tolerance = 1e-12 if dtype == "float64" else 4 * np.sqrt(size) * np.finfo(np.float32).eps
        assert_allclose(found[name], value, rtol=0, atol=tolerance * scale * 4, err_msg=name)


def test_every_lowering_belongs_to_a_rule_that_has_samples():
    assert set(LOWERINGS) <= set(RULES)
    assert set(UPDATES) <= set(UPDATE_RULES)
    assert set(LOWERINGS) | set(UPDATES) <= set(SAMPLES)


# Rules that run inside a plan as they are written, and why no kernel serves them.
POWERS = "NumPy calls the C library for it, and so would a kernel"
LOCAL = "no layer, loss or optimiser computes with it: only hand-written losses and layers do"
MERGED = "only the layers Maximum and Minimum compute with it, once"
DRAWN = "the time is that of the draw, which is NumPy's; of the layers that draw only Dropout is hot"
GATHERED = "gathers from anywhere in an image, once, at the input; NumPy takes its time for that"
MOVES = "moves numbers and computes nothing: NumPy's copy of a strided view is a kernel of its own"
RARE = "a few small passes of NumPy after a step, for parameters that are constrained"
SCALAR = "one number for each step"
COUNTS = "a few passes of NumPy over the outputs of a batch, where somebody asks for such a metric"
SELDOM = "a few passes of NumPy over the outputs of a batch; the losses that are common have kernels"
PLAIN = {
    "power": POWERS,
    "exponentiation": POWERS,
    "sin": POWERS,
    "cos": POWERS,
    "maximum": MERGED,
    "minimum": MERGED,
    "where": LOCAL,
    "variance": LOCAL,
    "logsumexp": LOCAL,
    "concatenate": MOVES,
    "stack": MOVES,
    "split": MOVES,
    "flip": MOVES,
    "getitem": MOVES,
    "pad": MOVES,
    "take": MOVES,
    "transpose": MOVES,
    "existing": "one comparison of whole arrays, for booleans, which kernels do not compute",
    "masked_weights": "once in a step, over a number for each step of a sequence",
    "max_norm": RARE,
    "unit_norm": RARE,
    "min_max_norm": RARE,
    "non_negative": RARE,
    "clip_factor": SCALAR,
    "exponential_decay": SCALAR,
    "inverse_time_decay": SCALAR,
    "polynomial_decay": SCALAR,
    "piecewise_constant_decay": SCALAR,
    "cosine_decay": SCALAR,
    "cosine_decay_restarts": SCALAR,
    "one_cycle": SCALAR,
    "warmup": SCALAR,
    "steps_after": SCALAR,
    "updates_made": SCALAR,
    "gaussian_noise": DRAWN,
    "gaussian_dropout": DRAWN,
    "alpha_dropout": DRAWN,
    "random_uniform": "a few numbers for each sample",
    "random_affine": "a few numbers for each sample",
    "random_flip": GATHERED,
    "random_crop": GATHERED,
    "sparsemax": "it sorts, which NumPy does well, and stands at the end of a network, once",
    "group_normalization": "its sums run over columns of a matrix and over its rows at once: no pass here does that",
    "unit_normalization": LOCAL,
    "threshold_counts": COUNTS,
    "class_counts": COUNTS,
    "label_confusion": COUNTS,
    "residual_sums": COUNTS,
    "exact_accuracy": COUNTS,
    "one_hot": COUNTS,
    "largest": COUNTS,
    "weighted_sum": COUNTS,
    "softmax_cross_entropy_metric": COUNTS,
    "sparse_softmax_cross_entropy_metric": COUNTS,
    "mean_absolute_percentage_error": SELDOM,
    "mean_squared_logarithmic_error": SELDOM,
    "cosine_similarity": SELDOM,
    "categorical_hinge": SELDOM,
    "binary_focal_cross_entropy": SELDOM,
    "categorical_focal_cross_entropy": SELDOM,
    "mean_absolute_percentage_error_metric": COUNTS,
    "mean_squared_logarithmic_error_metric": COUNTS,
    "cosine_similarity_metric": COUNTS,
    "categorical_hinge_metric": COUNTS,
    "loss_scale": "for float16, in which this engine does not compute",
    "confusion": "counted after training, over one array of predictions",
}


PLAIN_UPDATES = {
    "ftrl": "seldom asked for: NumPy's passes, in place",
    "lamb": "needs the norms of a whole parameter before it moves any of it",
    "adafactor": "needs the means of rows and columns before it moves any of them",
}


# Rules of which a part runs in Python beside the kernels, and why.
LOOKING = {"embedding": "its indices are looked at where an error can be raised"}


def test_every_rule_has_a_lowering_or_a_reason():
    """A new rule is either served by kernels, or stands above with the reason why not."""
    assert set(PLAIN) == set(RULES) - set(LOWERINGS)
    assert set(PLAIN_UPDATES) == set(UPDATE_RULES) - set(UPDATES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_fixed_samples(name, dtype):
    rng = np.random.default_rng(0)
    for sample in SAMPLES[name].fixed(rng):
        expected, found, _, arrays = run(RULES[name], sample, dtype, rng)
        agree(expected, found, dtype, arrays)


@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_some_sample_is_served_by_kernels_alone(name):
    """A lowering that accepts no call would agree with its rule, being it."""
    rng = np.random.default_rng(0)
    served = []
    for sample in SAMPLES[name].fixed(rng):
        (plan,) = run(RULES[name], sample, "float32", rng)[2].plans.values()
        pieces = [isinstance(piece, Program) for piece in plan.before]
        served.append(any(pieces) if name in LOOKING else all(pieces))
    assert any(served)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_random_samples(name, dtype):
    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SAMPLES[name].random, st.integers(0, 2**31))
    def check(sample, seed):
        rng = np.random.default_rng(seed)
        expected, found, _, arrays = run(RULES[name], sample, dtype, rng)
        agree(expected, found, dtype, arrays)

    check()


def update_step(rule, attributes, count):
    """A step that is one call of an optimiser's rule."""

    def step(state, batch):
        slots = tuple(state[f"slot{i}"] for i in range(count))
        new, new_slots = current().update(rule, state["p"], batch["g"], slots, batch["t"], batch["rate"], attributes)
        return {"p": new, **{f"slot{i}": s for i, s in enumerate(new_slots)}}, {}

    return step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(UPDATES))
def test_updates(name, dtype):
    rng = np.random.default_rng(0)
    for sample in SAMPLES[name].fixed(rng):
        p, g, t, rate, *slots = (a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arrays)
        state = {"p": p, **{f"slot{i}": s for i, s in enumerate(slots)}}
        batch = {"g": g, "t": np.asarray(t), "rate": np.asarray(rate)}

        step = update_step(UPDATE_RULES[name], dict(sample.attributes), len(slots))
        with instead(ENGINE):
            expected, _ = step(state, batch)
            expected, _ = step(expected, batch)
            replayed = Replayed(step)
            found, _ = replayed(dict(state), batch)
            found, _ = replayed(found, batch)
        agree(expected, found, dtype, [p])

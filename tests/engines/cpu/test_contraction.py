"""The micro-kernel and the products around it, for all strides, sizes and finishes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omomi.engines.cpu import peak
from omomi.engines.cpu.contraction import contract, contract_by_channel, pack, transpose
from omomi.engines.cpu.kernel import Vector, kernel
from omomi.engines.cpu.launch import Launch, run
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import address
from tests.engines.cpu.oracles import assert_sum

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@kernel(uses=(contract,))
def call_contract(
    a: Vector,
    b: Vector,
    c: Vector,
    bias: Vector,
    am: int,
    as_: int,
    ak: int,
    bs: int,
    bk: int,
    cm: int,
    rows: int,
    columns: int,
    steps_s: int,
    steps_k: int,
    flags: int,
) -> None:
    contract(
        address(a, 0), am, as_, ak, address(b, 0), bs, bk, address(c, 0), cm,
        rows, columns, steps_s, steps_k, address(bias, 0) if bias.size > 0 else 0, flags,
    )  # fmt: skip


@kernel(uses=(contract_by_channel,))
def call_contract_by_channel(
    a: Vector,
    b: Vector,
    c: Vector,
    bias: Vector,
    am: int,
    as_: int,
    ak: int,
    bs: int,
    bk: int,
    cm: int,
    rows: int,
    columns: int,
    steps_s: int,
    steps_k: int,
    flags: int,
) -> None:
    contract_by_channel(
        address(a, 0), am, as_, ak, address(b, 0), bs, bk, address(c, 0), cm,
        rows, columns, steps_s, steps_k, address(bias, 0) if bias.size > 0 else 0, flags,
    )  # fmt: skip


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(
    rows=st.integers(1, 31),
    columns=st.integers(1, 70),
    steps=st.tuples(st.integers(1, 4), st.integers(1, 9)),
    strides=st.tuples(*[st.integers(1, 12)] * 3),
    gaps=st.tuples(*[st.integers(0, 5)] * 3),
    flags=st.sampled_from([0, ACCUMULATE, RELU, ACCUMULATE | RELU]),
    with_bias=st.booleans(),
)
@EXAMPLES
def test_contract(  # type: ignore[no-untyped-def]
    vectors: str, dtype: str, by_channel: bool, rows, columns, steps, strides, gaps, flags, with_bias
) -> None:
    """``by_channel``: columns do not mix; column n of the result reads column n of a alone."""
    (am, as_, ak), (steps_s, steps_k) = strides, steps
    bk = columns + gaps[0]
    bs, cm = steps_k * bk + gaps[1], columns + gaps[2]
    rng = np.random.default_rng(rows * columns)
    a = rng.standard_normal(rows * am + steps_s * as_ + steps_k * ak + columns).astype(dtype)
    b = rng.standard_normal(steps_s * bs + columns).astype(dtype)
    c = rng.standard_normal(rows * cm).astype(dtype)
    bias = rng.standard_normal(columns if with_bias else 0).astype(dtype)
    before = c.copy()
    numbers = (am, as_, ak, bs, bk, cm, rows, columns, steps_s, steps_k, flags)
    call = call_contract_by_channel if by_channel else call_contract
    run([Launch(call, a, b, c, bias, *numbers, dtype=dtype)])
    m, s, k, n = (np.arange(count) for count in (rows, steps_s, steps_k, columns))
    places = m[:, None, None, None] * am + s[:, None, None] * as_ + k[:, None] * ak + n * by_channel
    a_used = a[places].astype(np.float64)
    b_used = b[s[:, None, None] * bs + k[:, None] * bk + n].astype(np.float64)
    held = before.reshape(rows, cm)[:, :columns] * float(bool(flags & ACCUMULATE))
    shift = bias.astype(np.float64) if with_bias else 0.0
    expected = (a_used * b_used).sum(axis=(1, 2)) + held + shift
    sizes = abs(a_used * b_used).sum(axis=(1, 2)) + abs(held) + abs(shift)
    result = c.reshape(rows, cm)
    assert_sum(result[:, :columns], np.maximum(expected, 0) if flags & RELU else expected, steps_s * steps_k, sizes)
    np.testing.assert_array_equal(result[:, columns:], before.reshape(rows, cm)[:, columns:])  # the gaps stay


@kernel()
def move(source: Vector, turned: Vector, packed: Vector, rows: int, columns: int, row: int) -> None:
    transpose(address(source, 0), row, address(turned, 0), rows, rows, columns)
    pack(address(source, 0), row, address(packed, 0), columns, rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(rows=st.integers(1, 40), columns=st.integers(1, 70), gap=st.integers(0, 5))
@EXAMPLES
def test_transpose_and_pack(vectors: str, dtype: str, rows: int, columns: int, gap: int) -> None:
    source = np.arange(rows * (columns + gap), dtype=dtype)
    turned, packed = np.zeros(rows * columns, dtype), np.zeros(rows * columns, dtype)
    run([Launch(move, source, turned, packed, rows, columns, columns + gap, dtype=dtype)])
    part = source.reshape(rows, -1)[:, :columns]
    np.testing.assert_array_equal(turned.reshape(columns, rows), part.T)
    np.testing.assert_array_equal(packed.reshape(rows, columns), part)


def test_peak_is_measured(vectors: str) -> None:
    """A processor with vectors does more than one operation per nanosecond, and less than a thousand per core."""
    assert 1e9 < peak.measure(repeats=3) < 1e15

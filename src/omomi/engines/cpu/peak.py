"""How fast this machine can multiply: the measure for every kernel.

A processor's arithmetic is used in full if in every cycle each of its multipliers begins a fused multiply-add on a full
vector. The loop here does nothing else: enough independent sums that none waits for the one before, all in registers.
What it reaches is the limit of any kernel that multiplies and adds, and it is measured rather than looked up, since the
clock follows temperature, the other cores and, on rented machines, the neighbours.
"""

from __future__ import annotations

import time

import numpy as np
from llvmlite import ir

from omomi.engines.cpu import library, threads
from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted
from omomi.engines.cpu.vectors import I64, Vectors, word

ROUNDS = 200_000  # of the loop in one chunk


def build(machine: Machine, dtype: str, symbol: str) -> ir.Module:
    """The loop, called like a kernel; its block holds one number x. Every sum follows s ← s x + x."""
    module, v = ir.Module(symbol), Vectors(machine, dtype)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * 4), symbol)
    entry, loop, end = (function.append_basic_block(name) for name in ("entry", "loop", "end"))
    builder = ir.IRBuilder(entry)
    x = v.load(builder, function.args[0])
    builder.branch(loop)
    builder = ir.IRBuilder(loop)
    left = builder.phi(I64)
    left.add_incoming(word(ROUNDS), entry)
    sums = [builder.phi(v.type) for _ in range(_sums(machine))]
    new = [v.fma(builder, s, x, x) for s in sums]
    rest = builder.sub(left, word(1))
    left.add_incoming(rest, loop)
    for i, (s, following) in enumerate(zip(sums, new, strict=True)):
        s.add_incoming(ir.Constant(v.type, [ir.Constant(v.number, float(i))] * v.lanes), entry)
        s.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed(">", rest, word(0)), loop, end)
    builder = ir.IRBuilder(end)
    total = new[0]
    for s in new[1:]:
        total = builder.fadd(total, s)
    v.store(builder, total, function.args[0])
    builder.ret_void()
    return module


LOOP = Emitted("peak", build, 4)


def _sums(machine: Machine) -> int:
    """As many as the micro-kernel has: they fit into the registers, and none waits for the one before."""
    return machine.rows * machine.vectors


def measure(dtype: str = "float32", repeats: int = 20) -> float:
    """The fastest of some runs, in floating-point operations per second, with all threads of the pool.

    One multiply-add of one lane counts as two operations.
    """
    machine, pool = library.current().machine, threads.pool()
    address = library.current().address(LOOP, dtype)
    lanes = machine.lanes(np.dtype(dtype).itemsize)
    numbers = np.full(lanes, 0.5, dtype)
    chunks = 2 * pool.threads
    table = np.array([[address, numbers.ctypes.data, chunks, pool.threads]], np.int64)
    operations = 2.0 * lanes * _sums(machine) * ROUNDS * chunks
    best = float("inf")
    for _ in range(repeats):
        numbers.fill(0.5)
        start = time.perf_counter()
        pool.run(table)
        best = min(best, time.perf_counter() - start)
    return operations / best

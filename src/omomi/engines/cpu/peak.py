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

ROUNDS = 200_000  # of the loop in one chunk

_I64 = ir.IntType(64)


def build(machine: Machine, dtype: str, symbol: str) -> ir.Module:
    """The loop, called like a kernel; its block holds one number x. Every sum follows s ← s x + x."""
    module = ir.Module(symbol)
    number, size = (ir.FloatType(), 4) if dtype == "float32" else (ir.DoubleType(), 8)
    vector = ir.VectorType(number, machine.lanes(size))
    fma = ir.Function(module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{vector.count}f{8 * size}")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * 4), symbol)
    entry, loop, end = (function.append_basic_block(name) for name in ("entry", "loop", "end"))
    builder = ir.IRBuilder(entry)
    place = builder.inttoptr(function.args[0], vector.as_pointer())
    x = builder.load(place, align=size)
    builder.branch(loop)
    builder = ir.IRBuilder(loop)
    left = builder.phi(_I64)
    left.add_incoming(ir.Constant(_I64, ROUNDS), entry)
    sums = [builder.phi(vector) for _ in range(_sums(machine))]
    new = [builder.call(fma, [s, x, x]) for s in sums]
    rest = builder.sub(left, ir.Constant(_I64, 1))
    left.add_incoming(rest, loop)
    for i, (s, following) in enumerate(zip(sums, new, strict=True)):
        s.add_incoming(ir.Constant(vector, [ir.Constant(number, float(i))] * vector.count), entry)
        s.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed(">", rest, ir.Constant(_I64, 0)), loop, end)
    builder = ir.IRBuilder(end)
    total = new[0]
    for s in new[1:]:
        total = builder.fadd(total, s)
    builder.store(total, place, align=size)
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

"""The primitives, in LLVM's language: the table behind ``primitives``. It loads Numba."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
import numba.extending
from llvmlite import ir
from numba import types
from numba.np import arrayobj

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.vectors import BYTES, I32, I64, Vectors, declared, word

_WORD = types.intp
Emit = Callable[..., Any]


def view(context: Any, builder: Any, array_type: Any, words: Any) -> Any:
    """An array of Numba's over memory that somebody else owns: its address, then its shape; rows are contiguous."""
    array = arrayobj.make_array(array_type)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype)))
    address, *shape = words
    strides = [itemsize]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    arrayobj.populate_array(array, builder.inttoptr(address, array.data.type), shape, strides, itemsize, meminfo=None)
    return array._getvalue()


def intrinsic(count: int, typed: Callable[..., Any], codegen: Callable[..., Any]) -> Any:
    """A function of ``count`` arguments that Numba calls by writing ``codegen``'s instructions in its place.

    Args:
        typed: from the types of the arguments to the signature, ``None`` if there is none for them.
        codegen: codegen(context, builder, signature, values), the value of the result.
    """

    def function(_: Any, *arguments: Any) -> Any:
        signature = typed(*arguments)
        return None if signature is None else (signature, codegen)

    # Numba looks up how many parameters a function has; here that number is only known now.
    names = ["typing", *(f"x{i}" for i in range(count))]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    declared: Any = function
    declared.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return numba.extending.intrinsic(declared)


class Emission:
    """The primitives for one machine and one dtype: each attribute is what Numba puts for the primitive's name."""

    def __init__(self, machine: Machine, dtype: str) -> None:
        self.machine, self.dtype = machine, dtype
        self.T = getattr(types, dtype)
        self.size = 4 if dtype == "float32" else 8
        self.number = ir.FloatType() if dtype == "float32" else ir.DoubleType()
        self.bit_type = ir.IntType(8 * self.size)
        self.whole = types.int32 if dtype == "float32" else types.int64

    # How a primitive becomes a function of Numba's.

    def _function(self, result: Any, arguments: tuple[Any, ...], emit: Emit) -> Any:
        """A primitive with fixed argument types; numbers of other types are converted to them."""

        def codegen(context: Any, builder: Any, _: Any, values: Any) -> Any:
            value = emit(builder, *values)
            return context.get_dummy_value() if result is types.void else value

        return intrinsic(len(arguments), lambda *_: result(*arguments), codegen)

    def _constant(self, value: int) -> Any:
        return numba.njit(lambda: value)

    def call_symbol(self, name: str, count: int) -> Any:
        """A routine, called by its symbol."""

        def emit(builder: Any, *values: Any) -> Any:
            return builder.call(declared(builder.module, name, I64, [I64] * count), values)

        return self._function(_WORD, (_WORD,) * count, emit)

    # Constants

    @cached_property
    def itemsize(self) -> Any:
        return self._constant(self.size)

    @cached_property
    def lanes(self) -> Any:
        return self._constant(self.machine.lanes(self.size))

    @cached_property
    def block_rows(self) -> Any:
        return self._constant(self.machine.rows)

    @cached_property
    def block_vectors(self) -> Any:
        return self._constant(self.machine.vectors)

    # Numbers

    @cached_property
    def real(self) -> Any:
        return self._function(self.T, (self.T,), lambda _, x: x)

    @cached_property
    def fma(self) -> Any:
        name = f"llvm.fma.f{8 * self.size}"

        def emit(builder: Any, a: Any, b: Any, c: Any) -> Any:
            return builder.call(declared(builder.module, name, self.number, [self.number] * 3), [a, b, c])

        return self._function(self.T, (self.T,) * 3, emit)

    @cached_property
    def bits(self) -> Any:
        return self._function(self.whole, (self.T,), lambda builder, x: builder.bitcast(x, self.bit_type))

    @cached_property
    def from_bits(self) -> Any:
        return self._function(self.T, (self.whole,), lambda builder, i: builder.bitcast(i, self.number))

    # Addresses

    @cached_property
    def address(self) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            array_type = signature.args[0]
            start = builder.ptrtoint(context.make_array(array_type)(context, builder, values[0]).data, I64)
            size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
            return builder.add(start, builder.mul(values[1], word(size)))

        return intrinsic(2, lambda array, _: _WORD(array, _WORD) if isinstance(array, types.Array) else None, codegen)

    @cached_property
    def load_number(self) -> Any:
        def emit(builder: Any, p: Any) -> Any:
            return builder.load(builder.inttoptr(p, self.number.as_pointer()), align=self.size)

        return self._function(self.T, (_WORD,), emit)

    @cached_property
    def store_number(self) -> Any:
        def emit(builder: Any, p: Any, x: Any) -> None:
            builder.store(x, builder.inttoptr(p, self.number.as_pointer()), align=self.size)

        return self._function(types.void, (_WORD, self.T), emit)

    @cached_property
    def vector(self) -> Any:
        result = types.Array(self.T, 1, "C", aligned=True)

        def codegen(context: Any, builder: Any, _: Any, values: Any) -> Any:
            return view(context, builder, result, values)

        return intrinsic(2, lambda *_: result(_WORD, _WORD), codegen)

    @cached_property
    def copy(self) -> Any:
        def emit(builder: Any, target: Any, source: Any, count: Any) -> None:
            pointer = ir.IntType(8).as_pointer()
            memcpy = declared(
                builder.module, "llvm.memcpy.p0.p0.i64", ir.VoidType(), [pointer, pointer, I64, ir.IntType(1)]
            )
            ends = [builder.inttoptr(x, pointer) for x in (target, source)]
            size = builder.mul(count, word(self.size))
            builder.call(memcpy, [*ends, size, ir.Constant(ir.IntType(1), 0)])

        return self._function(types.void, (_WORD,) * 3, emit)

    @cached_property
    def copy_panel(self) -> Any:
        v, whole = Vectors(self.machine, self.dtype), self.machine.vectors * self.machine.lanes(self.size)

        def emit(builder: Any, target: Any, source: Any, count: Any) -> None:
            def move(masked: bool) -> None:
                for first in range(0, whole, v.lanes):
                    mask = v.mask(builder, builder.sub(count, word(first))) if masked else None
                    shift = word(first * self.size)
                    v.store(
                        builder, v.load(builder, builder.add(source, shift), mask), builder.add(target, shift), mask
                    )

            if self.machine.free_masks:
                move(masked=True)
                return
            with builder.if_else(builder.icmp_signed("==", count, word(whole))) as (full, partial):
                with full:
                    move(masked=False)
                with partial:
                    move(masked=True)

        return self._function(types.void, (_WORD,) * 3, emit)

    @cached_property
    def clear(self) -> Any:
        def emit(builder: Any, target: Any, count: Any) -> None:
            pointer = ir.IntType(8).as_pointer()
            memset = declared(
                builder.module, "llvm.memset.p0.i64", ir.VoidType(), [pointer, ir.IntType(8), I64, ir.IntType(1)]
            )
            size = builder.mul(count, word(self.size))
            zero, plain = ir.Constant(ir.IntType(8), 0), ir.Constant(ir.IntType(1), 0)
            builder.call(memset, [builder.inttoptr(target, pointer), zero, size, plain])

        return self._function(types.void, (_WORD,) * 2, emit)

    @cached_property
    def transpose_block(self) -> Any:
        """A square of numbers transposed in registers.

        With 2ⁿ lanes it takes n rounds. Round r exchanges, between rows that lie 2ʳ apart, the halves of every run of
        2ʳ⁺¹ lanes: the four quarters of each small square of rows and lanes swap places across the diagonal.
        """
        lanes = self.machine.lanes(self.size)
        vector = ir.VectorType(self.number, lanes)

        def at(builder: Any, start: Any, stride: Any, row: int) -> Any:
            step = builder.mul(stride, word(row * self.size))
            return builder.inttoptr(builder.add(start, step), vector.as_pointer())

        def emit(builder: Any, a: Any, a_stride: Any, b: Any, b_stride: Any) -> None:
            rows = [builder.load(at(builder, a, a_stride, i), align=self.size) for i in range(lanes)]
            run = 1
            while run < lanes:
                # Lanes of two rows, numbered 0 … lanes − 1 and lanes … 2·lanes − 1.
                keep = [i if not i & run else lanes + i - run for i in range(lanes)]
                take = [i + run if not i & run else lanes + i for i in range(lanes)]
                masks = [ir.Constant(ir.VectorType(I32, lanes), [ir.Constant(I32, i) for i in m]) for m in (keep, take)]
                for i in range(lanes):
                    if not i & run:
                        low, high = rows[i], rows[i + run]
                        rows[i], rows[i + run] = (builder.shuffle_vector(low, high, m) for m in masks)
                run *= 2
            for i, row in enumerate(rows):
                builder.store(row, at(builder, b, b_stride, i), align=self.size)

        return self._function(types.void, (_WORD,) * 4, emit)

    # Threads

    @cached_property
    def load_word(self) -> Any:
        return self._function(_WORD, (_WORD,), lambda b, p: b.load_atomic(_pointer(b, p), "acquire", 8))

    @cached_property
    def store_word(self) -> Any:
        def emit(builder: Any, p: Any, value: Any) -> None:
            builder.store_atomic(value, _pointer(builder, p), "release", 8)

        return self._function(types.void, (_WORD, _WORD), emit)

    @cached_property
    def add_word(self) -> Any:
        def emit(builder: Any, p: Any, value: Any) -> None:
            builder.atomic_rmw("add", _pointer(builder, p), value, "acq_rel")

        return self._function(types.void, (_WORD, _WORD), emit)

    @cached_property
    def exchange_word(self) -> Any:
        def emit(builder: Any, p: Any, old: Any, new: Any) -> Any:
            pair = builder.cmpxchg(_pointer(builder, p), old, new, "acq_rel", "monotonic")
            return builder.extract_value(pair, 1)

        return self._function(types.boolean, (_WORD,) * 3, emit)

    @cached_property
    def relax(self) -> Any:
        def emit(builder: Any) -> None:
            if self.machine.name == "neon":
                hint = declared(builder.module, "llvm.aarch64.hint", ir.VoidType(), [I32])
                builder.call(hint, [ir.Constant(I32, 1)])  # the instruction "yield"
            else:
                builder.call(declared(builder.module, "llvm.x86.sse2.pause", ir.VoidType(), []), [])

        return self._function(types.void, (), emit)

    @cached_property
    def give_way(self) -> Any:
        def emit(builder: Any) -> None:
            builder.call(declared(builder.module, "sched_yield", I32, []), [])

        return self._function(types.void, (), emit)

    @cached_property
    def flush_denormals(self) -> Any:
        def emit(builder: Any) -> Any:
            before = self._control(builder)
            bits = 1 << 24 if self.machine.name == "neon" else 1 << 15 | 1 << 6  # FZ, or FTZ and DAZ
            self._set_control(builder, builder.or_(before, ir.Constant(I64, bits)))
            return before

        return self._function(_WORD, (), emit)

    @cached_property
    def set_rounding(self) -> Any:
        return self._function(types.void, (_WORD,), self._set_control)

    def _control(self, builder: Any) -> Any:
        """The register that says how this thread rounds, as a word."""
        if self.machine.name == "neon":
            return builder.call(declared(builder.module, "llvm.aarch64.get.fpcr", I64, []), [])
        slot = builder.alloca(I32)
        read = declared(builder.module, "llvm.x86.sse.stmxcsr", ir.VoidType(), [BYTES])
        builder.call(read, [builder.bitcast(slot, BYTES)])
        return builder.zext(builder.load(slot), I64)

    def _set_control(self, builder: Any, mode: Any) -> None:
        if self.machine.name == "neon":
            builder.call(declared(builder.module, "llvm.aarch64.set.fpcr", ir.VoidType(), [I64]), [mode])
            return
        slot = builder.alloca(I32)
        builder.store(builder.trunc(mode, I32), slot)
        write = declared(builder.module, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [BYTES])
        builder.call(write, [builder.bitcast(slot, BYTES)])

    @cached_property
    def call(self) -> Any:
        kernel = ir.FunctionType(ir.VoidType(), [I64] * 4)

        def emit(builder: Any, function: Any, *values: Any) -> None:
            builder.call(builder.inttoptr(function, kernel.as_pointer()), values)

        return self._function(types.void, (_WORD,) * 5, emit)


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, I64.as_pointer())

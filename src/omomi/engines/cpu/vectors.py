"""Vectors in LLVM's language: loads and stores, whole or under a mask, used by everything that emits instructions."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from omomi.engines.cpu.features import Machine

BIT, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
BYTES = ir.IntType(8).as_pointer()

Change = Callable[[ir.IRBuilder, list[ir.Value]], list[ir.Value]]


def word(value: int) -> ir.Constant:
    """A whole number."""
    return ir.Constant(I64, value)


def declared(module: ir.Module, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    """The external function of that name, declared once in a module."""
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(result, arguments), name)


class Vectors:
    """The vectors of one machine and dtype. Addresses are whole numbers, in bytes; no alignment is asked for.

    A mask says which lanes count; a load puts 0 into the others, and a store leaves what they stand for as it is.
    """

    def __init__(self, machine: Machine, dtype: str) -> None:
        self.number, self.itemsize = (ir.FloatType(), 4) if dtype == "float32" else (ir.DoubleType(), 8)
        self.lanes = machine.lanes(self.itemsize)
        self.type = ir.VectorType(self.number, self.lanes)
        self.zero = ir.Constant(self.type, None)
        # Intrinsics are named in full: llvmlite cannot spell the name of a vector type itself.
        self._name = f"v{self.lanes}f{8 * self.itemsize}"
        self._mask_type = ir.VectorType(BIT, self.lanes)
        self._alignment = ir.Constant(I32, self.itemsize)

    def fma(self, builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a·b + c, rounded once."""
        function = declared(builder.module, f"llvm.fma.{self._name}", self.type, [self.type] * 3)
        return builder.call(function, [a, b, c])

    def mask(self, builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
        """The lanes below ``count``."""
        words = ir.VectorType(I64, self.lanes)
        lane = ir.Constant(words, [word(i) for i in range(self.lanes)])
        return builder.icmp_signed("<", lane, splat(builder, count, words))

    def load(self, builder: ir.IRBuilder, place: ir.Value, mask: ir.Value | None = None) -> ir.Value:
        """The vector at an address."""
        pointer = builder.inttoptr(place, self.type.as_pointer())
        if mask is None:
            return builder.load(pointer, align=self.itemsize)
        arguments = [self.type.as_pointer(), I32, self._mask_type, self.type]
        function = declared(builder.module, f"llvm.masked.load.{self._name}.p0", self.type, arguments)
        return builder.call(function, [pointer, self._alignment, mask, self.zero])

    def store(self, builder: ir.IRBuilder, value: ir.Value, place: ir.Value, mask: ir.Value | None = None) -> None:
        """Write a vector to an address."""
        pointer = builder.inttoptr(place, self.type.as_pointer())
        if mask is None:
            builder.store(value, pointer, align=self.itemsize)
            return
        arguments = [self.type, self.type.as_pointer(), I32, self._mask_type]
        function = declared(builder.module, f"llvm.masked.store.{self._name}.p0", ir.VoidType(), arguments)
        builder.call(function, [value, pointer, self._alignment, mask])

    def positive(self, builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        """ReLU: not above 0 is 0, except that a NaN stays one: the comparison holds for unordered numbers too."""
        return builder.select(builder.fcmp_unordered(">", value, self.zero), value, self.zero)


def splat(builder: ir.IRBuilder, value: ir.Value, vector: ir.VectorType) -> ir.Value:
    """A vector with one number in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(I32, vector.count), None))


def changed_if(
    builder: ir.IRBuilder, condition: ir.Value, change: Change, values: list[ir.Value]
) -> tuple[ir.IRBuilder, list[ir.Value]]:
    """The values, changed if the condition holds, and the builder of the block in which they are known."""
    before = builder.block
    changed, after = builder.function.append_basic_block(), builder.function.append_basic_block()
    builder.cbranch(condition, changed, after)
    inside = ir.IRBuilder(changed)
    new = change(inside, values)
    inside.branch(after)
    builder = ir.IRBuilder(after)
    result = []
    for old_value, new_value in zip(values, new, strict=True):
        value = builder.phi(old_value.type)
        value.add_incoming(old_value, before)
        value.add_incoming(new_value, changed)
        result.append(value)
    return builder, result

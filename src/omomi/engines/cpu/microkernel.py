"""The micro-kernel: one block of a product, kept in registers.

Every dense layer and every convolution, forward and backward, is this one loop with different strides:

    c[m, n] = Σ_s Σ_k a[m·am + s·as + k·ak] · b[s·bs + k·bk + n]          m < rows, n < columns

An entry of c needs one number of a and one of b per step, so a plain loop waits for memory. A block of c with R rows
and V vectors of columns needs R numbers of a and V vectors of b for R·V vector operations: with 14 × 2 there are
28 multiply-accumulates for 16 loads, and the processor is busy multiplying.

             b[k, 0:16]   b[k, 16:32]          for each k:  load V vectors of b
           ┌────────────┬─────────────┐                     for each row m:
  a[0, k] →│   c[0]     │    c[0]     │                         broadcast a[m, k] to all lanes
  a[1, k] →│   c[1]     │    c[1]     │                         c[m] += a[m, k] · b[k]      V fused operations
     ⋮     │    ⋮       │     ⋮       │
  a[R, k] →│   c[R]     │    c[R]     │        all of c stays in registers until the sums are complete
           └────────────┴─────────────┘

There are two sums since a patch of an image is not contiguous: in channels-last layout each of its rows is (k runs
over width × channels), and s goes from row to row. The strides are free, so nothing is copied into patches first.

The last vector may have fewer columns than lanes: it is loaded and stored under a mask. Before c is stored, it is
finished by what ``flags`` asks for: add what c held before, add a bias, keep what is positive (ReLU).

One function is emitted for every number of rows and vectors up to the block that the register file holds, and one
function in front of them picks by number.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted

ACCUMULATE, RELU = 1, 2  # flags
AHEAD = 24  # steps of k by which memory is fetched before it is needed

_BIT, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
# The arguments of a block, all whole numbers: addresses in bytes, strides in numbers. A bias at address 0 is none.
ARGUMENTS = ("a", "am", "as", "ak", "b", "bs", "bk", "c", "cm", "steps_s", "steps_k", "columns", "bias", "flags")


def build(machine: Machine, dtype: str, symbol: str) -> ir.Module:
    """The micro-kernel as a module of LLVM: ``int64 symbol(rows, vectors, a, am, …, flags)``."""
    module = ir.Module(symbol)
    blocks = {
        (rows, vectors): _Block(module, machine, dtype, rows, vectors).function
        for rows in range(1, machine.rows + 1)
        for vectors in range(1, machine.vectors + 1)
    }
    count = 2 + len(ARGUMENTS)
    function = ir.Function(module, ir.FunctionType(_I64, [_I64] * count), symbol)
    start, none = function.append_basic_block("start"), function.append_basic_block("none")
    builder = ir.IRBuilder(start)
    rows, vectors, *rest = function.args
    picked = builder.switch(builder.add(builder.mul(rows, _word(machine.vectors)), vectors), none)
    ir.IRBuilder(none).ret(_word(0))
    for (r, v), block_function in blocks.items():
        block = function.append_basic_block(f"rows_{r}_vectors_{v}")
        picked.add_case(_word(r * machine.vectors + v), block)
        builder = ir.IRBuilder(block)
        builder.call(block_function, rest)
        builder.ret(_word(0))
    return module


def _word(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


class _Block:
    """The function for one size of the register block."""

    def __init__(self, module: ir.Module, machine: Machine, dtype: str, rows: int, vectors: int) -> None:
        self.rows, self.vectors = rows, vectors
        self.number = ir.FloatType() if dtype == "float32" else ir.DoubleType()
        self.itemsize = 4 if dtype == "float32" else 8
        self.lanes = machine.lanes(self.itemsize)
        self.vector = ir.VectorType(self.number, self.lanes)
        self.mask_type = ir.VectorType(_BIT, self.lanes)
        suffix = f"v{self.lanes}f{8 * self.itemsize}"
        pointer = self.vector.as_pointer()

        def intrinsic(name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
            # Declared by its full name: llvmlite cannot spell the name of a vector type itself.
            known = module.globals.get(name)
            return known or ir.Function(module, ir.FunctionType(result, arguments), name)

        self.fma = intrinsic(f"llvm.fma.{suffix}", self.vector, [self.vector] * 3)
        self.masked_load = intrinsic(
            f"llvm.masked.load.{suffix}.p0", self.vector, [pointer, _I32, self.mask_type, self.vector]
        )
        self.masked_store = intrinsic(
            f"llvm.masked.store.{suffix}.p0", ir.VoidType(), [self.vector, pointer, _I32, self.mask_type]
        )
        self.prefetch = intrinsic("llvm.prefetch.p0", ir.VoidType(), [ir.IntType(8).as_pointer(), _I32, _I32, _I32])
        self.function = ir.Function(
            module, ir.FunctionType(ir.VoidType(), [_I64] * len(ARGUMENTS)), f"block_{dtype}_{rows}x{vectors}"
        )
        self.function.linkage = "internal"
        self.function.attributes.add("noinline")
        self._emit()

    def _emit(self) -> None:
        """Two loops around the multiply-accumulates, then the finish."""
        argument = dict(zip(ARGUMENTS, self.function.args, strict=True))
        entry, outer, inner, outer_end, finish = (
            self.function.append_basic_block(name) for name in ("entry", "outer", "inner", "outer_end", "finish")
        )
        builder = ir.IRBuilder(entry)
        stride = {
            name: builder.mul(argument[name], _word(self.itemsize)) for name in ("am", "as", "ak", "bs", "bk", "cm")
        }
        far = {name: builder.mul(stride[name], _word(AHEAD)) for name in ("ak", "bk")}
        rows = {odd: self._freeze(builder, builder.mul(stride["am"], _word(odd))) for odd in range(1, self.rows, 2)}
        self.mask = self._mask(builder, argument["columns"])
        zero = ir.Constant(self.vector, None)
        builder.branch(outer)

        # for s in range(steps_s): a and b are where this s starts.
        builder = ir.IRBuilder(outer)
        s, a, b = (builder.phi(_I64) for _ in range(3))
        sums = [builder.phi(self.vector) for _ in range(self.rows * self.vectors)]
        for value, start in ((s, _word(0)), (a, argument["a"]), (b, argument["b"]), *((x, zero) for x in sums)):
            value.add_incoming(start, entry)
        builder.branch(inner)

        # for k in range(steps_k)
        builder = ir.IRBuilder(inner)
        k, a_k, b_k = (builder.phi(_I64) for _ in range(3))
        before = [builder.phi(self.vector) for _ in sums]
        for value, start in ((k, argument["steps_k"]), (a_k, a), (b_k, b), *zip(before, sums, strict=True)):
            value.add_incoming(start, outer)
        for v in range(self.vectors):
            ahead = builder.add(b_k, far["bk"])
            self._prefetch(builder, builder.add(ahead, _word(v * self.lanes * self.itemsize)))
        self._prefetch(builder, builder.add(a_k, far["ak"]))
        after = self._multiply_accumulate(builder, a_k, b_k, rows, before)
        left = builder.sub(k, _word(1))
        for value, following in (
            (k, left),
            (a_k, builder.add(a_k, stride["ak"])),
            (b_k, builder.add(b_k, stride["bk"])),
            *zip(before, after, strict=True),
        ):
            value.add_incoming(following, inner)
        builder.cbranch(builder.icmp_signed("!=", left, _word(0)), inner, outer_end)

        builder = ir.IRBuilder(outer_end)
        done = builder.add(s, _word(1))
        for value, following in (
            (s, done),
            (a, builder.add(a, stride["as"])),
            (b, builder.add(b, stride["bs"])),
            *zip(sums, after, strict=True),
        ):
            value.add_incoming(following, outer_end)
        builder.cbranch(builder.icmp_signed("<", done, argument["steps_s"]), outer, finish)
        self._finish(ir.IRBuilder(finish), after, argument, stride["cm"])

    def _multiply_accumulate(
        self, builder: ir.IRBuilder, a: ir.Value, b: ir.Value, rows: dict[int, ir.Value], sums: list[ir.Value]
    ) -> list[ir.Value]:
        """sums[m, v] + a[m] · b[v]: for one k, all of the block."""
        vectors = [self._load(builder, b, v) for v in range(self.vectors)]
        result = []
        for m in range(self.rows):
            number = builder.load(self._row(builder, a, rows, m), align=self.itemsize)
            spread = self._splat(builder, number, self.vector)
            for v in range(self.vectors):
                result.append(builder.call(self.fma, [spread, vectors[v], sums[m * self.vectors + v]]))
        return result

    def _row(self, builder: ir.IRBuilder, a: ir.Value, rows: dict[int, ir.Value], m: int) -> ir.Value:
        """a + m·am, as one address of the form base + scale · register, which costs no addition."""
        scale = m & -m if m else 1
        place = builder.inttoptr(a, ir.IntType(8 * scale).as_pointer())
        if m:
            place = builder.gep(place, [rows[m // scale]])
        return builder.bitcast(place, self.number.as_pointer())

    def _finish(
        self, builder: ir.IRBuilder, sums: list[ir.Value], argument: dict[str, ir.Value], stride: ir.Value
    ) -> None:
        """What flags and bias ask for, then the stores."""
        rows = [argument["c"]]
        for _ in range(1, self.rows):
            rows.append(builder.add(rows[-1], stride))

        def add_before(b: ir.IRBuilder, sums: list[ir.Value]) -> list[ir.Value]:
            return [b.fadd(x, self._load(b, rows[i // self.vectors], i % self.vectors)) for i, x in enumerate(sums)]

        def add_bias(b: ir.IRBuilder, sums: list[ir.Value]) -> list[ir.Value]:
            bias = [self._load(b, argument["bias"], v) for v in range(self.vectors)]
            return [b.fadd(x, bias[i % self.vectors]) for i, x in enumerate(sums)]

        def keep_positive(b: ir.IRBuilder, sums: list[ir.Value]) -> list[ir.Value]:
            # Not above 0 is 0, except that a NaN stays one: the comparison holds for unordered numbers too.
            zero = ir.Constant(self.vector, None)
            return [b.select(b.fcmp_unordered(">", x, zero), x, zero) for x in sums]

        flags = argument["flags"]
        builder, sums = self._if(builder, builder.trunc(flags, _BIT), add_before, sums)
        builder, sums = self._if(builder, builder.icmp_unsigned("!=", argument["bias"], _word(0)), add_bias, sums)
        relu = builder.icmp_unsigned("!=", builder.and_(flags, _word(RELU)), _word(0))
        builder, sums = self._if(builder, relu, keep_positive, sums)
        for i, x in enumerate(sums):
            self._store(builder, x, rows[i // self.vectors], i % self.vectors)
        builder.ret_void()

    def _if(
        self,
        builder: ir.IRBuilder,
        condition: ir.Value,
        change: Callable[[ir.IRBuilder, list[ir.Value]], list[ir.Value]],
        sums: list[ir.Value],
    ) -> tuple[ir.IRBuilder, list[ir.Value]]:
        """The sums, changed if the condition holds, and the builder of the block in which they are known."""
        before = builder.block
        changed, after = self.function.append_basic_block(), self.function.append_basic_block()
        builder.cbranch(condition, changed, after)
        inside = ir.IRBuilder(changed)
        new = change(inside, sums)
        inside.branch(after)
        builder = ir.IRBuilder(after)
        result = []
        for old_value, new_value in zip(sums, new, strict=True):
            value = builder.phi(self.vector)
            value.add_incoming(old_value, before)
            value.add_incoming(new_value, changed)
            result.append(value)
        return builder, result

    def _mask(self, builder: ir.IRBuilder, columns: ir.Value) -> ir.Value:
        """Which lanes of the last vector belong to the block."""
        words = ir.VectorType(_I64, self.lanes)
        in_last = builder.sub(columns, _word((self.vectors - 1) * self.lanes))
        lane = ir.Constant(words, [_word(i) for i in range(self.lanes)])
        return builder.icmp_signed("<", lane, self._splat(builder, in_last, words))

    def _freeze(self, builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        """The value as something that LLVM does not look into."""
        frozen = ir.instructions.Instruction(builder.block, value.type, "freeze", [value])
        builder.block.instructions.append(frozen)
        builder.position_at_end(builder.block)
        return frozen

    def _splat(self, builder: ir.IRBuilder, value: ir.Value, vector: ir.VectorType) -> ir.Value:
        """A vector with one number in every lane."""
        nothing = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
        lanes = ir.Constant(ir.VectorType(_I32, vector.count), None)
        return builder.shuffle_vector(first, nothing, lanes)

    def _place(self, builder: ir.IRBuilder, row: ir.Value, v: int) -> ir.Value:
        """Vector v of the row at an address."""
        offset = _word(v * self.lanes * self.itemsize)
        return builder.inttoptr(builder.add(row, offset), self.vector.as_pointer())

    def _prefetch(self, builder: ir.IRBuilder, place: ir.Value) -> None:
        """Fetch the cache line at an address, which may lie outside of everything."""
        for_reading, keep, data = (ir.Constant(_I32, x) for x in (0, 3, 1))
        pointer = builder.inttoptr(place, ir.IntType(8).as_pointer())
        builder.call(self.prefetch, [pointer, for_reading, keep, data])

    def _load(self, builder: ir.IRBuilder, row: ir.Value, v: int) -> ir.Value:
        place = self._place(builder, row, v)
        if v < self.vectors - 1:
            return builder.load(place, align=self.itemsize)
        zero = ir.Constant(self.vector, None)
        return builder.call(self.masked_load, [place, ir.Constant(_I32, self.itemsize), self.mask, zero])

    def _store(self, builder: ir.IRBuilder, value: ir.Value, row: ir.Value, v: int) -> None:
        place = self._place(builder, row, v)
        if v < self.vectors - 1:
            builder.store(value, place, align=self.itemsize)
        else:
            alignment = ir.Constant(_I32, self.itemsize)
            builder.call(self.masked_store, [value, place, alignment, self.mask])


tile = Emitted("tile", build, 2 + len(ARGUMENTS))

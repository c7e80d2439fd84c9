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
function in front of them picks by number. Where masks cost time there is one more for each, for full vectors.

A depthwise convolution does not mix its channels: there a is a run of numbers, too, one for each column,

    c[m, n] = Σ_s Σ_k a[m·am + s·as + k·ak + n] · b[s·bs + k·bk + n]

``tile`` is the block of a product, ``tile_by_channel`` that of this sum. The same loops, but each row loads V vectors
of a: as many loads as multiply-accumulates, which is what the processor can just do at the same time.
"""

from __future__ import annotations

from llvmlite import ir

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted
from omomi.engines.cpu.vectors import BYTES, I32, I64, Vectors, changed_if, declared, splat, word

ACCUMULATE, RELU = 1, 2  # flags
AHEAD = 24  # steps of k by which memory is fetched before it is needed

# The arguments of a block, all whole numbers: addresses in bytes, strides in numbers. A bias at address 0 is none.
ARGUMENTS = ("a", "am", "as", "ak", "b", "bs", "bk", "c", "cm", "steps_s", "steps_k", "columns", "bias", "flags")


def build(machine: Machine, dtype: str, symbol: str, by_channel: bool = False) -> ir.Module:
    """The micro-kernel as a module of LLVM: ``int64 symbol(rows, vectors, a, am, …, flags)``."""
    module = ir.Module(symbol)
    count = 2 + len(ARGUMENTS)
    function = ir.Function(module, ir.FunctionType(I64, [I64] * count), symbol)
    builder = ir.IRBuilder(function.append_basic_block("start"))
    rows, vectors, *rest = function.args
    # The number of a block: its rows, its vectors, and whether its vectors are all full.
    number = builder.add(builder.mul(rows, word(machine.vectors + 1)), vectors)
    number = builder.mul(number, word(2))
    if not machine.free_masks:
        lanes = Vectors(machine, dtype).lanes
        full = builder.icmp_signed("==", rest[ARGUMENTS.index("columns")], builder.mul(vectors, word(lanes)))
        number = builder.add(number, builder.zext(full, I64))
    none = function.append_basic_block("none")
    picked = builder.switch(number, none)
    ir.IRBuilder(none).ret(word(0))
    for r in range(1, machine.rows + 1):
        for v in range(1, machine.vectors + 1):
            for masked in (True,) if machine.free_masks else (True, False):
                block = function.append_basic_block(f"rows_{r}_vectors_{v}")
                picked.add_case(word((r * (machine.vectors + 1) + v) * 2 + (not masked)), block)
                builder = ir.IRBuilder(block)
                kind = _ChannelBlock if by_channel else _Block
                builder.call(kind(module, machine, dtype, r, v, masked).function, rest)
                builder.ret(word(0))
    return module


class _Block:
    """The function for one size of the register block."""

    def __init__(self, module: ir.Module, machine: Machine, dtype: str, rows: int, vectors: int, masked: bool) -> None:
        self.rows, self.vectors, self.masked = rows, vectors, masked
        self.v = Vectors(machine, dtype)
        name = f"block_{dtype}_{rows}x{vectors}" + ("_masked" if masked else "")
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * len(ARGUMENTS)), name)
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
            name: builder.mul(argument[name], word(self.v.itemsize)) for name in ("am", "as", "ak", "bs", "bk", "cm")
        }
        far = {name: builder.mul(stride[name], word(AHEAD)) for name in ("ak", "bk")}
        rows = {odd: self._freeze(builder, builder.mul(stride["am"], word(odd))) for odd in range(1, self.rows, 2)}
        in_last = builder.sub(argument["columns"], word((self.vectors - 1) * self.v.lanes))
        self.mask = self.v.mask(builder, in_last) if self.masked else None
        builder.branch(outer)

        # for s in range(steps_s): a and b are where this s starts.
        builder = ir.IRBuilder(outer)
        s, a, b = (builder.phi(I64) for _ in range(3))
        sums = [builder.phi(self.v.type) for _ in range(self.rows * self.vectors)]
        for value, start in ((s, word(0)), (a, argument["a"]), (b, argument["b"]), *((x, self.v.zero) for x in sums)):
            value.add_incoming(start, entry)
        builder.branch(inner)

        # for k in range(steps_k)
        builder = ir.IRBuilder(inner)
        k, a_k, b_k = (builder.phi(I64) for _ in range(3))
        before = [builder.phi(self.v.type) for _ in sums]
        for value, start in ((k, argument["steps_k"]), (a_k, a), (b_k, b), *zip(before, sums, strict=True)):
            value.add_incoming(start, outer)
        for v in range(self.vectors):
            ahead = builder.add(b_k, far["bk"])
            self._prefetch(builder, builder.add(ahead, word(v * self.v.lanes * self.v.itemsize)))
        self._prefetch(builder, builder.add(a_k, far["ak"]))
        after = self._multiply_accumulate(builder, a_k, b_k, rows, before)
        left = builder.sub(k, word(1))
        for value, following in (
            (k, left),
            (a_k, builder.add(a_k, stride["ak"])),
            (b_k, builder.add(b_k, stride["bk"])),
            *zip(before, after, strict=True),
        ):
            value.add_incoming(following, inner)
        builder.cbranch(builder.icmp_signed("!=", left, word(0)), inner, outer_end)

        builder = ir.IRBuilder(outer_end)
        done = builder.add(s, word(1))
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
            number = builder.load(self._row(builder, a, rows, m), align=self.v.itemsize)
            spread = splat(builder, number, self.v.type)
            for v in range(self.vectors):
                result.append(self.v.fma(builder, spread, vectors[v], sums[m * self.vectors + v]))
        return result

    def _row(self, builder: ir.IRBuilder, a: ir.Value, rows: dict[int, ir.Value], m: int) -> ir.Value:
        """a + m·am, as one address of the form base + scale · register, which costs no addition."""
        scale = m & -m if m else 1
        place = builder.inttoptr(a, ir.IntType(8 * scale).as_pointer())
        if m:
            place = builder.gep(place, [rows[m // scale]])
        return builder.bitcast(place, self.v.number.as_pointer())

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
            return [self.v.positive(b, x) for x in sums]

        def asked(flag: int) -> ir.Value:
            return builder.icmp_unsigned("!=", builder.and_(argument["flags"], word(flag)), word(0))

        builder, sums = changed_if(builder, asked(ACCUMULATE), add_before, sums)
        has_bias = builder.icmp_unsigned("!=", argument["bias"], word(0))
        builder, sums = changed_if(builder, has_bias, add_bias, sums)
        builder, sums = changed_if(builder, asked(RELU), keep_positive, sums)
        for i, x in enumerate(sums):
            self._store(builder, x, rows[i // self.vectors], i % self.vectors)
        builder.ret_void()

    def _freeze(self, builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
        """The value as something that LLVM does not look into."""
        frozen = ir.instructions.Instruction(builder.block, value.type, "freeze", [value])
        builder.block.instructions.append(frozen)
        builder.position_at_end(builder.block)
        return frozen

    def _prefetch(self, builder: ir.IRBuilder, place: ir.Value) -> None:
        """Fetch the cache line at an address, which may lie outside of everything."""
        prefetch = declared(builder.module, "llvm.prefetch.p0", ir.VoidType(), [BYTES, I32, I32, I32])
        for_reading, keep, data = (ir.Constant(I32, x) for x in (0, 3, 1))
        builder.call(prefetch, [builder.inttoptr(place, BYTES), for_reading, keep, data])

    def _load(self, builder: ir.IRBuilder, row: ir.Value, v: int) -> ir.Value:
        """Vector v of the row at an address."""
        place = builder.add(row, word(v * self.v.lanes * self.v.itemsize))
        return self.v.load(builder, place, self.mask if v == self.vectors - 1 else None)

    def _store(self, builder: ir.IRBuilder, value: ir.Value, row: ir.Value, v: int) -> None:
        place = builder.add(row, word(v * self.v.lanes * self.v.itemsize))
        self.v.store(builder, value, place, self.mask if v == self.vectors - 1 else None)


class _ChannelBlock(_Block):
    """The function for a block whose columns do not mix: a has a number for each column."""

    def _multiply_accumulate(
        self, builder: ir.IRBuilder, a: ir.Value, b: ir.Value, rows: dict[int, ir.Value], sums: list[ir.Value]
    ) -> list[ir.Value]:
        """sums[m, v] + a[m, v] · b[v]: for one k, all of the block."""
        vectors = [self._load(builder, b, v) for v in range(self.vectors)]
        result = []
        for m in range(self.rows):
            row = builder.ptrtoint(self._row(builder, a, rows, m), I64)
            for v in range(self.vectors):
                run = self._load(builder, row, v)
                result.append(self.v.fma(builder, run, vectors[v], sums[m * self.vectors + v]))
        return result


def build_by_channel(machine: Machine, dtype: str, symbol: str) -> ir.Module:
    """The same for a sum in which the columns do not mix."""
    return build(machine, dtype, symbol, by_channel=True)


tile = Emitted("tile", build, 2 + len(ARGUMENTS))
tile_by_channel = Emitted("tile_by_channel", build_by_channel, 2 + len(ARGUMENTS))

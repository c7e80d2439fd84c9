"""Winograd's transforms: a 3×3 convolution with 16 multiplications for four results instead of 36.

Source: Winograd 1980, "Arithmetic complexity of computations"; Lavin and Gray 2015, arXiv:1509.09308, F(2×2, 3×3).

Two results of a kernel g of three entries on four pixels d take six multiplications, or four:

    y₀ = d₀ g₀ + d₁ g₁ + d₂ g₂ = m₁ + m₂ + m₃        m₁ = (d₀ − d₂) g₀            m₂ = (d₁ + d₂) (g₀ + g₁ + g₂)/2
    y₁ = d₁ g₀ + d₂ g₁ + d₃ g₂ = m₂ − m₃ − m₄        m₄ = (d₁ − d₃) g₂            m₃ = (d₂ − d₁) (g₀ − g₁ + g₂)/2

so y = Aᵀ [(G g) ⊙ (Bᵀ d)], and, in both directions at once, for a tile of 4×4 pixels and 2×2 results,

    Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

The products are summed over the channels *before* Aᵀ and A, so for each of the 16 entries of the brackets the sum is
a product of matrices: tiles × channels times channels × results. The transforms add and subtract only; what they cost
is shared by all channels on the other side.

The derivatives follow from the chain rule; each transform's is its transpose. With D = A δ Aᵀ for the delta δ of Y:

    ∂E/∂(Bᵀ d B) = D ⊙ (G g Gᵀ), summed over results       and so  gx ← B [·] Bᵀ, added up where tiles overlap
    ∂E/∂(G g Gᵀ) = D ⊙ (Bᵀ d B), summed over tiles         and so  gW = Gᵀ [·] G

Here are the transforms X → L X Lᵀ, for vectors of channels at once. One side is a square of pixels of an image, the
other 16 (or 4, 9) *planes*, one for each entry of the square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU

Matrix = tuple[tuple[float, ...], ...]

_I32, _I64 = ir.IntType(32), ir.IntType(64)

B_T: Matrix = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
G: Matrix = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
A_T: Matrix = ((1, 1, 1, 0), (0, 1, -1, -1))

# The arguments of a transform, all whole numbers: addresses in bytes, strides in numbers. ``row`` and ``pixel`` lie
# between the entries of a square, ``plane`` between planes; ``square_step`` and ``plane_step`` between two tiles.
ARGUMENTS = (
    "square", "row", "pixel", "square_step", "planes", "plane", "plane_step", "tiles", "channels", "bias", "flags",
)  # fmt: skip


def transposed(matrix: Matrix) -> Matrix:
    """The columns as rows."""
    return tuple(zip(*matrix, strict=True))


@dataclass(frozen=True)
class Transform:
    """Emits one transform: a loop over tiles, in it one over the vectors of their channels.

    Args:
        matrix: L.
        to_planes: whether it goes from squares to planes, or back. On the way back it can add to what the square
            holds, add a bias, and keep what is positive, as the flags and the bias say.
    """

    matrix: Matrix
    to_planes: bool

    def __call__(self, machine: Machine, dtype: str, symbol: str) -> ir.Module:
        """``int64 symbol(square, row, …, flags)`` as a module of LLVM."""
        module = ir.Module(symbol)
        function = ir.Function(module, ir.FunctionType(_I64, [_I64] * len(ARGUMENTS)), symbol)
        _Emitter(self, machine, dtype, function)
        return module


class _Emitter:
    """The function of one transform."""

    def __init__(self, transform: Transform, machine: Machine, dtype: str, function: ir.Function) -> None:
        self.transform, self.function = transform, function
        self.itemsize = 4 if dtype == "float32" else 8
        self.number = ir.FloatType() if dtype == "float32" else ir.DoubleType()
        self.lanes = machine.lanes(self.itemsize)
        self.vector = ir.VectorType(self.number, self.lanes)
        mask, pointer = ir.VectorType(ir.IntType(1), self.lanes), self.vector.as_pointer()
        suffix = f"v{self.lanes}f{8 * self.itemsize}.p0"
        self.masked_load = ir.Function(
            function.module,
            ir.FunctionType(self.vector, [pointer, _I32, mask, self.vector]),
            f"llvm.masked.load.{suffix}",
        )
        self.masked_store = ir.Function(
            function.module,
            ir.FunctionType(ir.VoidType(), [self.vector, pointer, _I32, mask]),
            f"llvm.masked.store.{suffix}",
        )
        self._emit()

    def _emit(self) -> None:
        argument = dict(zip(ARGUMENTS, self.function.args, strict=True))
        entry, tile_loop, vector_loop, vectors_done, done = (
            self.function.append_basic_block(name)
            for name in ("entry", "tile_loop", "vector_loop", "vectors_done", "done")
        )
        builder = ir.IRBuilder(entry)
        bytes_of = {
            name: builder.mul(argument[name], _word(self.itemsize))
            for name in ("row", "pixel", "square_step", "plane", "plane_step")
        }
        builder.branch(tile_loop)

        builder = ir.IRBuilder(tile_loop)
        tile, square, planes = (builder.phi(_I64) for _ in range(3))
        for value, start in ((tile, _word(0)), (square, argument["square"]), (planes, argument["planes"])):
            value.add_incoming(start, entry)
        builder.branch(vector_loop)

        builder = ir.IRBuilder(vector_loop)
        channel = builder.phi(_I64)
        channel.add_incoming(_word(0), tile_loop)
        shift = builder.mul(channel, _word(self.itemsize))
        self.mask = self._mask(builder, builder.sub(argument["channels"], channel))
        corner = builder.add(square, shift)
        plane = builder.add(planes, shift)

        def at_square(i: int, j: int) -> ir.Value:
            return builder.add(
                corner, builder.add(builder.mul(bytes_of["row"], _word(i)), builder.mul(bytes_of["pixel"], _word(j)))
            )

        def at_plane(i: int, j: int, width: int) -> ir.Value:
            return builder.add(plane, builder.mul(bytes_of["plane"], _word(i * width + j)))

        matrix = self.transform.matrix
        rows, columns = len(matrix), len(matrix[0])
        if self.transform.to_planes:
            x = [[self._load(builder, at_square(i, j)) for j in range(columns)] for i in range(columns)]
        else:
            x = [[self._load(builder, at_plane(i, j, columns)) for j in range(columns)] for i in range(columns)]
        y = self._both_sides(builder, x)
        if self.transform.to_planes:
            places = [at_plane(i, j, rows) for i in range(rows) for j in range(rows)]
        else:
            places = [at_square(i, j) for i in range(rows) for j in range(rows)]
            builder, y = self._finish(builder, y, places, builder.add(argument["bias"], shift), argument)
        for value, place in zip(y, places, strict=True):
            self._store(builder, value, place)
        following = builder.add(channel, _word(self.lanes))
        channel.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, argument["channels"]), vector_loop, vectors_done)

        builder = ir.IRBuilder(vectors_done)
        count = builder.add(tile, _word(1))
        for value, next_value in (
            (tile, count),
            (square, builder.add(square, bytes_of["square_step"])),
            (planes, builder.add(planes, bytes_of["plane_step"])),
        ):
            value.add_incoming(next_value, vectors_done)
        builder.cbranch(builder.icmp_signed("<", count, argument["tiles"]), tile_loop, done)
        ir.IRBuilder(done).ret(_word(0))

    def _both_sides(self, builder: ir.IRBuilder, x: list[list[ir.Value]]) -> list[ir.Value]:
        """L X Lᵀ, row by row: L on the columns, then L on the rows."""
        matrix = self.transform.matrix
        half = [[self._combine(builder, row, [line[j] for line in x]) for j in range(len(x))] for row in matrix]
        return [self._combine(builder, row, line) for line in half for row in matrix]

    def _combine(self, builder: ir.IRBuilder, factors: tuple[float, ...], values: list[ir.Value]) -> ir.Value:
        """Σ factor · value: values with factors of one size are added and subtracted first, and then scaled."""
        total = None
        for size in sorted({abs(factor) for factor in factors if factor}, reverse=True):
            part = None
            # Those to be added come first, so that there is something to subtract from.
            for factor, value in sorted(zip(factors, values, strict=True), key=lambda pair: -pair[0]):
                if factor == size:
                    part = value if part is None else builder.fadd(part, value)
                elif factor == -size:
                    part = builder.fsub(ir.Constant(self.vector, None) if part is None else part, value)
            if size != 1:
                scale = ir.Constant(self.number, float(size))
                part = builder.fmul(part, ir.Constant(self.vector, [scale] * self.lanes))
            total = part if total is None else builder.fadd(total, part)
        return total

    def _finish(
        self,
        builder: ir.IRBuilder,
        values: list[ir.Value],
        places: list[ir.Value],
        bias: ir.Value,
        argument: dict[str, ir.Value],
    ) -> tuple[ir.IRBuilder, list[ir.Value]]:
        """Add what the places hold and the bias, and keep what is positive, each if it is asked for."""
        zero = ir.Constant(self.vector, None)

        def with_before(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            return [b.fadd(value, self._load(b, place)) for value, place in zip(values, places, strict=True)]

        def with_bias(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            vector = self._load(b, bias)
            return [b.fadd(value, vector) for value in values]

        def positive(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            return [b.select(b.fcmp_unordered(">", value, zero), value, zero) for value in values]

        def asked(flag: int) -> ir.Value:
            return builder.icmp_unsigned("!=", builder.and_(argument["flags"], _word(flag)), _word(0))

        builder, values = self._if(builder, asked(ACCUMULATE), with_before, values)
        has_bias = builder.icmp_unsigned("!=", argument["bias"], _word(0))
        builder, values = self._if(builder, has_bias, with_bias, values)
        return self._if(builder, asked(RELU), positive, values)

    def _if(
        self,
        builder: ir.IRBuilder,
        condition: ir.Value,
        change: Callable[[ir.IRBuilder, list[ir.Value]], list[ir.Value]],
        values: list[ir.Value],
    ) -> tuple[ir.IRBuilder, list[ir.Value]]:
        """The values, changed if the condition holds."""
        before = builder.block
        changed, after = self.function.append_basic_block(), self.function.append_basic_block()
        builder.cbranch(condition, changed, after)
        inside = ir.IRBuilder(changed)
        new = change(inside, values)
        inside.branch(after)
        builder = ir.IRBuilder(after)
        result = []
        for old_value, new_value in zip(values, new, strict=True):
            value = builder.phi(self.vector)
            value.add_incoming(old_value, before)
            value.add_incoming(new_value, changed)
            result.append(value)
        return builder, result

    def _mask(self, builder: ir.IRBuilder, left: ir.Value) -> ir.Value:
        """Which lanes are channels."""
        words = ir.VectorType(_I64, self.lanes)
        nothing = ir.Constant(words, ir.Undefined)
        first = builder.insert_element(nothing, left, ir.Constant(_I32, 0))
        limit = builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_I32, self.lanes), None))
        return builder.icmp_signed("<", ir.Constant(words, [_word(i) for i in range(self.lanes)]), limit)

    def _load(self, builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
        pointer, zero = builder.inttoptr(place, self.vector.as_pointer()), ir.Constant(self.vector, None)
        return builder.call(self.masked_load, [pointer, ir.Constant(_I32, self.itemsize), self.mask, zero])

    def _store(self, builder: ir.IRBuilder, value: ir.Value, place: ir.Value) -> None:
        pointer = builder.inttoptr(place, self.vector.as_pointer())
        builder.call(self.masked_store, [value, pointer, ir.Constant(_I32, self.itemsize), self.mask])


def _word(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


def _emitted(name: str, matrix: Matrix, to_planes: bool) -> Emitted:
    return Emitted(f"winograd_{name}", Transform(matrix, to_planes), len(ARGUMENTS))


pixels_to_planes = _emitted("pixels_to_planes", B_T, to_planes=True)  # Bᵀ d B
planes_to_results = _emitted("planes_to_results", A_T, to_planes=False)  # Aᵀ M A
kernel_to_planes = _emitted("kernel_to_planes", G, to_planes=True)  # G g Gᵀ
deltas_to_planes = _emitted("deltas_to_planes", transposed(A_T), to_planes=True)  # A δ Aᵀ
planes_to_pixels = _emitted("planes_to_pixels", transposed(B_T), to_planes=False)  # B X Bᵀ
planes_to_kernel = _emitted("planes_to_kernel", transposed(G), to_planes=False)  # Gᵀ X G

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

from dataclasses import dataclass

from llvmlite import ir

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.vectors import I64, Vectors, changed_if, word

Matrix = tuple[tuple[float, ...], ...]

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
        function = ir.Function(module, ir.FunctionType(I64, [I64] * len(ARGUMENTS)), symbol)
        _Emitter(self, machine, dtype, function)
        return module


class _Emitter:
    """The function of one transform."""

    def __init__(self, transform: Transform, machine: Machine, dtype: str, function: ir.Function) -> None:
        self.transform, self.function, self.v = transform, function, Vectors(machine, dtype)
        self.argument = dict(zip(ARGUMENTS, function.args, strict=True))
        self._emit(machine.free_masks)

    def _emit(self, free_masks: bool) -> None:
        """for each tile: for each vector of channels: the transform."""
        entry, tile_loop, vector_loop, following, vectors_done, done = (
            self.function.append_basic_block(name)
            for name in ("entry", "tile_loop", "vector_loop", "following", "vectors_done", "done")
        )
        builder = ir.IRBuilder(entry)
        self.stride = {
            name: builder.mul(self.argument[name], word(self.v.itemsize))
            for name in ("row", "pixel", "square_step", "plane", "plane_step")
        }
        builder.branch(tile_loop)

        builder = ir.IRBuilder(tile_loop)
        tile, square, planes = (builder.phi(I64) for _ in range(3))
        for value, start in ((tile, word(0)), (square, self.argument["square"]), (planes, self.argument["planes"])):
            value.add_incoming(start, entry)
        builder.branch(vector_loop)

        builder = ir.IRBuilder(vector_loop)
        channel = builder.phi(I64)
        channel.add_incoming(word(0), tile_loop)
        shift = builder.mul(channel, word(self.v.itemsize))
        places = (builder.add(square, shift), builder.add(planes, shift), builder.add(self.argument["bias"], shift))
        left = builder.sub(self.argument["channels"], channel)
        if free_masks:
            self._transform(builder, *places, self.v.mask(builder, left)).branch(following)
        else:
            whole, rest = self.function.append_basic_block("whole"), self.function.append_basic_block("rest")
            builder.cbranch(builder.icmp_signed(">=", left, word(self.v.lanes)), whole, rest)
            self._transform(ir.IRBuilder(whole), *places, None).branch(following)
            builder = ir.IRBuilder(rest)
            self._transform(builder, *places, self.v.mask(builder, left)).branch(following)

        builder = ir.IRBuilder(following)
        next_channel = builder.add(channel, word(self.v.lanes))
        channel.add_incoming(next_channel, following)
        builder.cbranch(builder.icmp_signed("<", next_channel, self.argument["channels"]), vector_loop, vectors_done)

        builder = ir.IRBuilder(vectors_done)
        count = builder.add(tile, word(1))
        for value, next_value in (
            (tile, count),
            (square, builder.add(square, self.stride["square_step"])),
            (planes, builder.add(planes, self.stride["plane_step"])),
        ):
            value.add_incoming(next_value, vectors_done)
        builder.cbranch(builder.icmp_signed("<", count, self.argument["tiles"]), tile_loop, done)
        ir.IRBuilder(done).ret(word(0))

    def _transform(
        self, builder: ir.IRBuilder, square: ir.Value, planes: ir.Value, bias: ir.Value, mask: ir.Value | None
    ) -> ir.IRBuilder:
        """The transform of one vector of channels, and the builder of the block in which it ends."""

        def at_square(i: int, j: int) -> ir.Value:
            down, along = (builder.mul(self.stride[name], word(n)) for name, n in (("row", i), ("pixel", j)))
            return builder.add(square, builder.add(down, along))

        def at_plane(i: int, j: int, width: int) -> ir.Value:
            return builder.add(planes, builder.mul(self.stride["plane"], word(i * width + j)))

        rows, columns = len(self.transform.matrix), len(self.transform.matrix[0])
        to_planes = self.transform.to_planes
        x = [
            [
                self.v.load(builder, at_square(i, j) if to_planes else at_plane(i, j, columns), mask)
                for j in range(columns)
            ]
            for i in range(columns)
        ]
        values = self._both_sides(builder, x)
        targets = [at_plane(i, j, rows) if to_planes else at_square(i, j) for i in range(rows) for j in range(rows)]
        if not to_planes:
            builder, values = self._finish(builder, values, targets, bias, mask)
        for value, place in zip(values, targets, strict=True):
            self.v.store(builder, value, place, mask)
        return builder

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
                    part = builder.fsub(self.v.zero if part is None else part, value)
            if size != 1:
                scale = ir.Constant(self.v.number, float(size))
                part = builder.fmul(part, ir.Constant(self.v.type, [scale] * self.v.lanes))
            total = part if total is None else builder.fadd(total, part)
        return total

    def _finish(
        self,
        builder: ir.IRBuilder,
        values: list[ir.Value],
        places: list[ir.Value],
        bias: ir.Value,
        mask: ir.Value | None,
    ) -> tuple[ir.IRBuilder, list[ir.Value]]:
        """Add what the places hold and the bias, and keep what is positive, each if it is asked for."""

        def with_before(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            return [b.fadd(value, self.v.load(b, place, mask)) for value, place in zip(values, places, strict=True)]

        def with_bias(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            vector = self.v.load(b, bias, mask)
            return [b.fadd(value, vector) for value in values]

        def positive(b: ir.IRBuilder, values: list[ir.Value]) -> list[ir.Value]:
            return [self.v.positive(b, value) for value in values]

        def asked(flag: int) -> ir.Value:
            return builder.icmp_unsigned("!=", builder.and_(self.argument["flags"], word(flag)), word(0))

        builder, values = changed_if(builder, asked(ACCUMULATE), with_before, values)
        has_bias = builder.icmp_unsigned("!=", self.argument["bias"], word(0))
        builder, values = changed_if(builder, has_bias, with_bias, values)
        return changed_if(builder, asked(RELU), positive, values)


def _emitted(name: str, matrix: Matrix, to_planes: bool) -> Emitted:
    return Emitted(f"winograd_{name}", Transform(matrix, to_planes), len(ARGUMENTS))


pixels_to_planes = _emitted("pixels_to_planes", B_T, to_planes=True)  # Bᵀ d B
planes_to_results = _emitted("planes_to_results", A_T, to_planes=False)  # Aᵀ M A
kernel_to_planes = _emitted("kernel_to_planes", G, to_planes=True)  # G g Gᵀ
deltas_to_planes = _emitted("deltas_to_planes", transposed(A_T), to_planes=True)  # A δ Aᵀ
planes_to_pixels = _emitted("planes_to_pixels", transposed(B_T), to_planes=False)  # B X Bᵀ
planes_to_kernel = _emitted("planes_to_kernel", transposed(G), to_planes=False)  # Gᵀ X G

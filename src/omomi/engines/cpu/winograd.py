"""Winograd's transforms: a 3×3 convolution with fewer multiplications.

Source: Winograd 1980, "Arithmetic complexity of computations"; Lavin and Gray 2015, arXiv:1509.09308, F(2×2, 3×3) and
F(4×4, 3×3); the points of the larger one after Barabasz et al. 2020, arXiv:1803.10986, who look for small errors.

Two results of a kernel g of three entries on four pixels d take six multiplications, or four:

    y₀ = d₀ g₀ + d₁ g₁ + d₂ g₂ = m₁ + m₂ + m₃        m₁ = (d₀ − d₂) g₀            m₂ = (d₁ + d₂) (g₀ + g₁ + g₂)/2
    y₁ = d₁ g₀ + d₂ g₁ + d₃ g₂ = m₂ − m₃ − m₄        m₄ = (d₁ − d₃) g₂            m₃ = (d₂ − d₁) (g₀ − g₁ + g₂)/2

so y = Aᵀ [(G g) ⊙ (Bᵀ d)], and, in both directions at once, for a tile of 4×4 pixels and 2×2 results,

    Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

**Where this comes from.** Read g and y as polynomials: a product of polynomials is known from its values at a few
points, one of them infinity, and at each point it takes one multiplication. Transposed, the product of polynomials is
what a convolution layer computes. Above, the points are 0, 1, −1 and ∞ (``matrices`` gives some rows the other sign).
With five points and ∞ there are four results from six pixels: 36 multiplications for 16 results in both directions,
2.25 each instead of 9, where the tile of 2×2 takes 4 each. Powers of the points stand in the transforms, so their
rounding errors grow with the tile. With 0, ±3/4, ±3/2 they stay about three times those of the smaller tile; ±1, ±2,
the usual choice, would double them.

The products are summed over the channels *before* Aᵀ and A, so for each of the entries of the brackets the sum is
a product of matrices: tiles × channels times channels × results. What the transforms cost is shared by all channels
on the other side.

The derivatives follow from the chain rule; each transform's is its transpose. With D = A δ Aᵀ for the delta δ of Y:

    ∂E/∂(Bᵀ d B) = D ⊙ (G g Gᵀ), summed over results       and so  gx ← B [·] Bᵀ, added up where tiles overlap
    ∂E/∂(G g Gᵀ) = D ⊙ (Bᵀ d B), summed over tiles         and so  gW = Gᵀ [·] G

Here are the transforms X → L X Lᵀ, for vectors of channels at once. One side is a square of pixels of an image, the
other *planes*, one for each entry of the square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from llvmlite import ir

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.vectors import I64, Vectors, changed_if, word

Matrix = tuple[tuple[float, ...], ...]

SMALL, LARGE = 2, 4  # the side of a tile's results
POINTS = {SMALL: (0.0, 1.0, -1.0), LARGE: (0.0, 0.75, -0.75, 1.5, -1.5)}


def matrices(side: int) -> tuple[Matrix, Matrix, Matrix]:
    """Bᵀ, G and Aᵀ of a tile of ``side`` results, from its points p₁ … and ∞.

    Row i of Aᵀ and the rows of G hold the powers of the points; those of Bᵀ the coefficients of the polynomials
    Πⱼ (z − pⱼ) without the point itself, whose value there, Nᵢ, divides row i of G. At ∞ only the highest power counts.
    """
    points = POINTS[side]
    others = [[q for q in points if q != p] for p in points]
    B_T = (*((*polynomial(roots), 0.0) for roots in others), polynomial(points))
    values = [prod(p - q for q in roots) for p, roots in zip(points, others, strict=True)]
    G = (*(tuple(p**k / n for k in range(3)) for p, n in zip(points, values, strict=True)), (0.0, 0.0, 1.0))
    A_T = tuple((*(p**i for p in points), float(i == side - 1)) for i in range(side))
    return B_T, G, A_T


def polynomial(roots: Sequence[float]) -> tuple[float, ...]:
    """The coefficients of Π (z − root), from z⁰ on."""
    coefficients = [1.0]
    for root in roots:
        coefficients = [low - root * high for low, high in zip([0.0, *coefficients], [*coefficients, 0.0], strict=True)]
    return tuple(coefficients)


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
        to_planes: whether it goes from squares to planes, or back.
        end: on the way back, "add" to what the square holds; or do what is "asked": add to it, add a bias, and keep
            what is positive, as the flags and the bias say.
    """

    matrix: Matrix
    to_planes: bool
    end: Literal["", "add", "asked"] = ""

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
        if self.transform.end == "add":
            values = self._added(builder, values, targets, mask)
        elif self.transform.end == "asked":
            builder, values = self._finish(builder, values, targets, bias, mask)
        for value, place in zip(values, targets, strict=True):
            self.v.store(builder, value, place, mask)
        return builder

    def _both_sides(self, builder: ir.IRBuilder, x: list[list[ir.Value]]) -> list[ir.Value]:
        """L X Lᵀ, row by row: L on the columns, then L on the rows."""
        matrix = self.transform.matrix
        columns = [self._product(builder, matrix, [line[j] for line in x]) for j in range(len(x))]
        return [value for i in range(len(matrix)) for value in self._product(builder, matrix, [c[i] for c in columns])]

    def _product(self, builder: ir.IRBuilder, matrix: Matrix, values: list[ir.Value]) -> list[ir.Value]:
        """L x. Points come in pairs ±p, so L has pairs of columns, or of rows, that differ in signs only: what the two
        have in common is computed once."""
        for j, k in pairs(transposed(matrix)):
            a, b = values[j], values[k]
            values = [*values[:j], builder.fadd(a, b), *values[j + 1 : k], builder.fsub(a, b), *values[k + 1 :]]
            matrix = tuple(
                (*row[:j], (row[j] + row[k]) / 2, *row[j + 1 : k], (row[j] - row[k]) / 2, *row[k + 1 :])
                for row in matrix
            )
        results: list[ir.Value] = [None] * len(matrix)
        for i, k in pairs(matrix):
            even = tuple((a + b) / 2 for a, b in zip(matrix[i], matrix[k], strict=True))
            odd = tuple((a - b) / 2 for a, b in zip(matrix[i], matrix[k], strict=True))
            a, b = self._combine(builder, even, values), self._combine(builder, odd, values)
            results[i], results[k] = builder.fadd(a, b), builder.fsub(a, b)
        return [
            self._combine(builder, row, values) if result is None else result
            for row, result in zip(matrix, results, strict=True)
        ]

    def _combine(self, builder: ir.IRBuilder, factors: tuple[float, ...], values: list[ir.Value]) -> ir.Value:
        """Σ factor · value."""
        total = None
        # Those to be added as they are come first: they need no multiplication, and give something to subtract from.
        for factor, value in sorted(zip(factors, values, strict=True), key=lambda pair: pair[0] != 1):
            if factor == 0:
                continue
            if total is None:
                total = value if factor == 1 else builder.fmul(value, self._constant(factor))
            elif abs(factor) == 1:
                total = builder.fadd(total, value) if factor > 0 else builder.fsub(total, value)
            else:
                total = self.v.fma(builder, value, self._constant(factor), total)
        return total

    def _constant(self, factor: float) -> ir.Constant:
        return ir.Constant(self.v.type, [ir.Constant(self.v.number, factor)] * self.v.lanes)

    def _added(
        self, builder: ir.IRBuilder, values: list[ir.Value], places: list[ir.Value], mask: ir.Value | None
    ) -> list[ir.Value]:
        """The values, added to what the places hold."""
        return [
            builder.fadd(value, self.v.load(builder, place, mask)) for value, place in zip(values, places, strict=True)
        ]

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
            return self._added(b, values, places, mask)

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


def pairs(rows: Matrix) -> list[tuple[int, int]]:
    """Which rows have the same entries up to signs, some the same sign and some the other. Each row is in one pair."""
    found: list[tuple[int, int]] = []
    for i, a in enumerate(rows):
        for k in range(i + 1, len(rows)):
            b, taken = rows[k], {index for pair in found for index in pair}
            alike = all(abs(p) == abs(q) for p, q in zip(a, b, strict=True))
            if alike and a != b and a != tuple(-q for q in b) and not {i, k} & taken:
                found.append((i, k))
    return found


def _emitted(name: str, matrix: Matrix, to_planes: bool, end: Literal["", "add", "asked"] = "") -> Emitted:
    return Emitted(f"winograd_{name}", Transform(matrix, to_planes, end), len(ARGUMENTS))


def _transforms(side: int) -> list[Emitted]:
    """The six transforms of a tile: those of pixels, results and kernel, and those of their gradients."""
    B_T, G, A_T = matrices(side)
    return [
        _emitted(f"pixels_to_planes_{side}", B_T, to_planes=True),  # Bᵀ d B
        _emitted(f"planes_to_results_{side}", A_T, to_planes=False, end="asked"),  # Aᵀ M A
        _emitted(f"kernel_to_planes_{side}", G, to_planes=True),  # G g Gᵀ
        _emitted(f"deltas_to_planes_{side}", transposed(A_T), to_planes=True),  # A δ Aᵀ
        _emitted(f"planes_to_pixels_{side}", transposed(B_T), to_planes=False, end="add"),  # B X Bᵀ
        _emitted(f"planes_to_kernel_{side}", transposed(G), to_planes=False, end="asked"),  # Gᵀ X G
    ]


pixels_to_planes_2, planes_to_results_2, kernel_to_planes_2, *_gradients_2 = _transforms(SMALL)
deltas_to_planes_2, planes_to_pixels_2, planes_to_kernel_2 = _gradients_2
pixels_to_planes_4, planes_to_results_4, kernel_to_planes_4, *_gradients_4 = _transforms(LARGE)
deltas_to_planes_4, planes_to_pixels_4, planes_to_kernel_4 = _gradients_4

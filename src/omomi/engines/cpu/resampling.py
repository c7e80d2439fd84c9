"""Resampling of one axis: each new entry is a sum of few old ones, with the weights of ``engines.interpolation``.

x is (outer, n, inner) and y (outer, size, inner), so that an entry is a run of ``inner`` numbers. Backward is the same
with the transposed matrix.
"""

from __future__ import annotations

from math import prod

from omomi.engines.cpu.kernel import Indices, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import real
from omomi.engines.interpolation import terms


@kernel(fastmath=("contract",))
def combine(
    x: Vector,
    y: Vector,
    columns: Indices,
    weights: Vector,
    n: int,
    size: int,
    inner: int,
    chunk: int,
    chunks: int,
) -> None:
    """y[o] = Σ_k weights[k, o] x[columns[k, o]] for a range of entries."""
    start, stop = share(y.size // inner, chunk, chunks)
    for q in range(start, stop):
        o = q % size
        result = y[q * inner : (q + 1) * inner]
        for k in range(o, columns.size, size):
            at = (q // size * n + columns[k]) * inner
            source, weight = x[at : at + inner], weights[k]
            if k == o:
                for i in range(inner):
                    result[i] = weight * source[i]
            elif weight != real(0):
                for i in range(inner):
                    result[i] += weight * source[i]


def forward(x: Array, y: Array, *, axis: int, size: int, interpolation: str = "bilinear") -> list[Launch]:
    """y = A x along an axis, both C-contiguous."""
    return _combined(x, y, axis, x.shape[axis], size, interpolation, transposed=False)


def backward(gy: Array, gx: Array, *, axis: int, size: int, interpolation: str = "bilinear") -> list[Launch]:
    """gx = Aᵀ gy, written completely."""
    return _combined(gy, gx, axis, gx.shape[axis], size, interpolation, transposed=True)


def _combined(x: Array, y: Array, axis: int, old: int, new: int, interpolation: str, transposed: bool) -> list[Launch]:
    columns, weights = terms(old, new, interpolation, transposed)
    inner = prod(y.shape[axis % y.ndim + 1 :])
    return [
        Launch(
            combine,
            x.reshape(-1),
            y.reshape(-1),
            columns.reshape(-1).astype("int64"),
            weights.reshape(-1).astype(x.dtype),
            x.shape[axis],
            y.shape[axis],
            inner,
            dtype=x.dtype.name,
            chunks=min(y.size // inner, chunks_for(y.size)),
            work=y.size * len(columns),
        )
    ]

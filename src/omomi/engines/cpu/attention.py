"""Scaled dot-product attention with masks and dropout; the formulas are those of its rule (chapter: attention).

A matrix of scores belongs to one head of one sample, and stays in the cache while it becomes probabilities and is
multiplied with the values. What a product needs transposed on its right, kᵀ and vᵀ, is transposed before it; on the
left, pᵀ and gsᵀ are read by strides.

``allowed`` and ``kept`` are of the size of p, or without entries: which keys a query may look at, 1 or 0, and what the
probabilities are multiplied with. w is p ⊙ kept; without dropout it is p itself.
"""

from __future__ import annotations

from math import prod

from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.elementary import exp
from omomi.engines.cpu.kernel import Real, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.primitives import address, real, vector


@kernel(uses=(contract,), fastmath=("reassoc",))
def attention_forward(
    q: Vector,
    k: Vector,
    v: Vector,
    allowed: Vector,
    kept: Vector,
    y: Vector,
    p: Vector,
    w: Vector,
    kT: Vector,
    matrices: int,
    targets: int,
    sources: int,
    width: int,
    out: int,
    causal: int,
    scale: Real,
    chunk: int,
    chunks: int,
) -> None:
    """p = softmax(scale q kᵀ) and y = p v of a range of heads."""
    start, stop = share(matrices, chunk, chunks)
    for b in range(start, stop):
        here = address(p, b * targets * sources)
        turned = address(kT, b * width * sources)
        transpose(address(k, b * sources * width), width, turned, sources, sources, width)
        contract(
            address(q, b * targets * width), width, 0, 1, turned, 0, sources, here, sources,
            targets, sources, 1, width, 0, 0,
        )  # fmt: skip
        for t in range(targets):
            at = (b * targets + t) * sources
            row = vector(address(p, at), sources)
            seen = min(t + 1, sources) if causal else sources
            for j in range(seen):
                row[j] *= scale
            if allowed.size > 0:
                open_ = vector(address(allowed, at), sources)
                largest, any_open = real(0), False
                for j in range(seen):
                    if open_[j] != real(0) and (not any_open or row[j] > largest):
                        largest, any_open = row[j], True
                for j in range(seen):  # what is not allowed may be larger: it is cut off, and weighs nothing
                    away = row[j] - largest
                    row[j] = exp(away if open_[j] != real(0) else real(0)) * open_[j]
            else:
                largest = row[0]
                for j in range(1, seen):
                    largest = row[j] if row[j] > largest else largest
                for j in range(seen):
                    row[j] = exp(row[j] - largest)
            total = real(0)
            for j in range(seen):
                total += row[j]
            share_of_one = real(1) / total if total > real(0) else real(0)
            for j in range(seen):
                row[j] *= share_of_one
            for j in range(seen, sources):
                row[j] = real(0)
            if kept.size > 0:
                factor, weights = vector(address(kept, at), sources), vector(address(w, at), sources)
                for j in range(sources):
                    weights[j] = row[j] * factor[j]
        contract(
            address(w, b * targets * sources), sources, 0, 1,
            address(v, b * sources * out), 0, out, address(y, b * targets * out), out,
            targets, out, 1, sources, 0, 0,
        )  # fmt: skip


@kernel(uses=(contract,), fastmath=("reassoc",))
def attention_backward(
    q: Vector,
    k: Vector,
    v: Vector,
    p: Vector,
    w: Vector,
    kept: Vector,
    gy: Vector,
    gp: Vector,
    gq: Vector,
    gk: Vector,
    gv: Vector,
    vT: Vector,
    gs: Vector,
    matrices: int,
    targets: int,
    sources: int,
    width: int,
    out: int,
    scale: Real,
    chunk: int,
    chunks: int,
) -> None:
    """gq, gk and gv of a range of heads. A delta, of y or of p, that is not given has no entries."""
    start, stop = share(matrices, chunk, chunks)
    for b in range(start, stop):
        scores, here = address(gs, b * targets * sources), address(w, b * targets * sources)
        if gy.size > 0:
            turned, given = address(vT, b * out * sources), address(gy, b * targets * out)
            transpose(address(v, b * sources * out), out, turned, sources, sources, out)
            contract(
                given, out, 0, 1, turned, 0, sources, scores, sources,
                targets, sources, 1, out, 0, 0,
            )  # fmt: skip
            contract(
                here, 1, 0, sources, given, 0, out, address(gv, b * sources * out), out,
                sources, out, 1, targets, 0, 0,
            )  # fmt: skip
        for t in range(targets):
            at = (b * targets + t) * sources
            row, weights = vector(address(gs, at), sources), vector(address(p, at), sources)
            if gy.size == 0:
                for j in range(sources):
                    row[j] = real(0)
            elif kept.size > 0:
                factor = vector(address(kept, at), sources)
                for j in range(sources):
                    row[j] *= factor[j]
            if gp.size > 0:
                more = vector(address(gp, at), sources)
                for j in range(sources):
                    row[j] += more[j]
            dot = real(0)
            for j in range(sources):
                dot += row[j] * weights[j]
            for j in range(sources):
                row[j] = (row[j] - dot) * weights[j] * scale
        if gy.size == 0:
            rest = vector(address(gv, b * sources * out), sources * out)
            for j in range(rest.size):
                rest[j] = real(0)
        contract(
            scores, sources, 0, 1, address(k, b * sources * width), 0, width, address(gq, b * targets * width), width,
            targets, width, 1, sources, 0, 0,
        )  # fmt: skip
        contract(
            scores, 1, 0, sources, address(q, b * targets * width), 0, width, address(gk, b * sources * width), width,
            sources, width, 1, targets, 0, 0,
        )  # fmt: skip


def forward(
    q: Array,
    k: Array,
    v: Array,
    allowed: Array,
    kept: Array,
    y: Array,
    p: Array,
    w: Array,
    kT: Array,
    *,
    scale: float,
    causal: bool,
) -> list[Launch]:
    """y (…, T, E) and p (…, T, S) from q (…, T, D), k (…, S, D) and v (…, S, E), all leading axes equal.

    Args:
        kT: as many numbers as k, written.
    """
    sizes = sizes_of(q, v)
    vectors = [a.reshape(-1) for a in (q, k, v, allowed, kept, y, p, w, kT)]
    return [
        Launch(
            attention_forward, *vectors, *sizes, int(causal), scale,
            dtype=q.dtype.name, chunks=sizes[0], work=p.size * (q.shape[-1] + v.shape[-1]),
        )
    ]  # fmt: skip


def backward(
    q: Array,
    k: Array,
    v: Array,
    p: Array,
    w: Array,
    kept: Array,
    gy: Array,
    gp: Array,
    gq: Array,
    gk: Array,
    gv: Array,
    vT: Array,
    gs: Array,
    *,
    scale: float,
) -> list[Launch]:
    """gq, gk and gv.

    Args:
        gy, gp: of the two outputs; without entries where there is none.
        vT, gs: as many numbers as v and p, written.
    """
    sizes = sizes_of(q, v)
    vectors = [a.reshape(-1) for a in (q, k, v, p, w, kept, gy, gp, gq, gk, gv, vT, gs)]
    return [
        Launch(
            attention_backward, *vectors, *sizes, scale,
            dtype=q.dtype.name, chunks=sizes[0], work=2 * p.size * (q.shape[-1] + v.shape[-1]),
        )
    ]  # fmt: skip


def sizes_of(q: Array, v: Array) -> tuple[int, int, int, int, int]:
    """How many matrices there are, T, S, D and E."""
    return prod(q.shape[:-2]), q.shape[-2], v.shape[-2], q.shape[-1], v.shape[-1]

"""Matrices: the product, and the affine map u = x W + b of a layer of units.

A batch holds one sample per row, and W one column per unit, shape (in, out). A textbook that writes u = W x + b with
columns for samples and w_ji for the weight from i to j holds the transpose of this W.
"""

from __future__ import annotations

from math import prod

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# The matrix product. Each entry is a sum of products, so each factor's delta is multiplied by its partner:
#   forward   y = a b               yᵢⱼ  = Σₖ aᵢₖ bₖⱼ
#   backward  ga = gy bᵀ            gaᵢₖ = Σⱼ gyᵢⱼ bₖⱼ          since ∂yᵢⱼ/∂aᵢₖ = bₖⱼ
#             gb = aᵀ gy            gbₖⱼ = Σᵢ aᵢₖ gyᵢⱼ          since ∂yᵢⱼ/∂bₖⱼ = aᵢₖ
#
#   Shapes    (…, n, k) (…, k, m) → (…, n, m). Leading axes are batches and broadcast. A vector on the left is a matrix
#             of one row, a vector on the right one of one column; the axis of length 1 is left out of y again.


def matmul_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return a @ b, (a, b)


def matmul_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b = saved
    if a.ndim > 1 and b.ndim == 2:  # one matrix b for all rows of all batches: no batch of gradients to add up
        return gy @ b.T if wanted[0] else None, rows(a).T @ rows(gy) if wanted[1] else None
    ga = gb = None
    if b.ndim == 1:
        gy = gy[..., None]
    if a.ndim == 1:
        gy = gy[..., None, :]
    if wanted[0]:
        ga = gy @ (b[None, :] if b.ndim == 1 else xp.swapaxes(b, -1, -2))
        ga = ga[..., 0, :] if a.ndim == 1 else ga
    if wanted[1]:
        gb = (a[:, None] if a.ndim == 1 else xp.swapaxes(a, -1, -2)) @ gy
        gb = gb[..., 0] if b.ndim == 1 else gb
    return ga, gb


def rows(x: Array) -> Array:
    """The matrix of all rows of a batch of matrices: (…, n, k) → (… n, k); a vector is one row."""
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])


matmul = Rule("matmul", matmul_forward, matmul_backward, "y = a b", "ga = gy bᵀ, gb = aᵀ gy")


# The affine map, all that a fully connected layer does before its activation: x holds the outputs z of the layer
# before, y the pre-activations u, and gy is the delta δ = ∂E/∂u.
#   forward   y = x W + b           yₙⱼ  = Σᵢ xₙᵢ wᵢⱼ + bⱼ
#   backward  gx = gy Wᵀ            gxₙᵢ = Σⱼ gyₙⱼ wᵢⱼ          unit i reaches the loss through every unit j it feeds
#             gW = xᵀ gy            gwᵢⱼ = Σₙ xₙᵢ gyₙⱼ          w_ij serves every sample n
#             gb = Σₙ gyₙ           gbⱼ  = Σₙ gyₙⱼ              as the weight of an input that is always 1
#
#   Shapes    x (…, in), W (in, out), b (out,) → y (…, out); n runs over all leading axes.


def affine_forward(xp: Namespace, x: Array, W: Array, b: Array) -> tuple[Array, Saved]:
    return x @ W + b, (x, W)


def affine_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    x, W = saved
    return (
        gy @ W.T if wanted[0] else None,
        rows(x).T @ rows(gy) if wanted[1] else None,
        rows(gy).sum(axis=0) if wanted[2] else None,
    )


affine = Rule("affine", affine_forward, affine_backward, "y = x W + b", "gx = gy Wᵀ, gW = xᵀ gy, gb = Σₙ gyₙ")

"""The matrix products by hand."""

from __future__ import annotations

from omomi.ops import linear
from tests.ops.running import run

# Two samples, three inputs, two units.
X = [[1.0, 2.0, 3.0], [0.0, -1.0, 1.0]]
W = [[1.0, 0.0], [2.0, -1.0], [0.0, 3.0]]
DELTA = [[1.0, 2.0], [3.0, 4.0]]

# gx = δ Wᵀ: unit i collects Σⱼ δⱼ wᵢⱼ. Sample 1: (1·1, 1·2 − 2·1, 2·3); sample 2: (3, 6 − 4, 12)
GX = [[1, 0, 6], [3, 2, 12]]
# gW = xᵀ δ: gwᵢⱼ = Σₙ xₙᵢ δₙⱼ. Row 1: (1·1, 1·2); row 2: (2·1 − 1·3, 2·2 − 1·4); row 3: (3·1 + 1·3, 3·2 + 1·4)
GW = [[1, 2], [-1, 0], [6, 10]]


def test_affine_by_hand() -> None:
    # u = (1 + 4 + 10, −2 + 9 + 20), (−2 + 10, 1 + 3 + 20); gb = Σₙ δₙ
    y, gradients = run(linear.affine, X, W, [10.0, 20.0], gy=DELTA)
    assert y == [[15, 27], [8, 24]]
    assert gradients == [GX, GW, [4, 6]]


def test_matmul_by_hand() -> None:
    assert run(linear.matmul, X, W, gy=DELTA) == ([[5, 7], [-2, 4]], [GX, GW])


def test_affine_over_several_leading_axes_is_one_over_all_rows() -> None:
    y, gradients = run(linear.affine, [[X[0]], [X[1]]], W, [10.0, 20.0], gy=[[DELTA[0]], [DELTA[1]]])
    assert y == [[[15, 27]], [[8, 24]]]
    assert gradients == [[[GX[0]], [GX[1]]], GW, [4, 6]]


def test_vectors_are_rows_on_the_left_and_columns_on_the_right() -> None:
    assert run(linear.matmul, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0], gy=2.0) == (32, [[8, 10, 12], [2, 4, 6]])
    assert run(linear.matmul, X[0], W, gy=[1.0, 2.0]) == ([5, 7], [GX[0], [[1, 2], [2, 4], [3, 6]]])
    assert run(linear.matmul, X, [1.0, 2.0, 3.0], gy=[1.0, 2.0])[0] == [14, 1]

"""Augmentation: images moved, turned and mirrored at random, so that a network sees new ones in every epoch.

Images are x (N, H, W, C). What is drawn is a function of the draw's address, as in dropout, and each sample has its
own. Deltas pass through the images; what was drawn is constant.
"""

from __future__ import annotations

from math import prod

from omomi.errors import ConfigurationError, ShapeError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Range = tuple[float, float]
FILL_MODES = ("constant", "nearest", "reflect", "wrap")
INTERPOLATIONS = ("bilinear", "nearest")

# Uniform numbers.
#   forward   y = low + (high − low) u          u = the upper 24 bits of a random word over 2²⁴, so that u < 1 exactly


def random_uniform_forward(
    xp: Namespace,
    address: Array,
    *,
    shape: tuple[int, ...],
    low: float = 0.0,
    high: float = 1.0,
    dtype: str = "float32",
) -> tuple[Array, Saved]:
    u = _uniform(xp, address, prod(shape), dtype)
    return (low + (high - low) * u).reshape(shape), ()


def _uniform(xp: Namespace, address: Array, count: int, dtype: str) -> Array:
    return (xp.random_bits(address, count) >> xp.uint32(8)).astype(dtype) * 2.0**-24


random_uniform = Rule("random_uniform", random_uniform_forward, None, "y = low + (high − low) u, u uniform in [0, 1)")


# Random affine maps of the plane: for each sample the matrix A (2, 3) that says where an entry of the new image is read
# in the old one, (row, column) = A (row', column', 1). With the centre c of the image, an angle θ (counterclockwise),
# zooms z (above 1 more is shown, and smaller) and shifts t (down and to the right), all uniform in their ranges:
#   forward   A p = R Z (p − c) + c − t          R = ((cos θ, sin θ), (−sin θ, cos θ)),  Z = diag(z₁, z₂)


def random_affine_forward(
    xp: Namespace,
    address: Array,
    *,
    count: int,
    size: tuple[int, int],
    angle: Range = (0.0, 0.0),
    height_zoom: Range = (1.0, 1.0),
    width_zoom: Range | None = (1.0, 1.0),
    height_shift: Range = (0.0, 0.0),
    width_shift: Range = (0.0, 0.0),
    dtype: str = "float32",
) -> tuple[Array, Saved]:
    u = _uniform(xp, address, 5 * count, dtype).reshape(5, count)
    ranges = (angle, height_zoom, height_zoom if width_zoom is None else width_zoom, height_shift, width_shift)
    theta, z1, z2, t1, t2 = (low + (high - low) * part for (low, high), part in zip(ranges, u, strict=True))
    if width_zoom is None:  # one zoom for both, so that the image keeps its proportions
        z2 = z1
    cos, sin = xp.cos(theta), xp.sin(theta)
    c1, c2 = (size[0] - 1) / 2, (size[1] - 1) / 2
    a11, a12, a21, a22 = cos * z1, sin * z2, -sin * z1, cos * z2
    a13 = c1 - a11 * c1 - a12 * c2 - t1 * size[0]
    a23 = c2 - a21 * c1 - a22 * c2 - t2 * size[1]
    return xp.stack([a11, a12, a13, a21, a22, a23], axis=1).reshape(count, 2, 3), ()


random_affine = Rule("random_affine", random_affine_forward, None, "A p = R Z (p − c) + c − t, drawn for each sample")


# Warp: every entry of the new image is read at a place of the old one, given by an affine map of each sample. A place
# between entries is read bilinearly, with the four entries around it weighted by how near they are.
#   forward   y[n, p'] = Σᵢ wᵢ x[n, pᵢ]             pᵢ the entries around the place Aₙ (p', 1), and
#                                                   wᵢ = (1 − |Δrow|) (1 − |Δcolumn|), how near they are
#   backward  gx[n, pᵢ] gets + wᵢ gy[n, p']         a delta goes back to the entries that were read, in the same shares
#
# Outside the image, a mode says which entry is read:   constant   k k | a b c d | k k
#                                                       nearest    a a | a b c d | d d
#                                                       reflect    b a | a b c d | d c
#                                                       wrap       c d | a b c d | a b


def warp_forward(
    xp: Namespace,
    x: Array,
    matrix: Array,
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> tuple[Array, Saved]:
    if fill_mode not in FILL_MODES or interpolation not in INTERPOLATIONS:
        raise ConfigurationError(
            "there is no such way to fill or to interpolate.",
            where="warp",
            expected=f"fill_mode {', '.join(FILL_MODES)}; interpolation {', '.join(INTERPOLATIONS)}",
            received=f"fill_mode={fill_mode!r}, interpolation={interpolation!r}",
        )
    y = 0.0
    for where, weight in _read(xp, x, matrix, interpolation, fill_mode):
        y = y + weight * x[where] if fill_value == 0 else y + weight * (x[where] - fill_value)
    return y + fill_value if fill_value else y, (x, matrix)


def _read(
    xp: Namespace, x: Array, matrix: Array, interpolation: str, fill_mode: str
) -> list[tuple[tuple[Array, Array, Array], Array]]:
    """What is read: positions (sample, row, column), each (N, H, W), and their weights (N, H, W, 1)."""
    n, h, w, _ = x.shape
    row, column = xp.arange(h, dtype=matrix.dtype)[:, None], xp.arange(w, dtype=matrix.dtype)
    place = matrix[:, :, 0, None, None] * row + matrix[:, :, 1, None, None] * column + matrix[:, :, 2, None, None]
    near = xp.floor(place + 0.5) if interpolation == "nearest" else xp.floor(place)
    part, first = place - near, near.astype(xp.int32)
    sample = xp.arange(n, dtype=xp.int32)[:, None, None]
    found = []
    for down, right in ((0, 0),) if interpolation == "nearest" else ((0, 0), (0, 1), (1, 0), (1, 1)):
        rows, columns = first[:, 0] + down, first[:, 1] + right
        weight = xp.ones_like(place[:, 0])
        if interpolation != "nearest":
            weight = (part[:, 0] if down else 1 - part[:, 0]) * (part[:, 1] if right else 1 - part[:, 1])
        if fill_mode == "constant":
            weight = weight * ((rows >= 0) & (rows < h) & (columns >= 0) & (columns < w))
        where = (sample, _inside(xp, rows, h, fill_mode), _inside(xp, columns, w, fill_mode))
        found.append((where, weight.astype(x.dtype)[..., None]))
    return found


def _inside(xp: Namespace, i: Array, size: int, fill_mode: str) -> Array:
    """The entry that is read for position i of an axis."""
    if fill_mode == "wrap":
        return i % size
    if fill_mode == "reflect":
        i = i % (2 * size)
        return xp.where(i < size, i, 2 * size - 1 - i)
    return xp.minimum(xp.maximum(i, 0), size - 1)


def warp_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> tuple[Array | None, ...]:
    x, matrix = saved
    if not wanted[0]:
        return None, None
    gx = xp.zeros(x.shape, dtype=gy.dtype)
    for where, weight in _read(xp, x, matrix, interpolation, fill_mode):
        gx = xp.scatter_add(gx, where, weight * gy)
    return gx, None


warp = Rule(
    "warp",
    warp_forward,
    warp_backward,
    "y = Σᵢ wᵢ xᵢ, the entries around the place A (row, column, 1)",
    "gxᵢ = Σ wᵢ gy, over all that read it",
    constants=("matrix",),
)


# Random flip: each sample is mirrored along each of the axes, or not.
#   forward   y = x backwards if a bit of the draw is 1, else x          backward   gx = gy backwards, where x was


def random_flip_forward(xp: Namespace, x: Array, address: Array, *, axes: tuple[int, ...]) -> tuple[Array, Saved]:
    words = xp.random_bits(address, x.shape[0] * len(axes)).reshape(len(axes), x.shape[0])
    flipped = (words >= xp.uint32(2**31)).reshape(len(axes), x.shape[0], *(1,) * (x.ndim - 1))
    return _flip(xp, x, flipped, axes), (flipped,)


def _flip(xp: Namespace, x: Array, flipped: Array, axes: tuple[int, ...]) -> Array:
    for k, axis in enumerate(axes):
        x = xp.where(flipped[k], xp.flip(x, axis), x)
    return x


def random_flip_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axes: tuple[int, ...]
) -> tuple[Array | None, ...]:
    (flipped,) = saved
    return _flip(xp, gy, flipped, axes), None


random_flip = Rule(
    "random_flip",
    random_flip_forward,
    random_flip_backward,
    "y = x backwards with probability 1/2, else x",
    "gx = gy backwards where x was, else gy",
    constants=("address",),
)


# Random crop: a window of each sample, its place uniform among those that lie inside.
#   forward   y[n, i, j] = x[n, topₙ + i, leftₙ + j]          backward   gx = gy at that window, else 0


def random_crop_forward(xp: Namespace, x: Array, address: Array, *, size: tuple[int, int]) -> tuple[Array, Saved]:
    n, h, w, _ = x.shape
    if size[0] > h or size[1] > w:
        raise ShapeError(
            "the window is larger than the image.", where="random_crop", expected=f"at most {h} × {w}", received=size
        )
    u = _uniform(xp, address, 2 * n, "float32").reshape(2, n, 1, 1)
    top = xp.floor(u[0] * (h - size[0] + 1)).astype(xp.int32)
    left = xp.floor(u[1] * (w - size[1] + 1)).astype(xp.int32)
    sample = xp.arange(n, dtype=xp.int32)[:, None, None]
    where = (sample, top + xp.arange(size[0], dtype=xp.int32)[:, None], left + xp.arange(size[1], dtype=xp.int32))
    return x[where], (*where, x.shape)


def random_crop_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, size: tuple[int, int]
) -> tuple[Array | None, ...]:
    *where, shape = saved
    return xp.scatter_add(xp.zeros(shape, dtype=gy.dtype), tuple(where), gy), None


random_crop = Rule(
    "random_crop",
    random_crop_forward,
    random_crop_backward,
    "y = a window of x at a random place",
    "gx = gy at the window, else 0",
    constants=("address",),
)

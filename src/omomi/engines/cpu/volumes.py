"""Convolution of volumes as a convolution of images, for which there are kernels.

The kernel sees KD slices at a time. Laid side by side as channels, they are one image, and the volume (N, D, H, W, C)
is N·OD images of KD·C channels:

    planes[n OD + p, r, c, h C + k] = x[n, p s + h d − front, r, c, k]          0 where there is no such slice
    W[h, i, j, k, o]  →  W'[i, j, h C + k, o]

Then y is the convolution of the planes with W' by the kernels for images, forward and backward; what comes back to a
plane is added to the slice that it was taken from, and gW is gW' with its axes put back. The planes repeat each slice
up to KD times, which costs memory and a copy, but a product of KD·KH·KW·C multiplications follows each number copied.
"""

from __future__ import annotations

from math import prod
from typing import Any

from omomi.engines.cpu import convolution
from omomi.engines.cpu.kernel import Kernel, Matrix, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import address, clear, copy, itemsize, vector

Sizes = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


@kernel()
def gather_slices(
    x: Matrix,
    planes: Vector,
    pixels: int,
    depth: int,
    places: int,
    kernel_depth: int,
    stride: int,
    front: int,
    dilation: int,
    chunk: int,
    chunks: int,
) -> None:
    """The planes of a range of places; x is (N·D, pixels·channels)."""
    channels = x.shape[1] // pixels
    size = itemsize()
    start, stop = share(x.shape[0] // depth * places, chunk, chunks)
    for q in range(start, stop):
        for h in range(kernel_depth):
            target = address(planes, (q * pixels * kernel_depth + h) * channels)
            slice_ = q % places * stride + h * dilation - front
            inside = 0 <= slice_ < depth
            source = address(x, (q // places * depth + (slice_ if inside else 0)) * x.shape[1])
            for _ in range(pixels):
                if inside:
                    copy(target, source, channels)
                else:
                    clear(target, channels)
                source += channels * size
                target += kernel_depth * channels * size


@kernel()
def scatter_slices(
    planes: Vector,
    gx: Matrix,
    pixels: int,
    depth: int,
    places: int,
    kernel_depth: int,
    stride: int,
    front: int,
    dilation: int,
    chunk: int,
    chunks: int,
) -> None:
    """What comes back to a range of slices of gx, (N·D, pixels·channels), from all planes that they are in."""
    channels = gx.shape[1] // pixels
    size = itemsize()
    start, stop = share(gx.shape[0], chunk, chunks)
    for q in range(start, stop):
        clear(address(gx, q * gx.shape[1]), gx.shape[1])
        for h in range(kernel_depth):
            ahead = q % depth + front - h * dilation
            place = ahead // stride
            if ahead % stride != 0 or place < 0 or place >= places:
                continue
            target = address(gx, q * gx.shape[1])
            source = address(planes, ((q // depth * places + place) * pixels * kernel_depth + h) * channels)
            for _ in range(pixels):
                sums, part = vector(target, channels), vector(source, channels)
                for k in range(channels):
                    sums[k] += part[k]
                target += channels * size
                source += kernel_depth * channels * size


@kernel()
def exchange_axes(source: Vector, target: Vector, first: int, second: int) -> None:
    """target (second, first, run) from source (first, second, run)."""
    run = source.size // (first * second)
    for i in range(first):
        for j in range(second):
            copy(address(target, (j * first + i) * run), address(source, (i * second + j) * run), run)


class Volumes:
    """One convolution of volumes: its shapes, and what it is as a convolution of images.

    Args:
        x: the shape of the volumes, (N, D, H, W, C_in).
        W: the shape of the kernel, (KD, KH, KW, C_in, C_out).
        y: the shape of the result, (N, OD, OH, OW, C_out).
        strides, padding, dilation: as the rule takes them.

    Attributes:
        planes: the shape of the planes, (N·OD, H, W, KD·C_in).
    """

    def __init__(self, x: Sizes, W: Sizes, y: Sizes, *, strides: Sizes, padding: Padding, dilation: Sizes) -> None:
        self.x, self.W, self.y = x, W, y
        self.planes = (x[0] * y[1], x[2], x[3], W[0] * x[4])
        self.images: dict[str, Any] = {"strides": strides[1:], "padding": padding[1:], "dilation": dilation[1:]}
        self.depths = (x[2] * x[3], x[1], y[1], W[0], strides[0], padding[0][0], dilation[0])

    def products(self, x: Array, W: Array, b: Array | None, y: Array, planes: Array) -> list[Launch]:
        """y = x * W + b; the planes are written on the way."""
        flat, launches = self._flat_kernel(W)
        return [
            self._gather(x, planes),
            *launches,
            *convolution.forward(planes, flat, b, self._images_of(y), **self.images),
        ]

    def gradients(
        self, x: Array, W: Array, gy: Array, gradients: dict[str, Array], planes: Array, sent: Array
    ) -> list[Launch]:
        """Those of "gx", "gW" and "gb" that are wanted.

        Args:
            planes: those of x, written if gW is wanted.
            sent: what comes back to the planes, written if gx is wanted.
        """
        flat, launches = self._flat_kernel(W)
        wanted: dict[str, Any] = {name: gradient for name, gradient in gradients.items() if name == "gb"}
        if "gW" in gradients:
            launches.append(self._gather(x, planes))
            wanted["gW"] = aligned(flat.shape, W.dtype)
        if "gx" in gradients:
            wanted["gx"] = sent
        launches += convolution.backward(planes, flat, self._images_of(gy), **wanted, **self.images)
        if "gx" in gradients:
            launches.append(self._scatter(sent, gradients["gx"]))
        if "gW" in gradients:
            launches.append(_exchanged(wanted["gW"], gradients["gW"], prod(self.W[1:3]), self.W[0]))
        return launches

    def _gather(self, x: Array, planes: Array) -> Launch:
        slices = x.reshape(self.x[0] * self.x[1], -1)
        return self._moved(gather_slices, (slices, planes.reshape(-1)), len(planes), planes)

    def _scatter(self, sent: Array, gx: Array) -> Launch:
        slices = gx.reshape(self.x[0] * self.x[1], -1)
        return self._moved(scatter_slices, (sent.reshape(-1), slices), len(slices), sent)

    def _moved(self, moving: Kernel, arrays: tuple[Array, Array], pieces: int, planes: Array) -> Launch:
        chunks = min(pieces, chunks_for(planes.size))
        return Launch(moving, *arrays, *self.depths, dtype=planes.dtype.name, chunks=chunks, work=planes.size)

    def _flat_kernel(self, W: Array) -> tuple[Array, list[Launch]]:
        """W', (KH, KW, KD·C_in, C_out), and the launch that writes it."""
        flat = aligned((*self.W[1:3], self.W[0] * self.W[3], self.W[4]), W.dtype)
        return flat, [_exchanged(W, flat, self.W[0], prod(self.W[1:3]))]

    def _images_of(self, y: Array) -> Array:
        return y.reshape(prod(self.y[:2]), *self.y[2:])


def _exchanged(source: Array, target: Array, first: int, second: int) -> Launch:
    arrays = (source.reshape(-1), target.reshape(-1))
    return Launch(exchange_axes, *arrays, first, second, dtype=source.dtype.name, work=source.size)

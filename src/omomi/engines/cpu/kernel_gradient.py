"""The gradient of a convolution's kernel, as a product of patches and deltas.

    gW[i, j, k, o] = Σ_p P[p, (i, j, k)] δ[p, o]            p: the places of all images,  P: one patch of x per row

The patches are never all in memory. A chunk takes one block of their columns and goes through the places in slabs: it
gathers its part of a slab's patches in scratch memory, packs a panel of δ beside it, and multiplies. What lies in the
border is gathered as zeros. Each place is gathered once for each block and used for all C_out results, so if these are
many the gathering costs little beside the products, and the products run at full speed whatever the sizes of images,
kernels and strides.

If the kernel has few numbers, there are fewer blocks than threads; then the images are cut into groups too, each with a
partial sum of its own, and these are added up in order.
"""

from __future__ import annotations

from omomi.engines.cpu import partial_sums
from omomi.engines.cpu.contraction import contract, pack
from omomi.engines.cpu.geometry import Geometry
from omomi.engines.cpu.kernel import Images, Matrix, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.primitives import address, block_vectors, clear, copy, copy_panel, itemsize, lanes

SLAB = 128  # places at a time
BLOCK = 112  # columns of the patches at a time: eight blocks of 14
PANEL = 32  # columns of δ at a time
CHUNKS = 16  # at least so many blocks and groups, if there are enough images


@helper
def gather_run(source: int, length: int, start: int, target: int, count: int) -> None:
    """Numbers start … start + count − 1 of a row of ``length`` numbers, zeros where it has none."""
    size = itemsize()
    before = min(max(-start, 0), count)
    inside = max(min(start + count, length) - max(start, 0), 0)
    if before > 0:
        clear(target, before)
    if inside > 0:
        copy(target + before * size, source + (start + before) * size, inside)
    if before + inside < count:
        clear(target + (before + inside) * size, count - before - inside)


@helper
def gather_runs(
    source: int, length: int, start: int, step: int, target: int, target_step: int, count: int, places: int
) -> None:
    """For each place a run of ``count`` numbers of a row; the next place's starts ``step`` numbers further on."""
    size, panel = itemsize(), block_vectors() * lanes()
    for _ in range(places):
        if start >= 0 and start + count <= length:
            for i in range(0, count, panel):
                copy_panel(target + i * size, source + (start + i) * size, min(panel, count - i))
        else:
            gather_run(source, length, start, target, count)
        start += step
        target += target_step * size


@kernel(uses=(contract,))
def kernel_gradient(
    x: Images,
    delta: Images,
    partials: Matrix,
    scratch: Matrix,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    dilation_rows: int,
    dilation_columns: int,
    blocks: int,
    flags: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """One of the ``blocks`` of gW's rows for one group of images, in the group's row of ``partials``."""
    count, height, width, channels = x.shape
    _, rows, columns, outputs = delta.shape
    size = itemsize()
    group = chunk // blocks
    first, last = share(count, group, chunks // blocks)
    low, high = share(kernel_rows * kernel_columns * channels, chunk % blocks, blocks)
    block = high - low
    patches = address(scratch, worker * scratch.shape[1])
    panel = patches + SLAB * BLOCK * size
    result = address(partials, group * partials.shape[1] + low * outputs)
    # Entries (i, j) of the kernel are gathered one by one, or a row of them at once where they are contiguous in x.
    run = channels if dilation_columns > 1 else kernel_columns * channels
    runs = 1 if dilation_columns == 1 else kernel_columns  # in one row of the kernel
    image_row = width * channels
    step = stride_columns * channels
    for start in range(first * rows * columns, last * rows * columns, SLAB):
        depth = min(SLAB, last * rows * columns - start)
        place = start
        while place < start + depth:  # the places of one row of results at a time
            c, r, n = place % columns, place // columns % rows, place // (rows * columns)
            along = min(columns - c, start + depth - place)
            target = patches + (place - start) * block * size
            for part in range(low // run, (high + run - 1) // run):
                i, j = part // runs, part % runs
                begin, end = max(low, part * run), min(high, (part + 1) * run)
                pixel_row = r * stride_rows + i * dilation_rows - top
                inside = 0 <= pixel_row < height
                row = address(x, (n * height + (pixel_row if inside else 0)) * image_row)
                number = (c * stride_columns + j * dilation_columns - left) * channels + begin - part * run
                gather_runs(row, image_row if inside else 0, number, step, target, block, end - begin, along)
                target += (end - begin) * size
            place += along
        for o in range(0, outputs, PANEL):
            panel_width = min(PANEL, outputs - o)
            pack(address(delta, start * outputs + o), outputs, panel, panel_width, depth)
            contract(
                patches, 1, 0, block,
                panel, 0, panel_width,
                result + o * size, outputs,
                block, panel_width, 1, depth, 0, flags | (ACCUMULATE if start > first * rows * columns else 0),
            )  # fmt: skip


def gradient(x: Array, delta: Array, gW: Array, geometry: Geometry, flags: int) -> list[Launch]:
    """gW from x and δ, all C-contiguous and of one dtype; added to what gW holds if the flags say ACCUMULATE."""
    patch = gW.size // gW.shape[3]
    if geometry.is_product(gW.shape):  # an image is one long row
        x, delta = (a.reshape(len(a), 1, -1, a.shape[3]) for a in (x, delta))
    blocks = -(-patch // BLOCK)
    groups = max(1, min(len(x), -(-CHUNKS // blocks)))
    partials = gW.reshape(1, -1) if groups == 1 else aligned((groups, gW.size), gW.dtype)
    room = scratch(SLAB * (BLOCK + PANEL), x.dtype)
    arguments = (x, delta, partials, room, *gW.shape[:2], *geometry.numbers, blocks, flags if groups == 1 else 0)
    work = delta.size * patch
    launches = [Launch(kernel_gradient, *arguments, dtype=x.dtype.name, chunks=groups * blocks, work=work)]
    return launches if groups == 1 else launches + partial_sums.add(partials, gW, flags)

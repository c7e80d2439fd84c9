"""The dense layer's three products.

    forward    y  = f(x W + b)          x (N, in), W (in, out), b (out,)
    backward   gW = xᵀ gy               gb = Σₙ gyₙ
               gx = gy Wᵀ

All three are contractions (see microkernel), in which the second operand and the result run along contiguous rows:

    y  : rows n,   columns out,  sum over in       a = x,   b = W
    gW : rows in,  columns out,  sum over n        a = x read down its columns,  b = gy
    gx : rows n,   columns in,   sum over out      a = gy,  b = Wᵀ, transposed panel by panel into scratch memory

How they are cut follows from what has to come from far memory, which is W and gW for small batches. Forward takes W
in *slabs* of its rows, so that each number of W is read once, and in order. If there are few samples, each slab is one
chunk with a partial sum of its own, and ``finish_affine`` adds them up. If there are many, a chunk is a block of
samples and adds up over the slabs itself. gW is cut into rows, gx into panels of columns. Each number of a result is
made in one order, whatever the threads.

What the micro-kernel reads again and again is first packed into scratch memory that stays in the nearest cache.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import CODES, activate
from omomi.engines.cpu.contraction import contract, pack, transpose
from omomi.engines.cpu.kernel import Matrix, Real, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import address, itemsize, real, vector

CONFLICT = 1024  # bytes: rows whose length is a multiple compete for the same few lines of the cache
CHUNKS = 16  # if there are few panels, samples are cut too, so that there are about so many chunks
SLAB = 256  # terms of a sum at a time: a packed panel of 256 × 32 float32 fits into the nearest cache
PANEL = 32  # columns at a time: two vectors of 16 float32
BLOCK = 64  # samples at a time, where there are many
ROWS = 112  # rows of gW at a time: eight blocks of 14


@kernel(uses=(contract,))
def affine_forward(
    x: Matrix,
    W: Matrix,
    b: Vector,
    y: Matrix,
    scratch: Matrix,
    panels: int,
    flags: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """y = f(x W + b) for one of the ``panels`` of columns of one block of samples. An empty b is none."""
    samples, inputs = x.shape
    outputs = W.shape[1]
    n, n_end = share(samples, chunk // panels, chunks // panels)
    j = chunk % panels * PANEL
    width = min(PANEL, outputs - j)
    packed = address(scratch, worker * scratch.shape[1])
    for i in range(0, inputs, SLAB):
        depth = min(SLAB, inputs - i)
        last = i + depth == inputs
        pack(address(W, i * outputs + j), outputs, packed, width, depth)
        contract(
            address(x, n * inputs + i), inputs, 0, 1,
            packed, 0, width,
            address(y, n * outputs + j), outputs,
            n_end - n, width, 1, depth,
            address(b, j) if last and b.size > 0 else 0,
            (flags if last else flags & ACCUMULATE) | (ACCUMULATE if i > 0 else 0),
        )  # fmt: skip
    if activation:
        for m in range(n, n_end):
            row = vector(address(y, m * outputs + j), width)
            activate(row, row, activation, alpha)


@kernel(uses=(contract,))
def affine_slab(
    x: Matrix, W: Matrix, partials: Matrix, scratch: Matrix, groups: int, chunk: int, chunks: int, worker: int
) -> None:
    """x W for one slab of W and one of the ``groups`` of its panels: part of a partial sum, a row of ``partials``.

    W is packed if there is scratch memory for it.
    """
    samples, inputs = x.shape
    outputs = W.shape[1]
    slab = chunk // groups
    i, i_end = share(inputs, slab, chunks // groups)
    first, last = share((outputs + PANEL - 1) // PANEL, chunk % groups, groups)
    partial = address(partials, slab * partials.shape[1])
    for panel in range(first, last):
        j = panel * PANEL
        width = min(PANEL, outputs - j)
        b, row = address(W, i * outputs + j), outputs
        if scratch.size > 0:
            b, row = address(scratch, worker * scratch.shape[1]), width
            pack(address(W, i * outputs + j), outputs, b, width, i_end - i)
        contract(
            address(x, i), inputs, 0, 1,
            b, 0, row,
            partial + j * itemsize(), outputs,
            samples, width, 1, i_end - i, 0, 0,
        )  # fmt: skip


@kernel()
def finish_affine(
    partials: Matrix, b: Vector, y: Matrix, activation: int, alpha: Real, chunk: int, chunks: int
) -> None:
    """y = f(Σ partials + b) for a range of samples."""
    samples, outputs = y.shape
    start, stop = share(samples, chunk, chunks)
    for n in range(start, stop):
        row = y[n]
        for j in range(outputs):
            row[j] = b[j] if b.size > 0 else real(0)
        for p in range(partials.shape[0]):
            part = vector(address(partials, p * partials.shape[1] + n * outputs), outputs)
            for j in range(outputs):
                row[j] += part[j]
        activate(row, row, activation, alpha)


@kernel(uses=(contract,))
def affine_kernel_gradient(
    x: Matrix,
    gy: Matrix,
    gW: Matrix,
    gb: Vector,
    rate: Vector,
    scratch: Matrix,
    flags: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gW = xᵀ gy for one range of inputs; the first chunk also adds up gb, unless that is empty.

    With a rate η, gW and gb are the parameters themselves, and −η times their gradient is added to them.
    """
    samples, inputs = x.shape
    outputs = gy.shape[1]
    i, i_end = share(inputs, chunk, chunks)
    rows = i_end - i
    packed_x = address(scratch, worker * scratch.shape[1])
    packed_gy = packed_x + SLAB * ROWS * itemsize()
    for n in range(0, samples, SLAB):
        depth = min(SLAB, samples - n)
        pack(address(x, n * inputs + i), inputs, packed_x, rows, depth)
        for j in range(0, outputs, PANEL):
            width = min(PANEL, outputs - j)
            pack(address(gy, n * outputs + j), outputs, packed_gy, width, depth)
            if rate.size > 0:
                scaled = vector(packed_gy, depth * width)
                for k in range(scaled.size):
                    scaled[k] *= -rate[0]
            contract(
                packed_x, 1, 0, rows,
                packed_gy, 0, width,
                address(gW, i * outputs + j), outputs,
                rows, width, 1, depth, 0, flags | (ACCUMULATE if n > 0 else 0),
            )  # fmt: skip
    if chunk == 0 and gb.size > 0:
        if flags & ACCUMULATE == 0:
            gb[:] = real(0)
        for n in range(samples):
            row = vector(address(gy, n * outputs), outputs)
            factor = -rate[0] if rate.size > 0 else real(1)
            for j in range(outputs):
                gb[j] += factor * row[j]


@kernel(uses=(contract,))
def affine_input_gradient(
    gy: Matrix, W: Matrix, gx: Matrix, scratch: Matrix, panels: int, flags: int, chunk: int, chunks: int, worker: int
) -> None:
    """gx = gy Wᵀ for one of the ``panels`` of inputs of one block of samples.

    The panel's rows of W are transposed first, so that they lie side by side.
    """
    samples, outputs = gy.shape
    inputs = W.shape[0]
    n, n_end = share(samples, chunk // panels, chunks // panels)
    i = chunk % panels * PANEL
    width = min(PANEL, inputs - i)
    panel = address(scratch, worker * scratch.shape[1])
    transpose(address(W, i * outputs), outputs, panel, PANEL, width, outputs)
    contract(
        address(gy, n * outputs), outputs, 0, 1,
        panel, 0, PANEL,
        address(gx, n * inputs + i), inputs,
        n_end - n, width, 1, outputs, 0, flags,
    )  # fmt: skip


def forward(
    x: Array, W: Array, b: Array | None, y: Array, *, activation: str = "linear", alpha: float = 0.0
) -> list[Launch]:
    """y = f(x W + b), all C-contiguous and of one dtype.

    Args:
        x: (N, in).
        W: (in, out).
        b: (out,), or ``None``.
        y: (N, out), written.
        activation: f, one of ``activation.CODES``.
        alpha: its slope or floor, if it has one.
    """
    (samples, inputs), outputs, dtype = x.shape, W.shape[1], x.dtype.name
    work, code = samples * inputs * outputs, CODES[activation]
    bias = empty(1, x.dtype) if b is None else b
    panels, slabs = -(-outputs // PANEL), -(-inputs // SLAB)
    packed = scratch(SLAB * PANEL, x.dtype)
    if slabs > 1 and samples <= 2 * BLOCK:
        groups = max(1, min(panels, CHUNKS // slabs))
        partials = aligned((slabs, samples * outputs), x.dtype)
        if samples <= BLOCK and outputs * x.itemsize % CONFLICT:
            packed = empty(2, x.dtype)  # a panel is read too seldom for packing to pay
        return [
            Launch(affine_slab, x, W, partials, packed, groups, dtype=dtype, chunks=slabs * groups, work=work),
            Launch(
                finish_affine,
                partials,
                bias,
                y,
                code,
                alpha,
                dtype=dtype,
                chunks=samples,
                work=partials.size + 8 * y.size,
            ),
        ]
    blocks = max(1, samples // BLOCK)
    # ReLU is done in registers, the other activations in a pass over what was just written.
    in_registers = code == CODES["relu"]
    return [
        Launch(
            affine_forward,
            x,
            W,
            bias,
            y,
            packed,
            panels,
            RELU if in_registers else 0,
            0 if in_registers else code,
            alpha,
            dtype=dtype,
            chunks=blocks * panels,
            work=work,
        )
    ]


def backward(
    x: Array,
    W: Array,
    gy: Array,
    *,
    gx: Array | None = None,
    gW: Array | None = None,
    gb: Array | None = None,
    accumulate: bool = False,
) -> list[Launch]:
    """gx = gy Wᵀ, gW = xᵀ gy and gb = Σ gy; what is ``None`` is not wanted, except that gb comes with gW.

    Args:
        accumulate: add to what gx, gW and gb hold instead of replacing it.
    """
    (samples, inputs), outputs, dtype = x.shape, W.shape[1], x.dtype.name
    work, flags = samples * inputs * outputs, ACCUMULATE if accumulate else 0
    launches = []
    if gW is not None:
        sums = empty(1, x.dtype) if gb is None else gb
        rows = -(-inputs // ROWS)
        packed = scratch(SLAB * (ROWS + PANEL), x.dtype)
        launches.append(
            Launch(
                affine_kernel_gradient,
                x,
                gy,
                gW,
                sums,
                empty(1, x.dtype),
                packed,
                flags,
                dtype=dtype,
                chunks=rows,
                work=work,
            )
        )
    if gx is not None:
        panel = scratch(outputs * PANEL, x.dtype)
        panels = -(-inputs // PANEL)
        blocks = max(1, min(samples // (2 * BLOCK), CHUNKS // panels))
        arguments = (gy, W, gx, panel, panels, flags)
        launches.append(Launch(affine_input_gradient, *arguments, dtype=dtype, chunks=blocks * panels, work=work))
    return launches


def descend(x: Array, gy: Array, W: Array, b: Array | None, rate: Array) -> list[Launch]:
    """A step of plain gradient descent, W ← W − η xᵀ gy and b ← b − η Σ gy: the gradients are never in memory.

    Args:
        rate: η, of one number, read at each run.
    """
    (samples, inputs), outputs = x.shape, W.shape[1]
    packed = scratch(SLAB * (ROWS + PANEL), x.dtype)
    arguments = (x, gy, W, empty(1, x.dtype) if b is None else b, rate, packed, ACCUMULATE)
    rows, work = -(-inputs // ROWS), samples * inputs * outputs
    return [Launch(affine_kernel_gradient, *arguments, dtype=x.dtype.name, chunks=rows, work=work)]

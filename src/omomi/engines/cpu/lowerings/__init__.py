"""The lowerings: which launches of which kernels a rule's calls become. A new one is one more entry in its module."""

from __future__ import annotations

from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings import (
    attention,
    convolution,
    convolution_kinds,
    elementwise,
    images,
    losses,
    normalization,
    passes,
    penalties,
    products,
    recurrence,
    reductions,
    table,
    unary,
    updates,
)
from omomi.engines.cpu.lowerings.updates import UPDATES as UPDATES
from omomi.engines.cpu.lowerings.updates import use_bounds as use_bounds

LOWERINGS: dict[str, Lowering] = {
    **products.LOWERINGS,
    **convolution.LOWERINGS,
    **convolution_kinds.LOWERINGS,
    **passes.LOWERINGS,
    **elementwise.LOWERINGS,
    **unary.LOWERINGS,
    **reductions.LOWERINGS,
    **recurrence.LOWERINGS,
    **table.LOWERINGS,
    **attention.LOWERINGS,
    **losses.LOWERINGS,
    **normalization.LOWERINGS,
    **images.LOWERINGS,
    **penalties.LOWERINGS,
    **updates.LOWERINGS,
}

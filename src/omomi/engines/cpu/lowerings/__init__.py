"""The lowerings: which launches of which kernels a rule's calls become. A new one is one more entry in its module."""

from __future__ import annotations

from omomi.engines.cpu.lowering import Lowering, UpdateLowering
from omomi.engines.cpu.lowerings import passes, products

LOWERINGS: dict[str, Lowering] = {**products.LOWERINGS, **passes.LOWERINGS}
UPDATES: dict[str, UpdateLowering] = {}

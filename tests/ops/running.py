"""One way to run a rule in a test: y and the gradients of all inputs, as nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.reference import xp
from omomi.ops.rule import Rule


def run(rule: Rule, *arrays: Any, gy: Any, **attributes: Any) -> tuple[Any, list[Any]]:
    """y, and one gradient per input (``None`` for an integer input), for the upstream gradient ``gy``."""
    inputs = [np.asarray(a) for a in arrays]
    y, saved = rule.forward(xp, *inputs, **attributes)
    assert rule.backward is not None
    wanted = tuple(a.dtype.kind == "f" for a in inputs)
    upstream = tuple(None if g is None else np.asarray(g) for g in gy) if isinstance(y, tuple) else np.asarray(gy)
    gradients = rule.backward(xp, saved, upstream, wanted, **attributes)
    outputs = [part.tolist() for part in y] if isinstance(y, tuple) else y.tolist()
    return outputs, [None if g is None else g.tolist() for g in gradients]

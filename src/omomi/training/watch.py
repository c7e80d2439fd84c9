"""The first number that is not finite, named: which layer, which rule, which direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.engine import Array, Attributes, Step, floating
from omomi.engines.selection import current
from omomi.errors import NonFiniteError
from omomi.graph.hooks import Hook, unwatched
from omomi.graph.variable import Node
from omomi.ops.rule import Rule


class FirstNonFinite(Hook):
    """Looks at every value and every delta, and remembers where the first one that is not finite came from."""

    def __init__(self) -> None:
        self.found: str | None = None
        self.layer = ""  # the last one that computed something

    def after_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str, y: Any) -> None:
        self.layer = path or self.layer
        self.look(rule, path, "forward", y)

    def after_backward(self, node: Node, gy: Any, gx: tuple[Array | None, ...]) -> None:
        self.look(node.rule, node.path, "backward", gx)

    def look(self, rule: Rule, path: str, direction: str, values: Any) -> None:
        if self.found is None and not all_finite(values):
            where = f"of layer {path}" if path else f"after layer {self.layer}"
            self.found = f"rule {rule.name} {where}, {direction}"


def all_finite(values: Any) -> bool:
    """Whether an array, or every array of a tuple, holds finite numbers only."""
    if isinstance(values, tuple):
        return all(all_finite(value) for value in values)
    host = None if values is None else np.asarray(current().to_host(values))
    return host is None or not floating(host.dtype) or bool(np.isfinite(host).all())


def explain_failure(step: Step, state: dict[str, Array], batch: dict[str, Array]) -> NonFiniteError:
    """Run the failing step once more and look; the state is the last good one, and stays it.

    A number that was there before the step, in a parameter or in the data, is named rather than the rule that met it.
    """
    number = int(current().to_host(state["step"]))
    hook = FirstNonFinite()
    with unwatched(), hook, np.errstate(all="ignore"):
        step(state, batch)
    culprit = hook.found or "in the compiled step only; rule by rule, the same step is finite"
    fix = "a smaller learning rate; inputs scaled to about 1; a loss that takes logits (from_logits=True)"
    kept = [path for path in state if not path.startswith("metrics/")]
    broken = next((path for path in kept if not all_finite(state[path])), None)
    given = next((GIVEN[name[0]] for name in batch if name[0] in GIVEN and not all_finite(batch[name])), None)
    if broken is not None:
        culprit = f"in {broken}, before the step; met by {culprit}"
        fix = "go back to weights that were finite; if an update made it so, take a smaller learning rate"
    elif given is not None:
        culprit = f"in the {given} of this batch; met by {culprit}"
        fix = "scale the data: a number that is too large for the model's dtype becomes an infinity"
    return NonFiniteError(
        "loss or gradient is not finite any more; the last good weights are kept.",
        where=f"training, step {number}",
        step=number,
        culprit=culprit,
        fix=fix,
    )


GIVEN = {"x": "inputs", "y": "targets", "w": "sample weights"}

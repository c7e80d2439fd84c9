"""The loss scale of training in float16: two numbers of the state, and what becomes of them in a step.

The rule, its formulas and their source stand in :mod:`omomi.ops.precision`.
"""

from __future__ import annotations

from omomi.engines.engine import Array
from omomi.graph.variable import Variable, apply
from omomi.layers import initializers
from omomi.layers.state import Buffer
from omomi.ops import arithmetic, precision

SCALE, STEPS = "optimizer/loss_scale", "optimizer/steps_at_scale"


class LossScale:
    """The factor from which backpropagation starts.

    Attributes:
        scale: the factor, float32.
        steps: for how many steps it has held without an overflow, uint32.
    """

    def __init__(self) -> None:
        zeros = initializers.get("zeros")
        self.scale, self.steps = Buffer((), zeros, "float32"), Buffer((), zeros, "uint32")
        self.scale.assign(precision.START)
        self.steps.assign(0)

    def entries(self) -> dict[str, Buffer]:
        """Both numbers, by path."""
        return {SCALE: self.scale, STEPS: self.steps}

    def unscaled(self, gradients: dict[str, Array]) -> dict[str, Array]:
        """Gradients as they would be without it, in float32."""
        return {path: apply(arithmetic.divide, g, self.scale)._array for path, g in gradients.items()}

    def after(self, E: Variable, finite: Array) -> tuple[dict[str, Array], Array]:
        """Both numbers after a step of this loss, by path, and whether training goes on."""
        scale, steps, going = apply(precision.loss_scale, self.scale, self.steps, E, finite)
        return {SCALE: scale._array, STEPS: steps._array}, going._array

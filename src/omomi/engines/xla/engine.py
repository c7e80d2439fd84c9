"""The engine "jax": rules run as written on JAX's arrays, and a training step becomes one XLA program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from omomi.engines.engine import Array, Device, Engine, Several, Step
from omomi.engines.xla import convolution
from omomi.engines.xla.devices import Layout, all_devices, described
from omomi.engines.xla.namespace import xp
from omomi.engines.xla.traced import Traced, TracedSeveral, Untraceable, no_memory

log = logging.getLogger("omomi")

KERNELS = {kernel.name: kernel for kernel in convolution.KERNELS}


class XlaEngine(Engine):
    """Compiles a step by tracing it once for each shape of its batch.

    JAX's 64-bit types are switched on for the process: Omomi's arrays keep their dtype on every engine.
    """

    half_precision = True
    array_type = jax.Array

    def __init__(self) -> None:
        jax.config.update("jax_enable_x64", True)
        super().__init__("jax", xp, KERNELS)
        self.layout = Layout(all_devices())
        self.process = int(jax.process_index())

    def choose(
        self, condition: Array, if_true: Callable[[], dict[str, Array]], if_false: Callable[[], dict[str, Array]]
    ) -> dict[str, Array]:
        """Both ways are computed and one is taken, number by number: no device waits for a decision of the host."""
        if not isinstance(condition, jax.core.Tracer):
            return super().choose(condition, if_true, if_false)
        one, other = if_true(), if_false()
        return {name: jnp.where(condition, one[name], other[name]) for name in one}

    def compile(self, step: Step, refused: str | None = None) -> Step:
        if refused is not None:
            log.info("this step runs as it comes: %s", refused)
            return step
        return Traced(step, self.layout)

    def several(self, step: Step, refused: str | None = None) -> Several | None:
        return None if refused is not None else TracedSeveral(step, self.layout)

    def keep(self, make: Callable[[], dict[str, Array]]) -> dict[str, Array] | None:
        arrays = make()
        if not self.layout.fits(sum(a.nbytes for a in arrays.values())):
            return None
        try:
            return {name: self.layout.place(a, self.layout.whole) for name, a in arrays.items()}
        except jax.errors.JaxRuntimeError as reason:
            if not no_memory(reason):
                raise
            log.info("the data does not fit beside the processor: its batches come from the host")
            return None

    def devices(self) -> list[Device]:
        return described(self.layout.devices)

    def read(self, array: Array) -> Array:
        if isinstance(array, jax.core.Tracer):
            raise Untraceable("a value was read while the step was traced: a branch on it would be frozen")
        return array

    def lend(self, array: Array) -> Array:
        """A copy: the next step gives the memory of its state to the new state."""
        return array.copy() if isinstance(array, jax.Array) else super().lend(array)

    def to_host(self, array: Array) -> Any:
        return np.asarray(array)

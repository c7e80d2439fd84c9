"""The engine "numba": rules as written for what runs once, compiled kernels for the steps of training."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from omomi.engines.cpu.features import host
from omomi.engines.cpu.lowering import lower
from omomi.engines.cpu.lowerings import LOWERINGS, UPDATES, use_bounds
from omomi.engines.cpu.plan import Plan, aligned_like
from omomi.engines.cpu.recording import Unreplayable, record
from omomi.engines.cpu.samples import Samples, pick_later
from omomi.engines.engine import Array, Engine, Step
from omomi.engines.reference import xp

log = logging.getLogger("omomi")

State = dict[str, Array]


class CpuEngine(Engine):
    """Compiles a step by recording it once for each shape of its batch, and replaying the plan."""

    def __init__(self) -> None:
        super().__init__("numba", xp)
        self.machine = host()  # raises where there are no vectors that the kernels know

    def compile(self, step: Step, refused: str | None = None) -> Step:
        if refused is not None:
            log.info("this step runs as it comes: %s", refused)
            return step
        return Replayed(step)

    def gather(self, source: Any, index: Any, dtype: Any = None) -> Array:
        if isinstance(index, slice):
            index = np.arange(index.start, index.stop)
        later = pick_later(source, index, dtype)
        return super().gather(source, index, dtype) if later is None else later


class Replayed:
    """A step that is recorded for each new shape of its batch, and replayed from then on.

    The state lives in arrays of this object; ``state`` coming in is compared with them by identity, and only what
    somebody else has put there is copied.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.own: State = {}
        self.plans: dict[Any, Plan] = {}
        self.exact: dict[Any, Plan] = {}  # for steps that a cautious plan refuses
        self.refused = False

    def __call__(self, state: State, batch: State) -> tuple[State, State]:
        if self.refused:
            return self.step(state, batch)
        key = tuple(
            (name, a.shape, a.dtype.char, a.source.dtype.char if isinstance(a, Samples) else "")
            for name, a in batch.items()
        )
        plan = self.plans.get(key)
        if plan is None:
            try:
                plan = self.plans[key] = self.plan(state, batch)
            except Unreplayable as reason:
                log.info("this step runs as it comes: %s", reason)
                self.refused = True
                return self.step(state, batch)
        own = self.own
        for path, array in state.items():
            mine = own[path]
            if array is not mine:
                np.copyto(mine, array)
        report = plan.run(batch)
        if plan.cautious and plan.refused:
            # Numbers near the largest there is, or beyond: with the gradients in memory it is known which.
            if key not in self.exact:
                self.exact[key] = self.plan(own, batch, cautious=False)
            report = self.exact[key].run(batch)
        return own, report

    def plan(self, state: State, batch: State, cautious: bool = True) -> Plan:
        """Record the step on this batch and plan it."""
        notes = record(self.step, state, batch)
        if not self.own:
            self.own = {path: aligned_like(array, copy=True) for path, array in state.items()}
        sources = {name: a.source.dtype.name for name, a in batch.items() if isinstance(a, Samples)}
        return lower(notes, self.own, LOWERINGS, UPDATES, sources, use_bounds if cautious else None)


def cpu_engine() -> Engine:
    """The engine of compiled kernels."""
    return CpuEngine()

"""A step as one XLA program: traced once for each shape of its batch, its state's memory given to the new state."""

from __future__ import annotations

import logging

import jax
import jax.numpy as jnp
import numpy as np

from omomi.engines.engine import Array, Step
from omomi.engines.xla.devices import Layout
from omomi.errors import EngineError

log = logging.getLogger("omomi")

State = dict[str, Array]
Carry = tuple[State, Array, Array]  # the state, whether all steps were good so far, and how many were
# What JAX raises where a program looks at a value that is not there yet.
LOOKED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.TracerIntegerConversionError,
)


class Untraceable(Exception):
    """A step that must run as it comes; the message says why."""


class Traced:
    """A step compiled by XLA."""

    def __init__(self, step: Step, layout: Layout) -> None:
        self.step, self.layout = step, layout
        self.refused = False
        out = layout.whole if layout.several else None
        self.program = jax.jit(self.body, donate_argnums=0, out_shardings=out)

    def body(self, state: State, batch: State) -> tuple[State, State]:
        """What is traced."""
        return traced(self.step, state, batch)

    def __call__(self, state: State, batch: State) -> tuple[State, State]:
        if self.refused:
            return self.step(state, batch)
        try:
            return self.program(placed(state, self.layout), self.spread(batch))
        except (Untraceable, *LOOKED) as reason:
            self.refused = True
            log.info("this step runs as it comes: %s", first_line(reason))
            return self.step(state, batch)
        except jax.errors.JaxRuntimeError as reason:
            raise explained(reason) from reason

    def spread(self, batch: State) -> State:
        """The batch, cut over the devices; whole on each of them if it cannot be cut evenly."""
        even = self.layout.divides(len(next(iter(batch.values()))))
        sharding = self.layout.cut if even else self.layout.whole
        return {name: self.layout.place(array, sharding) for name, array in batch.items()}


class TracedSeveral:
    """Many steps in one call, on data that lies on the device.

    On a GPU or TPU the steps are one program, a loop. A processor has little to gain from that, and XLA computes
    convolutions inside a loop many times slower there; so it is given one program after the other, without a wait.
    """

    def __init__(self, step: Step, layout: Layout) -> None:
        self.step, self.layout = step, layout
        self.refused = False
        out = layout.whole if layout.several else None
        self.looped = loops(layout)
        self.program = jax.jit(self.loop if self.looped else self.one, donate_argnums=0, out_shardings=out)

    def one(self, carry: Carry, data: State, now: Array) -> Carry:
        """One step on the samples ``now``. The first step that fails is the last one: then nothing changes any more."""
        state, going, good = carry
        if self.layout.several:
            even = self.layout.divides(len(now))
            now = jax.lax.with_sharding_constraint(now, self.layout.cut if even else self.layout.whole)
        batch = {name: jnp.take(array, now, axis=0, mode="clip") for name, array in data.items()}
        new, report = traced(self.step, state, batch)
        if "finite" in report:
            going = going & report["finite"]
            new = {path: jnp.where(going, array, state[path]) for path, array in new.items()}
        return new, going, good + going

    def loop(self, carry: Carry, data: State, rows: Array) -> Carry:
        """One step after the other."""
        carry, _ = jax.lax.scan(lambda carry, now: (self.one(carry, data, now), None), carry, rows)
        return carry

    def __call__(self, state: State, data: State, rows: Array) -> tuple[State, int] | None:
        """The state after the last good step, and how many were good; ``None`` if the step cannot be traced."""
        if self.refused:
            return None
        place, whole = self.layout.place, self.layout.whole
        going, good = place(np.asarray(True), whole), place(np.asarray(0, np.int32), whole)
        carry = (placed(state, self.layout), going, good)
        try:
            if self.looped:
                carry = self.program(carry, data, place(rows, whole))
            else:
                for now in rows:
                    carry = self.program(carry, data, place(now, whole))
            state, _, good = carry
            return state, int(good)
        except (Untraceable, *LOOKED) as reason:
            self.refused = True
            log.info("this step runs as it comes: %s", first_line(reason))
            return None
        except jax.errors.JaxRuntimeError as reason:
            raise explained(reason) from reason


def loops(layout: Layout) -> bool:
    """Whether many steps are a loop in one program here."""
    return bool(layout.devices[0].platform != "cpu")


def traced(step: Step, state: State, batch: State) -> tuple[State, State]:
    """A step's results inside a program, the new state in the dtypes of the old one.

    Float32 products are computed in float32: where a device has a faster and coarser way (TensorFloat-32 on a GPU,
    bfloat16 on a TPU), it is taken only if the model's precision says so.
    """
    with jax.default_matmul_precision("highest"):
        new, report = step(state, batch)
    return {path: jnp.asarray(array, state[path].dtype) for path, array in new.items()}, report


def placed(state: State, layout: Layout) -> State:
    """The state as the program takes it: arrays of this engine, whole on every device.

    An array that comes from elsewhere is copied, since its memory is given away.
    """
    own = {path: a if isinstance(a, jax.Array) else jnp.array(a) for path, a in state.items()}
    return {path: layout.place(a, layout.whole) for path, a in own.items()}


def explained(reason: Exception) -> Exception:
    """What XLA reports while a program runs, as an error with a remedy where one is known."""
    if not no_memory(reason):
        return reason
    return EngineError(
        "the device has no memory left for this step.",
        where="engine jax",
        received=first_line(reason),
        fix="a smaller batch_size; model.summary(batch_size=…) shows what a batch costs; "
        "XLA_PYTHON_CLIENT_PREALLOCATE=false where other programs share the device",
    )


def no_memory(reason: Exception) -> bool:
    """Whether XLA reports that a device has no memory left."""
    return "RESOURCE_EXHAUSTED" in str(reason) or "out of memory" in str(reason).lower()


def first_line(reason: Exception) -> str:
    """The first line of a message."""
    return (str(reason).splitlines() or [type(reason).__name__])[0]

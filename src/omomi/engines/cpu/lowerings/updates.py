"""The end of a step: the test for finite numbers, and the optimisers, in one pass over parameter, gradient and slots.

**Bounds.** The gradient xᵀδ of a dense layer's kernel is as large as the kernel. With few samples, reading it to see
whether it is finite takes longer than looking at x and δ, from which it follows (see finite): a test that may refuse a
step that is in order, if numbers come near the largest there is. So such a plan is *cautious*: where it refuses, a plan
that looks at every number decides.

**Plain gradient descent without gradients in memory.** Where W ← W − η xᵀδ is all that happens to such a gradient, it
is not even written: the product is added to W where W is, in the update.
"""

from __future__ import annotations

from math import prod

import numpy as np

from omomi.engines.cpu import affine, finite, update
from omomi.engines.cpu.launch import Launch, Program
from omomi.engines.cpu.lowering import Lowering, UpdateLowering, inputs_of
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, only, rows, shape_of
from omomi.engines.cpu.lowerings.products import Affine
from omomi.engines.cpu.plan import Descent, Place, Planner
from omomi.engines.cpu.recording import Call, Value
from omomi.engines.engine import Array

SMALL = 0.5  # numbers of x and δ over those of W: above, reading them once more does not pay


class Update(UpdateLowering):
    """Any of the optimisers' rules."""

    def accepts(self, p: Planner, call: Call) -> bool:
        parameter, g, t, rate, *slots = call.inputs
        dtypes = {dtype_of(p, value) for value in (parameter, g, rate, *slots)}
        shape = shape_of(p, parameter)
        return (
            len(dtypes) == 1
            and dtypes <= set(FLOATS)
            and dtype_of(p, t) == "uint32"
            and prod(shape) > 0
            and update.accepts_rate(shape, shape_of(p, rate))
        )

    def update(self, p: Planner, call: Call) -> None:
        descent = p.descents.get(id(call))
        if descent is not None:
            if call is descent.kernel:
                self.descend(p, descent)
            return
        if call.rule.inner is not None:
            self.update_sparsely(p, call)
            return
        name, attributes = call.rule.name, dict(call.attributes)

        def launches(parameter: Array, g: Array, t: Array, rate: Array, *slots: Array) -> list[Launch]:
            return update.update(name, parameter, g, slots, t, rate, **attributes)

        p.launch(launches, *(place.vector for place in inputs_of(p, call)))

    def update_sparsely(self, p: Planner, call: Call) -> None:
        """A move in every K-th step only, which the rule counts as one."""
        name, attributes = call.rule.inner.name, dict(call.attributes)
        every = attributes.pop("every")
        bound: list[Program] = []

        def move(counted: Array, parameter: Array, g: Array, t: Array, rate: Array, *slots: Array) -> None:
            if not bound:
                bound.append(Program(tuple(update.update(name, parameter, g, slots, counted, rate, **attributes))))
            if t[0] % every == 0:
                counted[0] = t[0] // every
                bound[0].run()

        p.python(move, p.room((1,), "uint32"), *(place.vector for place in inputs_of(p, call)))

    def descend(self, p: Planner, descent: Descent) -> None:
        """W ← W − η xᵀδ and b ← b − η Σ δ."""
        W, _, _, rate = (p.place(value) for value in descent.kernel.inputs if value is not None)
        b = [] if descent.bias is None else [p.place(value) for value in descent.bias.inputs[:1] if value is not None]

        def launches(x: Array, delta: Array, W: Array, rate: Array, *b: Array) -> list[Launch]:
            return affine.descend(x, delta, W, b[0] if b else None, rate)

        p.launch(launches, *operands(p, descent.backward), W, rate.vector, *b)


class AllFinite(Lowering):
    """Whether every number of every array is finite: the sum of all, each times zero, is zero."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return all(dtype_of(p, value) in FLOATS for value in call.inputs)

    def forward(self, p: Planner, call: Call) -> None:
        places = [p.place(value).vector for value in call.inputs if value is not None and value not in p.bounded]
        arrays = [place for place in places if place.shape != (0,)]
        products = {id(b): b for value, b in p.bounded.items() if value in call.inputs}.values()
        pairs = [place.vector for backward in products for place in operands(p, backward)]
        count = len(arrays)

        def launches(y: Array, *given: Array) -> list[Launch]:
            x, delta = given[count::2], given[count + 1 :: 2]
            return finite.all_finite(given[:count], y.view(np.uint8), list(zip(x, delta, strict=True)))

        p.launch(launches, p.place(only(call.outputs)).vector, *arrays, *pairs)


def operands(p: Planner, backward: Call) -> tuple[Place, Place]:
    """x and δ of a dense layer as matrices."""
    assert backward.partner is not None
    x, delta = backward.partner.inputs[0], only(backward.inputs)
    assert x is not None
    return rows(p.place(x)), rows(p.place(delta))


def use_bounds(p: Planner) -> None:
    """Decide for which layers' gradients a bound tells that they are finite, and which of them are never written."""
    updates = {call.inputs[1]: call for call in p.notes.calls if call.kind == "update"}
    tests = [call for call in p.notes.calls if call.rule.name == "all_finite" and AllFinite().accepts(p, call)]
    tested = {value for call in tests for value in call.inputs}
    for call in p.notes.calls:
        if call.kind != "backward" or not pays(p, call) or call.outputs[1] not in tested:
            continue
        assert call.partner is not None
        gradients = [value for value in call.outputs[1:] if value is not None]
        p.bounded.update({value: call for value in gradients if value in tested})
        moves = [updates[g] for g in gradients if g in updates and is_plain(p, updates[g], g)]
        whole = len(moves) == len(gradients) == len(call.partner.inputs) - 1
        if whole and len({move.inputs[3] for move in moves}) == 1:
            descent = Descent(call, tuple(gradients), *moves)
            p.descents.update({id(part): descent for part in (call, *moves)})


def is_plain(p: Planner, move: Call, gradient: Value) -> bool:
    """Whether an update is plain descent with one rate, and nobody but it and the test for finite numbers reads g."""
    return (
        move.rule.name == "sgd"
        and gradient not in p.results
        and all(call.rule.name == "all_finite" for call in p.uses[gradient] if call is not move)
        and gradient in p.bounded
        and Update().accepts(p, move)
        and prod(shape_of(p, move.inputs[3])) == 1
    )


def pays(p: Planner, backward: Call) -> bool:
    """Whether this is a dense layer of which x and δ are small beside W, so that the way through memory decides."""
    layer = backward.partner
    if layer is None or layer.rule.name not in ("affine", "matmul") or not Affine().accepts(p, layer):
        return False
    x, W = (prod(shape_of(p, value)) for value in layer.inputs[:2])
    return x + prod(shape_of(p, only(backward.inputs))) <= SMALL * W


LOWERINGS: dict[str, Lowering] = {"all_finite": AllFinite()}

UPDATES: dict[str, UpdateLowering] = {name: Update() for name in update.PASSES}

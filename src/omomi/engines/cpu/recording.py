"""Recording a step: the flat list of rule calls that it consists of.

All arithmetic of a step passes through the engine. So an engine that runs the rules as written and takes notes sees the
whole step: which rule, on which values, with which attributes, in which order. What it computes on the way is thrown
away; the plan made from the notes computes the step.

Values are numbered. A value is known by the identity of its array: given by the state or by the batch, computed by an
earlier call, or a constant of the program (a number, the delta 1 that backpropagation starts from).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from omomi.engines import selection
from omomi.engines.engine import Array, Attributes, Engine, RuleLike, Step, UpdateLike
from omomi.engines.reference import xp

Value = int  # the number of a value


class Unreplayable(Exception):
    """A step that must run as it comes; the message says why."""


@dataclass(slots=True)
class Call:
    """One call of a rule.

    Attributes:
        kind: forward, backward, or an optimiser's update.
        inputs: forward: the array inputs; backward: the deltas of the outputs (``None`` for one that nobody used);
            update: p, g, t, rate and the slots.
        outputs: the values that come out, ``None`` where backward gives no gradient.
        single: whether the rule returns one array rather than a tuple.
        partner: of a backward call, the forward call that it belongs to.
        wanted: of a backward call, which inputs of its partner need a gradient.
    """

    kind: Literal["forward", "backward", "update"]
    rule: Any
    attributes: dict[str, Any]
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value | None, ...]
    single: bool = True
    partner: Call | None = None
    wanted: tuple[bool, ...] = ()


@dataclass
class Notes:
    """A recorded step.

    Attributes:
        arrays: the value of each number as it was while recording: its shape and dtype, and a constant's numbers.
        state, batch: number of each value that goes in.
        calls: in order.
        condition: the value that decides whether the state changes, and the number of calls before that; ``None``
            if it always does.
        new_state, report: number of each value that comes out.
    """

    arrays: list[Array] = field(default_factory=list)
    state: dict[str, Value] = field(default_factory=dict)
    batch: dict[str, Value] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    condition: tuple[Value, int] | None = None
    new_state: dict[str, Value] = field(default_factory=dict)
    report: dict[str, Value] = field(default_factory=dict)


class _Token(tuple[Any, ...]):
    """What a recorded forward call saved, and the call it belongs to."""

    call: Call


class Recorder(Engine):
    """The reference engine, taking notes."""

    def __init__(self) -> None:
        super().__init__("recorder", xp)
        self.notes = Notes()
        self.numbers: dict[int, Value] = {}  # id of an array -> its number; the notes keep the array alive

    def given(self, array: Array) -> tuple[Array, Value]:
        """A new value around an array: a view, so that it has an identity of its own."""
        view = np.asarray(array).view()
        return view, self.number(view)

    def number(self, array: Array) -> Value:
        """The number of a value; a new one for an array that was never seen, a constant."""
        known = self.numbers.get(id(array))
        if known is None:
            known = self.numbers[id(array)] = len(self.notes.arrays)
            self.notes.arrays.append(array)
        return known

    def output(self, array: Array) -> Array:
        """A rule's result as an array that nothing else is."""
        fresh = np.asarray(array)
        return fresh.view() if id(fresh) in self.numbers else fresh

    def note(self, call: Call) -> None:
        self.notes.calls.append(call)

    def forward(
        self, rule: RuleLike, arrays: Sequence[Array], attributes: Attributes
    ) -> tuple[Any, tuple[Any, ...], bool]:
        inputs = tuple(self.number(a) for a in arrays)
        y, saved = rule.forward(xp, *arrays, **attributes)
        single = not isinstance(y, tuple)
        outputs = tuple(self.output(part) for part in ((y,) if single else y))
        token = _Token(saved)
        token.call = Call(
            "forward", rule, dict(attributes), inputs, tuple(self.number(o) for o in outputs), single=single
        )
        self.note(token.call)
        return outputs[0] if single else outputs, token, False

    def backward(
        self,
        rule: RuleLike,
        saved: tuple[Any, ...],
        gy: Any,
        wanted: tuple[bool, ...],
        attributes: Attributes,
        by_kernel: bool,
    ) -> tuple[Any, ...]:
        assert isinstance(saved, _Token)
        assert rule.backward is not None
        deltas = gy if isinstance(gy, tuple) else (gy,)
        inputs = tuple(None if d is None else self.number(d) for d in deltas)
        gx = rule.backward(xp, tuple(saved), gy, wanted, **attributes)
        gx = tuple(None if g is None or not want else self.output(g) for g, want in zip(gx, wanted, strict=True))
        outputs = tuple(None if g is None else self.number(g) for g in gx)
        self.note(
            Call(
                "backward",
                rule,
                dict(attributes),
                inputs,
                outputs,
                saved.call.single,
                partner=saved.call,
                wanted=wanted,
            )
        )
        return gx

    def update(
        self,
        rule: UpdateLike,
        p: Array,
        g: Array,
        slots: tuple[Array, ...],
        t: Array,
        rate: Array,
        attributes: Attributes,
    ) -> tuple[Array, tuple[Array, ...]]:
        inputs = tuple(self.number(a) for a in (p, g, t, rate, *slots))
        new_p, new_slots = rule.step(xp, p, g, slots, t, rate, **attributes)
        outputs = tuple(self.output(a) for a in (new_p, *new_slots))
        self.note(Call("update", rule, dict(attributes), inputs, tuple(self.number(o) for o in outputs)))
        return outputs[0], outputs[1:]

    def choose(
        self, condition: Array, if_true: Callable[[], dict[str, Array]], if_false: Callable[[], dict[str, Array]]
    ) -> dict[str, Array]:
        if self.notes.condition is not None:
            raise Unreplayable("the step makes more than one choice")
        self.notes.condition = (self.number(condition), len(self.notes.calls))
        return if_true()

    def read(self, array: Array) -> Array:
        raise Unreplayable("a value was read while the step was recorded: a branch on it would be frozen")


def record(step: Step, state: dict[str, Array], batch: dict[str, Array]) -> Notes:
    """Run a step once, and note what it does.

    Raises:
        Unreplayable: what it does depends on more than shapes.
    """
    recorder = Recorder()
    notes = recorder.notes
    given: list[dict[str, Array]] = []
    for source, numbers in ((state, notes.state), (batch, notes.batch)):
        views = {name: recorder.given(array) for name, array in source.items()}
        numbers.update({name: number for name, (_, number) in views.items()})
        given.append({name: view for name, (view, _) in views.items()})
    with selection.instead(recorder), np.errstate(all="ignore"):
        new_state, report = step(given[0], given[1])
    notes.new_state = {name: recorder.number(array) for name, array in new_state.items()}
    notes.report = {name: recorder.number(array) for name, array in report.items()}
    return notes

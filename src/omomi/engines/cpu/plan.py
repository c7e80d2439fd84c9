"""The plan of a step: its calls as launches of kernels over memory that is assigned once.

From the notes of a recorded step the planner makes a list of operations. Most are launches of compiled kernels; what no
kernel serves runs as the plain rule. Every value gets a place in memory: parameters and slots where they are, values
that are alive at the same time beside one another, and values that are not in the same place. Replaying the plan then
allocates nothing, and builds no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from omomi.engines.cpu import elementwise
from omomi.engines.cpu.launch import Launch, Program, aligned
from omomi.engines.cpu.recording import Call, Notes, Value
from omomi.engines.cpu.samples import Pick
from omomi.engines.engine import Array

WORDS = {4: "float32", 8: "float64"}  # what a copy moves, whatever the bits mean
ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(eq=False)
class Storage:
    """A piece of memory, and the operations between which it is in use.

    Attributes:
        array: where it is, if that is known from the start (state, batch, constants); otherwise the arena has room.
        first, last: the operations that use it first and last.
    """

    size: int
    array: Array | None = None
    first: int = -1
    last: int = -1
    offset: int = 0


@dataclass(frozen=True)
class Place:
    """A contiguous array in a storage, before it has an address."""

    storage: Storage
    shape: tuple[int, ...]
    dtype: str

    def reshape(self, *shape: int) -> Place:
        """The same numbers in another shape."""
        assert prod(shape) == prod(self.shape), (shape, self.shape)
        return Place(self.storage, shape, self.dtype)

    @property
    def vector(self) -> Place:
        """The same numbers as a vector."""
        return Place(self.storage, (prod(self.shape),), self.dtype)


@dataclass(frozen=True)
class Descent:
    """A dense layer that an optimiser moves without its gradients being made.

    Attributes:
        backward: the call that would make the gradients.
        gradients: the values that are never there.
        kernel, bias: the updates of W and b.
    """

    backward: Call
    gradients: tuple[Value, ...]
    kernel: Call
    bias: Call | None = None


@dataclass
class Operation:
    """Launches of kernels, or a Python function, before its places have addresses.

    Attributes:
        places: what it reads and writes.
        launches: makes the launches from the arrays at these places; or
        function: is called with them, each time.
    """

    places: Sequence[Place]
    launches: Callable[..., Sequence[Launch]] | None = None
    function: Callable[..., None] | None = None


@dataclass
class Planner:
    """Collects the operations of a step. The rules' lowerings call it.

    Args:
        notes: the recorded step.
        state: the arrays that parameters, buffers and slots live in, by path; the plan reads and writes them.
        sources: of the inputs whose samples the plan picks itself, the dtype of what they are picked from.
    """

    notes: Notes
    state: Mapping[str, Array]
    sources: Mapping[str, str]
    operations: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places: dict[Value, Place] = {}
        self.inputs: dict[str, Array] = {}
        for path, value in self.notes.state.items():
            self.places[value] = fixed(self.state[path])
        self.picks: dict[Value, Pick] = {}
        for name, value in self.notes.batch.items():
            if name in self.sources:
                self.picks[value] = Pick(name, self.sources[name], self.notes.arrays[value].shape)
            else:
                self.inputs[name] = aligned_like(self.notes.arrays[value])
                self.places[value] = fixed(self.inputs[name])
        self.made = {value for call in self.notes.calls for value in call.outputs if value is not None}
        self.given = {*self.notes.state.values(), *self.notes.batch.values()}
        self.uses: dict[Value, list[Call]] = {}
        for call in self.notes.calls:
            for read in call.inputs:
                if read is not None:
                    self.uses.setdefault(read, []).append(call)
        self.fused: dict[int, Call] = {}  # of a call, by identity: the call that has computed it too
        self.pooled: dict[int, Call] = {}  # of a convolution, by identity: the pooling that it does too
        self.backward_of = {id(c.partner): c for c in self.notes.calls if c.kind == "backward"}
        self.absorbed: dict[int, Call] = {}  # of a backward call: the activation whose derivative it takes as well
        self.left: dict[
            int, tuple[Place, ...]
        ] = {}  # of a forward call, by identity: what it leaves for its backward call
        self.bounded: dict[Value, Call] = {}  # gradients of which a bound tells that they are finite: the backward call
        self.descents: dict[int, Descent] = {}  # of a backward call or an update, by identity: what replaces it
        self.widened: dict[Value, Place] = {}  # class indices of fewer bytes, as whole numbers of eight
        self.results = {*self.notes.new_state.values(), *self.notes.report.values()}

    # ---- what lowerings call ----------------------------------------------------------------------------------

    def place(self, value: Value) -> Place:
        """Where a value is; room for it if it has none yet."""
        if value not in self.places:
            array = self.notes.arrays[value]
            self.places[value] = (
                fixed(aligned_like(array, copy=True))
                if self.is_constant(value)
                else self.room(array.shape, array.dtype.name)
            )
            if value in self.picks:
                self.pick(value, self.places[value])
        return self.places[value]

    def pick(self, value: Value, target: Place, factor: float = 1.0) -> None:
        """Append the picking of an input's samples, which are converted and scaled on the way."""
        pick = self.picks[value]
        self.launch(lambda index, y: pick.launches(index, y, factor), fixed(pick.index), target)

    def picked_by(self, value: Value, call: Call) -> bool:
        """Whether an input's samples are still to be picked, and this call alone reads them."""
        return value in self.picks and value not in self.places and self.used_only_by(value, call)

    def room(self, shape: tuple[int, ...], dtype: str) -> Place:
        """New memory for a value, or for an operation's scratch."""
        return Place(Storage(prod(shape) * np.dtype(dtype).itemsize), tuple(shape), dtype)

    def keep(self, call: Call, *places: Place) -> tuple[Place, ...]:
        """Memory that a forward call leaves for its backward call."""
        self.left[id(call)] = places
        return places

    def kept(self, call: Call) -> tuple[Place, ...]:
        """What :meth:`keep` was given for this forward call."""
        return self.left[id(call)]

    def keeps(self, call: Call) -> bool:
        """Whether this forward call has memory for its backward call already."""
        return id(call) in self.left

    def alias(self, value: Value, place: Place) -> None:
        """This value is what stands there already."""
        self.places[value] = Place(place.storage, self.notes.arrays[value].shape, self.notes.arrays[value].dtype.name)

    def launch(self, launches: Callable[..., Sequence[Launch]], *places: Place) -> None:
        """Append launches; they are made from the arrays at these places, once these have an address."""
        self.operations.append(Operation(places, launches=launches))

    def python(self, function: Callable[..., None], *places: Place) -> None:
        """Append a Python function, which is called with the arrays at these places."""
        self.operations.append(Operation(places, function=function))

    def copy(self, source: Place, target: Place) -> None:
        """Append a copy of numbers of the same dtype, bit by bit."""
        size = np.dtype(source.dtype).itemsize
        if size not in WORDS:
            self.python(lambda a, b: np.copyto(b, a), source, target.reshape(*source.shape))
            return
        word = WORDS[size]
        self.launch(lambda a, b: elementwise.copy(a.view(word), b.view(word)), source.vector, target.vector)

    def is_constant(self, value: Value) -> bool:
        """Whether a value is the same in every step."""
        return value not in self.made and value not in self.given

    def used_only_by(self, value: Value, call: Call) -> bool:
        """Whether nobody else reads a value, and it does not leave the step."""
        return value not in self.results and all(user is call for user in self.uses.get(value, ()))

    # ---- from operations to a plan ----------------------------------------------------------------------------

    def finish(self, condition_at: int | None) -> Plan:
        """Assign memory and bind everything to its address.

        Args:
            condition_at: the number of operations before the state may change.
        """
        report = {name: self.place(value) for name, value in self.notes.report.items()}
        condition = None if self.notes.condition is None else self.place(self.notes.condition[0])
        for index, operation in enumerate(self.operations):
            for place in operation.places:
                storage = place.storage
                storage.first = index if storage.first < 0 else storage.first
                storage.last = index
        for place in (*report.values(), *([condition] if condition else [])):
            place.storage.last = len(self.operations)
        storages = {id(p.storage): p.storage for operation in self.operations for p in operation.places}
        floating = [s for s in storages.values() if s.array is None]
        arena = aligned((assign_offsets(floating),), "uint8")

        def array_of(place: Place) -> Array:
            storage = place.storage
            if storage.array is not None:
                return storage.array.reshape(place.shape)
            count = prod(place.shape) * np.dtype(place.dtype).itemsize
            return arena[storage.offset : storage.offset + count].view(place.dtype).reshape(place.shape)

        split = len(self.operations) if condition_at is None else condition_at
        before = bind(self.operations[:split], array_of)
        after = bind(self.operations[split:], array_of)
        outputs = {name: array_of(place) for name, place in report.items()}
        decides = None if condition is None else array_of(condition)
        picks = tuple(pick for pick in self.picks.values() if pick.readers)
        return Plan(before, after, decides, self.inputs, picks, outputs, arena.nbytes, cautious=bool(self.bounded))


@dataclass
class Plan:
    """A step, ready to run.

    Attributes:
        before, after: the pieces before and after the decision to change the state: programs and Python functions.
        condition: whether to change it.
        inputs: where the batch goes.
        picks: what the plan picks of it itself.
        outputs: where the report stands.
        bytes: of the arena that all values on the way share.
        cautious: whether the condition may refuse a step that is in order.
    """

    before: list[Program | Callable[[], None]]
    after: list[Program | Callable[[], None]]
    condition: Array | None
    inputs: dict[str, Array]
    picks: tuple[Pick, ...]
    outputs: dict[str, Array]
    bytes: int
    cautious: bool = False

    @property
    def refused(self) -> bool:
        """Whether the last run left the state as it was."""
        return self.condition is not None and not self.condition

    def run(self, batch: Mapping[str, Array]) -> dict[str, Array]:
        """Run the step on a batch; the state changes in place. Returns the report, the caller's own."""
        for name, array in self.inputs.items():
            np.copyto(array, batch[name])
        for pick in self.picks:
            pick.point_to(batch[pick.name])
        for piece in self.before:
            piece.run() if isinstance(piece, Program) else piece()
        if self.condition is None or self.condition:
            for piece in self.after:
                piece.run() if isinstance(piece, Program) else piece()
        return {name: array.copy() for name, array in self.outputs.items()}


def bind(operations: Sequence[Operation], array_of: Callable[[Place], Array]) -> list[Program | Callable[[], None]]:
    """Operations with addresses: launches that follow one another become one program."""
    pieces: list[Program | Callable[[], None]] = []
    launches: list[Launch] = []

    def close() -> None:
        if launches:
            pieces.append(Program(tuple(launches)))
            launches.clear()

    for operation in operations:
        arrays = [array_of(place) for place in operation.places]
        if operation.launches is not None:
            launches.extend(operation.launches(*arrays))
        else:
            close()
            assert operation.function is not None
            pieces.append(bound(operation.function, arrays))
    close()
    return pieces


def bound(function: Callable[..., None], arrays: list[Array]) -> Callable[[], None]:
    """A function with its arguments."""
    return lambda: function(*arrays)


def assign_offsets(storages: list[Storage]) -> int:
    """Give each storage an offset so that those in use at the same time do not overlap. Returns the bytes in all.

    The largest first, each at the lowest offset that is free for as long as it is in use.
    """
    placed: list[Storage] = []
    total = 0
    for storage in sorted(storages, key=lambda s: -s.size):
        size = -(-storage.size // ALIGNMENT) * ALIGNMENT
        busy = sorted(
            (other.offset, other.offset + -(-other.size // ALIGNMENT) * ALIGNMENT)
            for other in placed
            if other.first <= storage.last and storage.first <= other.last
        )
        offset = 0
        for start, end in busy:
            if start - offset >= size:
                break
            offset = max(offset, end)
        storage.offset = offset
        placed.append(storage)
        total = max(total, offset + size)
    return total


def fixed(array: Array) -> Place:
    """The place of an array that exists."""
    storage = Storage(array.nbytes, array)
    return Place(storage, tuple(array.shape), array.dtype.name)


def aligned_like(array: Array, copy: bool = False) -> Array:
    """An aligned array of the same shape and dtype, with the same numbers if asked."""
    array = np.asarray(array)
    result = aligned(array.shape, array.dtype.name)
    if copy:
        np.copyto(result, array)
    return result

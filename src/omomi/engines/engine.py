"""The contract of an engine: who computes the numbers.

An engine is three things: an array namespace ``xp`` in which the rules of ``omomi.ops`` are written, a set of
kernels that replace single rules (keyed by the rule's name), and a way to compile a training step. It knows no
gradient: to an engine, a rule's backward function is one more function over arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

# An array of whichever engine runs. NumPy's on "numpy" and "numba", JAX's (or a tracer) on "jax".
Array: TypeAlias = Any
# NumPy's names, and beside them the few that engines.reference documents.
Namespace: TypeAlias = Any
Attributes: TypeAlias = Mapping[str, Any]
# step(state, batch) -> (state, report): every mapping goes from a name or path to an array.
Step: TypeAlias = Callable[[dict[str, Array], dict[str, Array]], tuple[dict[str, Array], dict[str, Array]]]
# several(state, data, rows) -> (state, good): one step after the other on the samples rows[0], rows[1], … of the data,
# up to the first that says it is not "finite"; and how many were good. None: this step cannot be taken so.
Several: TypeAlias = Callable[[dict[str, Array], dict[str, Array], Array], tuple[dict[str, Array], int] | None]


class RuleLike(Protocol):
    """What an engine needs to know of a rule; the rules themselves live one floor above, in ``omomi.ops``."""

    @property
    def name(self) -> str: ...
    @property
    def forward(self) -> Callable[..., tuple[Any, tuple[Any, ...]]]: ...
    @property
    def backward(self) -> Callable[..., tuple[Any, ...]] | None: ...


class UpdateLike(Protocol):
    """What an engine needs to know of an optimiser's rule."""

    @property
    def name(self) -> str: ...
    @property
    def step(self) -> Callable[..., tuple[Array, tuple[Array, ...]]]: ...


def floating(dtype: Any) -> bool:
    """Whether numbers of this dtype have fractions. NumPy gives bfloat16, which JAX brings, a kind of its own."""
    return bool(dtype.kind == "f" or dtype.name == "bfloat16")


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes, as ``omomi doctor`` lists it.

    Args:
        platform: "cpu", "gpu" or "tpu".
        kind: the model, as its driver names it.
        memory: bytes that this process may use there, ``None`` where nobody says.
        process: the process that it belongs to, of several that train together.
    """

    platform: str
    kind: str
    memory: int | None
    process: int = 0


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled replacement of one rule, forward and backward together: they share what they save.

    ``accepts`` looks at the arrays and attributes of a call and says whether the kernel serves it; where it
    does not, the plain rule runs.
    """

    name: str
    forward: Callable[..., tuple[Any, tuple[Any, ...]]]
    backward: Callable[..., tuple[Any, ...]]
    accepts: Callable[[Sequence[Array], Attributes], bool]


class Engine:
    """The rules as written, on one array namespace. Other engines override what they replace.

    Attributes:
        name: what ``omomi.use`` calls it.
        xp: the array namespace that rules receive as their first argument.
        kernels: compiled replacements by rule name.
        half_precision: whether it computes in bfloat16 and float16 at a gain.
        array_type: of its arrays; those that another engine left behind are converted where a rule meets them.
        process: the number of this process among those that train together; 0 writes the files.
    """

    half_precision: bool = False
    process: int = 0
    array_type: type = np.ndarray

    def __init__(self, name: str, xp: Namespace, kernels: Mapping[str, Kernel] | None = None) -> None:
        self.name = name
        self.xp = xp
        self.kernels = dict(kernels or {})

    def __repr__(self) -> str:
        return f"<engine {self.name}>"

    def forward(
        self, rule: RuleLike, arrays: Sequence[Array], attributes: Attributes
    ) -> tuple[Any, tuple[Any, ...], bool]:
        """Run a rule forward. Returns ``(y, saved, by_kernel)``; pass the last two back to :meth:`backward`."""
        if any(not isinstance(a, self.array_type) for a in arrays):
            arrays = [a if isinstance(a, self.array_type) else self.asarray(a) for a in arrays]
        kernel = self.kernels.get(rule.name)
        if kernel is not None and kernel.accepts(arrays, attributes):
            y, saved = kernel.forward(*arrays, **attributes)
            return y, saved, True
        y, saved = rule.forward(self.xp, *arrays, **attributes)
        return y, saved, False

    def backward(
        self,
        rule: RuleLike,
        saved: tuple[Any, ...],
        gy: Any,
        wanted: tuple[bool, ...],
        attributes: Attributes,
        by_kernel: bool,
    ) -> tuple[Any, ...]:
        """Run a rule backward: the gradients of its inputs, ``None`` for those that ``wanted`` does not ask."""
        if by_kernel:
            return self.kernels[rule.name].backward(saved, gy, wanted, **attributes)
        assert rule.backward is not None, f"{rule.name} has no derivative"
        return rule.backward(self.xp, saved, gy, wanted, **attributes)

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
        """Run an optimiser's rule on one parameter: the new parameter and the new slots."""
        return rule.step(self.xp, p, g, slots, t, rate, **attributes)

    def choose(
        self,
        condition: Array,
        if_true: Callable[[], dict[str, Array]],
        if_false: Callable[[], dict[str, Array]],
    ) -> dict[str, Array]:
        """One of two ways to make the same mapping, by a condition that is known only when the step runs."""
        return if_true() if bool(condition) else if_false()

    def compile(self, step: Step, refused: str | None = None) -> Step:
        """Make a step fast. The reference engine runs it as it comes.

        Args:
            refused: why the step must not be recorded or traced, if so.
        """
        return step

    def several(self, step: Step, refused: str | None = None) -> Several | None:
        """Make one call of many steps, on data that :meth:`keep` has taken; ``None``: steps are taken one by one."""
        return None

    def keep(self, make: Callable[[], dict[str, Array]]) -> dict[str, Array] | None:
        """Keep the data set that ``make`` gives beside the processor; ``None`` if it does not fit, or gains nothing."""
        return None

    def devices(self) -> list[Device]:
        """The devices that this engine has found by itself; none for an engine of the processor."""
        return []

    def read(self, array: Array) -> Array:
        """A value that a program looks at. Engines that compile a step learn here that it was looked at."""
        return array

    def lend(self, array: Array) -> Array:
        """A value for somebody who must not change it, and may keep it for longer than a step leaves it as it is."""
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array = array.view()
            array.flags.writeable = False
        return array

    def asarray(self, array: Any, dtype: Any = None) -> Array:
        """Bring a host array (or a number) to this engine."""
        return self.xp.asarray(array, dtype=dtype)

    def gather(self, source: Any, index: Any, dtype: Any = None) -> Array:
        """Samples of a host array, for the batch of a step: ``source[index]``.

        An engine may put off the picking until a step reads the samples; ``asarray`` picks them at once.

        Args:
            source: host array (K, …).
            index: whole numbers 0 … K − 1, int64 (N,), of which nobody looks whether they are; or a slice (begin, end).
            dtype: of the samples; that of the source unless given.
        """
        return self.asarray(source[index], dtype=dtype)

    def to_host(self, array: Array) -> Any:
        """Bring an array back as a NumPy array."""
        return self.xp.asarray(array)

"""Chainer's Variable and Parameter: Omomi's, with Chainer's names for what they hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

import omomi
from omomi.dialects.chainer import initializers
from omomi.graph.variable import as_array

Array = Any


class Variable(omomi.Variable):
    """An array in the graph.

    Args:
        data: the array; float64 stays float64.
        name: shown in drawings.
        requires_grad: whether backpropagation brings a gradient here.
    """

    __slots__ = ()

    def __init__(self, data: Any = None, *, name: str | None = None, requires_grad: bool = True, grad: Any = None):
        super().__init__(data, requires_grad, name)
        self.grad = grad

    @property
    def array(self) -> Array:
        """The value."""
        return self._array

    @array.setter
    def array(self, value: Any) -> None:
        self._array = None if value is None else as_array(value)

    data = array

    @property
    def label(self) -> str:
        return f"{self.shape}, {self.dtype}" if self.name is None else f"{self.name}: {self.shape}, {self.dtype}"

    @property
    def xp(self) -> Any:
        """NumPy: arrays are the host's."""
        return np

    def zerograd(self) -> None:
        """A gradient of zeros."""
        self.grad = np.zeros_like(self._array)

    def backward(self, retain_grad: bool = False, **options: Any) -> None:  # type: ignore[override]
        """Let the deltas flow from here to the leaves; from ``grad`` where that is given, else from 1."""
        if options.pop("enable_double_backprop", False) or options.pop("loss_scale", None) is not None:
            raise omomi.errors.ConfigurationError(
                "gradients of gradients and a scale of the loss are not offered.", where="Variable.backward"
            )
        start, self.grad = (self.grad, None) if self.creator is not None else (None, self.grad)
        super().backward(start, retain_grad=retain_grad)

    def unchain(self) -> None:
        """Forget how this was computed."""
        self.creator = None

    def unchain_backward(self) -> None:
        """Forget how this and everything before it was computed: later graphs end here."""
        waiting: list[omomi.Variable] = [self]
        while waiting:
            x = waiting.pop()
            if x.creator is not None:
                waiting.extend(x.creator.inputs)
                x.creator, x.generation = None, 0

    def to_cpu(self) -> None:
        """Nothing to do."""

    if TYPE_CHECKING:  # below, these become functions whose results are of this class

        def sum(self, axis: Any = None, keepdims: bool = False) -> Variable: ...
        def mean(self, axis: Any = None, keepdims: bool = False) -> Variable: ...
        def reshape(self, *new: Any) -> Variable: ...
        def transpose(self, *axes: int) -> Variable: ...
        def __getitem__(self, index: Any) -> Variable: ...
        def __add__(self, other: Any) -> Variable: ...
        def __sub__(self, other: Any) -> Variable: ...
        def __mul__(self, other: Any) -> Variable: ...
        def __truediv__(self, other: Any) -> Variable: ...


class Parameter(Variable):
    """What a link learns; without numbers until its shape is known.

    Args:
        initializer: of Chainer's; a number, an array, or ``None``: LeCun's normal numbers.
        shape: ``None`` as long as it is not known.
    """

    __slots__ = ("initializer", "update_rule")
    regularizer = constraint = None  # what Omomi's optimisers look for; here hooks do that

    def __init__(self, initializer: Any = None, shape: Any = None, name: str | None = None) -> None:
        given = isinstance(initializer, (np.ndarray, np.generic)) and shape is None
        super().__init__(initializer if given else np.zeros(0, np.float32), name=name)
        self.initializer = initializers.get(initializer)
        if not given:
            self._array = None
            if shape is not None:
                self.initialize((shape,) if np.isscalar(shape) else shape)

    @property
    def is_initialized(self) -> bool:
        return self._array is not None

    def initialize(self, shape: Any) -> None:
        """Draw the numbers."""
        self._array = initializers.draw(self.initializer, tuple(int(n) for n in shape))
        self.requires_grad = True

    def __repr__(self) -> str:
        return super().__repr__() if self.is_initialized else f"Parameter({self.name or ''}, not initialized)"


def speaking(result: Any) -> Any:
    """A result of Omomi's functions as Chainer's Variable."""
    if type(result) is omomi.Variable:
        result.__class__ = Variable
    elif isinstance(result, tuple):
        for part in result:
            speaking(part)
    return result


def spoken(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Omomi's whose results are Chainer's Variables."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return speaking(function(*args, **kwargs))

    return call


OPERATORS = "add radd sub rsub mul rmul truediv rtruediv matmul rmatmul neg pow getitem"
for _name in (*(f"__{operator}__" for operator in OPERATORS.split()), "sum", "mean", "reshape", "transpose", "detach"):
    setattr(Variable, _name, spoken(getattr(omomi.Variable, _name)))


def as_variable(value: Any) -> Variable:
    """A Variable as it is; an array as one that requires no gradient."""
    return value if isinstance(value, Variable) else Variable(np.asarray(value), requires_grad=False)

"""The computational graph: a Variable holds an array and remembers the Node, the call of a rule, that made it.

Calling rules on Variables builds the graph as the program runs (define by run). ``backward`` walks it from the
loss to the parameters, newest node first, and lets the deltas flow: each node turns the delta of its output into
the deltas of its inputs, and where a value was used many times its deltas add up.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from omomi.engines.engine import Array, floating
from omomi.engines.selection import current
from omomi.errors import DtypeError
from omomi.graph.backpropagation import backward
from omomi.graph.context import context
from omomi.ops import arithmetic, elementary, linear, reduction, shape
from omomi.ops.rule import Rule


class Variable:
    """An array in the graph.

    Args:
        array: anything NumPy can make an array of; float64 stays float64, Python floats become float32.
        requires_grad: whether backpropagation should bring a gradient here.
        name: for your own orientation; shown in ``repr`` and in drawings.

    Attributes:
        grad: ∂E/∂array after ``E.backward()``, an array of the same shape, or ``None``.
        creator: the node that computed this Variable; ``None`` for one that you made.
        mask: of a batch of sequences (N, T, …), which steps exist: a Variable (N, T) of booleans, ``None`` if all do.
            Layers hand it on (:mod:`omomi.layers.masks`); rules and operators make Variables without one.

    Example:
        >>> import numpy as np, omomi
        >>> x = omomi.Variable(np.array([1.0, 2.0]))
        >>> (x * x).sum().backward()
        >>> x.grad
        array([2., 4.])
    """

    # A symbolic tensor has a shape and no numbers: a rule called on one is not computed but drawn into a network.
    symbolic: ClassVar[bool] = False

    __slots__ = ("__weakref__", "_array", "creator", "generation", "grad", "index", "mask", "name", "requires_grad")
    __array_priority__ = 100  # so that `numpy_array * variable` asks the Variable

    def __init__(self, array: Any, requires_grad: bool = True, name: str | None = None) -> None:
        self._array = as_array(array)
        self.requires_grad = requires_grad and floating(self._array.dtype)
        self.name = name
        self.grad: Array | None = None
        self.creator: Node | None = None
        self.index = 0  # which output of its creator this is
        self.generation = 0  # the longest way from a leaf, in nodes
        self.mask: Variable | None = None

    @property
    def array(self) -> Array:
        """The value."""
        return current().read(self._array)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype

    @property
    def ndim(self) -> int:
        return len(self._array.shape)

    @property
    def size(self) -> int:
        return int(self._array.size)

    @property
    def T(self) -> Variable:
        """The transpose: axes in reverse order."""
        return self.transpose()

    def item(self) -> float:
        """The value of a Variable of one element, as a Python number."""
        return self.array.item()

    def numpy(self) -> Any:
        """The value as a NumPy array."""
        return current().to_host(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype) if copy else np.asarray(self.numpy(), dtype=dtype)

    def __repr__(self) -> str:
        values = np.array2string(self.numpy(), separator=", ", prefix="Variable(", threshold=20)
        return f"Variable({values}{f', name={self.name!r}' if self.name else ''})"

    def __len__(self) -> int:
        return len(self._array)

    def __float__(self) -> float:
        return float(self.array)

    def __bool__(self) -> bool:
        return bool(self.array)

    __hash__ = object.__hash__

    def drawn(self, rule: Rule, inputs: tuple[Variable, ...], attributes: dict[str, Any]) -> Any:
        """Of a symbolic tensor: the outputs of a rule called on these, as symbolic tensors."""
        raise NotImplementedError

    def cleargrad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def detach(self) -> Variable:
        """The same value, cut from the graph."""
        return Variable(self._array, requires_grad=False, name=self.name)

    def backward(self, gradient: Any = None, *, retain_grad: bool = False, retain_graph: bool = False) -> None:
        """Let the deltas flow from here to the leaves. See :func:`omomi.graph.backpropagation.backward`."""
        gradients = None if gradient is None else [as_array(gradient)]
        backward([self], gradients, retain_grad=retain_grad, retain_graph=retain_graph)

    # ---- operators; each is one rule -------------------------------------------------------------------------

    def __add__(self, other: Any) -> Variable:
        return apply(arithmetic.add, self, operand(other, self))

    def __radd__(self, other: Any) -> Variable:
        return apply(arithmetic.add, operand(other, self), self)

    def __sub__(self, other: Any) -> Variable:
        return apply(arithmetic.subtract, self, operand(other, self))

    def __rsub__(self, other: Any) -> Variable:
        return apply(arithmetic.subtract, operand(other, self), self)

    def __mul__(self, other: Any) -> Variable:
        return apply(arithmetic.multiply, self, operand(other, self))

    def __rmul__(self, other: Any) -> Variable:
        return apply(arithmetic.multiply, operand(other, self), self)

    def __truediv__(self, other: Any) -> Variable:
        return apply(arithmetic.divide, self, operand(other, self))

    def __rtruediv__(self, other: Any) -> Variable:
        return apply(arithmetic.divide, operand(other, self), self)

    def __matmul__(self, other: Any) -> Variable:
        return apply(linear.matmul, self, operand(other, self))

    def __rmatmul__(self, other: Any) -> Variable:
        return apply(linear.matmul, operand(other, self), self)

    def __neg__(self) -> Variable:
        return apply(arithmetic.negative, self)

    def __abs__(self) -> Variable:
        return apply(elementary.absolute, self)

    def __pow__(self, exponent: float) -> Variable:
        return apply(arithmetic.power, self, exponent=float(exponent))

    def __getitem__(self, index: Any) -> Variable:
        return apply(shape.getitem, self, index=shape.static_index(index))

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """The sum over ``axis`` (all, unless told)."""
        return apply(reduction.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """The mean over ``axis`` (all, unless told)."""
        return apply(reduction.mean, self, axis=axis, keepdims=keepdims)

    def reshape(self, *new: Any) -> Variable:
        """The same numbers in another shape; one entry may be −1."""
        sizes = new[0] if len(new) == 1 and isinstance(new[0], (tuple, list)) else new
        return apply(shape.reshape, self, shape=tuple(int(n) for n in sizes))

    def transpose(self, *axes: int) -> Variable:
        """The axes in another order; reversed unless told."""
        return apply(shape.transpose, self, axes=tuple(axes) or None)


class Node:
    """One call of a rule in the graph.

    Attributes:
        rule: what was computed, with which ``attributes`` and from which ``inputs`` (Variables).
        path: the layer that called it.
        generation: every node is newer than what it was computed from.
    """

    __slots__ = ("attributes", "by_kernel", "generation", "inputs", "outputs", "path", "rule", "saved")

    def __init__(
        self,
        rule: Rule,
        attributes: dict[str, Any],
        inputs: tuple[Variable, ...],
        saved: tuple[Any, ...],
        by_kernel: bool,
        outputs: int | None,
    ) -> None:
        self.rule, self.attributes, self.inputs = rule, attributes, inputs
        self.saved: tuple[Any, ...] | None = saved
        self.by_kernel = by_kernel
        self.outputs = outputs  # how many arrays the rule returned as a tuple; None for one array
        self.generation = 1 + max(x.generation for x in inputs)
        self.path = context.path

    def __repr__(self) -> str:
        return f"<{self.rule.name}{f' of {self.path}' if self.path else ''}>"


def as_array(value: Any) -> Array:
    """An array of the engine that runs: as it is, or made from numbers (floats become float32)."""
    if isinstance(value, Variable):
        return value._array
    if hasattr(value, "dtype"):
        if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.dtype == object):
            value = np.asarray(value)
            if value.dtype == object:
                raise DtypeError(
                    "these values do not form an array of numbers.", expected="equal lengths", received="objects"
                )
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DtypeError("a Variable holds numbers.", expected="numbers", received=f"{type(value).__name__}")
    return current().asarray(array.astype(np.float32) if array.dtype == np.float64 else array)


def as_variable(value: Any) -> Variable:
    """A Variable as it is; an array or numbers as one that requires no gradient."""
    return value if isinstance(value, Variable) else Variable(value, requires_grad=False)


def operand(value: Any, partner: Variable) -> Any:
    """The other side of an operator: a plain number takes the partner's dtype."""
    if isinstance(value, (int, float)):
        return current().asarray(value, dtype=partner.dtype)
    return value


def output(array: Array) -> Variable:
    """A Variable around a rule's result, without the checks that a user's array needs."""
    y = Variable.__new__(Variable)
    y._array, y.requires_grad, y.name, y.grad = array, False, None, None
    y.creator, y.index, y.generation, y.mask = None, 0, 0, None
    return y


def apply(rule: Rule, *inputs: Any, **attributes: Any) -> Any:
    """Call a rule on Variables or arrays: a Variable, or a tuple of Variables where the rule has many outputs.

    This is the one door between the graph and the engines: hooks stand here, and here the node is remembered.
    """
    variables = tuple(x if isinstance(x, Variable) else output(as_array(x)) for x in inputs)
    for x in variables:
        if x.symbolic:
            return x.drawn(rule, variables, attributes)
    arrays = [x._array for x in variables]
    hooks = context.hooks
    for hook in hooks:
        hook.before_forward(rule, arrays, attributes, context.path)
    y, saved, by_kernel = current().forward(rule, arrays, attributes)
    for hook in hooks:
        hook.after_forward(rule, arrays, attributes, context.path, y)
    single = not isinstance(y, tuple)
    outputs = (output(y),) if single else tuple(output(part) for part in y)
    if context.recording and rule.backward is not None and any(x.requires_grad for x in variables):
        node = Node(rule, attributes, variables, saved, by_kernel, None if single else len(outputs))
        for index, out in enumerate(outputs):
            out.creator, out.index, out.generation = node, index, node.generation
            out.requires_grad = floating(out._array.dtype)
    return outputs[0] if single else outputs

"""Layers that make one of several: called with a list of Variables, as ``Add()([a, b])``.

Each also has a spelling as a function, ``add([a, b])``. Shorter shapes are broadcast as in NumPy, except that the batch
stays in front: (N, C) beside (N, H, W, C) is read as (N, 1, 1, C).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, ClassVar

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.layer import Layer, Shape
from omomi.layers.masks import in_any


class _Merge(Layer):
    """What merge layers share: a list of inputs, of one batch."""

    casts_integers = True
    several_inputs = True
    supports_masking = True
    fewest: ClassVar[int] = 1
    most: ClassVar[int | None] = None

    def check_input(self, shape: Any) -> None:
        if not isinstance(shape, list) or len(shape) < self.fewest or (self.most and len(shape) > self.most):
            count = f"{self.fewest} inputs" if self.fewest == self.most else f"{self.fewest} inputs or more"
            raise ShapeError(
                "this layer merges a list of inputs.",
                where=self.where,
                expected=f"a list of {count}",
                received=f"one input of shape {shape}" if isinstance(shape, tuple) else f"{len(shape)} inputs",
                fix=f"{type(self).__name__}()([a, b])",
            )
        shapes = [tuple(s) for s in shape]
        if any(not s for s in shapes) or len({s[0] for s in shapes} - {None}) > 1:
            raise ShapeError(
                "the inputs differ in the number of samples.",
                where=self.where,
                expected="one batch: the same first axis",
                received=shown(shapes),
            )
        self.compute_output_shape(shapes)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A step exists if it does in one of the inputs."""
        return None if mask is None else in_any(mask)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The common shape of the inputs, broadcast."""
        common: tuple[int | None, ...] = ()
        for shape in input_shape:
            sizes = tuple(shape[1:])
            longer = max(len(common), len(sizes))
            a, b = ((1,) * (longer - len(s)) + s for s in (common, sizes))
            if any(None not in (i, j) and 1 not in (i, j) and i != j for i, j in zip(a, b, strict=True)):
                raise ShapeError(
                    "these shapes cannot be brought together.",
                    where=self.where,
                    expected="sizes, counted from the last axis, that are equal or 1",
                    received=shown(input_shape),
                    fix="a Dense layer, a convolution with kernel size 1, or Concatenate brings them to one shape",
                )
            common = tuple(
                j if i == 1 else i if j == 1 else None if None in (i, j) else i for i, j in zip(a, b, strict=True)
            )
        return (input_shape[0][0], *common)

    def call(self, inputs: Sequence[Variable]) -> Variable:
        rank = max(x.ndim for x in inputs)
        return self.merged(
            [x if x.ndim == rank else x.reshape((x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) for x in inputs]
        )

    def merged(self, inputs: list[Variable]) -> Variable:
        """One of several Variables with the same number of axes."""
        raise NotImplementedError


class Add(_Merge):
    """The sum of the inputs, entry by entry: the way past a block of layers (He et al. 2016, arXiv:1512.03385).

    Raises:
        ShapeError: the shapes cannot be broadcast, or it is called with one input that is no list.
    """

    def merged(self, inputs: list[Variable]) -> Variable:
        return reduce(functions.add, inputs)


class Subtract(_Merge):
    """The first of two inputs minus the second."""

    fewest = most = 2

    def merged(self, inputs: list[Variable]) -> Variable:
        return functions.subtract(*inputs)


class Multiply(_Merge):
    """The product of the inputs, entry by entry."""

    def merged(self, inputs: list[Variable]) -> Variable:
        return reduce(functions.multiply, inputs)


class Average(_Merge):
    """The mean of the inputs, entry by entry."""

    def merged(self, inputs: list[Variable]) -> Variable:
        return reduce(functions.add, inputs) * (1 / len(inputs))


class Maximum(_Merge):
    """The largest of the inputs, entry by entry; it alone receives the delta."""

    def merged(self, inputs: list[Variable]) -> Variable:
        return reduce(functions.maximum, inputs)


class Minimum(_Merge):
    """The smallest of the inputs, entry by entry."""

    def merged(self, inputs: list[Variable]) -> Variable:
        return reduce(functions.minimum, inputs)


class Concatenate(_Merge):
    """The inputs one after another along an axis.

    Args:
        axis: counted with the batch as axis 0; the last unless given. All other sizes are equal.
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = int(axis)
        if self.axis == 0:
            raise ConfigurationError("axis 0 is the batch: samples stay apart.", where=self.where, received="axis=0")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        first = tuple(input_shape[0])
        rank = len(first)
        if not 1 <= (self.axis if self.axis > 0 else self.axis + rank) < rank:
            raise ShapeError(
                "there is no such axis.", where=self.where, expected=f"1 … {rank - 1}", received=f"axis={self.axis}"
            )
        axis = self.axis % rank
        for shape in input_shape:
            if len(shape) != rank or any(
                i != axis and None not in (a, b) and a != b
                for i, (a, b) in enumerate(zip(first, shape, strict=True))
                if i
            ):
                raise ShapeError(
                    "these shapes cannot be put one after another.",
                    where=self.where,
                    expected=f"equal sizes on every axis but {self.axis}",
                    received=shown(input_shape),
                )
        sizes = [shape[axis] for shape in input_shape]
        total = None if None in sizes else sum(sizes)
        return (*first[:axis], total, *first[axis + 1 :])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """One sequence after another: their masks so too. Otherwise as in the other layers of this kind."""
        if mask is None or self.axis % inputs[0].ndim != 1 or inputs[0].ndim < 3:
            return super().compute_mask(inputs, mask)
        whole = [current().xp.ones(x.shape[:2], bool) if m is None else m for x, m in zip(inputs, mask, strict=True)]
        return functions.concatenate(whole, axis=1)

    def call(self, inputs: Sequence[Variable]) -> Variable:
        return functions.concatenate(list(inputs), axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """The sum of the products of two inputs along one axis of each, sample by sample.

    (N, …, K, …) and (N, …, K, …) → (N, the other axes of the first, those of the second); (N, 1) if there are none.

    Args:
        axes: the axis, or one for each input; the batch is axis 0 and cannot be one of them.
        normalize: whether vectors along the axis are scaled to length 1 first: then the result is the cosine of the
            angle between them.
    """

    fewest = most = 2

    def __init__(self, axes: Any, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(pair) != 2 or any(not isinstance(a, int) or a == 0 for a in pair):
            raise ConfigurationError(
                "axes is an axis of both inputs, or one of each; the batch is axis 0.",
                where=self.where,
                expected="axes=1 or axes=(2, 1)",
                received=f"axes={axes!r}",
            )
        self.axes: int | list[int] = axes if isinstance(axes, int) else list(pair)
        self.normalize = bool(normalize)

    def positions(self, ranks: Sequence[int]) -> tuple[int, int]:
        """The axis of each input, from the front."""
        a, b = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return a + ranks[0] if a < 0 else a, b + ranks[1] if b < 0 else b

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def compute_output_shape(self, input_shape: Any) -> Shape:
        a, b = (tuple(s) for s in input_shape)
        i, j = self.positions((len(a), len(b)))
        if not (0 < i < len(a) and 0 < j < len(b)) or (None not in (a[i], b[j]) and a[i] != b[j]):
            raise ShapeError(
                "the two axes differ in size, or do not exist.",
                where=self.where,
                expected=f"the same size on axes {self.axes}",
                received=shown(input_shape),
            )
        rest = (*a[1:i], *a[i + 1 :], *b[1:j], *b[j + 1 :])
        return (a[0], *(rest or (1,)))

    def call(self, inputs: Sequence[Variable]) -> Variable:
        x, y = inputs
        i, j = self.positions((x.ndim, y.ndim))
        if self.normalize:
            x, y = functions.unit_normalization(x, i), functions.unit_normalization(y, j)
        left = x.transpose(0, *(k for k in range(1, x.ndim) if k != i), i)  # (N, …, K)
        right = y.transpose(0, j, *(k for k in range(1, y.ndim) if k != j))  # (N, K, …)
        samples, size = x.shape[0], x.shape[i]
        rows, columns = prod(left.shape[1:-1]), prod(right.shape[2:])
        z = functions.matmul(left.reshape(samples, rows, size), right.reshape(samples, size, columns))
        return z.reshape((samples, *((*left.shape[1:-1], *right.shape[2:]) or (1,))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def shown(shapes: Sequence[Any]) -> str:
    """Shapes of several inputs in a message."""
    return "shapes " + ", ".join(str(tuple(s)) for s in shapes)


def _function(kind: Callable[..., _Merge]) -> Callable[..., Variable]:
    def merge(inputs: Sequence[Any], **options: Any) -> Any:
        return kind(**options)(inputs)

    merge.__doc__ = f":class:`{kind.__name__}` as a function of a list of inputs."
    return merge


add, subtract, multiply = _function(Add), _function(Subtract), _function(Multiply)
average, maximum, minimum = _function(Average), _function(Maximum), _function(Minimum)
concatenate, dot = _function(Concatenate), _function(Dot)

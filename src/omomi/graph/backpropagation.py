"""Backpropagation: the deltas flow from the loss to the leaves of the graph, newest node first.

Each node turns the delta of its output, ∂E/∂y, into the deltas of its inputs. Where a value was used many times,
its deltas add up: a copy adds. A node runs only when everything newer has run, so its delta is complete by then. Among
nodes of one generation the one that was reached first runs first: sums of floats depend on their order in the last
bit, so the order follows from the graph alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError
from omomi.graph.context import context
from omomi.ops import arithmetic, shape

if TYPE_CHECKING:
    from omomi.graph.variable import Node, Variable

Deltas = dict[tuple[int, int], Array]  # (id of a node, index of its output) -> ∂E/∂output


def backward(
    outputs: Sequence[Variable],
    gradients: Sequence[Array] | None = None,
    *,
    retain_grad: bool = False,
    retain_graph: bool = False,
) -> None:
    """Backpropagation: add ∂E/∂x to ``x.grad`` of every leaf x that requires it.

    Args:
        outputs: where the deltas start; a single scalar loss E, or Variables with ``gradients`` given.
        gradients: ∂E/∂output for each output; 1 for a scalar unless told.
        retain_grad: keep the delta of every Variable on the way as its ``grad``, not only those of the leaves.
        retain_graph: keep what the nodes saved, so that ``backward`` can run once more.

    Raises:
        ShapeError: an output is no scalar and no gradient was given, or the shapes of the two differ.
        ConfigurationError: the graph was used before and not retained, or nothing in it requires a gradient.
    """
    deltas: Deltas = {}
    heap: list[tuple[int, int, int]] = []  # (−generation, how many came before, id) of nodes with a delta to pass on
    reached = count()
    waiting: dict[int, Node] = {}

    def arrive(x: Variable, delta: Array) -> None:
        """A delta reaches x: keep it for the node that made x, or in ``x.grad`` if x is a leaf."""
        node = x.creator
        if node is None:
            x.grad = delta if x.grad is None else add(x.grad, delta)
            return
        key = (id(node), x.index)
        deltas[key] = delta if key not in deltas else add(deltas[key], delta)
        if key[0] not in waiting:
            waiting[key[0]] = node
            heappush(heap, (-node.generation, next(reached), key[0]))
        if retain_grad:
            x.grad = deltas[key]

    for i, y in enumerate(outputs):
        arrive(y, starting_delta(y, None if gradients is None else gradients[i]))
    while heap:
        pass_on(waiting.pop(heappop(heap)[2]), deltas, arrive, retain_graph)


def pass_on(node: Node, deltas: Deltas, arrive: Callable[[Variable, Array], None], retain_graph: bool) -> None:
    """One node turns the delta of its output into the deltas of its inputs."""
    engine, hooks = current(), context.hooks
    if node.saved is None:
        raise ConfigurationError(
            "this graph has been used by an earlier backward() and let go.",
            where=f"backward, at {node!r}",
            fix="call backward(retain_graph=True) the first time, or compute the loss again",
        )
    if node.outputs is None:
        gy = deltas.pop((id(node), 0))
    else:
        gy = tuple(deltas.pop((id(node), index), None) for index in range(node.outputs))
    wanted = tuple(x.requires_grad for x in node.inputs)
    for hook in hooks:
        hook.before_backward(node, gy)
    gx = engine.backward(node.rule, node.saved, gy, wanted, node.attributes, node.by_kernel)
    # A broadcast input was used many times: its gradient is the sum over the copies.
    gx = tuple(
        g if g is None or g.shape == x._array.shape else sum_to(g, x.shape)
        for x, g in zip(node.inputs, gx, strict=True)
    )
    for hook in hooks:
        hook.after_backward(node, gy, gx)
    if not retain_graph:
        node.saved = None
    for x, g, needed in zip(node.inputs, gx, wanted, strict=True):
        if needed and g is not None:
            arrive(x, g)


def add(a: Array, b: Array) -> Array:
    """Two deltas that reach the same value add up."""
    return current().forward(arithmetic.add, (a, b), {})[0]


def sum_to(g: Array, size: tuple[int, ...]) -> Array:
    """A gradient summed over what was broadcast."""
    return current().forward(shape.sum_to, (g,), {"shape": size})[0]


def starting_delta(y: Variable, gradient: Array | None) -> Array:
    """∂E/∂y where backpropagation starts."""
    if not y.requires_grad:
        raise ConfigurationError(
            "there is nothing to differentiate: no Variable in this graph requires a gradient.",
            where="backward",
            fix="was it computed inside no_grad(), from arrays alone, or from integers? In fit(): has the model "
            "parameters, and is a layer left whose trainable is True?",
        )
    if gradient is None:
        if y.size != 1:
            raise ShapeError(
                "backpropagation starts from a scalar loss.",
                where="backward",
                expected="one number, or a gradient of the same shape",
                received=f"shape {y.shape}",
                fix="reduce it first (loss.sum() or loss.mean()), or pass gradient=",
            )
        return current().xp.ones_like(y._array)
    delta = current().asarray(gradient, dtype=y._array.dtype)
    if tuple(delta.shape) != y.shape:
        raise ShapeError(
            "a gradient must have the shape of what it is the gradient of.",
            where="backward",
            expected=f"shape {y.shape}",
            received=f"shape {tuple(delta.shape)}",
        )
    return delta

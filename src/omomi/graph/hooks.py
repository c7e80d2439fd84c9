"""Hooks: being told before and after each rule, forward and backward.

Trace, ledger, timer and watch are hooks. The graph calls them; rules and engines know nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from omomi.engines.engine import Array, Attributes
from omomi.graph.context import context
from omomi.ops.rule import Rule

if TYPE_CHECKING:
    from typing import Self

    from omomi.graph.variable import Node


class Hook:
    """Override what you want to see; use it as a context manager.

    Inside ``with hook:`` every rule of this thread reports to it. ``path`` is the layer that called the rule.
    Arrays are the real ones, not copies: look, do not write.

    Example:
        >>> import omomi
        >>> class Names(omomi.Hook):
        ...     def after_forward(self, rule, arrays, attributes, path, y):
        ...         print(rule.name)
        >>> with Names():
        ...     _ = omomi.functions.tanh([0.0]) + 1.0
        tanh
        add
    """

    def before_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str) -> None:
        """A rule is about to run forward on ``arrays``."""

    def after_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str, y: Any) -> None:
        """A rule has run forward; ``y`` is its output (an array, or a tuple of arrays)."""

    def before_backward(self, node: Node, gy: Any) -> None:
        """A node is about to run backward on the delta ``gy`` of its output."""

    def after_backward(self, node: Node, gy: Any, gx: tuple[Array | None, ...]) -> None:
        """A node has run backward; ``gx`` holds the gradient of each input, un-broadcast, or ``None``."""

    def __enter__(self) -> Self:
        context.hooks = (*context.hooks, self)
        return self

    def __exit__(self, *_: object) -> None:
        context.hooks = tuple(hook for hook in context.hooks if hook is not self)


@contextmanager
def unwatched() -> Iterator[None]:
    """Inside, no hook is told anything: what runs is not what somebody wanted to see."""
    before, context.hooks = context.hooks, ()
    try:
        yield
    finally:
        context.hooks = before

"""One row of a table of spellings, and what a script calls in place of Omomi's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from omomi.dialects.hook import UnsupportedError

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """How arguments were called once.

    Args:
        to: what stands for it now.
        order: the names of that time in positional order; (): as ``to`` has them.
        says: from names of that time to names of now.
        defaults: what was taken unless told, by today's names, where that has changed.
        then: whatever else must be done with the arguments.
    """

    to: Any
    order: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Arguments], Arguments] | None = None


class Spelling:
    """A class under the arguments of another time: calling it makes the class of today.

    ``isinstance`` and subclassing see through it.
    """

    def __init__(self, name: str, row: Row) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = f"{name}, as it was spelled once: {row.to.__name__} of today.\n\n{row.to.__doc__ or ''}"
        self.row = row

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        row = self.row
        order = row.order or parameters_of(row.to)
        if len(args) > len(order):
            raise UnsupportedError(
                "too many arguments.", where=self.__name__, expected=", ".join(order), received=f"{len(args)}"
            )
        named: Arguments = dict(zip(order, args, strict=False))
        if both := set(named) & set(kwargs):
            raise TypeError(f"{self.__name__}() got {', '.join(sorted(both))} twice")
        named.update(kwargs)
        named = {row.says.get(name, name): value for name, value in named.items()}
        named = {**row.defaults, **named}
        return row.to(**(named if row.then is None else row.then(named)))

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.row.to)

    def __subclasscheck__(self, subclass: Any) -> bool:
        return issubclass(subclass, self.row.to)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self.row.to,)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row.to, name)

    def __repr__(self) -> str:
        return f"<{self.__name__}, now {self.row.to.__name__}>"


def parameters_of(function: Any) -> tuple[str, ...]:
    """The names of the arguments that may stand without a name, in order."""
    found = signature(function).parameters.values()
    return tuple(one.name for one in found if one.kind is one.POSITIONAL_OR_KEYWORD)

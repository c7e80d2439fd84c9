"""One row of a table of spellings, and what a script calls in place of Omomi's class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
        if row.order and len(args) > len(row.order):
            raise UnsupportedError(
                "too many arguments.", where=self.__name__, expected=", ".join(row.order), received=f"{len(args)}"
            )
        named: Arguments = {}
        if row.order:
            named, args = dict(zip(row.order, args, strict=False)), ()
        if both := set(named) & set(kwargs):
            raise TypeError(f"{self.__name__}() got {', '.join(sorted(both))} twice")
        named.update(kwargs)
        named = {row.says.get(name, name): value for name, value in named.items()}
        positional = set(list(parameters_of(row.to))[: len(args)])
        for name, value in row.defaults.items():
            if name not in positional:
                named.setdefault(name, value)
        if row.then is not None:
            named = row.then(named)
        return row.to(*args, **named)

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


def parameters_of(function: Any) -> list[str]:
    """The names of a class's arguments, in order."""
    made = vars(function).get("__init__") if isinstance(function, type) else function
    code = getattr(made, "__code__", None)
    if code is None:
        return []
    names = list(code.co_varnames[: code.co_argcount])
    return names[1:] if isinstance(function, type) else names

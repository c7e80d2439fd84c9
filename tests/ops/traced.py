"""Arrays that hide their values, as a tracing compiler's do: a rule that passes here can be traced.

A tracing engine runs a rule once, on arrays that have a shape and a dtype and no numbers yet. So no rule may
branch on a value, turn one into a Python number, choose entries by a mask, or write into an array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from omomi.engines import reference


class Traced(np.ndarray):
    """A NumPy array of which only shape and dtype may be looked at."""

    def _hidden(self, *_: Any) -> Any:
        raise AssertionError("the rule looks at a value, or writes into an array")

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __contains__ = __setitem__ = _hidden
    item = tolist = fill = sort = partition = put = nonzero = _hidden

    def __getitem__(self, index: Any) -> Any:
        for part in index if isinstance(index, tuple) else (index,):
            mask = isinstance(part, np.ndarray) and part.dtype.kind == "b"
            assert not mask, "the rule chooses entries by a mask, so that the shape depends on values"
        return wrap(self.view(np.ndarray)[unwrap(index)])

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """NumPy's own method divides in place."""
        return wrap(self.view(np.ndarray).mean(*args, **kwargs))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        assert "out" not in kwargs, f"the rule writes into an array ({ufunc.__name__})"
        return wrap(getattr(ufunc, method)(*unwrap(inputs), **unwrap(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        assert "out" not in kwargs, f"the rule writes into an array ({function.__name__})"
        return wrap(function(*unwrap(args), **unwrap(kwargs)))


def wrap(value: Any) -> Any:
    """Hide the values of every array in a (nested) result."""
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value).view(Traced)
    if isinstance(value, tuple | list):
        return type(value)(wrap(part) for part in value)
    return value


def unwrap(value: Any) -> Any:
    """Show the values again."""
    if isinstance(value, Traced):
        return value.view(np.ndarray)
    if isinstance(value, tuple | list):
        return type(value)(unwrap(part) for part in value)
    if isinstance(value, Mapping):
        return {key: unwrap(part) for key, part in value.items()}
    return value


def _engine_function(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: wrap(function(*unwrap(args), **unwrap(kwargs)))


# The functions that are not NumPy's belong to the engine, which may look inside arrays. ``scan`` calls a rule's cell.
_OWN = {name: f for name, f in vars(reference.xp).items() if not hasattr(np, name) and name != "scan"}
xp = SimpleNamespace(**(vars(reference.xp) | {name: _engine_function(f) for name, f in _OWN.items()}))

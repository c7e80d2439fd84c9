"""Which engine runs: ``omomi.use("numpy")``, the variable ``OMOMI_ENGINE``, or the default."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from omomi.engines.engine import Engine
from omomi.engines.reference import numpy_engine
from omomi.errors import EngineError, UnknownNameError

logger = logging.getLogger("omomi")

DEFAULT, FALLBACK = "numba", "numpy"  # the second where the first cannot run
# Each engine by the function that makes it. A maker imports what it needs only when it is called.
MAKERS: dict[str, Callable[[], Engine]] = {
    "numpy": numpy_engine,
    "numba": lambda: import_module("omomi.engines.cpu.engine").cpu_engine(),
    "jax": lambda: import_module("omomi.engines.xla").xla_engine(),
}

_made: dict[str, Engine] = {}
_current: Engine | None = None


class _Stand(threading.local):
    """The engine that stands in for the chosen one, in one thread and for a while."""

    engine: Engine | None = None


_stand = _Stand()


def get(name: str) -> Engine:
    """The engine of that name, made once.

    Raises:
        UnknownNameError: there is no such engine.
        EngineError: it cannot run here.
    """
    if name not in _made:
        if name not in MAKERS:
            raise UnknownNameError("engine", name, MAKERS)
        _made[name] = MAKERS[name]()
    return _made[name]


def current() -> Engine:
    """The engine that computes now."""
    global _current
    if _stand.engine is not None:
        return _stand.engine
    if _current is None:
        _current = chosen()
    return _current


def chosen() -> Engine:
    """The engine that OMOMI_ENGINE names, or the default where it runs.

    Raises:
        UnknownNameError, EngineError: OMOMI_ENGINE names no engine, or one that cannot run here.
    """
    named = os.environ.get("OMOMI_ENGINE")
    if named:
        return get(named)
    try:
        return get(DEFAULT)
    except (EngineError, ImportError) as reason:
        logger.warning("the engine %s cannot run here, %s does: %s", DEFAULT, FALLBACK, reason)
        return get(FALLBACK)


@contextmanager
def instead(engine: Engine) -> Iterator[None]:
    """Inside, in this thread, another engine computes: one that takes notes, or traces."""
    before, _stand.engine = _stand.engine, engine
    try:
        yield
    finally:
        _stand.engine = before


class use:
    """Choose the engine, from here on or inside a ``with`` block.

    Example:
        >>> import omomi
        >>> _ = omomi.use("numpy")              # from here on
        >>> with omomi.use("numpy"):            # only inside
        ...     omomi.functions.relu([-1.0, 2.0])
        Variable([0., 2.])
    """

    def __init__(self, name: str) -> None:
        global _current
        self._previous = current() if _current is not None else None
        _current = self.engine = get(name)

    def __repr__(self) -> str:
        return f"use({self.engine.name!r})"

    def __enter__(self) -> Engine:
        return self.engine

    def __exit__(self, *_: object) -> None:
        global _current
        _current = self._previous

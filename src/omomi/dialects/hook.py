"""The import hook of ``omomi run``: ``import keras`` finds Omomi's dialect instead of the package of that name.

:data:`DIALECTS` maps a name that scripts import to the module here that stands for it; a new dialect registers by a
line there. ``keras.layers`` is then ``omomi.dialects.keras3.layers``, and so on for every module inside, whether it is
a file or was put into ``sys.modules`` when the dialect was imported. A dotted name (``tensorflow.keras``) counts before
the shorter one. Only a process that calls :func:`serve` is concerned: an installed package of that name is not touched,
and is not seen there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from omomi.errors import OmomiError

DIALECTS: dict[str, str] = {
    "chainer": "omomi.dialects.chainer",
    "keras": "omomi.dialects.keras3",
    "tensorflow": "omomi.dialects.tensorflow",
    "tensorflow.keras": "omomi.dialects.tf_keras",
}


class UnsupportedError(OmomiError, ImportError):
    """A script asks for something that its dialect does not have."""


class Alias(Loader):
    """Loads a module of a dialect under the name that the script knows."""

    def __init__(self, real: str) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec  # it has been executed under its own name, and keeps that


class Finder(MetaPathFinder):
    """Answers for the names of dialects, before any installed package can."""

    def __init__(self, dialects: Mapping[str, str]) -> None:
        self.dialects = dict(dialects)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parts = fullname.split(".")
        for length in range(len(parts), 0, -1):
            served = self.dialects.get(".".join(parts[:length]))
            if served is not None:
                real = ".".join([served, *parts[length:]])
                break
        else:
            return None
        if not exists(real):
            raise UnsupportedError(
                "Omomi's dialect has no such module.",
                where=f"import {fullname}",
                fix="the page 'Old scripts run again' lists what the dialects have",
            )
        return ModuleSpec(fullname, Alias(real), is_package=True)


def exists(name: str) -> bool:
    """Whether there is a module of this name: one that is loaded, or a file."""
    outer = name.rpartition(".")[0]
    if outer and outer not in sys.modules:
        if not exists(outer):
            return False
        importlib.import_module(outer)
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what is around it is no package
        return False


def serve(dialects: Mapping[str, str] | None = None) -> Finder:
    """From here on, in this process, these names mean Omomi's dialects. Returns what :func:`withdraw` takes back."""
    finder = Finder(DIALECTS if dialects is None else {**DIALECTS, **dialects})
    forget(finder)
    sys.meta_path.insert(0, finder)
    return finder


def withdraw(finder: Finder) -> None:
    """The names mean again what they meant before; modules that were imported meanwhile are forgotten."""
    sys.meta_path.remove(finder)
    forget(finder)


def forget(finder: Finder) -> None:
    """Take what has these names out of the modules that are loaded."""
    for name in [n for n in sys.modules if n.partition(".")[0] in finder.dialects]:
        del sys.modules[name]


@contextmanager
def serving(dialects: Mapping[str, str] | None = None) -> Iterator[None]:
    """Inside, these names mean Omomi's dialects; afterwards, what they meant before."""
    finder = Finder(DIALECTS if dialects is None else {**DIALECTS, **dialects})
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in finder.dialects}
    finder = serve(dialects)
    try:
        yield
    finally:
        withdraw(finder)
        sys.modules.update(kept)


def missing(module: str, modern: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``: says that the dialect has no such name, and how it is said today where that is known.

    Args:
        module: how the framework calls the module.
        modern: from names that are missing on purpose to what to use instead.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnsupportedError(
            f"Omomi's dialect does not have {module}.{name}.",
            fix=modern.get(name, "see omomi.layers and omomi.functions for what there is"),
        )

    return __getattr__

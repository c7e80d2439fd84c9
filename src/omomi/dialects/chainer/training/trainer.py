"""``chainer.training.Trainer``: the loop of updates, and the extensions that run between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omomi.dialects.chainer.reporter import Observation, Reporter
from omomi.dialects.chainer.training.triggers import Trigger, get_trigger
from omomi.errors import UnknownNameError

PRIORITY_WRITER, PRIORITY_EDITOR, PRIORITY_READER = 300, 200, 100


class Extension:
    """Something that a trainer calls with itself when its trigger fires. Those of high priority come first."""

    trigger: Any = (1, "iteration")
    priority: int = PRIORITY_READER
    name: str | None = None

    @property
    def default_name(self) -> str:
        return type(self).__name__

    def __call__(self, trainer: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__()")

    def initialize(self, trainer: Trainer) -> None:
        """Before the first update."""

    def finalize(self) -> None:
        """At the end."""

    def on_error(self, trainer: Trainer, exc: BaseException, tb: Any) -> None:
        """When training fails."""

    def serialize(self, serializer: Any) -> None:
        """What it remembers."""


class Entry:
    """An extension with its trigger and priority."""

    def __init__(self, extension: Any, trigger: Trigger, priority: int) -> None:
        self.extension, self.trigger, self.priority = extension, trigger, priority


class Trainer:
    """Runs an updater until a trigger says stop.

    Args:
        updater: what makes one update.
        stop_trigger: such as (20, "epoch").
        out: the folder that extensions write into.
    """

    def __init__(self, updater: Any, stop_trigger: Any = None, out: str = "result", extensions: Any = None) -> None:
        self.updater, self.out = updater, out
        self.stop_trigger = get_trigger(stop_trigger) if stop_trigger is not None else lambda trainer: False
        self.observation: Observation = {}
        self.reporter = Reporter()
        for name, optimizer in updater.get_all_optimizers().items():
            self.reporter.add_observer(name, optimizer.target)
            self.reporter.add_observers(name, optimizer.target.namedlinks(skipself=True))
        self._extensions: dict[str, Entry] = {}
        self._start, self._elapsed = 0.0, 0.0
        updater.connect_trainer(self)
        for extension in extensions or ():
            self.extend(extension)

    @property
    def elapsed_time(self) -> float:
        """Seconds of training so far."""
        return self._elapsed + (time.perf_counter() - self._start if self._start else 0.0)

    @property
    def is_before_training(self) -> bool:
        return bool(self.updater.iteration == 0)

    def extend(
        self,
        extension: Any,
        name: str | None = None,
        trigger: Any = None,
        priority: int | None = None,
        *,
        call_before_training: bool = False,
        **options: Any,
    ) -> None:
        """Add an extension: a function of the trainer, or an object."""
        wanted = name or getattr(extension, "name", None) or getattr(extension, "default_name", None)
        wanted = wanted or getattr(extension, "__name__", type(extension).__name__)
        number, key = 1, str(wanted)
        while key in self._extensions:
            key = f"{wanted}_{number}"
            number += 1
        when = get_trigger(getattr(extension, "trigger", (1, "iteration")) if trigger is None else trigger)
        rank = getattr(extension, "priority", PRIORITY_READER) if priority is None else priority
        if hasattr(extension, "name"):
            extension.name = key
        self._extensions[key] = Entry(extension, when, rank)

    def get_extension(self, name: str) -> Any:
        if name not in self._extensions:
            raise UnknownNameError("extension", name, self._extensions, where="Trainer")
        return self._extensions[name].extension

    def run(self, show_loop_exception_msg: bool = True) -> None:
        """Train. What extensions write goes into the folder ``out``."""
        Path(self.out).mkdir(parents=True, exist_ok=True)
        ordered = sorted(self._extensions.values(), key=lambda entry: -entry.priority)
        for entry in ordered:
            initialize = getattr(entry.extension, "initialize", None)
            if initialize is not None:
                initialize(self)
        self._start = time.perf_counter()
        try:
            while not self.stop_trigger(self):
                self.observation = {}
                with self.reporter.scope(self.observation):
                    self.updater.update()
                    for entry in ordered:
                        if entry.trigger(self):
                            entry.extension(self)
        except Exception as error:
            for entry in ordered:
                on_error = getattr(entry.extension, "on_error", None)
                if on_error is not None:
                    on_error(self, error, error.__traceback__)
            raise
        finally:
            for entry in ordered:
                finalize = getattr(entry.extension, "finalize", None)
                if finalize is not None:
                    finalize()
            self.updater.finalize()
            self._elapsed, self._start = self.elapsed_time, 0.0

    def serialize(self, serializer: Any) -> None:
        """The whole state of training: a snapshot."""
        self.updater.serialize(serializer["updater"])
        serialize = getattr(self.stop_trigger, "serialize", None)
        if serialize is not None:
            serialize(serializer["stop_trigger"])
        for name, entry in self._extensions.items():
            for part, thing in (("extensions", entry.extension), ("extension_triggers", entry.trigger)):
                serialize = getattr(thing, "serialize", None)
                if serialize is not None:
                    serialize(serializer[part][name])
        self._elapsed = float(serializer("elapsed_time", self.elapsed_time))


def make_extension(
    trigger: Any = None, default_name: str | None = None, priority: int | None = None, **_: Any
) -> Callable[[Any], Any]:
    """A decorator that makes an extension of a function."""

    def mark(function: Any) -> Any:
        function.trigger = Extension.trigger if trigger is None else trigger
        function.priority = Extension.priority if priority is None else priority
        if default_name is not None:
            function.default_name = default_name
        return function

    return mark

"""What a comparison says while it runs: how many fits are done of how many, and how long the rest should take."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """Counts and says nothing. The base of those that speak."""

    done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, total: int) -> None:
        """So many fits there are in all."""

    def say(self, words: str) -> None:
        """This is what comes next."""

    def advance(self, remaining: float, *, repeated: bool = False) -> None:
        """One fit more is done (``repeated``: it was done before); the rest should take so many seconds."""
        self.done += 1


class Bar(Progress):
    """A bar on the terminal (stderr); where there is none, a line at every tenth of the fits."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True, highlight=False)
        columns = (
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("fits"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.description}"),
        )
        self._bar: Any = (
            Progress(*columns, console=self._console, transient=True) if self._console.is_terminal else None
        )
        self._task: Any = None
        self._total, self._words = 0, ""

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=None, left="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, total: int) -> None:
        self._total = total
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def say(self, words: str) -> None:
        self._words = words
        if self._bar is not None:
            self._bar.update(self._task, description=words)

    def advance(self, remaining: float, *, repeated: bool = False) -> None:
        super().advance(remaining, repeated=repeated)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, left=f"{duration(remaining)} left")
        elif not repeated and self.done * 10 // self._total > (self.done - 1) * 10 // self._total:
            left = f", {duration(remaining)} left" if self.done < self._total else ""
            self._console.print(f"{self.done:,} of {self._total:,} fits{left} ({self._words})")


def duration(seconds: float) -> str:
    """ "8 s", "3 min", "2.5 h": as exact as a forecast can be."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""From seconds per round to medians and ratios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Summary:
    """The middle of some numbers, and how far they spread."""

    median: float
    min: float
    max: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def summary(values: Sequence[float]) -> Summary:
    """Median, smallest and largest."""
    return Summary(median(values), min(values), max(values))


def fastest(seconds: Mapping[str, Sequence[float]], among: Iterable[str]) -> str | None:
    """Who has the smallest median; ``None`` if nobody is there."""
    present = [name for name in among if name in seconds]
    return min(present, key=lambda name: median(seconds[name]), default=None)


def speedup(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """How many times faster we are: their time over ours, round by round.

    The two times of one round were taken one after the other, so a machine that slows down for a while slows both,
    and their ratio stays what it is.
    """
    return summary([b / a for a, b in zip(ours, theirs, strict=True)])

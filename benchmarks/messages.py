"""What driver and workers say to each other. The answer to a plain number, "run so often", is the seconds it took."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.networks import Array
from benchmarks.works import Work

CHECKED_STEPS = 3  # of training, after which contenders' outputs are compared


@dataclass(frozen=True)
class Prepare:
    """Build for this work, choose the fastest variant, check and warm up.

    Args:
        source: of the samples: "patterns" are made, "mnist" is read.
        fresh: leave the network untrained: no check of learning, no warming up.
    """

    work: Work
    threads: int
    warm_seconds: float
    source: str = "patterns"
    fresh: bool = False


@dataclass(frozen=True)
class Ready:
    """The worker is ready.

    Attributes:
        variant: the one that was fastest.
        tried: seconds of each variant.
        outputs: probabilities for a few samples after ``CHECKED_STEPS`` steps; ``None`` if they cannot be compared.
        seconds: of doing the work once, roughly.
    """

    variant: str
    tried: dict[str, float]
    outputs: Array | None
    seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class Judge:
    """Say the share of right answers on MNIST's test images."""


@dataclass(frozen=True)
class Failed:
    """The worker cannot do this work, or failed."""

    reason: str
    unsupported: bool

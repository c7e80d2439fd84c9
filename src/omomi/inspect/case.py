"""What a diagnosis is made of: the case, with all that is known of a network, and the verdict of one check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from omomi.training.ledger import Ledger
from omomi.training.ledger_words import middle

Array = Any


@dataclass(frozen=True)
class Verdict:
    """One thing that is wrong.

    Attributes:
        name: of the illness, e.g. "vanishing".
        says: what was seen, in a sentence.
        evidence: the numbers behind it, by name.
        remedy: what the textbook does about it.
        where: the layer that it is about; "" if it is none in particular.
    """

    name: str
    says: str
    evidence: Mapping[str, Any]
    remedy: str
    where: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self) | {"evidence": dict(self.evidence)}


@dataclass(frozen=True)
class Case:
    """All that is known of a network and its training.

    Attributes:
        history: the learning curves; empty if unknown.
        ledger: of the training, if one was recorded.
        look: a ledger of one row, of a step on the samples below that was thrown away; if there are samples.
        x, y: samples, the targets as the loss takes them; ``None`` if unknown.
        found: the verdicts so far, which may explain what a later check sees.
    """

    model: Any
    history: Mapping[str, Sequence[float]]
    ledger: Ledger | None
    look: Ledger | None
    x: Array | None
    y: Array | None
    found: list[Verdict] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of these was found."""
        return any(verdict.name in names for verdict in self.found)

    @property
    def seen(self) -> Ledger:
        """The ledger of the training, else that of the look."""
        found = self.ledger if self.ledger is not None and len(self.ledger) else self.look
        assert found is not None
        return found

    @property
    def now(self) -> Ledger:
        """What the network is like now: the look, else the ledger's last rows."""
        return self.look if self.look is not None else self.seen

    @property
    def weighted(self) -> list[str]:
        """The layers with weights, in order."""
        return [path for path, columns in self.seen.of_layers.items() if "input_size" in columns]

    def lacks(self, needs: str) -> str:
        """Why a check that needs this cannot be made; "" if it can."""
        if needs == "data" and self.y is None:
            return "no samples of one input and one output were given"
        if needs == "curves" and len(self.history.get("loss", ())) < 3:
            return "no learning curves of three epochs or more"
        if needs == "training" and (self.ledger is None or len(self.ledger) < 2):
            return "no ledger of two steps or more"
        if needs == "ledger" and not len(self.seen):
            return "the ledger is empty"
        return ""


@dataclass(frozen=True)
class Check:
    """A check for one illness.

    Attributes:
        name: as verdicts and reports call it.
        needs: "ledger" (or a look), "training" (a ledger of several steps), "data" or "curves".
        function: of the case.
    """

    name: str
    needs: str
    function: Callable[[Case], Verdict | None]


def check(name: str, needs: str) -> Callable[[Callable[[Case], Verdict | None]], Check]:
    """Make a function a check."""
    return lambda function: Check(name, needs, function)


def latest(ledger: Ledger, quantity: str, path: str) -> float:
    """The median of a quantity over the last quarter of the rows."""
    values = ledger.get(quantity, path)
    return middle(values[-quarter(ledger) :])


def quarter(ledger: Ledger) -> int:
    """How many rows are the last quarter: at least one."""
    return max(1, len(ledger) // 4)


def ratio_of(a: Array, b: Array) -> Array:
    """a / b, NaN where b is 0 or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, a / b, np.nan)

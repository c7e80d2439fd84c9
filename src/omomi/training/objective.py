"""What training minimises: the loss of one output, or the weighted sum of the losses of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omomi.graph.variable import Variable
from omomi.training.losses import Loss

Array = Any
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Output:
    """One output of a model.

    Attributes:
        place: where it stands in what the model returns; see :mod:`omomi.graph.structure`.
        name: as logs and arguments of ``compile`` call it.
        shape: the batch first.
    """

    place: str
    name: str
    shape: Shape


@dataclass(frozen=True)
class Part:
    """The loss of one output, and how much it counts; an output without a loss is not trained."""

    output: Output
    loss: Loss | None
    weight: float = 1.0


class Objective:
    """E = Σₖ λₖ Eₖ over the outputs k that have a loss.

    Args:
        parts: one for each output, in the order of the outputs.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.trained = [(part.output.place, part.loss, part.weight) for part in parts if part.loss is not None]

    @classmethod
    def of(cls, loss: Loss) -> Objective:
        """That of a model with one output."""
        return cls([Part(Output("", "output", (None,)), loss)])

    @property
    def replayable(self) -> bool:
        return all(loss.replayable for _, loss, _ in self.trained)

    @property
    def name(self) -> str:
        return ", ".join(loss.name for _, loss, _ in self.trained)

    def compute(self, batch: Mapping[str, Array], ys: Mapping[str, Variable]) -> tuple[Variable, dict[str, Variable]]:
        """E, and Eₖ by place, of a batch whose targets are aligned and of the outputs by place."""
        values: dict[str, Variable] = {}
        E: Variable | None = None
        for place, loss, weight in self.trained:
            value = values[place] = loss.compute(batch[f"y{place}"], ys[place], weights_of(batch, place))
            share = value if weight == 1 else value * weight
            E = share if E is None else E + share
        assert E is not None
        return E, values


def weights_of(batch: Mapping[str, Array], place: str) -> Array:
    """The weights of the samples for the output at this place: its own, or those of all outputs, or 1."""
    own = batch.get(f"w{place}")
    if own is not None:
        return own
    common = batch.get("w")
    return batch["one"] if common is None else common

"""What holds while code runs: is the graph recorded, is this training, who is watching, where are we.

Each thread has a context of its own, so that two trainings in two threads do not see each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omomi.graph.hooks import Hook
    from omomi.graph.randomness import Draws
    from omomi.graph.variable import Variable


class Context(threading.local):
    """The surroundings of the rule that runs now.

    Attributes:
        recording: whether calls of rules are remembered for backpropagation.
        training: whether layers behave as in training (dropout drops, batch normalisation uses the batch).
        path: the layer that runs, as a path from its root ("" outside any layer).
        hooks: who is told before and after each rule.
        dtype: the dtype of the layer around, which layers without one of their own take.
        half: the dtype that layers compute in where the model's precision says so, instead of float32.
        draws: seed and step of the random draws, and how often each path has drawn in this step.
        seed: of models that are built here and have none of their own, if it is fixed.
        key: the name that the next layer has inside the layer around it, where that is not its own.
        sketching: whether a network is being drawn up: parameters get a place and no numbers yet.
        penalties: what layers add to the loss while they compute; ``None`` where there is no loss.
    """

    recording: bool = True
    training: bool = False
    path: str = ""
    key: str | None = None
    sketching: bool = False
    dtype: str = "float32"
    half: str | None = None
    hooks: tuple[Hook, ...] = ()
    draws: Draws | None = None
    penalties: list[Variable] | None = None
    seed: int | None = None


context = Context()


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside, nothing is recorded for backpropagation: less memory, no graph."""
    before, context.recording = context.recording, False
    try:
        yield
    finally:
        context.recording = before


@contextmanager
def collected_penalties() -> Iterator[list[Variable]]:
    """Inside, layers add their penalties (activity regularisers, ``add_loss``) to the list that this gives."""
    before, context.penalties = context.penalties, []
    try:
        yield context.penalties
    finally:
        context.penalties = before


@contextmanager
def placed(path: str, dtype: str, draws: Draws) -> Iterator[None]:
    """Inside, the layer at ``path`` of a model runs."""
    before = context.path, context.dtype, context.draws
    context.path, context.dtype, context.draws = path, dtype, draws
    try:
        yield
    finally:
        context.path, context.dtype, context.draws = before


@contextmanager
def training_mode(training: bool = True) -> Iterator[None]:
    """Inside, layers behave as in training (or not), unless a call says otherwise."""
    before, context.training = context.training, training
    try:
        yield
    finally:
        context.training = before

"""``chainer.training``: trainer, updaters, triggers and extensions.

``extensions`` is loaded with the first use, since it draws with matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from omomi.dialects.chainer.training import triggers as triggers
from omomi.dialects.chainer.training import updaters as updaters
from omomi.dialects.chainer.training.trainer import PRIORITY_EDITOR as PRIORITY_EDITOR
from omomi.dialects.chainer.training.trainer import PRIORITY_READER as PRIORITY_READER
from omomi.dialects.chainer.training.trainer import PRIORITY_WRITER as PRIORITY_WRITER
from omomi.dialects.chainer.training.trainer import Extension as Extension
from omomi.dialects.chainer.training.trainer import Trainer as Trainer
from omomi.dialects.chainer.training.trainer import make_extension as make_extension
from omomi.dialects.chainer.training.triggers import get_trigger as get_trigger
from omomi.dialects.chainer.training.updaters import StandardUpdater as StandardUpdater
from omomi.dialects.hook import missing

_missing = missing("chainer.training", {"ParallelUpdater": "StandardUpdater"})


def __getattr__(name: str) -> Any:
    return import_module(f"{__name__}.extensions") if name == "extensions" else _missing(name)

"""``chainer.config``: what holds in this thread. ``train`` is on from the start, as Chainer has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from omomi.graph.context import context, no_grad


class Config(threading.local):
    """The settings of a thread."""

    train: bool = True
    enable_backprop: bool
    dtype: Any = np.float32
    user: str | None = None
    cudnn_deterministic: bool = False
    autotune: bool = False
    use_cudnn: str = "auto"
    use_ideep: str = "never"
    type_check: bool = True
    debug: bool = False

    def __getattribute__(self, name: str) -> Any:
        return context.recording if name == "enable_backprop" else super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "enable_backprop":
            context.recording = bool(value)
        else:
            super().__setattr__(name, value)

    def show(self) -> None:
        """Print the settings."""
        for name in ("train", "enable_backprop", "dtype"):
            print(f"{name:<16}{getattr(self, name)}")


config = Config()
global_config = config


@contextmanager
def using_config(name: str, value: Any, config: Config = config) -> Iterator[None]:
    """Inside, a setting has another value."""
    before = getattr(config, name, None)
    setattr(config, name, value)
    try:
        yield
    finally:
        setattr(config, name, before)


def no_backprop_mode() -> AbstractContextManager[None]:
    """Inside, nothing is recorded for backpropagation."""
    return no_grad()


def force_backprop_mode() -> AbstractContextManager[None]:
    """Inside, it is recorded even so."""
    return using_config("enable_backprop", True)

"""Tests marked ``mnist`` need the real MNIST files; without them they are left out, and one line says so."""

from __future__ import annotations

import os

import pytest

from omomi.datasets.fetch import VARIABLE
from omomi.datasets.mnist import SOURCE


def _mnist_is_here() -> bool:
    where = SOURCE.where() if os.environ.get(VARIABLE) else None
    return where is not None and where in SOURCE.folders()[:2]  # the user's own folders, not the cache


MNIST_IS_HERE = _mnist_is_here()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if MNIST_IS_HERE:
        return
    left_out = [item for item in items if item.get_closest_marker("mnist")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not MNIST_IS_HERE:
        terminalreporter.write_line(f"tests marked mnist were left out: {VARIABLE} names no folder with its files")

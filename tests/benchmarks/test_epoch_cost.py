"""What surrounds the steps of an epoch is measured, on a toy."""

from __future__ import annotations

import sys

from benchmarks.epoch_cost import surroundings, waiting

from tests.benchmarks.toys import TOY_MLP


def test_surroundings_and_waiting_are_told():
    before = sys.stderr
    line = surroundings(TOY_MLP, 8, 64, 1)
    assert "8 steps" in line
    assert "s with metrics, callbacks and progress" in line
    assert sys.stderr is before
    lines = list(waiting(TOY_MLP, 8, 64, 1))
    assert [text.split(", ")[2].split(":")[0] for text in lines] == [
        "arrays in memory",
        "memory-mapped files",
        "generator",
        "PyDataset",
    ]
    assert all("waiting for data" in text for text in lines)

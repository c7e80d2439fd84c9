from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from omomi.errors import ConfigurationError
from omomi.inspect.layout import lay_out

SIZES = {"left": 60.0, "right": 40.0, "lane": 5.0}


def test_a_chain_stands_in_one_column():
    layout = lay_out({"a": [], "b": ["a"], "c": ["b"]}, **SIZES)
    assert layout.rows == {"a": 0, "b": 1, "c": 2}
    assert layout.centres == {"a": 60, "b": 60, "c": 60}
    assert layout.lanes == {("a", "b"): [], ("b", "c"): []}
    assert layout.width == 100


def test_a_shortcut_runs_beside_the_straight_path():
    layout = lay_out({"a": [], "b": ["a"], "c": ["b"], "add": ["a", "c"], "d": ["add"]}, **SIZES)
    assert set(layout.centres.values()) == {60}
    assert layout.lanes["a", "add"] == [105, 105]  # half a lane right of the boxes, in the rows of b and c
    assert layout.width == 110


def test_branches_stand_beside_each_other_and_meet_in_the_middle():
    layout = lay_out({"a": [], "b": ["a"], "c": ["a"], "d": ["a"], "join": ["b", "c", "d"]}, **SIZES)
    assert [layout.centres[name] for name in "bcd"] == [60, 160, 260]
    assert layout.centres["a"] == layout.centres["join"] == 160


def test_branches_of_unequal_length_meet_in_the_middle():
    layout = lay_out({"a": [], "b": ["a"], "c": ["a"], "c2": ["c"], "join": ["b", "c2"]}, **SIZES)
    assert layout.centres["join"] == layout.centres["a"] == (layout.centres["b"] + layout.centres["c"]) / 2
    assert layout.lanes["b", "join"] == [layout.centres["b"]]


def test_nothing_overlaps_in_random_graphs():
    random = np.random.default_rng(3)
    for _ in range(50):
        n = int(random.integers(1, 15))
        inputs = {str(i): [str(j) for j in range(i) if random.random() < 0.3] for i in range(n)}
        layout = lay_out(inputs, **SIZES)
        for row in range(n):
            spans = [(layout.centres[v] - 60, layout.centres[v] + 40) for v in inputs if layout.rows[v] == row]
            for (source, target), lanes in layout.lanes.items():
                if layout.rows[source] < row < layout.rows[target]:
                    x = lanes[row - layout.rows[source] - 1]
                    spans.append((x - 5, x + 5))
            spans.sort()
            assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(spans))
            assert all(start >= -1e-9 and end <= layout.width + 1e-9 for start, end in spans)
        assert all(layout.rows[s] < layout.rows[v] for v, sources in inputs.items() for s in sources)


def test_a_circle_is_an_error():
    with pytest.raises(ConfigurationError, match="circle"):
        lay_out({"a": ["b"], "b": ["a"]}, **SIZES)

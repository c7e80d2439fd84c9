"""Medians and ratios, by hand."""

from __future__ import annotations

import pytest
from benchmarks.statistics import Summary, fastest, speedup, summary


def test_a_summary_is_the_median_and_the_spread():
    assert summary([3.0, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0)
    assert summary([1.0, 2.0]) == Summary(1.5, 1.0, 2.0)


def test_the_fastest_is_the_one_with_the_smallest_median_not_the_smallest_minimum():
    seconds = {"steady": [2.0, 2.0, 2.0], "lucky once": [1.0, 3.0, 3.0], "slow": [9.0, 9.0, 9.0]}
    assert fastest(seconds, seconds) == "steady"
    assert fastest(seconds, ["slow", "absent"]) == "slow"
    assert fastest(seconds, ["absent"]) is None


def test_ratios_are_formed_round_by_round_so_a_slow_while_of_the_machine_drops_out():
    ours = [1.0, 1.0, 10.0]  # the machine was ten times slower in the third round
    theirs = [2.0, 2.0, 20.0]
    assert speedup(ours, theirs) == Summary(2.0, 2.0, 2.0)
    assert speedup([1.0, 2.0, 4.0], [3.0, 4.0, 4.0]) == Summary(2.0, 1.0, 3.0)


def test_ratios_need_the_same_rounds():
    with pytest.raises(ValueError, match="longer"):
        speedup([1.0], [1.0, 2.0])

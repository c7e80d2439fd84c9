"""Schedules and their arguments, as the oracle and the tests both make them."""

from __future__ import annotations

CASES = {
    "ExponentialDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "InverseTimeDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "PolynomialDecay": [(0.1, 13, 0.001), (0.1, 7, 0.01, 2.0, True)],
    "PiecewiseConstantDecay": [([3, 11], [1.0, 0.5, 0.1])],
    "CosineDecay": [(0.1, 17), (0.1, 17, 0.2, "warm", 1.0, 9)],
    "CosineDecayRestarts": [(0.1, 5), (0.1, 6, 1.0, 0.5, 0.1), (0.1, 3, 1.5, 0.9)],
    "OneCycle": [(0.1, 20), (0.1, 33, 0.5, 10.0, 100.0)],
}

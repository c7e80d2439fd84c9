"""Every rule's formulas become LaTeX that a typesetter accepts; numbers are written with the digits that count."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from omomi.inspect.formulas import array_text, norm, number, shape_text, to_latex
from omomi.ops import RULES


@pytest.mark.parametrize("name", sorted(n for n, rule in RULES.items() if rule.backward))
def test_every_formula_can_be_typeset(name):
    parser = MathTextParser("path")
    for formula in (RULES[name].formula, RULES[name].gradient):
        latex = to_latex(formula)
        parser.parse(f"${latex}$")
        assert latex.isascii(), latex


def test_latex_by_hand():
    assert to_latex("y = x W + b") == "y = x W + b"
    assert to_latex("gx = gy Wᵀ") == r"\frac{\partial E}{\partial x} = \frac{\partial E}{\partial y} W^{\top}"
    assert to_latex("y = 1 / (1 + e⁻ˣ)") == "y = 1 / (1 + e^{-x})"
    assert to_latex("gγ = Σ gy x̂") == r"\frac{\partial E}{\partial \gamma} = \sum \frac{\partial E}{\partial y} \hat{x}"
    assert to_latex("y = √(σ² + ε)") == r"y = \sqrt{\sigma^{2} + \varepsilon }"
    assert to_latex("y = maxᵢ xᵢ") == r"y = \max_{i} x_{i}"


def test_numbers():
    assert [number(v) for v in (0, -0.28125, 1.5e-6, 12, 1e20, np.nan, -np.inf)] == [
        "0",
        "−0.2812",
        "1.5e−6",
        "12",
        "1e20",
        "NaN",
        "−∞",
    ]
    assert number(-0.0) == "0"
    assert shape_text((2, 3)) == "2 × 3"
    assert shape_text(()) == "1"
    assert array_text(np.array([[1, 2.5], [0, -1]])) == "[[1  2.5], [0  −1]]"
    assert array_text(np.ones(100)) == "norm 10, 1 … 1"
    assert array_text(np.zeros((0, 3))) == "[]"
    assert norm(np.full(4, 1e30, np.float32)) == pytest.approx(2e30)

"""A chain of single units, worked by hand.

Sigmoid, x = 1, t = 1, w = (ln 3, −4/3 ln 3):

    u₂ = ln 3, a₂ = ¾, f′(u₂) = ¾ · ¼ = 3/16        u₃ = −4/3 ln 3 · ¾ = −ln 3, a₃ = ¼, f′(u₃) = 3/16
    E = ½ (¼ − 1)² = 9/32
    ∂E/∂a₃ = −¾                  ∂E/∂u₃ = −¾ · 3/16 = −9/64          ∂E/∂w₂ = −9/64 · ¾ = −27/256
    ∂E/∂a₂ = −9/64 · w₂ = 3/16 ln 3    ∂E/∂u₂ = 9/256 ln 3           ∂E/∂w₁ = 9/256 ln 3
    the factor between ∂E/∂u₃ and ∂E/∂u₂: w₂ f′(u₂) = −¼ ln 3
"""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from omomi import functions as F
from omomi.errors import ConfigurationError, DataError, UnknownNameError
from omomi.inspect import chain
from omomi.inspect.chains import slope_formula
from omomi.layers import activations
from tests.inspect.looking import size, texts

LN3 = np.log(3.0)


def worked():
    return chain([LN3, -4 / 3 * LN3], "sigmoid", 1.0, 1.0)


def test_every_derivative_by_hand():
    c = worked()
    assert c.u == pytest.approx((1, LN3, -LN3))
    assert c.a == pytest.approx((1, 3 / 4, 1 / 4))
    assert c.slopes == pytest.approx((1, 3 / 16, 3 / 16))
    assert c.error == pytest.approx(9 / 32)
    expected = {
        "∂E/∂a₃": -3 / 4,
        "∂a₃/∂u₃": 3 / 16,
        "∂E/∂u₃": -9 / 64,
        "∂u₃/∂w₂": 3 / 4,
        "∂E/∂w₂": -27 / 256,
        "∂u₃/∂a₂": -4 / 3 * LN3,
        "∂E/∂a₂": 3 / 16 * LN3,
        "∂a₂/∂u₂": 3 / 16,
        "∂E/∂u₂": 9 / 256 * LN3,
        "∂u₂/∂w₁": 1,
        "∂E/∂w₁": 9 / 256 * LN3,
        "∂u₂/∂a₁": LN3,
        "∂E/∂a₁": 9 / 256 * LN3**2,
    }
    assert [p.symbol for p in c.partials] == list(expected)
    for symbol, value in expected.items():
        assert c[symbol] == pytest.approx(value, rel=1e-12), symbol
    assert c["dE/dw1"] == c["∂E/∂w₁"]
    assert c.factors == pytest.approx((-LN3 / 4,))
    assert c.running == pytest.approx((1, -LN3 / 4))
    assert c.deltas == pytest.approx((9 / 256 * LN3, -9 / 64))


def test_formulas_and_products():
    lines = {p.symbol: p for p in worked().partials}
    assert str(lines["∂E/∂w₂"]) == "∂E/∂w₂ = ∂E/∂u₃ a₂ = −0.1055"
    assert lines["∂E/∂w₁"].product == "(a₃ − t) f′(u₃) w₂ f′(u₂) a₁"
    assert lines["∂a₂/∂u₂"].formula == "f′(u₂) = a₂ (1 − a₂)"
    assert lines["∂E/∂w₂"].latex == (
        r"\frac{\partial E}{\partial w_{2}} &= \frac{\partial E}{\partial u_{3}} a_{2} = -0.1055"
    )


@pytest.mark.parametrize("name", sorted(set(activations.BY_NAME) - {"softmax", "log_softmax", "sparsemax"}))
def test_every_activation_against_finite_differences(name):
    w, x, t, h = np.array([0.9, -1.3, 0.7]), 0.8, 0.4, 1e-6
    c = chain(w, name, x, t)
    for i in range(3):
        up, down = (chain(w + sign * h * np.eye(3)[i], name, x, t).error for sign in (1, -1))
        assert c[f"dE/dw{i + 1}"] == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-9)
    parser = MathTextParser("path")
    for partial in c.partials:
        parser.parse("$" + partial.latex.replace("&", "") + "$")


def test_the_formulas_of_slopes():
    assert slope_formula("gx = gy y (1 − y)") == "y (1 − y)"
    assert slope_formula("gx = gy if x > 0 else α gy") == "1 if x > 0 else α"
    assert slope_formula("gx = gy / (1 + |x|)²") == "1 / (1 + |x|)²"
    assert slope_formula("gx = gy") == "1"


def test_what_becomes_of_the_delta():
    assert chain([1.0] * 8, "sigmoid", 0.5, 0).verdict.startswith("The delta vanishes: each layer multiplies it by")
    assert "sigmoid′ ≤ ¼" in chain([1.0] * 8, "sigmoid", 0.5, 0).verdict
    assert chain([3.0] * 5, "relu", 0.5, 0).verdict.startswith("The delta explodes: each layer multiplies it by")
    assert "neither vanishes nor explodes" in chain([1.0] * 5, "identity", 0.5, 0).verdict
    assert chain([-1.0, 1.0, 1.0], "relu", 0.5, 0).verdict.startswith("A factor w f′(u) is 0")
    assert chain([1.0], "tanh", 0.5, 0).verdict.startswith("There is one activated unit")


def test_an_error_of_ones_own():
    c = chain([2.0], "identity", 3.0, lambda a: F.exp(a * 0.5))  # a₂ = 6: E = e³, ∂E/∂w₁ = ½ e³ · 3
    assert c.error == pytest.approx(np.exp(3))
    assert c["∂E/∂w₁"] == pytest.approx(1.5 * np.exp(3))
    assert c.partials[0].formula == "dE/da₂"


def test_text_latex_and_pictures(tmp_path):
    c = worked()
    text = c.to_text()
    assert text.startswith("a chain of 3 units, f = sigmoid, E = 0.2812")
    assert "(a₃ − t) f′(u₃) w₂ f′(u₂) a₁" in text
    assert text.endswith(c.verdict)
    assert c.to_latex().startswith("\\begin{aligned}\n\\frac{\\partial E}{\\partial a_{3}} &= a_{3} - t = -0.75")
    assert c._repr_latex_().startswith("$$")
    assert {"∂E/∂u₃", "−0.141", "a₂ = 0.75"} <= set(texts(c.save(tmp_path / "c.svg")))
    assert size(chain([0.5] * 14, "tanh", 1.0, 0.0).save(tmp_path / "c.png"))[0] > 1000
    assert c.save(tmp_path / "c.txt").read_text("utf-8") == text + "\n"
    assert "aligned" in c.save(tmp_path / "c.tex").read_text("utf-8")
    assert repr(c) == "<Chain of 3 units, sigmoid: ∂E/∂w₁ = 0.03862>"


def test_bad_input(tmp_path):
    with pytest.raises(DataError, match="at least one weight"):
        chain([], "tanh", 1.0, 0.0)
    with pytest.raises(DataError, match="finite"):
        chain([np.nan], "tanh", 1.0, 0.0)
    with pytest.raises(UnknownNameError, match="did you mean 'tanh'"):
        chain([1.0], "tan", 1.0, 0.0)
    with pytest.raises(ConfigurationError, match="several units"):
        chain([1.0], "softmax", 1.0, 0.0)
    with pytest.raises(ConfigurationError, match="no such derivative"):
        worked()["dE/dw3"]
    with pytest.raises(ConfigurationError, match="PNG or as SVG"):
        worked().save(tmp_path / "c.pdf")

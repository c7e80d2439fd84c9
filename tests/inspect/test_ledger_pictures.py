from __future__ import annotations

import warnings

import numpy as np
import pytest

from omomi import errors
from omomi.inspect import plot_ledger, plot_ledger_curves
from omomi.training.ledger import LayerFacts, Ledger
from tests.inspect.looking import HOSTILE, size, texts

DRAW = [plot_ledger, plot_ledger_curves]


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def ledger(names, rows=5, value=lambda layer, row: 10.0 ** -(layer + row)):
    made = Ledger()
    for name in names:
        made.layers[name] = LayerFacts("Dense")
    for row in range(rows):
        layers = {n: {"delta": value(i, row), "dead": min(abs(value(i, row)), 1.0)} for i, n in enumerate(names)}
        made.append(1000 * row, row, 1.0, layers, {f"{n}/kernel": {"update": 0.001} for n in names})
    return made


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_of_each_kind(draw, ending, tmp_path):
    for quantity in ("delta", "dead", "update"):
        path = draw(ledger(["dense", "dense_1"]), tmp_path / f"a.{ending}", quantity)
        if ending == "png":
            assert min(size(path)) > 400


def test_layers_steps_and_scale_are_written(tmp_path):
    words = texts(plot_ledger(ledger(["dense", "dense_1", "dense_2"]), tmp_path / "a.svg"))
    assert {"Delta per layer", "dense", "dense_1", "dense_2", "step", "0", "1,000", "4,000", "10⁻⁴"} <= set(words)
    assert "‖δ‖ = ‖∂E/∂u‖; 5 steps watched" in words
    words = texts(plot_ledger(ledger(["dense"]), tmp_path / "b.svg", "dead"))
    assert {"Dead units per layer", "0 %", "100 %"} <= set(words)


def test_curves_are_named_at_their_ends_and_names_do_not_overlap(tmp_path):
    names = [f"layer_{i}" for i in range(60)]
    words = texts(plot_ledger_curves(ledger(names, value=lambda layer, row: 0.5), tmp_path / "a.svg"))
    assert {"layer_0", "layer_59"} <= set(words)
    assert 10 < sum(word.startswith("layer_") for word in words) < 30  # as many as there is room for


def test_zeros_and_what_is_not_finite_have_colours_of_their_own(tmp_path):
    values = np.array([[0.0, 1.0, np.inf], [np.nan, 0.1, 1.0]])
    made = ledger(["a", "b"], rows=3, value=lambda layer, row: values[layer, row])
    words = texts(plot_ledger(made, tmp_path / "a.svg"))
    assert {"0", "not finite"} <= set(words)
    plot_ledger_curves(made, tmp_path / "b.svg")


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("rows", [1, 2, 3000])
def test_one_step_or_thousands(draw, rows, tmp_path):
    draw(ledger(["dense", "dense_1"], rows, lambda layer, row: 0.1), tmp_path / "a.png")


@pytest.mark.parametrize("draw", DRAW)
def test_hostile_names(draw, tmp_path):
    texts(draw(ledger(HOSTILE), tmp_path / "a.svg"))


@pytest.mark.parametrize("draw", DRAW)
def test_what_cannot_be_drawn_is_named(draw, tmp_path):
    with pytest.raises(errors.DataError, match=r"fit\(ledger=True\)"):
        draw(Ledger(), tmp_path / "a.png")
    with pytest.raises(errors.DataError, match="draw another quantity"):
        draw(ledger(["dense"]), tmp_path / "a.png", "saturated")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'delta'"):
        draw(ledger(["dense"]), tmp_path / "a.png", "dleta")
    assert not list(tmp_path.iterdir())

from __future__ import annotations

import warnings

import numpy as np
import pytest

from omomi.classic import LinearSVM
from omomi.classic.pictures import plot_epochs, plot_impurities, plot_margins, plot_projections
from omomi.errors import OmomiError
from tests.inspect.looking import HOSTILE, size, texts

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(40, 2))
SIDES = np.where(POINTS[:, 0] > 0, "right", "left")


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_impurities(tmp_path):
    words = texts(plot_impurities(tmp_path / "a.svg"))
    assert {"entropy", "½ entropy", "Gini impurity", "classification error"} <= set(words)
    assert size(plot_impurities(tmp_path / "a.png"))[0] == 1200


class TestEpochs:
    def test_a_panel_for_each(self, tmp_path):
        curves = {"mistakes": [7, 3, 0], "error": np.linspace(1, 0.125, 100), "one": [5.0], "still": [0.0, 0.0]}
        words = texts(plot_epochs(curves, tmp_path / "a.svg", title="Rules", line="of learning"))
        assert {"Rules", "of learning", "mistakes", "→ 0", "error", "→ 0.125", "→ 5"} <= set(words)

    def test_any_title(self, tmp_path):
        plot_epochs({name: [1.0, 0.5] for name in HOSTILE}, tmp_path / "a.svg", title=HOSTILE[0], line=HOSTILE[1])

    @pytest.mark.parametrize("curves", [{}, {"a": []}, {"a": [1.0, np.nan]}, {"a": [[1.0]]}])
    def test_bad_input(self, tmp_path, curves):
        with pytest.raises(OmomiError):
            plot_epochs(curves, tmp_path / "a.svg")


class TestMargins:
    def test_margin_and_support(self, tmp_path):
        machines = {f"C = {C}": LinearSVM(C=C).fit(POINTS, SIDES) for C in (0.1, 100.0)}
        words = texts(plot_margins(machines, POINTS, SIDES, tmp_path / "a.svg"))
        assert {"C = 0.1", "C = 100.0", "left", "right"} <= set(words)
        for machine in machines.values():
            assert f"margin {machine.margin_[0]:.2f}, {len(machine.support_)} ○" in words

    @pytest.mark.parametrize(
        ("X", "y"),
        [(POINTS[:, :1], SIDES), (POINTS, SIDES[:-1]), (POINTS, np.arange(40) % 3), (POINTS, np.zeros(40, int))],
    )
    def test_bad_input(self, tmp_path, X, y):
        with pytest.raises(OmomiError):
            plot_margins({"C = 1": LinearSVM().fit(POINTS, SIDES)}, X, y, tmp_path / "a.svg")
        with pytest.raises(OmomiError):
            plot_margins({}, POINTS, SIDES, tmp_path / "a.svg")


class TestProjections:
    def test_classes_and_names(self, tmp_path):
        many = RANDOM.normal(size=(40, 5))
        shown = {"PCA": POINTS, "LDA": many, **dict.fromkeys(HOSTILE, many)}
        words = texts(plot_projections(shown, SIDES, tmp_path / "a.svg", names=["links", "rechts"], title="Both"))
        assert {"PCA", "LDA", "links", "rechts", "Both"} <= set(words)
        assert {"left", "right"} <= set(texts(plot_projections({"PCA": POINTS}, SIDES, tmp_path / "a.svg")))

    @pytest.mark.parametrize(
        ("shown", "y"), [({}, SIDES), ({"a": POINTS[:, :1]}, SIDES), ({"a": POINTS}, SIDES[1:]), ({"a": [1]}, [0])]
    )
    def test_bad_input(self, tmp_path, shown, y):
        with pytest.raises(OmomiError):
            plot_projections(shown, y, tmp_path / "a.svg")

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from omomi.errors import DataError, OmomiError
from omomi.inspect.experiments import plot_error_by_units, plot_fit, plot_optimizer_paths, plot_penalties
from omomi.inspect.filters import plot_filters
from omomi.inspect.histograms import plot_activation_histograms, plot_weight_histograms
from tests.inspect.looking import HOSTILE, size, texts

RANDOM = np.random.default_rng(0)
nan, inf = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestFilters:
    @pytest.mark.parametrize(
        ("shape", "line"),
        [
            ((3, 3, 1, 32), "32 filters, 3 × 3 × 1"),
            ((5, 4, 3, 2), "2 filters, 5 × 4 × 3"),
            ((2, 2, 9, 3), "3 filters, 2 × 2 × 9; shown: the first 8 channels"),
            ((1, 1, 9, 17), "17 filters, 1 × 1 × 9; shown: the first 1 filters and 8 channels"),
            ((1, 1, 1, 100), "100 filters, 1 × 1 × 1; shown: the first 4 filters"),
        ],
    )
    def test_sizes(self, tmp_path, shape, line):
        kernel = RANDOM.normal(size=shape).astype(np.float32)
        kernel[0, 0, 0, 0] = -12
        limit = 4 if shape[-1] > 16 and shape[0] == 1 else 64
        words = texts(plot_filters(kernel, tmp_path / "a.svg", title="conv", limit=limit))
        assert words[:2] == ["conv", line]
        assert {"−12", "+12"} <= set(words)

    def test_zeros_and_png(self, tmp_path):
        assert size(plot_filters(np.zeros((1, 1, 1, 1)), tmp_path / "a.png"))[0] == 1200

    @pytest.mark.parametrize(
        "kernel", [np.zeros((3, 3)), np.zeros((3, 3, 1, 0)), np.full((3, 3, 1, 1), nan), np.full((1, 1, 1, 1), "x")]
    )
    def test_bad_kernels(self, tmp_path, kernel):
        with pytest.raises(OmomiError):
            plot_filters(kernel, tmp_path / "a.svg")


class TestHistograms:
    def test_rows_layers_and_spread(self, tmp_path):
        rows = {"std 1": [np.array([-1.0, 1.0]), np.array([-3.0, 3.0])], "Glorot": [np.array([0.5]), np.array([2.0])]}
        words = texts(plot_activation_histograms(rows, tmp_path / "a.svg"))
        assert {"layer 1", "layer 2", "std 1", "Glorot"} <= set(words)
        assert [word for word in words if word.startswith("σ")] == ["σ 1", "σ 3", "σ 0", "σ 0"]
        assert words.count("−3") == words.count("3") == 4  # one range for all

    def test_very_different_magnitudes_have_ranges_of_their_own(self, tmp_path):
        words = texts(plot_activation_histograms({"a": [[1.0, 0.0]], "b": [[1000.0, 0.0]]}, tmp_path / "a.svg"))
        assert {"1", "1000"} <= set(words)

    def test_a_bar_that_is_cut_says_how_high_it_is(self, tmp_path):
        values = np.concatenate([np.zeros(90), np.linspace(0.2, 1, 10)])
        assert "90 %" in texts(plot_activation_histograms({"relu": [values]}, tmp_path / "a.svg", bins=10))

    @pytest.mark.parametrize("values", [[], [0.0], [nan, inf], [nan, 1.0], [[5.0, 5.0]]])
    def test_any_values(self, tmp_path, values):
        plot_activation_histograms({name: [values] for name in HOSTILE[:3]}, tmp_path / "a.svg")

    def test_png(self, tmp_path):
        size(plot_activation_histograms({"a": [RANDOM.normal(size=50)] * 3}, tmp_path / "a.png"))

    @pytest.mark.parametrize("rows", [{}, {"a": []}, {"a": [[1.0]], "b": []}])
    def test_bad_input(self, tmp_path, rows):
        with pytest.raises(OmomiError):
            plot_activation_histograms(rows, tmp_path / "a.svg")


def bowl(x, y):
    return x**2 / 20 + y**2


class TestPaths:
    def test_one_panel_per_optimiser(self, tmp_path):
        paths = {"SGD": [(-7, 2), (-6, -1), (-5, 0.5)], "Adam": [(-7, 2)], **{name: [(-7, 2)] for name in HOSTILE}}
        words = texts(plot_optimizer_paths(paths, bowl, tmp_path / "a.svg"))
        assert {"SGD", "2 steps", "Adam", "0 steps"} <= set(words)
        assert size(plot_optimizer_paths({"SGD": paths["SGD"]}, bowl, tmp_path / "a.png"))[0] == 1200

    @pytest.mark.parametrize("points", [[(-7, 2), (1e200, 1e200), (inf, nan)], [(0, 0)], [(0, 1)], [(1e-300, 0)]])
    def test_paths_that_diverge_or_stand_still(self, tmp_path, points):
        plot_optimizer_paths({"SGD": points}, bowl, tmp_path / "a.svg")

    def test_a_flat_function(self, tmp_path):
        plot_optimizer_paths({"SGD": [(1, 1)]}, lambda x, y: 0 * x, tmp_path / "a.svg")

    @pytest.mark.parametrize("paths", [{}, {"a": []}, {"a": [1, 2]}, {"a": [(nan, 0)]}])
    def test_bad_input(self, tmp_path, paths):
        with pytest.raises(OmomiError):
            plot_optimizer_paths(paths, bowl, tmp_path / "a.svg")


class TestFit:
    X = np.array([0.0, 1.0, 2.0, 3.0])

    def test_errors_against_samples_and_truth(self, tmp_path):
        y = np.array([0.0, 0.0, 0.0, 0.0])
        curves = {"h = 1": np.array([1.0, -1.0, 1.0, -1.0]), "h = 2": [[3.0], [0.0], [0.0], [0.0]]}
        words = texts(plot_fit(self.X, y, curves, tmp_path / "a.svg"))
        assert {"h = 1", "error 1", "h = 2", "error 1.5"} <= set(words)  # √(9/4) = 1.5
        assert "true function" not in words
        words = texts(plot_fit(self.X, y, {"h": [1.0, 1.0]}, tmp_path / "a.svg", grid=[0, 3], truth=[1.0, 3.0]))
        assert {"true function", "error 1.41"} <= set(words)  # √(4/2)

    @pytest.mark.parametrize(
        ("curve", "word"), [([nan] * 4, "not finite"), ([inf, 0, 0, 0], "not finite"), ([1e300] * 4, "error 1e+300")]
    )
    def test_diverged_networks(self, tmp_path, curve, word):
        assert word in texts(plot_fit(self.X, self.X, {"h": curve}, tmp_path / "a.svg"))

    def test_one_sample_and_png(self, tmp_path):
        size(plot_fit([1.0], [2.0], {name: [3.0] for name in HOSTILE}, tmp_path / "a.png"))

    @pytest.mark.parametrize(
        "arguments",
        [
            ([0.0, 1.0], [0.0], {"h": [0.0, 1.0]}),
            ([0.0, 1.0], [0.0, 1.0], {"h": [0.0]}),
            ([0.0, 1.0], [0.0, 1.0], {}),
            ([], [], {"h": []}),
            (np.zeros((2, 2)), [0.0, 1.0], {"h": [0.0, 1.0]}),
        ],
    )
    def test_bad_input(self, tmp_path, arguments):
        with pytest.raises(OmomiError):
            plot_fit(*arguments, tmp_path / "a.svg")


class TestWeights:
    def test_every_parameter_has_a_histogram(self, tmp_path: Path):
        words = texts(plot_weight_histograms({"dense/kernel": np.ones((3, 4)), HOSTILE[0]: [0.5]}, tmp_path / "a.svg"))
        assert {"dense/kernel", "3 × 4", "σ 0"} <= set(words)
        with pytest.raises(DataError):
            plot_weight_histograms({}, tmp_path / "b.svg")


class TestErrorByUnits:
    def test_each_number_of_units_is_a_tick(self, tmp_path: Path):
        words = texts(plot_error_by_units({8: [0.01, 0.02], 1: [0.5, 0.4]}, tmp_path / "a.svg"))
        assert {"1", "8", "a dot for each training, a line through the medians"} <= set(words)

    @pytest.mark.parametrize("errors", [{}, {1: []}, {1: [0.0]}, {1: [float("nan")]}])
    def test_what_cannot_be_drawn_is_said(self, errors, tmp_path: Path):
        with pytest.raises(DataError):
            plot_error_by_units(errors, tmp_path / "a.svg")


class TestPenalties:
    def test_the_diamond_is_touched_at_a_corner_and_the_circle_beside_it(self, tmp_path: Path):
        # E = (w₁ − 0.5)² + (w₂ − 2)². On the diamond w₁ + w₂ = 1 the nearest point would have w₁ = −0.25 < 0, so it is
        # the corner (0, 1). On the circle it is the direction of the minimum: (0.5, 2) / √4.25 = (0.24, 0.97).
        picture = plot_penalties(lambda a, b: (a - 0.5) ** 2 + (b - 2) ** 2, tmp_path / "a.svg", minimum=(0.5, 2.0))
        assert {"w₁ = 0.00, w₂ = 1.00", "w₁ = 0.24, w₂ = 0.97"} <= set(texts(picture))

    def test_a_minimum_inside_is_refused(self, tmp_path: Path):
        with pytest.raises(DataError, match="inside"):
            plot_penalties(lambda a, b: a**2 + b**2, tmp_path / "a.svg", minimum=(0.0, 0.0))

from __future__ import annotations

import warnings

import numpy as np
import pytest

from omomi.errors import DataError, DtypeError, OmomiError, ShapeError, UnknownNameError
from omomi.inspect.pictures import plot_errors, plot_history, plot_samples
from tests.inspect.looking import HOSTILE, size, texts


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


RANDOM = np.random.default_rng(7)
IMAGES = RANDOM.integers(0, 256, (30, 8, 6)).astype(np.uint8)
LABELS = np.arange(30) % 10
nan, inf = float("nan"), float("inf")


class TestHistory:
    def test_says_the_last_and_the_best_values(self, tmp_path):
        history = {"loss": [2.0, 1.0, 0.5], "val_loss": [1.5, 0.75, 0.875], "accuracy": [0.5, 0.6, 0.7]}
        words = texts(plot_history(history, "loss", tmp_path / "loss.svg"))
        assert {"Loss", "training 0.5 · validation 0.875 · best 0.75, epoch 2"} <= set(words)
        assert {"training", "validation", "epoch", "1", "2", "3"} <= set(words)

    def test_larger_is_better_for_accuracy_which_is_shown_in_percent(self, tmp_path):
        history = {"accuracy": [0.5, 0.9375, 0.75]}
        words = texts(plot_history(history, "accuracy", tmp_path / "a.svg"))
        assert {"Accuracy", "training 75.00 % · best 93.75 %, epoch 2"} <= set(words)
        assert "validation" not in words
        assert "60 %" in words

    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_equal_histories_are_equal_files(self, tmp_path, ending):
        paths = [plot_history({"loss": [2, 1]}, "loss", tmp_path / f"{i}.{ending}") for i in range(2)]
        assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_both_formats(self, tmp_path):
        assert size(plot_history({"loss": [2, 1]}, "loss", tmp_path / "a.png"))[0] == 1200

    @pytest.mark.parametrize(
        "values",
        [
            [1.0],
            [nan],
            [nan, nan],
            [1.0, nan, 2.0, inf, 3.0],
            [nan, 1.0],
            [0.0, 0.0],
            [1e-8, 1e30],
            [-1.0, 1.0],
            [1e-300],
        ],
    )
    @pytest.mark.parametrize("other", [[0.5], [nan, 1.0]])
    def test_any_values(self, tmp_path, values, other):
        words = texts(plot_history({"loss": values, "val_loss": other}, "loss", tmp_path / "a.svg"))
        finite = np.isfinite(values).all() and np.isfinite(other).all()
        assert ("× not finite" in words) == (not finite)

    def test_epoch_ticks_of_long_runs_are_round(self, tmp_path):
        words = texts(plot_history({"loss": np.linspace(0.51, 0.59, 87)}, "loss", tmp_path / "a.svg"))
        assert [word for word in words if word.isdigit()] == ["1", "20", "40", "60", "80"]

    def test_bad_input(self, tmp_path):
        with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
            plot_history({"accuracy": [1.0]}, "acuracy", tmp_path / "a.svg")
        for values in ([], [[1.0, 2.0]]):
            with pytest.raises(DataError, match="no curve"):
                plot_history({"loss": values}, "loss", tmp_path / "a.svg")

    @pytest.mark.parametrize("name", HOSTILE)
    def test_any_metric_name(self, tmp_path, name):
        plot_history({name: [1.0, 2.0]}, name, tmp_path / "a.svg")


class TestSamples:
    @pytest.mark.parametrize("shape", [(8, 8), (8, 6, 1), (5, 9, 3), (1, 1), (1, 40)])
    @pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float16", "float64"])
    def test_images_of_any_shape_and_dtype(self, tmp_path, shape, dtype):
        images = (RANDOM.random((2, *shape)) * 9).astype(dtype)
        assert texts(plot_samples(images, [3, 1], tmp_path / "a.svg"))[2:] == ["3", "1"]

    def test_shows_names_and_counts(self, tmp_path):
        names = [f"class {i}" for i in range(10)]
        words = texts(plot_samples(IMAGES, LABELS, tmp_path / "a.svg", names, limit=2))
        assert words == ["Samples", "the first 2 of 30 images, 8 × 6 pixels, grey", "class 0", "class 1"]
        one_hot = np.eye(10)[LABELS]
        assert texts(plot_samples(IMAGES, one_hot, tmp_path / "b.svg", names, limit=2)) == words

    def test_png(self, tmp_path):
        assert size(plot_samples(IMAGES, LABELS[:, None], tmp_path / "a.png"))[0] == 1200

    @pytest.mark.parametrize("pixel", [nan, inf, 1e300, 0.0, -5.0])
    def test_odd_pixels(self, tmp_path, pixel):
        images = np.full((2, 3, 3), pixel)
        plot_samples(images, [0, 1], tmp_path / "a.svg")
        images[0, 0, 0] = -pixel
        plot_samples(images, [0, 1], tmp_path / "a.svg")

    def test_hostile_names(self, tmp_path):
        words = texts(plot_samples(IMAGES[:8], np.arange(8), tmp_path / "a.svg", HOSTILE))
        assert "<script>alert('1')</script>"[:6] in "".join(words)
        assert all(len(word) < 60 for word in words)

    @pytest.mark.parametrize(
        ("images", "labels", "names", "error"),
        [
            (np.zeros((2, 64)), [0, 1], None, ShapeError),
            (np.zeros((2, 8, 8, 2)), [0, 1], None, ShapeError),
            (np.zeros((0, 8, 8)), [], None, DataError),
            (np.zeros((2, 8, 8)), [0], None, ShapeError),
            (np.zeros((2, 8, 8)), [0, -1], None, DataError),
            (np.zeros((2, 8, 8)), [0, 0.5], None, DataError),
            (np.zeros((2, 8, 8)), [0, nan], None, DataError),
            (np.zeros((2, 8, 8)), ["a", "b"], None, DtypeError),
            (np.zeros((2, 8, 8)), [0, 2], ["a", "b"], DataError),
            (np.full((2, 8, 8), "x"), [0, 1], None, DtypeError),
        ],
    )
    def test_bad_input(self, tmp_path, images, labels, names, error):
        with pytest.raises(error):
            plot_samples(images, labels, tmp_path / "a.svg", names)
        assert not list(tmp_path.iterdir())


class TestErrors:
    # Four samples of three classes: the second is right; of the wrong ones the last gives its true class the least.
    PROBABILITIES = np.array([[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.45, 0.5, 0.05], [0.97, 0.02, 0.01]])
    TRUE = np.array([0, 1, 0, 2])

    def test_worst_first_with_probabilities(self, tmp_path):
        words = texts(plot_errors(IMAGES[:4], self.TRUE, self.PROBABILITIES, tmp_path / "a.svg"))
        assert words[:2] == ["3 of 4 wrong", "75 % errors; all shown, worst first"]
        captions = [word for word in words if "read as" in word]
        assert captions == ["2, read as 0", "0, read as 1", "0, read as 1"]
        start = words.index("2, read as 0")
        assert words[start + 1 : start + 7] == ["0", "97 %", "1", "2.0 %", "2", "1.0 %"]
        start += 7  # p(true) = 0.3 comes before p(true) = 0.45
        assert words[start : start + 7] == ["0, read as 1", "1", "60 %", "0", "30 %", "2", "10 %"]

    def test_the_true_class_is_always_listed(self, tmp_path):
        probabilities = [[0.5, 0.3, 0.1, 0.06, 0.04, 0.0]]
        words = texts(plot_errors(IMAGES[:1], [5], probabilities, tmp_path / "a.svg"))
        assert words[words.index("5, read as 0") + 1 :: 2] == ["0", "1", "2", "5"]

    def test_without_errors_the_least_certain_are_shown(self, tmp_path):
        truth = self.PROBABILITIES.argmax(axis=1)
        words = texts(plot_errors(IMAGES[:4], truth, self.PROBABILITIES, tmp_path / "a.svg", ["a", "b", "c"]))
        assert words[0] == "No errors"
        assert words[words.index("b") + 2] == "50 %"  # the least certain comes first
        assert not any("read as" in word or "wrongly" in word for word in words)

    def test_one_probability_means_two_classes(self, tmp_path):
        one = texts(plot_errors(IMAGES[:2], [0, 1], [[0.75], [0.75]], tmp_path / "a.svg"))
        two = texts(plot_errors(IMAGES[:2], [0, 1], [[0.25, 0.75], [0.25, 0.75]], tmp_path / "b.svg"))
        assert one == two
        assert texts(plot_errors(IMAGES[:2], [0, 1], [0.75, 0.75], tmp_path / "c.svg")) == two

    def test_one_sample_one_class(self, tmp_path):
        words = texts(plot_errors(IMAGES[:1], [0], [[1.0, 0.0]], tmp_path / "a.svg"))
        assert words[-4:] == ["0", "100 %", "1", "<.1 %"]
        assert size(plot_errors(IMAGES[:1], [0], [[0.5, 0.5]], tmp_path / "a.png"))[0] == 1200

    def test_many_errors_are_cut(self, tmp_path):
        words = texts(plot_errors(IMAGES, np.full(30, 9), np.full((30, 10), 0.1), tmp_path / "a.svg", limit=4))
        assert words[:2] == ["30 of 30 wrong", "100 % errors; the 4 worst, worst first"]
        assert sum("read as" in word for word in words) == 4

    def test_hostile_names(self, tmp_path):
        probabilities = np.full((8, 8), 0.125)
        plot_errors(IMAGES[:8], np.arange(8), probabilities, tmp_path / "a.svg", HOSTILE)
        texts(tmp_path / "a.svg")

    @pytest.mark.parametrize(
        "probabilities",
        [
            np.full((4, 3), nan),
            np.full((4, 3), 2.0),
            -np.ones((4, 3)),
            np.ones((3, 3)) / 3,
            np.ones((4, 2)) / 2,
            np.ones((4, 3, 1)),
            np.ones((4, 0)),
            np.full((4, 3), "x"),
        ],
    )
    def test_bad_probabilities(self, tmp_path, probabilities):
        with pytest.raises(OmomiError):
            plot_errors(IMAGES[:4], self.TRUE, probabilities, tmp_path / "a.svg")
        assert not list(tmp_path.iterdir())

    def test_logits_are_recognised(self, tmp_path):
        with pytest.raises(DataError, match="softmax"):
            plot_errors(IMAGES[:4], self.TRUE, 10 * self.PROBABILITIES - 5, tmp_path / "a.svg")

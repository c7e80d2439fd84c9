"""Every example runs in its short form and shows what its page says."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import omomi
from omomi.errors import DownloadError

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def script(name: str) -> dict[str, Any]:
    """The names that an example defines."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def run(name: str, out: Path, *options: str) -> Any:
    """Run an example's command, and return what it returns."""
    return script(name)["main"](["--quick", "--out", str(out), *options], standalone_mode=False)


def assert_pictures(out: Path, *names: str) -> None:
    """These pictures were drawn, and they are pictures."""
    for name in names:
        start = (out / name).read_bytes()[:200]
        assert start.startswith(b"\x89PNG") if name.endswith(".png") else b"<svg" in start or b"<?xml" in start


def test_every_example_is_tested():
    assert [name for name in NAMES if f"test_{name}" not in globals()] == []


def test_approximator(tmp_path: Path):
    errors = run("approximator", tmp_path)
    assert errors[1] == pytest.approx(0.26, abs=0.03)  # one bend: a step from below to above
    assert errors[5] < 0.5 * errors[1]
    assert_pictures(tmp_path, "fit.png", "error.png")


def test_the_formulas_of_the_approximator_are_those_of_backpropagation():
    page = script("approximator")
    net = page["Approximator"](5, seed=3)
    x, t = page["samples"](7)
    # The error of one sample: a batch of one, so that the mean over the batch is E_k itself.
    omomi.functions.squared_error(net(x[:1]), t[:1]).backward()
    by_hand = page["gradients_by_hand"](net, x[:1], t[:1])
    assert by_hand.keys() == net.parameters().keys()
    for path, p in net.parameters().items():
        np.testing.assert_allclose(p.grad, by_hand[path], rtol=1e-5, atol=1e-7)


def test_residual_network(tmp_path: Path):
    found = run("residual_network", tmp_path, "--epochs", "2")
    assert set(found) == {"residual", "plain"}
    assert_pictures(tmp_path, "loss_residual.png", "loss_plain.png", "samples.png", "model.svg")
    again = omomi.load_model(tmp_path / "model.safetensors")
    assert [layer.name for layer in again.layers if isinstance(layer, omomi.layers.Add)] == ["add", "add_1", "add_2"]


def test_denoising_autoencoder(tmp_path: Path):
    errors = run("denoising_autoencoder", tmp_path)
    assert errors["network"] < 0.5 * errors["mean of 3 × 3"]
    assert_pictures(tmp_path, "digits.png", "loss.png", "model.svg")


def test_reverse_digits(tmp_path: Path):
    assert run("reverse_digits", tmp_path) > 0.99
    assert_pictures(tmp_path, "attention.png")
    again = omomi.load_model(tmp_path / "model.safetensors")
    x, t = script("reverse_digits")["rows"](50, seed=3)
    assert (again.predict(x).argmax(axis=-1) == t).mean() > 0.99


def test_digits_free_style(tmp_path: Path):
    assert run("digits_free_style", tmp_path, "--epochs", "4") > 0.93
    assert_pictures(tmp_path, "accuracy.png", "loss.png")


def test_digits_sequential(tmp_path: Path):
    scores = run("digits_sequential", tmp_path, "--epochs", "4")
    assert scores["accuracy"] > 0.93
    assert_pictures(tmp_path, "samples.png", "accuracy.png", "loss.png")


def test_sklearn_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("sklearn_pipeline", tmp_path) > 0.9
    assert "hidden_layers=(30,), l2=0.0" in capsys.readouterr().out
    assert_pictures(tmp_path, "loss.png", "confusion.png")


def test_both_styles_of_the_digits_are_one_network():
    """From the same weights, on the same batch, both give the same loss and the same gradients."""
    free = script("digits_free_style")["DigitReader"](seed=1)
    rng = np.random.default_rng(0)
    x, t = rng.random((6, 64), dtype=np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, 6)]
    layers = [omomi.layers.Dense(400, activation="tanh", input_shape=(64,)), omomi.layers.Dense(200, activation="tanh")]
    model = omomi.Sequential([*layers, omomi.layers.Dense(10, activation="softmax")])
    E_free = omomi.functions.softmax_cross_entropy(free(x), t)
    model.set_weights(free.get_weights())
    E = omomi.losses.CategoricalCrossentropy()(t, model(x))
    assert E.item() == pytest.approx(E_free.item(), rel=1e-5)
    E_free.backward()
    E.backward()
    for p, q in zip(free.parameters().values(), model.parameters().values(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6)


def test_mnist_cnn(tmp_path: Path):
    scores = run("mnist_cnn", tmp_path, "--epochs", "8", "--batch-size", "32")
    assert scores["accuracy"] > 0.95
    assert_pictures(tmp_path, "accuracy.png", "loss.png", "errors.png", "confusion.png", "filters.png", "model.png")
    assert_pictures(tmp_path, "model.svg")
    saved = omomi.load_model(tmp_path / "model.safetensors")
    x, y = omomi.datasets.load("digits").test
    again = saved.evaluate(x[..., None] / np.float32(16), np.eye(10)[y], return_dict=True)
    assert again["accuracy"] == pytest.approx(scores["accuracy"])


def test_the_network_of_the_cnn_has_the_sizes_of_the_textbook():
    rows = script("mnist_cnn")["build"]((28, 28, 1), 10, seed=0).rows()
    assert [row.output_shape[1:] for row in rows if row.parameters] == [(26, 26, 32), (24, 24, 32), (128,), (10,)]
    # 3·3·1·32 + 32,  3·3·32·32 + 32,  12·12·32·128 + 128,  128·10 + 10
    assert [row.parameters for row in rows if row.parameters] == [320, 9_248, 589_952, 1_290]


def test_activation_histograms(tmp_path: Path):
    spreads = run("activation_histograms", tmp_path)
    assert all(spread > 0.95 for spread in spreads["tanh", "std 1"])  # saturated at ±1
    assert spreads["tanh", "std 0.01"][4] < 1e-4  # nothing arrives
    assert 0.2 < spreads["tanh", "Glorot"][4] < spreads["tanh", "Glorot"][0] < 0.8
    growth = np.array(spreads["relu", "std 1"][1:]) / spreads["relu", "std 1"][:-1]
    np.testing.assert_allclose(growth, np.sqrt(50), rtol=0.25)  # E[u²] = 100 E[z²], of which ReLU keeps half
    assert max(spreads["relu", "He"]) < 2 * min(spreads["relu", "He"])
    assert_pictures(tmp_path, "sigmoid.png", "tanh.png", "relu.png")


def test_optimizer_paths(tmp_path: Path):
    paths = run("optimizer_paths", tmp_path)
    # E = x²/20 + y²: with η = 0.95 a step multiplies x by 1 − η/10 = 0.905 and y by 1 − 2η = −0.9.
    steps = np.arange(11)[:, None]
    expected = np.array([-7.0, 2.0]) * np.array([0.905, -0.9]) ** steps
    np.testing.assert_allclose(paths["SGD, η = 0.95"], expected, rtol=1e-6)
    assert all(np.array_equal(path[0], [-7.0, 2.0]) and len(path) == 11 for path in paths.values())
    # The first step of Adam is η in every coordinate, downhill.
    np.testing.assert_allclose(paths["Adam, η = 0.3"][1], [-6.7, 1.7], rtol=1e-5)
    assert_pictures(tmp_path, "paths.png")


def test_classic_learning_rules(tmp_path: Path):
    found = run("classic_learning_rules", tmp_path)
    assert found["perceptron"].errors_[-1] == 0
    assert found["adaline"].converged_
    assert found["angle"] < 2.5  # cos > 0.999
    assert found["length"] > 1
    assert found["line"] < 0.8 < 0.99 < found["network"]
    assert_pictures(tmp_path, "learning.png", "hebb_and_oja.png", "xor_delta_rule.png", "xor_network.png")


def test_margin_and_support_vectors(tmp_path: Path):
    machines = run("margin_and_support_vectors", tmp_path)
    margins = [machine.margin_[0] for machine in machines.values()]
    assert margins == sorted(margins, reverse=True)
    support = [len(machine.support_) for machine in machines.values()]
    assert support == sorted(support, reverse=True)
    assert_pictures(tmp_path, "margins.png")


def test_impurity(tmp_path: Path):
    gains = run("impurity", tmp_path)
    assert gains["classification_error"] == (0.25, 0.25)
    assert gains["gini"] == pytest.approx((1 / 8, 1 / 6))
    assert gains["entropy"][0] < gains["entropy"][1]
    assert_pictures(tmp_path, "impurity.png")


def test_projections(tmp_path: Path):
    scores = run("projections", tmp_path)
    assert scores["LDA"] >= scores["PCA"] > 0.9
    assert scores["circles"] < 0.6 < 0.95 < scores["circles, kernel PCA"]
    assert_pictures(tmp_path, "wine.png", "circles.png")


def test_xor(tmp_path: Path):
    losses = run("xor", tmp_path)
    assert losses[0] == pytest.approx(np.log(2), abs=1e-3)  # one line says ½ to everything
    assert losses[2] < 0.02
    assert_pictures(tmp_path, "xor.png", "learning.png")
    assert all((tmp_path / name).read_bytes().startswith(b"GIF8") for name in ("learning.gif", "spirals.gif"))


def test_penalties(tmp_path: Path):
    found = run("penalties", tmp_path)
    page = script("penalties")
    x, t = page["samples"]()
    # ½/N ‖xw − t‖² + λ‖w‖²: the zero of its gradient, xᵀ(xw − t)/N + 2λw
    exact = np.linalg.solve(x.T @ x / 60 + 2 * 0.2 * np.eye(10), x.T @ t / 60).ravel()
    np.testing.assert_allclose(found["L2"], exact, atol=1e-6)
    # L1 is at its minimum where |xᵀ(xw − t)/N| ≤ λ, and equal to λ against the sign of every weight that is not zero
    w = found["L1, proximal"]
    slope = (x.T @ (x @ w[:, None] - t) / 60).ravel()
    np.testing.assert_allclose(slope[w != 0], -0.2 * np.sign(w[w != 0]), atol=1e-6)
    assert np.all(np.abs(slope[w == 0]) <= 0.2)
    assert 0 < np.count_nonzero(w == 0) <= 7
    assert np.count_nonzero(found["L1, gradient"] == 0) == np.count_nonzero(found["L2"] == 0) == 0
    assert_pictures(tmp_path, "penalties.png")


def test_an_example_runs_as_a_script(tmp_path: Path):
    command = [sys.executable, str(EXAMPLES / "optimizer_paths.py"), "--quick", "--out", "here"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONWARNINGS": "error"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Adam" in done.stdout
    assert (tmp_path / "here" / "paths.png").exists()


@pytest.mark.parametrize("name", ["digits_free_style", "digits_sequential", "mnist_cnn"])
def test_without_mnist_an_example_says_what_to_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def unavailable(name: str) -> None:
        raise DownloadError("the data set is not on this machine.", where=name, fix="set OMOMI_DATA")

    monkeypatch.setattr(omomi.datasets, "load", unavailable)
    with pytest.raises(click.ClickException, match=r"mnist(.|\n)*OMOMI_DATA(.|\n)*--quick") as raised:
        script(name)["main"](["--out", str(tmp_path)], standalone_mode=False)
    assert "Traceback" not in raised.value.format_message()


def test_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(omomi.__file__).parents[1]))
    assert run("two_processes", tmp_path) < 1e-5


def test_halves_of_digits(tmp_path: Path):
    logs = run("halves_of_digits", tmp_path, "--epochs", "12")
    assert logs["digit_accuracy"] > 0.85
    assert logs["ink_mae"] < 0.1
    assert_pictures(tmp_path, "network.svg", "accuracy.png")
    assert omomi.load_model(tmp_path / "model.safetensors").output_names == ["digit", "ink"]

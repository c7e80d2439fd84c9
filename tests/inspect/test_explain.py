"""explain: the right formulas with the right numbers, for every kind of layer.

The hidden unit 1 of the worked network (tests/graph/test_worked_network.py): x = (1, 2), W1[:, 1] = (2, −1) and
b1[1] = −ln 3, so
    u = 1·2 + 2·(−1) − ln 3 = −ln 3, z = ¼, ∂E/∂z = 2, δ = 2 · ¼ · ¾ = 3/8
    ∂E/∂W1[1, 1] = x₂ δ = ¾, ∂E/∂b1[1] = 3/8, ∂E/∂x₁ = −9/32 · 1 + 3/8 · 2 − 3/8 · (−2) = 39/32
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import omomi
from omomi import layers
from omomi.errors import ConfigurationError, DataError, NotBuiltError, UnknownNameError
from omomi.inspect import explain
from omomi.inspect.worked_entries import put_in
from omomi.layers.registry import LAYERS
from tests.inspect.test_trace import IMAGES, LABELS, LOSSES, cnn, worked, worked_model

RNG = np.random.default_rng(0)


def lines(explanation):
    return [str(line) for section in explanation.sections for line in (*section.forward, *section.backward)]


def check_numbers(explanation):
    """Every worked entry is the number of that entry in the trace."""
    for section in explanation.sections:
        node = explanation.trace.node(section.name)
        gradients = dict(zip(node.arguments, node.gradients, strict=True))
        for line in (*section.forward, *section.backward):
            if line.of == "y":
                assert line.value == float(explanation.trace[node.outputs[0]].value[line.index])
            elif line.of in gradients:
                assert line.value == float(gradients[line.of][line.index])


def test_a_hidden_unit_by_hand():
    found = explain(worked_model(), "dense", worked.X, worked.Y)  # unit 1 has the largest delta
    assert lines(found) == [
        "y[0, 1] = Σᵢ xₙᵢ Wᵢⱼ + bⱼ = 1·2 + 2·(−1) + (−1.099) = −1.099",
        "gW[1, 1] = Σₙ xₙᵢ gyₙⱼ = 2·0.375 = 0.75",
        "gb[1] = Σₙ gyₙⱼ = 0.375 = 0.375",
        "gx[0, 0] = Σⱼ gyₙⱼ Wᵢⱼ = (−0.2812)·1 + 0.375·2 + (−0.375)·(−2) = 1.219",
        "y[0, 1] = 1 / (1 + e⁻ˣ) = 1 / (1 + e^−(−1.099)) = 0.25",
        "gx[0, 1] = gy y (1 − y) = 2 · 0.25 · (1 − 0.25) = 0.375",
    ]
    assert found.passed
    assert [check.name for check in found.sections[0].checks] == ["x", "W", "b"]
    assert max(check.error for section in found.sections for check in section.checks) < 1e-9
    check_numbers(found)


def test_a_unit_of_ones_choice_and_the_loss():
    found = explain(worked_model(), "dense", worked.X, worked.Y, unit=2)
    assert lines(found)[0] == "y[0, 2] = Σᵢ xₙᵢ Wᵢⱼ + bⱼ = 1·(−2) + 2·1 + 0 = 0"
    assert lines(explain(worked_model(), "dense", worked.X, worked.Y, unit=-1))[0] == lines(found)[0]
    loss = explain(worked_model(), "loss", worked.X, worked.Y)
    assert lines(loss)[-1] == "gx[0, 1] = wₙ/M (x − t) = 1/1 · (1 − 2) = −1"


def number_in(text):
    """What the last worked form of a line comes to, computed from its own text."""
    python = text.replace("−", "-").replace("·", "*").replace("^", "**").replace("½", "0.5").replace("√", "")
    return eval(python, {"__builtins__": {}}, {"e": np.e})


def test_the_written_sums_come_to_the_written_value():
    """Short sums are written whole, so that their text can be computed again."""
    x, y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 2))
    model = omomi.Sequential([layers.Dense(3, activation="sigmoid", input_shape=(4,)), layers.Dense(2)], seed=0)
    checked = 0
    for name in ("dense", "dense_1"):
        for line in lines(explain(model, name, x, y, loss="mse")):
            worked_form, value = line.split(" = ")[-2:]
            assert number_in(worked_form) == pytest.approx(number_in(value), rel=2e-3, abs=2e-4), line
            checked += 1
    assert checked == 10


def test_the_sums_under_a_kernel_and_a_window_come_to_the_written_value():
    """One image of 4 × 4 pixels, a kernel of 2 × 2, stride 2, average pooling: no sum has more than four terms."""
    image, y = RNG.normal(size=(1, 4, 4, 1)), RNG.normal(size=(1, 1))
    model = omomi.Sequential(
        [layers.Conv2D(1, 2, strides=2, input_shape=(4, 4, 1)), layers.AveragePooling2D(2), layers.Flatten()], seed=3
    )
    said = [
        line for name in ("conv2d", "average_pooling2d") for line in lines(explain(model, name, image, y, loss="mse"))
    ]
    assert [line.partition("[")[0] for line in said] == ["y", "gW", "gb", "gx", "y", "gx"]
    for line in said[:5]:
        worked_form, value = line.split(" = ")[-2:]
        assert number_in(worked_form) == pytest.approx(number_in(value), rel=2e-3, abs=2e-4), line


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (lambda: layers.Conv3D(1, (1, 2, 2), strides=(1, 2, 2)), (1, 4, 4, 1), "y gW gb gx"),
        (lambda: layers.DepthwiseConv2D(2, strides=2), (4, 4, 1), "y gW gb gx"),
        (lambda: layers.DepthwiseConv2D(1, depth_multiplier=2, padding=((1, 0), (1, 0))), (1, 1, 2), "y gW gb gx"),
        (lambda: layers.Conv2DTranspose(1, 2, strides=2, use_bias=False), (2, 2, 1), "y gx gW"),
        (lambda: layers.Conv3DTranspose(2, 1, strides=2, use_bias=False, padding="same"), (1, 2, 2, 2), "y gx gW"),
    ],
    ids=["volume", "depthwise", "two for each channel", "transposed", "transposed volume"],
)
def test_the_sums_of_the_relatives_of_convolution_come_to_the_written_value(layer, shape, expected):
    """No sum has more than four terms that are not zero."""
    image = RNG.normal(size=(1, *shape))
    model = omomi.Sequential([layers.Input(shape), layer()], seed=3)
    y = RNG.normal(size=(1, *model.output_shape[1:]))
    said = lines(explain(model, model.layers[-1].name, image, y, loss="mse"))
    assert " ".join(line.partition("[")[0] for line in said) == expected
    for line in said:
        worked_form, value = line.split(" = ")[-2:]
        if "…" not in worked_form:
            assert number_in(worked_form) == pytest.approx(number_in(value), rel=2e-3, abs=2e-4), line


def test_batch_normalisation_step_by_step():
    """The two routes to gx, by the book's steps and by the closed form, come to the step's own number."""
    x = RNG.normal(size=(4, 3))
    model = omomi.Sequential([layers.Dense(2, input_shape=(3,)), layers.BatchNormalization(), layers.Dense(2)], seed=0)
    found = explain(model, "batch_normalization", x, RNG.normal(size=(4, 2)), loss="mse")
    said = {line.symbol: line for line in (*found.sections[0].forward, *found.sections[0].backward)}
    assert {"μ", "σ²", "x̂", "∂E/∂x̂", "∂E/∂σ²", "∂E/∂μ"} < set(said)
    last = found.sections[0].backward[-2:]
    assert [line.symbol for line in last] == [last[0].symbol] * 2
    for line in last:
        assert number_in(line.text.split(" = ")[-1]) == pytest.approx(line.value, rel=5e-3, abs=1e-4)
    step = found.trace
    unit = said["μ"], step["dense/affine"].value
    column = last[0].index[-1]
    assert unit[0].value == pytest.approx(float(unit[1][:, column].mean()), rel=1e-5)
    check_numbers(found)


# They also compute with what has no gradient: a mask, statistics.
WITH_CONSTANTS = {"Masking", "Normalization"}


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Input", "Model"}))
def test_every_layer_of_omomi(kind):
    made = {
        "Dense": lambda: layers.Dense(3, activation="gelu"),
        "Activation": lambda: layers.Activation("log_softmax"),
        "Reshape": lambda: layers.Reshape((4, 16)),
        "Rescaling": lambda: layers.Rescaling(0.5, 1.0),
        "Dropout": lambda: layers.Dropout(0.3),
        "Conv2D": lambda: layers.Conv2D(3, 3, padding="same", strides=2, dilation_rate=1),
        "Conv2DTranspose": lambda: layers.Conv2DTranspose(2, 3, padding="same", strides=2, activation="tanh"),
        "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2),
        "SeparableConv2D": lambda: layers.SeparableConv2D(3, 2),
        "Permute": lambda: layers.Permute((2, 3, 1)),
        "UpSampling2D": lambda: layers.UpSampling2D((2, 3), interpolation="bilinear"),
        "MaxPooling2D": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
        "AveragePooling2D": lambda: layers.AveragePooling2D(3, strides=2, padding="same"),
    }.get(kind, LAYERS[kind])
    try:
        model = omomi.Sequential([made()], seed=0)
        model.fit_to(IMAGES)
    except (TypeError, omomi.errors.OmomiError):
        pytest.skip(f"{kind} does not read images")
    targets = np.zeros((5, *model.output_shape[1:]), np.float32)
    path = next(p for p, _ in model.walk() if p)
    found = explain(model, path, IMAGES, targets, loss="mse")
    assert found.passed, found
    assert found.kind == kind
    for section in found.sections:
        assert section.forward
        assert section.backward or kind in WITH_CONSTANTS
    check_numbers(found)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_activation(loss):
    activation, y = LOSSES[loss]
    model = omomi.Sequential([layers.Dense(3, activation=activation, input_shape=(8,))], seed=2)
    model.compile("sgd", loss)
    x = RNG.normal(size=(5, 8))
    for name in ("dense", "loss"):
        found = explain(model, name, x, y)
        assert found.passed
        check_numbers(found)
        assert all(section.forward for section in found.sections)


def test_a_layer_that_computes_nothing_and_a_layer_in_a_layer():
    model = omomi.Sequential([layers.Dropout(0.0, input_shape=(2,)), layers.Dense(1)], seed=0)
    assert "It computes nothing" in str(explain(model, "dropout", np.ones((2, 2)), np.ones((2, 1)), loss="mse"))
    outer = omomi.Sequential([model, layers.Dense(2, name="last")], seed=0)
    found = explain(outer, "sequential/dense", np.ones((2, 2)), np.ones((2, 2)), loss="mse")
    assert found.layer == "sequential/dense"
    assert len(explain(outer, "sequential", np.ones((2, 2)), np.ones((2, 2)), loss="mse").sections) == 1
    assert explain(outer, model.layers[1], np.ones((2, 2)), np.ones((2, 2)), loss="mse").layer == "sequential/dense"
    assert explain(outer, "last", np.ones((2, 2)), np.ones((2, 2)), loss="mse").kind == "Dense"


def test_as_many_samples_as_channels():
    """Only what belongs to samples is cut to a few of them for the check, never a bias that happens to be as long."""
    model = omomi.Sequential([layers.Conv2D(12, 3, input_shape=(5, 5, 1)), layers.Flatten(), layers.Dense(12)], seed=0)
    x = RNG.normal(size=(12, 5, 5, 1))
    for name in ("conv2d", "flatten", "dense", "loss"):
        assert explain(model, name, x, RNG.normal(size=(12, 12)), loss="mse").passed


def test_text_and_data():
    found = explain(cnn(layers.BatchNormalization()), "conv2d", IMAGES, LABELS)
    text = found.to_text()
    assert text.startswith("conv2d (Conv2D), 5 samples\n\nconvolution_2d: y = b + Σ_ijk")
    assert "shapes    x 5 × 8 × 8 × 1, W 3 × 3 × 1 × 4, b 4, y 5 × 6 × 6 × 4" in text
    assert "checked   gx: right, error " in text
    data = json.loads(json.dumps(found.to_dict()))
    assert data["sections"][0]["backward"][0]["symbol"].startswith("gW[")
    assert repr(found) == "<Explanation of conv2d (Conv2D): convolution_2d, relu>"


def test_numbers_in_formulas():
    known = {"x": -2.0, "y": 0.5, "gy": -1.5, "α": 0.1}
    assert put_in("gy y (1 − y)", known) == "−1.5 · 0.5 · (1 − 0.5)"
    assert put_in("gy if x > 0 else α gy", known) == "−1.5 if −2 > 0 else 0.1 · (−1.5)"
    assert put_in("1 / (1 + e⁻ˣ)", known) == "1 / (1 + e^−(−2))"
    assert put_in("gy (1 − x²)", known) == "−1.5 · (1 − (−2)²)"


def test_bad_input():
    model = worked_model()
    with pytest.raises(UnknownNameError, match="did you mean 'dense_1'"):
        explain(model, "dens_1", worked.X, worked.Y)
    with pytest.raises(UnknownNameError, match="no layer in this model"):
        explain(model, layers.Dense(3), worked.X, worked.Y)
    with pytest.raises(ConfigurationError, match="no such unit"):
        explain(model, "dense", worked.X, worked.Y, unit=3)
    with pytest.raises(DataError, match="empty"):
        explain(model, "dense", worked.X[:0], worked.Y[:0])
    with pytest.raises(NotBuiltError, match="not been compiled"):
        explain(omomi.Sequential([layers.Dense(2, input_shape=(2,))]), "dense", worked.X, worked.Y)

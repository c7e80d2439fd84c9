"""A trace: the numbers of the worked network, the graph, what it leaves untouched, and what it refuses.

The network of 2-3-2 units and all its numbers are worked by hand in tests/graph/test_worked_network.py:

    u1 = (ln 3, −ln 3, 0)    z1 = (¾, ¼, ½)             u2 = (½, 1)      E = 5/8
    δ2 = (½, −1)             ∂E/∂z1 = (−3/2, 2, −3/2)   δ1 = (−9/32, 3/8, −3/8)

Expanded, the affine map of the first layer is x W = (0, 0, 0) and + b; the delta passes through the addition as it is.
The sigmoid is −u, e^−u = (1/3, 3, 1), d = 1 + e^−u = (4/3, 4, 2), 1/d = (¾, ¼, ½), and back from ∂E/∂z1:
    ∂E/∂d = −∂E/∂z1 / d² = −(−3/2 · 9/16, 2 · 1/16, −3/2 · 1/4) = (27/32, −1/8, 3/8), and the same for e^−u
    ∂E/∂(−u) = e^−u ∂E/∂d = (9/32, −3/8, 3/8) = −δ1
The loss is x − t = (½, −1), its square (¼, 1), their sum 5/4, half of it 5/8. Back: ∂/∂sum = ½, ∂/∂square = (½, ½),
∂/∂(x − t) = 2 · ½ (x − t) = (½, −1).
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import layers
from omomi.engines import selection
from omomi.errors import ConfigurationError, DataError, EngineError, NotBuiltError, UnknownNameError
from omomi.inspect import trace
from tests.graph import test_worked_network as worked

RNG = np.random.default_rng(1)


def same(actual, expected):
    assert_allclose(actual, expected, rtol=0, atol=1e-14)


def worked_model():
    model = omomi.Sequential(
        [layers.Dense(3, activation="sigmoid", input_shape=(2,)), layers.Dense(2)], dtype="float64", seed=0
    )
    model.set_weights([worked.W1, worked.B1, worked.W2, worked.B2])
    model.compile("sgd", "squared_error")
    return model


def cnn(*more):
    model = omomi.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
            *more,
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(6, activation="tanh", kernel_regularizer="l2", activity_regularizer="l1"),
            layers.Dense(3, activation="softmax"),
        ],
        seed=0,
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


IMAGES, LABELS = RNG.normal(size=(5, 8, 8, 1)).astype(np.float32), np.array([0, 1, 2, 1, 0])


@pytest.mark.parametrize("expand", [False, True])
def test_every_number_of_the_worked_network(expand):
    step = trace(worked_model(), worked.X, worked.Y, expand=expand)
    assert step.loss == 5 / 8
    same(step["dense/affine"].value, [[worked.LN3, -worked.LN3, 0]])
    same(step["dense/affine"].delta, worked.DELTA1)
    same(step["dense/sigmoid"].value, [[3 / 4, 1 / 4, 1 / 2]])
    same(step["dense/sigmoid"].delta, [[-3 / 2, 2, -3 / 2]])
    same(step["dense_1/affine"].value, [[1 / 2, 1]])
    same(step["dense_1/affine"].delta, worked.DELTA2)
    same(step["E"].value, 5 / 8)
    same(step["E"].delta, 1)
    same(step["x"].delta, worked.DELTA1 @ worked.W1.T)
    expected = {
        "dense/kernel": worked.GRAD_W1,
        "dense/bias": worked.DELTA1[0],
        "dense_1/kernel": worked.GRAD_W2,
        "dense_1/bias": worked.DELTA2[0],
    }
    assert step.gradients.keys() == expected.keys()
    for path, gradient in expected.items():
        same(step.gradients[path], gradient)


def test_the_expanded_nodes_by_hand():
    step = trace(worked_model(), worked.X, worked.Y, expand=True)
    assert step.whole == ()
    numbers = {
        "dense/affine/matmul": ([[0, 0, 0]], worked.DELTA1),
        "dense/sigmoid/negative": ([[-worked.LN3, worked.LN3, 0]], -worked.DELTA1),
        "dense/sigmoid/exp": ([[1 / 3, 3, 1]], [[27 / 32, -1 / 8, 3 / 8]]),
        "dense/sigmoid/add": ([[4 / 3, 4, 2]], [[27 / 32, -1 / 8, 3 / 8]]),
        "squared_error/subtract": ([[1 / 2, -1]], [[1 / 2, -1]]),
        "squared_error/square": ([[1 / 4, 1]], [[1 / 2, 1 / 2]]),
        "squared_error/sum": ([5 / 4], [1 / 2]),
        "squared_error/multiply": ([5 / 8], [1]),
    }
    for name, (value, delta) in numbers.items():
        same(step[name].value, value)
        same(step[name].delta, delta)
    assert step.node("dense/sigmoid/exp").label == "e⁻ˣ"
    assert step.node("dense/sigmoid/exp").part_of == "dense/sigmoid"


def test_nodes_are_linked_and_described():
    step = trace(cnn(), IMAGES, LABELS)
    rules = "convolution_2d relu max_pooling_2d draw_address dropout reshape affine tanh l1_penalty divide affine"
    rules += " softmax sparse_softmax_cross_entropy l2_penalty add add"  # E, and the penalties of activity and kernel
    assert [node.rule for node in step.nodes] == rules.split()
    convolution = step.node("conv2d/convolution_2d")
    assert convolution.inputs == ("x", "conv2d/kernel", "conv2d/bias")
    assert convolution.arguments == ("x", "W", "b")
    assert convolution.attributes["strides"] == (1, 1)
    assert convolution.latex[0].startswith("y = b + ")
    assert step.node("conv2d/relu").inputs == convolution.outputs == ("conv2d/convolution_2d",)
    assert step.node("sparse_softmax_cross_entropy").inputs == ("dense_1/affine", "t", "w")
    assert (step["t"].role, step["w"].role, step["seed"].role) == ("target", "weight", "buffer")
    same(step["t"].value, LABELS)
    assert convolution.saved_bytes == IMAGES.nbytes + 9 * 4 * 4  # the images and the kernel
    assert step.saved_bytes >= max(node.saved_bytes for node in step.nodes)
    assert all(node.seconds > 0 for node in step.nodes)
    for node in step.nodes:
        for name, gradient in zip(node.inputs, node.gradients, strict=True):
            assert gradient is None or gradient.shape == step[name].shape
    for value in step.values.values():
        assert value.delta is None or value.delta.shape == value.shape


def engines():
    """The engines that can be made here."""
    for name in selection.MAKERS:
        try:
            selection.get(name)
        except (EngineError, ImportError):
            continue
        yield name


@pytest.mark.parametrize("engine", list(engines()))
def test_every_engine_shows_the_same_step(engine):
    with omomi.use("numpy"):
        expected = trace(cnn(layers.BatchNormalization()), IMAGES, LABELS)
    with omomi.use(engine):
        step = trace(cnn(layers.BatchNormalization()), IMAGES, LABELS)
    assert step.engine == engine
    assert list(step.values) == list(expected.values)
    for name, value in expected.values.items():
        assert_allclose(step[name].value, value.value, rtol=1e-4, atol=1e-5)
        if value.delta is not None:
            assert_allclose(step[name].delta, value.delta, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", list(engines()))
def test_the_gradients_are_those_that_training_moves_by(engine):
    with omomi.use(engine):
        model = cnn()
        model.optimizer.learning_rate = 0.5
        step = trace(model, IMAGES, LABELS)
        before = {path: p.numpy().copy() for path, p in model.parameters().items()}
        loss, _ = model.train_on_batch(IMAGES, LABELS)
        assert loss == pytest.approx(step.loss, rel=1e-5)
        for path, p in model.parameters().items():
            assert_allclose(p.numpy(), before[path] - 0.5 * step.gradients[path], rtol=1e-4, atol=1e-6)


def test_a_trace_changes_nothing():
    model, twin = cnn(layers.BatchNormalization()), cnn(layers.BatchNormalization())
    for m in (model, twin):
        m.fit(IMAGES, LABELS, epochs=1, verbose=0)
    before = {path: entry.numpy().copy() for path, entry in model.state().items()}
    gradients = {path: entry.grad for path, entry in model.state().items()}
    for expand in (False, True):
        trace(model, IMAGES, LABELS, expand=expand)
    for path, entry in model.state().items():
        np.testing.assert_array_equal(entry.numpy(), before[path])
        assert entry.grad is gradients[path]
    for m in (model, twin):
        m.fit(IMAGES, LABELS, epochs=2, verbose=0)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_on_does_not_change_a_trace():
    model = cnn()
    step = trace(model, IMAGES, LABELS)
    kernel, data = step["dense/kernel"].value.copy(), step["x"].value.copy()
    model.fit(IMAGES, LABELS, epochs=3, verbose=0)
    np.testing.assert_array_equal(step["dense/kernel"].value, kernel)
    np.testing.assert_array_equal(step["x"].value, data)


@pytest.mark.skipif("jax" not in list(engines()), reason="mixed precision needs the engine jax")
def test_a_step_of_mixed_precision_is_the_one_that_trains():
    with omomi.use("jax"):
        model = omomi.Sequential(
            [layers.Dense(3, activation="softmax", input_shape=(4,))], seed=0, precision="mixed_bfloat16"
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        x = RNG.normal(size=(5, 4)).astype(np.float32)
        step = trace(model, x, LABELS)
        assert step.loss == pytest.approx(model.train_on_batch(x, LABELS), rel=1e-5)
        assert step.to_svg().count("<g ") >= 3
        assert step["dense/affine"].value.dtype == np.float32


LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", LABELS),
    "categorical_crossentropy": ("softmax", np.eye(3, dtype=np.float32)[LABELS]),
    "binary_crossentropy": ("sigmoid", (RNG.random((5, 3)) > 0.5).astype(np.float32)),
    "squared_error": ("tanh", RNG.normal(size=(5, 3)).astype(np.float32)),
    "mse": ("swish", RNG.normal(size=(5, 3)).astype(np.float32)),
    "mae": ("softplus", RNG.normal(size=(5, 3)).astype(np.float32)),
    "hinge": ("leaky_relu", np.sign(RNG.normal(size=(5, 3))).astype(np.float32)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_expanded_nodes_have_equal_numbers(loss):
    """Chained, the parts must send back what the composite does: every part's own backward is checked at the seams."""
    activation, y = LOSSES[loss]
    model = omomi.Sequential(
        [
            layers.Dense(4, input_shape=(8,)),
            layers.BatchNormalization(),
            layers.PReLU("ones"),
            layers.Dropout(0.3),
            layers.Dense(3, activation=activation),
        ],
        seed=2,
    )
    model.compile("sgd", loss)
    x, w = RNG.normal(size=(5, 8)).astype(np.float32), np.array([1, 2, 0.5, 1, 1])
    whole, parts = (trace(model, x, y, sample_weight=w, expand=expand) for expand in (False, True))
    assert parts.whole == ()
    assert len(parts.nodes) > len(whole.nodes) + 15
    assert not {"affine", "batch_normalization", "dropout", "prelu"} & {node.rule for node in parts.nodes}
    for name, value in whole.values.items():
        assert_allclose(parts[name].value, value.value, rtol=1e-5, atol=1e-6)
        if value.delta is not None:
            assert_allclose(parts[name].delta, value.delta, rtol=1e-4, atol=1e-6)
    for node in parts.nodes:  # each delta is the sum of what the readers send back: a copy adds
        for output in node.outputs[:1]:
            sent = [
                g
                for reader in parts.nodes
                for name, g in zip(reader.inputs, reader.gradients, strict=True)
                if name == output and g is not None
            ]
            if sent:
                assert_allclose(sum(sent), parts[output].delta, rtol=1e-3, atol=1e-6)


def test_parts_that_would_overflow_stay_whole():
    """e^200 is more than float32 holds; the rule avoids it, the textbook's parts do not."""
    model = omomi.Sequential([layers.Activation("tanh", input_shape=(2,)), layers.Dense(1)], seed=0)
    x = np.array([[200.0, -0.5]], np.float32)
    step = trace(model, x, np.array([[1.0]]), loss="mse", expand=True)
    assert step.whole == ("activation/tanh",)
    assert "activation/tanh" in str(step)
    same(step["activation/tanh"].value[0, 0], 1)


def test_layers_loops_and_losses_of_ones_own():
    class Twice(omomi.Layer):
        def build(self, input_shape):
            self.dense = layers.Dense(4, activation="tanh")

        def call(self, x):
            return self.dense(x) + x * 2.0

    class Net(omomi.Layer):
        def build(self, input_shape):
            self.block = Twice()

        def call(self, x):
            return self.block(x)

    net = Net(seed=0)
    step = trace(net, IMAGES[:, 0, :4, 0], IMAGES[:, 0, 4:, 0], loss=lambda t, y: (y - t) * (y - t))
    assert [node.path for node in step.nodes][:2] == ["block/dense", "block/dense"]
    assert step["E"].value == pytest.approx(step.loss)
    assert step.node("block/add").inputs == ("block/dense/tanh", "block/multiply")
    with omomi.no_grad():
        assert trace(net, IMAGES[:, 0, :4, 0], IMAGES[:, 0, 4:, 0], loss="mse")["x"].delta is not None


def test_data_that_json_holds_and_large_arrays_summarised():
    model = omomi.Sequential([layers.Dense(1200, input_shape=(1000,)), layers.Dense(2)], seed=0)
    step = trace(model, RNG.normal(size=(2, 1000)), np.ones((2, 2)), loss="mse")  # a kernel of 1.2 million numbers
    found = json.loads(json.dumps(step.to_dict()))
    kernel = found["values"]["dense/kernel"]
    assert "numbers" not in kernel["value"]
    assert kernel["value"]["shape"] == [1000, 1200]
    assert kernel["value"]["norm"] == pytest.approx(float(np.linalg.norm(model.layers[0].kernel.numpy())), rel=1e-5)
    assert found["values"]["E"]["value"]["numbers"] == pytest.approx(step.loss)
    assert len(json.dumps(found)) < 20_000
    assert len(step.to_text()) < 6_000
    assert len(step.to_svg()) < 200_000
    assert found["nodes"][0]["latex_gradient"].startswith(r"\frac{\partial E}{\partial x}")


def test_saved_by_the_ending_of_the_name(tmp_path):
    step = trace(worked_model(), worked.X, worked.Y)
    assert step.save(tmp_path / "a.svg").read_text("utf-8") == step.to_svg()
    assert json.loads(step.save(tmp_path / "a.json").read_text("utf-8"))["loss"] == 5 / 8
    assert step.save(tmp_path / "a.txt").read_text("utf-8").startswith("sequential: one training step on 1 sample")
    with pytest.raises(ConfigurationError, match="as a picture"):
        step.save(tmp_path / "a.doc")


def test_what_the_table_says():
    text = trace(worked_model(), worked.X, worked.Y).to_text()
    for words in ("y = x W + b", "gx = gy Wᵀ, gW = xᵀ gy, gb = Σₙ gyₙ", "E = 0.625", "[[−1.5  2  −1.5]]"):
        assert words in text
    assert repr(trace(worked_model(), worked.X, worked.Y)) == "<Trace of sequential: 4 nodes, E = 0.625>"


def test_bad_input():
    model = worked_model()
    with pytest.raises(DataError, match="empty"):
        trace(model, worked.X[:0], worked.Y[:0])
    with pytest.raises(DataError, match="numbers of samples differ"):
        trace(model, worked.X, np.ones((3, 2)))
    with pytest.raises(NotBuiltError, match="not been compiled"):
        trace(omomi.Sequential([layers.Dense(2, input_shape=(2,))]), worked.X, worked.Y)
    step = trace(model, worked.X, worked.Y)
    with pytest.raises(UnknownNameError, match="did you mean 'dense/kernel'"):
        step["dense/kernal"]
    with pytest.raises(UnknownNameError, match="did you mean 'dense/affine'"):
        step.node("dense/afine")

"""Several inputs and outputs: how data and arguments find them, what is minimised, and what is logged."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors
from omomi.layers import Dense

RNG = np.random.default_rng(0)
A = RNG.normal(size=(50, 3)).astype(np.float32)
B = RNG.integers(0, 255, (50, 2)).astype(np.uint8)
NUMBER = (A.sum(1, keepdims=True) + 0.01 * B[:, :1]).astype(np.float32)
CLASS = (A[:, 0] > 0).astype(np.int64) + (B[:, 0] > 100)


class TwoByTwo(omomi.Model):
    """Two inputs and two outputs, by position or by name."""

    replayable = True

    def __init__(self, named=False, seed=0):
        super().__init__(seed=seed)
        self.named = named
        self.left, self.right = Dense(4, activation="tanh"), Dense(4, activation="tanh")
        self.number, self.kind = Dense(1), Dense(3, activation="softmax")

    def call(self, inputs):
        a, b = (inputs["a"], inputs["b"]) if self.named else inputs
        h = self.left(a) + self.right(b * 0.01)
        number, kind = self.number(h), self.kind(h)
        return {"number": number, "kind": kind} if self.named else (number, kind)


LOSSES = ["mse", "sparse_categorical_crossentropy"]


def by_position(**options):
    model = TwoByTwo()
    model.compile("sgd", LOSSES, **options)
    return model


def by_name(**options):
    model = TwoByTwo(named=True)
    model.compile("sgd", {"kind": LOSSES[1], "number": LOSSES[0]}, **options)
    return model


def test_positions_and_names_are_the_same_training():
    one = by_position(metrics=[["mae"], "accuracy"])
    other = by_name(metrics={"number": "mae", "kind": ["accuracy"]})
    options = {"epochs": 3, "batch_size": 16, "verbose": 0}
    first = one.fit([A, B], [NUMBER, CLASS], validation_data=((A, B), (NUMBER, CLASS)), **options)
    second = other.fit(
        {"b": B, "a": A},
        {"kind": CLASS, "number": NUMBER},
        validation_data=({"a": A, "b": B}, {"number": NUMBER, "kind": CLASS}),
        **options,
    )
    names = ["output_0_loss", "output_0_mae", "output_1_accuracy", "output_1_loss", "loss"]
    assert set(first.history) == {*names, *(f"val_{name}" for name in names)}
    named = ["loss", "number_loss", "kind_loss", "number_mae", "kind_accuracy"]
    assert list(second.history) == [*named, *(f"val_{name}" for name in named)]
    assert first.history["loss"] == second.history["loss"]
    assert first.history["val_output_1_loss"] == second.history["val_kind_loss"]
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)
    number, kind = one.predict([A, B], batch_size=16)
    found = other.predict({"a": A, "b": B})
    assert number.shape == (50, 1)
    assert_allclose(found["number"], number, rtol=1e-6)
    assert_allclose(found["kind"], kind, rtol=1e-6)


def test_the_loss_is_the_weighted_sum_of_the_outputs_losses():
    model = by_name(loss_weights={"number": 0.25, "kind": 3.0}, metrics={"kind": "accuracy"})
    x, y = {"a": A, "b": B}, {"number": NUMBER, "kind": CLASS}
    logs = model.evaluate(x, y, return_dict=True, batch_size=20)
    found = model.predict(x)
    mse = float(np.mean((found["number"] - NUMBER) ** 2))
    entropy = float(-np.log(found["kind"][np.arange(50), CLASS]).mean())
    assert_allclose(logs["number_loss"], mse, rtol=1e-5)
    assert_allclose(logs["kind_loss"], entropy, rtol=1e-5)
    assert_allclose(logs["loss"], 0.25 * mse + 3 * entropy, rtol=1e-5)
    assert_allclose(logs["kind_accuracy"], (found["kind"].argmax(1) == CLASS).mean(), rtol=1e-6)
    assert model.evaluate(x, y, batch_size=20) == list(logs.values())
    assert list(logs) == ["loss", "number_loss", "kind_loss", "kind_accuracy"]


def test_a_step_is_the_gradient_of_the_weighted_sum():
    """The step of fit against backpropagation written out by hand."""
    model, by_hand = by_position(loss_weights=[0.5, 2.0]), TwoByTwo()
    model.train_on_batch([A, B], [NUMBER, CLASS])
    number, kind = by_hand([A, B])
    E = omomi.functions.mean_squared_error(number, NUMBER) * 0.5
    E = E + omomi.losses.SparseCategoricalCrossentropy()(CLASS, kind) * 2.0
    E.backward()
    for path, p in by_hand.parameters().items():
        assert_allclose(model.parameters()[path].array, p.array - 0.01 * p.grad, rtol=1e-4, atol=1e-6)


def test_steps_are_recorded_and_replayed():
    model = by_name()
    with omomi.use("numba"):
        model.fit({"a": A, "b": B}, {"number": NUMBER, "kind": CLASS}, verbose=0)
    compiled = model._steps.made["numba", "train"].compiled
    assert not compiled.refused
    assert len(compiled.plans) == 2  # 32 samples, and the 18 that are left


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_every_engine_trains_the_same_weights(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    weights = np.linspace(0, 2, 50)

    def trained():
        model = by_name(loss_weights={"number": 0.1, "kind": 1.0}, weighted_metrics={"kind": "accuracy"})
        history = model.fit(
            {"a": A, "b": B},
            {"number": NUMBER, "kind": CLASS},
            sample_weight={"kind": weights},
            epochs=2,
            batch_size=16,
            verbose=0,
        )
        return history.history, model.predict({"a": A, "b": B})

    logs, outputs = trained()
    with omomi.use(engine):
        other, others = trained()
    for name in logs:
        assert_allclose(other[name], logs[name], rtol=1e-5)
    for name in outputs:
        assert_allclose(others[name], outputs[name], rtol=1e-4, atol=1e-6)


def test_weights_of_samples_and_classes_of_one_output():
    x, y, classes = {"a": A, "b": B}, {"number": NUMBER, "kind": CLASS}, {0: 1.0, 1: 3.0, 2: 0.5}
    of_kind = np.array([1.0, 3.0, 0.5])[CLASS]
    one = by_name().evaluate(x, y, sample_weight={"kind": of_kind}, return_dict=True)
    plain = by_name().evaluate(x, y, return_dict=True)
    assert one["number_loss"] == plain["number_loss"]
    assert one["kind_loss"] != plain["kind_loss"]
    by_class, by_sample, everywhere = by_name(), by_name(), by_name()
    by_class.train_on_batch(x, y, class_weight={"kind": classes})
    by_sample.train_on_batch(x, y, sample_weight={"kind": of_kind})
    everywhere.train_on_batch(x, y, sample_weight=of_kind)
    for a, b in zip(by_class.get_weights(), by_sample.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert (everywhere.get_weights()[4] != by_sample.get_weights()[4]).any()  # the weights reach both outputs
    with pytest.raises(errors.ConfigurationError, match="which of the outputs"):
        by_name().train_on_batch(x, y, class_weight=classes)


def test_an_output_without_a_loss_is_not_trained():
    model = TwoByTwo(named=True)
    model.compile("sgd", {"kind": LOSSES[1]}, metrics={"kind": "accuracy"})
    before = model.predict({"a": A, "b": B})["number"]
    kernel = model.number.kernel.numpy().copy()
    history = model.fit({"a": A, "b": B}, {"kind": CLASS}, verbose=0)
    assert list(history.history) == ["loss", "kind_accuracy"]
    assert_array_equal(model.number.kernel.numpy(), kernel)
    assert (model.predict({"a": A, "b": B})["number"] != before).any()  # its input is trained
    listed = TwoByTwo()
    listed.compile("sgd", [None, LOSSES[1]])
    one = listed.fit([A, B], [CLASS], verbose=0)
    assert one.history["loss"] == history.history["loss"]
    assert listed.evaluate([A, B], [None, CLASS]) == listed.evaluate([A, B], [CLASS])


def test_the_split_for_validation_takes_every_array():
    model = by_name()
    weights = {"kind": np.r_[np.ones(40), np.zeros(10)]}
    history = model.fit(
        {"a": A, "b": B}, {"number": NUMBER, "kind": CLASS}, validation_split=0.2, sample_weight=weights, verbose=0
    )
    assert history.history["val_kind_loss"] == [0.0]
    assert history.history["val_number_loss"][0] > 0


def test_batches_one_by_one():
    model = by_position(metrics=[None, "accuracy"])
    loss = model.test_on_batch([A, B], [NUMBER, CLASS])
    assert model.train_on_batch([A, B], [NUMBER, CLASS], return_dict=True)["loss"] == pytest.approx(loss[0])
    assert model.test_on_batch([A, B], [NUMBER, CLASS])[0] < loss[0]
    for a, b in zip(model.predict_on_batch([A, B]), model.predict([A, B]), strict=True):
        assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([A, B], [NUMBER]), "2 entries"),
        (([A, B], NUMBER), "several outputs"),
        (([A, B], {"number": NUMBER}), 'output "number"|number'),
        (([A, B[:-1]], [NUMBER, CLASS]), "numbers of samples differ"),
        (([A, B], [NUMBER, CLASS[:-1]]), "numbers of samples differ"),
        (([A, B], [NUMBER, None]), "no targets"),
        (([A, B], [NUMBER, CLASS + 5]), "outside the classes"),
        (([A, B], [NUMBER, CLASS], [np.ones(3), None]), "one number for each sample"),
    ],
)
def test_data_that_does_not_fit_is_named(arguments, said):
    with pytest.raises(errors.OmomiError, match=said):
        by_position().train_on_batch(*arguments)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": ["mse"]}, "2 entries"),
        ({"loss": [None, None]}, "no output has a loss"),
        ({"loss": {"numbers": "mse"}}, "no output named 'numbers'"),
        ({"loss": "mse", "loss_weights": 2.0}, "one number for each output"),
        ({"loss": "mse", "loss_weights": ["accuracy"]}, "are numbers"),
        ({"loss": "mse", "metrics": ["mae"]}, "2 entries"),
        ({"loss": "mse", "metrics": "mae"}, "2 entries"),
        ({"loss": [None, "mse"], "metrics": ["mae", None]}, "without a loss"),
        ({"loss": "mse", "metrics": [None, "acuracy"]}, "accuracy"),
    ],
)
def test_arguments_that_do_not_fit_are_named(options, said):
    def trained():
        model = TwoByTwo()
        model.compile("sgd", **options)
        model.train_on_batch([A, B], [NUMBER, NUMBER])

    with pytest.raises(errors.OmomiError, match=said):
        trained()


def test_names_of_metrics_do_not_clash():
    model = by_position(metrics=[None, ["accuracy", "accuracy"]], weighted_metrics=[None, "accuracy"])
    logs = model.train_on_batch([A, B], [NUMBER, CLASS], sample_weight=[None, np.r_[1, np.zeros(49)]], return_dict=True)
    assert list(logs)[3:] == ["output_1_accuracy", "output_1_accuracy_1", "output_1_weighted_accuracy"]
    assert logs["output_1_weighted_accuracy"] in (0.0, 1.0)

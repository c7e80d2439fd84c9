"""fit, evaluate, predict: what they compute, and what they say when they cannot."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.layers import BatchNormalization, Dense, Dropout

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 0.5)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


def classifier(seed=0, **options):
    return Sequential(
        [Dense(16, activation="relu", input_shape=(4,)), Dense(3, activation="softmax")], seed=seed, **options
    )


def compiled(optimizer="adam", loss="categorical_crossentropy", metrics=("accuracy",), seed=0):
    model = classifier(seed)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def test_training_learns_and_history_has_keras_s_keys():
    model = compiled(omomi.optimizers.Adam(0.01))
    history = model.fit(X, ONE_HOT, epochs=120, batch_size=16, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.history["loss"]) == 120
    assert history.epoch == list(range(120))
    assert history.history["accuracy"][-1] > 0.9
    assert "120 epochs" in repr(history)


def test_the_loss_of_an_epoch_is_the_mean_over_samples_also_with_a_smaller_last_batch():
    model = compiled(optimizer=omomi.optimizers.SGD(0.0))
    loss, accuracy = model.evaluate(X, ONE_HOT, batch_size=90)
    history = model.fit(X, ONE_HOT, batch_size=40, verbose=0)  # 40 + 40 + 10
    assert_allclose(history.history["loss"], loss, rtol=1e-6)
    assert_allclose(history.history["accuracy"], accuracy, rtol=1e-6)
    p = model.predict(X, batch_size=7)
    assert p.shape == (90, 3)
    assert_allclose(loss, -np.log(p[np.arange(90), LABELS]).mean(), rtol=1e-5)
    assert_allclose(accuracy, (p.argmax(1) == LABELS).mean(), rtol=1e-6)


def test_indices_and_one_hot_train_the_same_weights():
    one, other = compiled(), compiled(loss="sparse_categorical_crossentropy")
    one.fit(X, ONE_HOT, epochs=2, verbose=0)
    other.fit(X, LABELS[:, None], epochs=2, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_allclose(a, b, atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    def weights(seed):
        model = Sequential([Dense(8, input_shape=(4,)), Dropout(0.5), Dense(3, activation="softmax")], seed=seed)
        model.compile("adam", "categorical_crossentropy")
        model.fit(X, ONE_HOT, epochs=2, verbose=0)
        return model.get_weights()

    for a, b, c in zip(weights(1), weights(1), weights(2), strict=True):
        assert_array_equal(a, b)
        assert (a != c).any()


def test_watching_does_not_change_a_bit():
    class Watch(omomi.Hook, omomi.callbacks.Callback):
        pass

    plain, watched = compiled(seed=3), compiled(seed=3)
    plain.fit(X, ONE_HOT, verbose=0)
    with Watch() as hook:
        watched.fit(X, ONE_HOT, verbose=0, callbacks=[hook])
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_full_batch_mini_batch_and_online_count_steps_as_the_books_do():
    for batch_size, steps in [("full", 1), (30, 3), (32, 3), (1, 90), (None, 3)]:
        model = compiled("sgd")
        model.fit(X, ONE_HOT, batch_size=batch_size, verbose=0)
        assert int(model.optimizer.iterations.array) == steps
        assert int(model.state()["step"].array) == steps


def test_weights_of_zero_are_as_if_the_samples_were_not_there():
    w = np.zeros(90)
    w[:30] = 3.0  # the loss is divided by the number of samples, so three times a third is the same mean
    weighted, fewer = compiled("sgd"), compiled("sgd")
    weighted.fit(X, ONE_HOT, batch_size="full", sample_weight=w, verbose=0)
    fewer.fit(X[:30], ONE_HOT[:30], batch_size="full", verbose=0)
    for a, b in zip(weighted.get_weights(), fewer.get_weights(), strict=True):
        assert_allclose(a, b, atol=1e-7)


def test_class_weights_are_sample_weights_by_class():
    by_class, by_sample = compiled("sgd"), compiled("sgd")
    by_class.fit(X, ONE_HOT, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, verbose=0)
    by_sample.fit(X, ONE_HOT, sample_weight=np.array([1.0, 2.0, 0.5])[LABELS], verbose=0)
    for a, b in zip(by_class.get_weights(), by_sample.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_metrics_with_and_without_weights():
    model = classifier()
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["categorical_accuracy"])
    right = model.predict(X).argmax(1) == LABELS
    logs = model.evaluate(X, ONE_HOT, sample_weight=right.astype(float), return_dict=True)
    assert_allclose(logs["accuracy"], right.mean(), rtol=1e-6)
    assert logs["categorical_accuracy"] == 1.0


def test_a_binary_target_of_one_axis_is_aligned_never_broadcast():
    y = (X[:, 0] > 0).astype(np.float32)
    model = Sequential([Dense(1, activation="sigmoid", input_shape=(4,))], seed=0)
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(X, y)
    p = model.predict(X)[:, 0]
    assert_allclose(loss, -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(), rtol=1e-5)
    assert_allclose(accuracy, ((p > 0.5) == y).mean(), rtol=1e-6)
    assert model.evaluate(X, y[:, None]) == [loss, accuracy]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool"])
@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
def test_whole_numbers_as_targets_train_the_same_weights(dtype, loss):
    """Targets of every batch, also those that are cast on the way: not those of the batch that was recorded."""

    def trained(y):
        model = Sequential([Dense(1, activation="sigmoid", input_shape=(4,))], seed=0)
        model.compile("sgd", loss)
        model.fit(X, y, batch_size=10, epochs=3, verbose=0)
        return model.get_weights()

    for a, b in zip(trained((LABELS > 0).astype(dtype)), trained((LABELS > 0).astype("float32")), strict=True):
        assert_allclose(a, b, atol=1e-6)


def test_logits_and_probabilities_train_the_same_weights():
    with_softmax = compiled("sgd")
    logits = Sequential([Dense(16, activation="relu", input_shape=(4,)), Dense(3)], seed=0)
    logits.compile("sgd", omomi.losses.CategoricalCrossentropy(from_logits=True))
    with_softmax.fit(X, ONE_HOT, verbose=0)
    logits.fit(X, ONE_HOT, verbose=0)
    for a, b in zip(with_softmax.get_weights(), logits.get_weights(), strict=True):
        assert_array_equal(a, b)  # the canonical link: both start at ŷ − y


def test_saturated_probabilities_still_have_a_gradient():
    model = Sequential([Dense(3, activation="softmax", input_shape=(4,))], seed=0)
    model.set_weights([np.full((4, 3), 0.0), np.array([200.0, 0.0, -200.0])])
    model.compile(omomi.optimizers.SGD(1.0), "categorical_crossentropy")
    assert_allclose(model.train_on_batch(np.zeros((1, 4)), np.array([[0.0, 0.0, 1.0]])), 400.0)
    assert_allclose(model.get_weights()[1], [199.0, 0.0, -199.0])


def test_rates_per_layer_and_per_unit():
    rate = {"dense": np.array([0.0] * 8 + [0.1] * 8), "dense_1/bias": 0.0, "": 0.01}
    model = compiled(omomi.optimizers.SGD(rate))
    before = model.get_weights()
    model.fit(X, ONE_HOT, verbose=0)
    kernel, bias, kernel_1, bias_1 = model.get_weights()
    assert_array_equal(kernel[:, :8], before[0][:, :8])
    assert (kernel[:, 8:] != before[0][:, 8:]).any()
    assert_array_equal(bias[:8], before[1][:8])
    assert (kernel_1 != before[2]).any()
    assert_array_equal(bias_1, before[3])
    with pytest.raises(errors.ShapeError, match="one rate per unit"):
        compiled(omomi.optimizers.SGD({"dense": np.ones(5), "": 0.1})).fit(X, ONE_HOT, verbose=0)


def test_a_rate_can_be_changed_between_epochs():
    model = compiled("sgd")
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.fit(X, ONE_HOT, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_callbacks_come_in_order():
    seen = []

    class Order(omomi.callbacks.Callback):
        def on_train_begin(self, logs):
            seen.append(("begin", self.params["steps"], self.model is not None))

        def on_epoch_begin(self, epoch, logs):
            seen.append(("epoch", epoch))

        def on_train_batch_end(self, batch, logs):
            seen.append(("batch", batch, sorted(logs)))

        def on_epoch_end(self, epoch, logs):
            seen.append(("end", epoch, sorted(logs)))
            self.model.stop_training = True

        def on_train_end(self, logs):
            seen.append(("done",))

    compiled().fit(X, ONE_HOT, epochs=5, batch_size=60, validation_data=(X, ONE_HOT), verbose=0, callbacks=[Order()])
    assert seen == [
        ("begin", 2, True),
        ("epoch", 0),
        ("batch", 0, ["accuracy", "loss"]),
        ("batch", 1, ["accuracy", "loss"]),
        ("end", 0, ["accuracy", "loss", "val_accuracy", "val_loss"]),
        ("done",),
    ]


def test_an_interruption_keeps_the_last_whole_step():
    class Stop(omomi.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            if batch == 1:
                raise KeyboardInterrupt

    model = compiled("sgd")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, ONE_HOT, epochs=3, batch_size=30, verbose=0, callbacks=[Stop()])
    assert int(model.optimizer.iterations.array) == 2
    assert model.history.epoch == []


def test_a_number_that_is_not_finite_stops_training_and_keeps_the_weights():
    model = Sequential([Dense(8, input_shape=(4,), name="first"), Dense(1, name="second")], seed=0)
    model.compile(omomi.optimizers.SGD(1e18), "mse")
    with pytest.raises(errors.NonFiniteError) as caught:
        model.fit(X, X[:, :1], epochs=50, verbose=0)
    assert "rule mean_squared_error after layer second, forward" in str(caught.value)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    steps = int(model.optimizer.iterations.array)
    assert f"step {steps}" in str(caught.value)


def test_the_culprit_is_named():
    class Log(omomi.Layer):
        def call(self, x):
            return omomi.functions.log(x)

    model = Sequential([Dense(3, input_shape=(4,)), Log(name="bad_log"), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(errors.NonFiniteError, match="rule log of layer bad_log, forward"):
        model.fit(X, X[:, :1], verbose=0)


def test_statistics_are_not_kept_from_a_step_that_failed():
    model = Sequential([BatchNormalization(input_shape=(4,)), Dense(1)], seed=0)
    model.compile(omomi.optimizers.SGD(0.1), "mse")
    bad = np.full((8, 4), 3e38, np.float32)
    with pytest.raises(errors.NonFiniteError):
        model.fit(bad, bad[:, :1], verbose=0)
    assert_array_equal(model.layers[0].moving_mean.array, np.zeros(4))


BAD = [
    (lambda m: m.fit(X[:0], ONE_HOT[:0]), "x is empty"),
    (lambda m: m.fit(X, ONE_HOT[:50]), "x: 90, y: 50"),
    (lambda m: m.fit(X, LABELS), "to_categorical"),
    (lambda m: m.fit(X, ONE_HOT * 0.5), "sum to 1"),
    (lambda m: m.fit(np.where(X > 2, np.nan, X), ONE_HOT), r"x\[\d+, \d\]"),
    (lambda m: m.fit(X[:, :3], ONE_HOT), r"expected: x of shape \(N, 4\)"),
    (lambda m: m.fit(X, np.eye(4)[LABELS]), r"targets of shape \(N, 3\)"),
    (lambda m: m.fit(X, ONE_HOT, batch_size=0), "batch_size=0"),
    (lambda m: m.fit(X, ONE_HOT, validation_split=1.0), "validation_split"),
    (lambda m: m.fit(X, ONE_HOT, class_weight={0: 1.0}), "lacks a class"),
    (lambda m: m.fit(X, ONE_HOT, sample_weight=np.ones(3)), "one number for each sample"),
    (lambda m: m.fit([["a"], ["b"]], [0, 1]), "does not hold numbers"),
    (lambda m: m.fit(X, ONE_HOT, verbose=7), "verbose=7"),
    (lambda m: m.compile("adm", "mse"), "did you mean 'adam'"),
    (lambda m: m.compile("sgd", "categorical_crossentrop"), "did you mean 'categorical_crossentropy'"),
    (lambda m: m.compile("sgd", "mse", metrics=["acuracy"]), "did you mean 'accuracy'"),
    (lambda m: m.compile("sgd"), "needs a loss"),
    (lambda m: m.get_layer("dens"), "did you mean 'dense'"),
]


@pytest.mark.parametrize(("act", "message"), BAD)
def test_mistakes_are_named_before_training_starts(act, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises(errors.OmomiError, match=message):
        act(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


SPARSE = [
    (ONE_HOT, "argmax"),
    (LABELS.astype(float), r"astype\(int\)"),
    (LABELS + 1, "y = y - 1"),
    (LABELS - 1, "outside the classes"),
]


@pytest.mark.parametrize(("y", "message"), SPARSE)
def test_wrong_labels_for_a_sparse_loss(y, message):
    with pytest.raises(errors.OmomiError, match=message):
        compiled(loss="sparse_categorical_crossentropy").fit(X, y, verbose=0)


def test_softmax_twice_is_named():
    model = classifier()
    model.compile("sgd", omomi.losses.CategoricalCrossentropy(from_logits=True))
    with pytest.raises(errors.ConfigurationError, match="softmax would be applied twice"):
        model.fit(X, ONE_HOT, verbose=0)


def test_not_compiled_and_not_built_are_said():
    with pytest.raises(errors.NotBuiltError, match="compile"):
        classifier().fit(X, ONE_HOT, verbose=0)
    with pytest.raises(errors.NotBuiltError, match="input_shape"):
        Sequential([Dense(3)]).summary()


def test_a_step_does_not_write_to_the_data():
    x, y = X.copy(), ONE_HOT.copy()
    x.flags.writeable = y.flags.writeable = False
    compiled().fit(x, y, verbose=0)


def test_progress_as_lines_and_as_a_bar(capsys):
    model = compiled()
    model.fit(X, ONE_HOT, epochs=2, verbose=2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss ")
    assert "samples/s" in lines[1]
    model.fit(X, ONE_HOT, epochs=2, verbose=1)
    assert "epoch 2/2" in capsys.readouterr().err
    model.fit(X, ONE_HOT, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_regression_through_a_model_subclass():
    class Net(omomi.Model):
        def __init__(self):
            super().__init__(seed=1)
            self.hidden = Dense(16, activation="tanh")
            self.out = Dense(1)

        def call(self, x):
            return self.out(self.hidden(x))

    net = Net()
    net.compile(omomi.optimizers.Adam(0.02), "mse", metrics=["mae"])
    history = net.fit(X, X[:, 0] * X[:, 1], epochs=80, verbose=0)
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]


def test_one_sigmoid_unit_is_logistic_regression():
    """The optimum of a one-layer network under binary cross-entropy is scikit-learn's, coefficient by coefficient."""
    from sklearn.linear_model import LogisticRegression

    x = X.astype(np.float64)
    y = (x @ np.array([1.0, -2.0, 0.5, 0.0]) + RNG.logistic(size=90) > 0).astype(np.float64)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(x, y)
    model = Sequential([Dense(1, activation="sigmoid", input_shape=(4,))], dtype="float64", seed=0)
    model.compile(omomi.optimizers.Nesterov(1.0), "binary_crossentropy")
    model.fit(x, y, batch_size="full", epochs=1500, verbose=0)
    kernel, bias = model.get_weights()
    assert_allclose(kernel[:, 0], reference.coef_[0], atol=1e-3)
    assert_allclose(bias, reference.intercept_, atol=1e-3)

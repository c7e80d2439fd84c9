"""What the estimators do by themselves: targets of every kind, weights, going on, saying what is wrong."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs, make_multilabel_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

import omomi
from omomi import errors
from omomi.interop.sklearn import NeuralClassifier, NeuralRegressor
from omomi.layers import Dense, Reshape

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])
BLOBS, COLOURS = make_blobs(80, centers=2, random_state=0)


def quick(**options):
    usual = {"hidden_layers": (16,), "learning_rate": 0.02, "epochs": 60, "random_state": 0}
    return NeuralClassifier(**{**usual, **options})


def weights(estimator):
    return estimator.model_.get_weights()


def test_classes_of_any_kind_come_back():
    fitted = quick().fit(X, NAMES[Y])
    assert_array_equal(fitted.classes_, NAMES)
    assert fitted.score(X, NAMES[Y]) > 0.95
    p = fitted.predict_proba(X)
    assert p.shape == (150, 3)
    assert p.dtype == np.float64
    assert_allclose(p.sum(axis=1), 1)
    assert_array_equal(fitted.predict(X), NAMES[p.argmax(axis=1)])
    assert_allclose(fitted.predict_log_proba(X), np.log(p))
    assert fitted.n_iter_ == len(fitted.loss_curve_) <= 60
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    assert (fitted.n_features_in_, fitted.n_outputs_, fitted.out_activation_) == (4, 3, "softmax")


def test_the_dtype_is_that_of_the_data():
    single = quick(epochs=2).fit(X.astype(np.float32), Y)
    assert single.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert weights(single)[0].dtype == np.float32
    assert weights(quick(epochs=2).fit((10 * X).astype(int), Y))[0].dtype == np.float64


def test_two_classes_have_one_sigmoid_unit():
    fitted = quick().fit(BLOBS, COLOURS == 1)
    assert (fitted.n_outputs_, fitted.out_activation_) == (1, "sigmoid")
    assert fitted.predict_proba(BLOBS).shape == (80, 2)
    assert fitted.predict(BLOBS).dtype == bool
    assert fitted.score(BLOBS, COLOURS == 1) > 0.9


def test_without_hidden_layers_and_with_l2_it_is_logistic_regression():
    """(1/N) Σ ℓ + λ Σ w² is scikit-learn's Σ ℓ + Σ w² / (2 C) with C = 1 / (2 λ N); neither penalises the bias."""
    x, y = BLOBS, COLOURS
    expected = LogisticRegression(C=1 / (2 * 0.05 * len(x)), tol=1e-10).fit(x, y)
    fitted = NeuralClassifier(
        (), l2=0.05, learning_rate=0.05, epochs=2000, batch_size="full", n_iter_no_change=None, random_state=0
    ).fit(x, y)
    kernel, bias = weights(fitted)
    assert_allclose(kernel[:, 0], expected.coef_[0], atol=2e-4)
    assert_allclose(bias, expected.intercept_, atol=2e-3)


def test_many_labels_on_one_sample():
    x, y = make_multilabel_classification(150, 10, n_classes=4, random_state=0)
    fitted = NeuralClassifier((32,), learning_rate=0.02, n_iter_no_change=None, random_state=0).fit(x, y)
    assert fitted.predict(x).shape == fitted.predict_proba(x).shape == (150, 4)
    assert (fitted.predict(x) == y).mean() > 0.9
    assert fitted.score(x, y) == (fitted.predict(x) == y).all(axis=1).mean() > 0.7


def test_several_outputs_each_with_its_own_classes():
    y = np.stack([NAMES[Y].astype(object), np.where(X[:, 0] > 0, "wide", "narrow")], axis=1)
    fitted = quick(epochs=100).fit(X, y)
    assert [list(c) for c in fitted.classes_] == [list(NAMES), ["narrow", "wide"]]
    first, second = fitted.predict_proba(X)
    assert (first.shape, second.shape) == ((150, 3), (150, 2))
    assert_allclose(second.sum(axis=1), 1)
    assert fitted.predict(X).shape == (150, 2)
    assert fitted.score(X, y) > 0.9
    with pytest.raises(errors.ConfigurationError, match="no named one"):
        fitted.model_.save("never.safetensors")


def test_numbers_are_predicted_in_the_shape_they_were_given():
    x, y = make_regression(200, 5, n_targets=2, noise=1.0, random_state=0)
    y = StandardScaler().fit_transform(y)
    fitted = NeuralRegressor((50,), learning_rate=0.01, random_state=0).fit(x, y)
    assert fitted.predict(x).shape == (200, 2)
    assert fitted.score(x, y) > 0.95
    assert fitted.fit(x, y[:, 0]).predict(x).shape == (200,)


def test_without_hidden_layers_and_with_l2_it_is_ridge_regression():
    """(1/N) Σ (ŷ − y)² + λ Σ w² is scikit-learn's Σ (ŷ − y)² + α Σ w² with α = λ N."""
    x, y = make_regression(60, 3, noise=5.0, random_state=0)
    y = y / y.std()
    fitted = NeuralRegressor(
        (), l2=0.1, learning_rate=0.02, epochs=1500, batch_size="full", n_iter_no_change=None, random_state=0
    ).fit(x, y)
    expected = Ridge(alpha=0.1 * 60, tol=1e-10).fit(x, y)
    assert_allclose(weights(fitted)[0][:, 0], expected.coef_, atol=1e-4)


def test_a_loss_can_be_chosen():
    x = np.linspace(-1, 1, 90)[:, None]
    y = np.where(np.arange(90) % 9 == 0, 50.0, x[:, 0])  # every ninth is far off
    options = {"learning_rate": 0.05, "epochs": 300, "n_iter_no_change": None, "random_state": 0}
    absolute = NeuralRegressor((), loss="mean_absolute_error", **options).fit(x, y)
    squared = NeuralRegressor((), **options).fit(x, y)
    assert abs(absolute.predict([[0.0]])[0]) < 0.5 < abs(squared.predict([[0.0]])[0])


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_weights(engine):
    """A weight of 0 is no sample, to the bit; a weight of 2 is a sample twice; a common factor is nothing."""
    w = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    with omomi.use(engine):
        options = {"batch_size": "full", "epochs": 20}
        weighted = quick(**options).fit(X, Y, sample_weight=w)
        left_out = quick(**options).fit(X[w > 0], Y[w > 0], sample_weight=w[w > 0])
        repeated = quick(**options).fit(X.repeat(w.astype(int), 0), Y.repeat(w.astype(int)))
        scaled = quick(**options).fit(X, Y, sample_weight=3 * w)
    for a, b, c, d in zip(*map(weights, (weighted, left_out, repeated, scaled)), strict=True):
        assert_array_equal(a, b)
        assert_allclose(a, c, atol=1e-9)
        assert_allclose(a, d, atol=1e-9)


def test_class_weights():
    y = (Y == 1).astype(int)  # in the middle, not separable by a line
    plain = quick(hidden_layers=()).fit(X, y)
    heavy = quick(hidden_layers=(), class_weight={0: 1, 1: 20}).fit(X, y)
    assert heavy.predict(X).sum() > plain.predict(X).sum()
    by_hand = quick(hidden_layers=()).fit(X, y, sample_weight=np.where(y == 1, 20.0, 1.0))
    assert_array_equal(weights(heavy)[0], weights(by_hand)[0])
    balanced = quick(hidden_layers=(), class_weight="balanced").fit(X, y)
    counted = quick(hidden_layers=(), class_weight={0: 150 / 200, 1: 150 / 100}).fit(X, y)
    assert_allclose(weights(balanced)[0], weights(counted)[0], atol=1e-12)


def test_the_same_random_state_gives_the_same_bits():
    one, same, other = (quick(epochs=3, dropout=0.3, random_state=s).fit(X, Y) for s in (1, 1, 2))
    assert_array_equal(one.predict_proba(X), same.predict_proba(X))
    assert np.abs(one.predict_proba(X) - other.predict_proba(X)).max() > 1e-3
    generator = quick(epochs=3, random_state=np.random.RandomState(0))
    assert np.abs(generator.fit(X, Y).predict_proba(X) - generator.fit(X, Y).predict_proba(X)).max() > 1e-3


def test_partial_fit_is_fit_in_pieces():
    whole = quick(epochs=4, n_iter_no_change=None).fit(X, NAMES[Y])
    pieces = quick()
    for _ in range(4):
        pieces.partial_fit(X, NAMES[Y], classes=NAMES)
    for a, b in zip(weights(whole), weights(pieces), strict=True):
        assert_array_equal(a, b)
    assert pieces.n_iter_ == len(pieces.loss_curve_) == 4
    pieces.partial_fit(X[:3], NAMES[Y[:3]])  # one class in this piece
    assert pieces.predict_proba(X).shape == (150, 3)
    regressor = NeuralRegressor((8,), random_state=0)
    for _ in range(3):
        regressor.partial_fit(X[:, :3], X[:, 3])
    assert regressor.n_iter_ == 3


def test_a_warm_start_goes_on():
    warm = quick(epochs=3, warm_start=True, n_iter_no_change=None).fit(X, Y).fit(X, Y)
    whole = quick(epochs=6, n_iter_no_change=None).fit(X, Y)
    for a, b in zip(weights(warm), weights(whole), strict=True):
        assert_array_equal(a, b)
    assert warm.n_iter_ == 6
    warm.set_params(learning_rate=0.001).fit(X, Y)
    assert warm.model_.optimizer.learning_rate == pytest.approx(0.001)
    with pytest.raises(errors.DataError, match="warm_start goes on"):
        warm.fit(X, NAMES[Y])


def test_training_ends_when_the_loss_does_not_fall():
    ended = quick(epochs=500, tol=1e-2, n_iter_no_change=3).fit(X, Y)
    assert ended.n_iter_ < 100
    assert quick(epochs=30, tol=1e-2, n_iter_no_change=None).fit(X, Y).n_iter_ == 30


def test_early_stopping_judges_samples_that_are_held_out():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 8)), rng.integers(0, 2, 120)  # nothing to learn: it must over-fit
    fitted = quick(hidden_layers=(64,), epochs=300, early_stopping=True, validation_fraction=0.25).fit(x, y)
    assert fitted.n_iter_ < 300
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_
    assert int(np.argmin(fitted.validation_loss_curve_)) == fitted.n_iter_ - 11
    by_loss = quick(hidden_layers=(64,), epochs=300).fit(x, y)
    assert by_loss.score(x, y) > fitted.score(x, y)


def test_dropout_l1_and_l2_reach_the_network():
    plain = quick().fit(X, Y)
    sparse = quick(l1=0.02).fit(X, Y)
    small = quick(l2=0.05).fit(X, Y)
    assert np.abs(weights(small)[0]).sum() < 0.7 * np.abs(weights(plain)[0]).sum()
    assert (np.abs(weights(sparse)[0]) < 0.02).mean() > (np.abs(weights(plain)[0]) < 0.02).mean()
    kinds = [type(layer).__name__ for layer in quick(dropout=0.5, epochs=1).fit(X, Y).model_.layers]
    assert kinds == ["Dense", "Dropout", "Dense"]


def build_bottleneck(n_inputs, n_outputs, output_activation, units=3):
    return omomi.Sequential(
        [
            Reshape((n_inputs, 1)),
            Reshape((n_inputs,)),
            Dense(units, activation="tanh"),
            Dense(n_outputs, activation=output_activation),
        ]
    )


def test_a_network_of_one_s_own():
    fitted = quick(model=build_bottleneck, model_arguments={"units": 5}).fit(X, Y)
    assert weights(fitted)[0].shape == (4, 5)
    assert fitted.score(X, Y) > 0.9
    again = quick(model=build_bottleneck, model_arguments={"units": 5}).fit(X, Y)
    assert_array_equal(fitted.predict_proba(X), again.predict_proba(X))  # random_state holds for it too
    assert clone(fitted).get_params()["model"] is build_bottleneck
    fixed = quick(model=lambda: omomi.Sequential([Dense(3, activation="softmax", input_shape=(4,))]), epochs=2)
    assert_array_equal(fixed.fit(X, Y).predict_proba(X), fixed.fit(X, Y).predict_proba(X))


def test_an_optimiser_that_is_an_argument_stays_as_it_is():
    optimizer = omomi.optimizers.SGD(0.1, momentum=0.9)
    fitted = quick(optimizer=optimizer, learning_rate=None, epochs=3).fit(X, Y)
    assert fitted.model_.optimizer is not optimizer
    assert fitted.model_.optimizer.momentum == 0.9
    assert not optimizer.parameters


def test_a_pickled_estimator_predicts_and_goes_on():
    for estimator in (quick(epochs=3), quick(epochs=3, model=build_bottleneck)):
        estimator.fit(X, Y)
        twin = pickle.loads(pickle.dumps(estimator))
        assert_array_equal(estimator.predict_proba(X), twin.predict_proba(X))
        for either in (estimator, twin):
            either.partial_fit(X, Y)
        assert_array_equal(estimator.predict_proba(X), twin.predict_proba(X))


def test_many_lengths_of_data_do_not_make_many_plans():
    fitted = quick(epochs=1).fit(X, Y)
    whole = fitted.predict_proba(X)
    for n in range(1, 150, 7):
        assert_allclose(fitted.predict_proba(X[:n]), whole[:n], atol=1e-12)
    step = fitted.model_._steps.made[(omomi.engine().name, "predict")]
    assert len(getattr(step.compiled, "plans", ())) <= 4


def returns_a_list(n_inputs, n_outputs):
    return [Dense(n_outputs)]


def forgets_the_outputs(n_inputs):
    return omomi.Sequential([Dense(7, input_shape=(n_inputs,))])


def forgets_the_activation(n_outputs):
    return omomi.Sequential([Dense(n_outputs)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layers": (10, 0)}, "hidden_layers"),
        ({"hidden_layers": "10"}, "hidden_layers"),
        ({"activation": "relux"}, "did you mean 'relu'"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"learning_rate": -0.1}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "whole number"),
        ({"batch_size": "some"}, "batch_size"),
        ({"dropout": 1.0}, "dropout"),
        ({"l2": float("inf")}, "l2"),
        ({"validation_fraction": 0.0}, "validation_fraction"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"model": "mlp"}, "function that builds"),
        ({"model": returns_a_list}, "something else than a network"),
        ({"model": forgets_the_outputs}, "another output"),
        ({"model": forgets_the_activation}, "no probabilities"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "cannot hold out"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message) as raised:
        quick(**options).fit(X, Y)
    assert isinstance(raised.value, errors.OmomiError)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, np.zeros(150), "only one class"),
        (np.where(X > 2, np.inf, X), Y, "infinity"),
        (np.where(X > 2, np.nan, X), Y, "NaN"),
        (X[:0], Y[:0], "0 sample"),
        (X[:, 0], Y, "1D array"),
        (X, Y[:9], "inconsistent numbers of samples"),
        (np.full((3, 2), "red"), [0, 1, 0], "could not convert string"),
        (X, X[:, 0], "Unknown label type"),
        (X, np.array([1, "a", 2.5] * 50, dtype=object), "one kind|Unknown label type"),
    ],
)
def test_wrong_data_is_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(x, y)


def test_other_mistakes_are_named():
    with pytest.raises(NotFittedError):
        quick().predict(X)
    with pytest.raises(ValueError, match="classes must be passed"):
        quick().partial_fit(X, Y)
    started = quick().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="none of the classes"):
        started.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match="not those of the first call"):
        started.partial_fit(X, Y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="balance"):
        quick(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"weight 0|non-zero"):
        quick().fit(X, Y, sample_weight=np.zeros(150))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        quick().fit(X, Y, sample_weight=-np.ones(150))
    with pytest.raises(errors.NonFiniteError, match="last good weights"):
        NeuralRegressor((), optimizer="sgd", learning_rate=1e9, n_iter_no_change=None).fit(X, 1e6 * X[:, 0])
    two = NeuralRegressor((4,), epochs=1, warm_start=True).fit(X, X[:, :2])
    with pytest.raises(ValueError, match="number of outputs"):
        two.fit(X, X[:, :3])

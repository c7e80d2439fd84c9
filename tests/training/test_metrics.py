"""Metrics beside Keras and scikit-learn, alone and in training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose

import omomi
from omomi import errors, metrics
from omomi.layers import Dense
from omomi.training.metric_names import BY_CLASS, BY_NAME

with np.load(Path(__file__).parent.parent / "oracles" / "metrics.npz") as _file:
    ORACLE = dict(_file)  # what tests/oracles/metrics.py wrote
CASES = json.loads(str(ORACLE["cases"]))
RNG = np.random.default_rng(1)
T, W = RNG.integers(0, 2, 200), RNG.uniform(0, 2, 200)
Y = np.round(np.clip(0.3 * T + RNG.uniform(0, 0.7, 200), 0, 1), 2)  # some scores are equal


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{name}-{data}" for name, _, data in CASES])
def test_metrics_are_keras_s(case):
    name, options, data = CASES[case]
    t, y, w = ORACLE[f"{data}/t"], ORACLE[f"{data}/y"], ORACLE["w"]
    for weighted in (False, True):
        metric = getattr(metrics, name)(**options)
        for part in (slice(0, 25), slice(25, len(w))):
            metric.update_state(t[part], y[part], w[part] if weighted else None)
        expected = ORACLE[f"{case}/{int(weighted)}"]
        assert_allclose(metric.result(), expected, rtol=2e-5, atol=1e-6)
        again = metrics.resolve(json.loads(json.dumps(metrics.serialize(metric))), omomi.losses.Custom(abs), (None, 3))
        assert again.get_config() == metric.get_config()
        metric.reset_state()
        metric.update_state(t, y, w if weighted else None)
        assert_allclose(metric.result(), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("engine", ["numba", "jax"])
def test_engines_count_alike(engine):
    for case in range(0, len(CASES), 9 if engine == "jax" else 3):
        name, options, data = CASES[case]
        with omomi.use(engine):
            metric = getattr(metrics, name)(**options)
            metric.update_state(ORACLE[f"{data}/t"], ORACLE[f"{data}/y"], ORACLE["w"])
            assert_allclose(metric.result(), ORACLE[f"{case}/1"], rtol=2e-5, atol=1e-6, err_msg=name)


def test_scikit_learn_says_the_same():
    sk = sklearn.metrics
    yes = Y > 0.5

    def counted(metric):
        metric.update_state(T, Y, W)
        return metric.result()

    assert counted(metrics.Precision()) == pytest.approx(sk.precision_score(T, yes, sample_weight=W), rel=1e-5)
    assert counted(metrics.Recall()) == pytest.approx(sk.recall_score(T, yes, sample_weight=W), rel=1e-5)
    assert counted(metrics.BinaryAccuracy()) == pytest.approx(sk.accuracy_score(T, yes, sample_weight=W), rel=1e-5)
    f1 = metrics.F1Score("micro", threshold=0.5)
    assert counted(f1) == pytest.approx(sk.f1_score(T, yes, sample_weight=W), rel=1e-5)
    f2 = metrics.FBetaScore("micro", beta=2.0, threshold=0.5)
    assert counted(f2) == pytest.approx(sk.fbeta_score(T, yes, beta=2, sample_weight=W), rel=1e-5)
    iou = metrics.IoU(2, [1])
    iou.update_state(T, yes.astype(int), W)
    assert iou.result() == pytest.approx(sk.jaccard_score(T, yes, sample_weight=W), rel=1e-5)
    matrix = metrics.ConfusionMatrix(2, sparse_y_pred=True)
    matrix.update_state(T, yes.astype(int), W)
    assert_allclose(matrix.result(), sk.confusion_matrix(T, yes, sample_weight=W), rtol=1e-5)
    assert counted(metrics.R2Score()) == pytest.approx(sk.r2_score(T, Y, sample_weight=W), rel=1e-4)
    assert counted(metrics.MeanSquaredError()) == pytest.approx(sk.mean_squared_error(T, Y, sample_weight=W), rel=1e-5)
    log = sk.log_loss(T, np.clip(Y, 1e-7, 1 - 1e-7), sample_weight=W)
    assert counted(metrics.BinaryCrossentropy()) == pytest.approx(log, rel=1e-4)


def test_areas_of_scikit_learn():
    exact = sklearn.metrics.roc_auc_score(T, Y, sample_weight=W)
    for metric, tolerance in ((metrics.AUC(num_thresholds=5000), 1e-5), (metrics.AUC(exact=True), 1e-12)):
        for part in (slice(0, 70), slice(70, None)):
            metric.update_state(T[part], Y[part], W[part])
        assert metric.result() == pytest.approx(exact, rel=tolerance)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(T, Y, sample_weight=W)
    steps = metrics.AUC(curve="PR", summation_method="majoring", exact=True)
    area = sum((recall[i] - recall[i + 1]) * max(precision[i], precision[i + 1]) for i in range(len(recall) - 2))
    last = recall[-2] * precision[-2]  # scikit-learn ends the curve at precision 1, Keras at 0
    steps.update_state(T, Y, W)
    assert steps.result() == pytest.approx(area + last, rel=1e-9)
    several = np.stack([Y, 1 - Y, Y**2], axis=1)
    labels = np.stack([T, 1 - T, T], axis=1)
    each = metrics.AUC(multi_label=True, exact=True)
    each.update_state(labels, several)
    assert each.result() == pytest.approx(sklearn.metrics.roc_auc_score(labels, several), rel=1e-12)


def test_mean_and_sum_of_values():
    mean, total = metrics.Mean(), metrics.Sum()
    for values, weights in (([1, 3], None), ([[5, 7]], [0.5])):
        mean.update_state(values, weights)
        total.update_state(values, weights)
    assert (mean.result(), total.result()) == (pytest.approx(10 / 3), pytest.approx(10.0))
    assert mean([2.0]) == pytest.approx(3.0)
    mean.reset_state()
    assert np.isnan(mean.result())


# ---- in training ---------------------------------------------------------------------------------------------------

X = RNG.normal(size=(50, 4)).astype(np.float32)
SIGNS = (X[:, 0] > 0).astype(int)
CLASSES = RNG.integers(0, 3, 50)


def compiled(units, activation, loss, wanted, weighted=None):
    model = omomi.Sequential([Dense(units, activation, input_shape=(4,))], seed=0)
    model.compile("sgd", loss, metrics=wanted, weighted_metrics=weighted)
    return model


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_a_step_counts_what_a_metric_counts_alone(engine):
    wanted = ["auc", metrics.Precision(name="p"), metrics.Recall, "f1", "mse", metrics.AUC(curve="PR", name="pr")]
    wanted[3] = metrics.F1Score("micro", threshold=0.5)
    w = RNG.uniform(0, 2, 50).astype(np.float32)
    with omomi.use(engine):
        model = compiled(1, "sigmoid", "binary_crossentropy", wanted, weighted=[metrics.AUC(name="weighted")])
        history = model.fit(X, SIGNS, epochs=2, batch_size=25, verbose=0, validation_data=(X, SIGNS, w)).history
        assert set(history) >= {"auc", "p", "recall", "f1_score", "mse", "pr", "weighted", "val_auc", "val_weighted"}
        y = model.predict(X)
        for name, metric, weights in (
            ("auc", metrics.AUC(), None),
            ("p", metrics.Precision(), None),
            ("pr", metrics.AUC(curve="PR"), None),
            ("weighted", metrics.AUC(), w),
        ):
            metric.update_state(SIGNS, y, weights)
            assert history[f"val_{name}"][-1] == pytest.approx(metric.result(), rel=1e-5), name


def test_classes_given_by_index_are_one_hot_for_metrics_of_labels():
    wanted = [metrics.AUC(), metrics.F1Score("macro"), metrics.OneHotMeanIoU(3), "sparse_top_k_categorical_accuracy"]
    model = compiled(3, "softmax", "sparse_categorical_crossentropy", wanted)
    by_index = model.evaluate(X, CLASSES, return_dict=True)
    again = compiled(3, "softmax", "categorical_crossentropy", wanted[:3])
    again.set_weights(model.get_weights())
    for name, value in again.evaluate(X, np.eye(3)[CLASSES], return_dict=True).items():
        assert by_index[name] == pytest.approx(value, rel=1e-5), name
    predicted = model.predict(X).argmax(axis=1)
    assert by_index["f1_score"] == pytest.approx(
        sklearn.metrics.f1_score(CLASSES, predicted, average="macro"), rel=1e-5
    )


def test_logits_have_their_threshold_at_zero():
    loss = omomi.losses.BinaryCrossentropy(from_logits=True)
    model = compiled(1, None, loss, ["accuracy", "precision", "auc", "crossentropy"])
    found = model.evaluate(X, SIGNS, return_dict=True)
    y = 1 / (1 + np.exp(-model.predict(X)))
    for name, metric in (
        ("accuracy", metrics.BinaryAccuracy()),
        ("precision", metrics.Precision()),
        ("auc", metrics.AUC()),
    ):
        metric.update_state(SIGNS, y)
        assert found[name] == pytest.approx(metric.result(), rel=1e-5), name
    assert found["crossentropy"] == pytest.approx(found["loss"], rel=1e-5)


def largest_error(y_true, y_pred):
    """A metric of one's own, of each sample."""
    return ((y_true - y_pred) ** 2).sum(axis=1)


def test_a_function_is_a_metric():
    model = compiled(2, None, "mse", [largest_error])
    t = RNG.normal(size=(50, 2)).astype(np.float32)
    found = model.evaluate(X, t, batch_size=16, return_dict=True)
    assert found["largest_error"] == pytest.approx(2 * found["loss"], rel=1e-5)
    with pytest.raises(errors.ConfigurationError, match="a function cannot be written"):
        metrics.serialize([largest_error])


def test_a_saved_model_has_its_metrics(tmp_path):
    model = compiled(1, "sigmoid", "binary_crossentropy", [metrics.AUC(num_thresholds=50, name="area"), "recall"])
    model.fit(X, SIGNS, verbose=0)
    model.save(tmp_path / "model.omomi")
    again = omomi.load_model(tmp_path / "model.omomi")
    assert again.evaluate(X, SIGNS, return_dict=True) == model.evaluate(X, SIGNS, return_dict=True)


def test_every_metric_has_a_name_and_is_public():
    assert {name for name in vars(metrics) if name in BY_CLASS} == set(BY_CLASS)
    for expected in ("auc", "precision", "f1_score", "mean_io_u", "r2_score", "root_mean_squared_error", "logcosh"):
        assert expected in BY_NAME


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: compiled(1, "sigmoid", "mse", ["acuracy"]), "did you mean 'accuracy'"),
        (lambda: compiled(3, "softmax", "mse", [metrics.F1Score()]), "logs hold single numbers"),
        (lambda: compiled(3, "softmax", "mse", [metrics.AUC(exact=True)]), "needs all scores at once"),
        (lambda: compiled(3, "softmax", "mse", ["mean_io_u"]), r"MeanIoU\(num_classes=…\)"),
        (lambda: compiled(3, "softmax", "mse", [metrics.Mean()]), "a metric is of values|this metric is of values"),
        (lambda: compiled(3, "softmax", "sparse_categorical_crossentropy", ["mse"]), "targets are class indices"),
        (lambda: compiled(3, "softmax", "categorical_crossentropy", ["sparse_categorical_accuracy"]), "class indices"),
        (lambda: metrics.AUC(curve="PRC"), "under ROC or PR"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall lies between 0 and 1"),
        (lambda: metrics.AUC().update_state([0, 1, 1], [0.5, 0.1]), "the numbers of samples differ"),
        (lambda: metrics.AUC().update_state([0, 1], [0.5, 0.1], [1, -1]), "finite and not negative"),
        (lambda: metrics.AUC().update_state([0, 1], [0.5, 0.1], [1, 1, 1]), "one weight for each sample"),
    ],
)
def test_mistakes_are_named(act, message):
    with pytest.raises(errors.OmomiError, match=message):
        act()

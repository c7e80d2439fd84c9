"""k-fold cross-validation of one network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import cross_validate, errors, k_fold
from omomi.callbacks import EarlyStopping
from omomi.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-1.0], [0.5]], np.float32)
LABELS = np.repeat([0, 1], [20, 10])


def build():
    model = omomi.Sequential([Dense(1, input_shape=(3,))])
    model.compile(omomi.optimizers.Adam(0.1), "mse", metrics=["mae"])
    return model


def test_every_sample_is_held_out_once_and_classes_keep_their_shares():
    folds = list(k_fold(LABELS, 5))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(30))
    for train, test in folds:
        assert not set(train) & set(test)
        assert np.bincount(LABELS[test]).tolist() == [4, 2]
    for form in (LABELS[:, None], np.eye(2)[LABELS], LABELS.astype(np.float32)):
        for (_, one), (_, other) in zip(folds, k_fold(form, 5), strict=True):
            assert_array_equal(one, other)
    plain = [np.bincount(LABELS[test], minlength=2).tolist() for _, test in k_fold(LABELS, 5, stratified=False)]
    assert plain != [[4, 2]] * 5
    assert [t.tolist() for _, t in k_fold(9, 3, seed=1)] != [t.tolist() for _, t in k_fold(9, 3, seed=2)]


def test_scores_are_those_of_networks_that_never_saw_the_fold():
    found = cross_validate(build, X, Y, k=3, seed=7, epochs=3, batch_size=4)
    assert [len(h.history["val_loss"]) for h in found.histories] == [3, 3, 3]
    train, test = found.folds[1]
    with omomi.graph.randomness.seeded(8):
        model = build()
    model.fit(X[train], Y[train], epochs=3, batch_size=4, verbose=0)
    expected = model.evaluate(X[test], Y[test], batch_size=4, return_dict=True)
    assert found.scores[1] == expected
    losses = np.array([score["loss"] for score in found.scores])
    assert_allclose(found.mean["loss"], losses.mean())
    assert_allclose(found.std["loss"], np.sqrt(((losses - losses.mean()) ** 2).sum() / 2))
    assert f"loss: {losses.mean():.4f} ± {losses.std(ddof=1):.4f} over 3 folds" in str(found)


def test_callbacks_are_new_for_every_fold_and_weights_are_divided():
    stopping = EarlyStopping("loss", patience=1, min_delta=1e9)
    found = cross_validate(build, X, Y, k=3, epochs=9, callbacks=[stopping], sample_weight=np.ones(30))
    assert [len(h.epoch) for h in found.histories] == [2, 2, 2]
    assert not hasattr(stopping, "best")  # the one that was given is left alone
    numbers = []
    cross_validate(build, X, Y, k=3, callbacks=lambda number: numbers.append(number))
    assert numbers == [0, 1, 2]


def test_several_inputs():
    class Two(omomi.Model):
        def __init__(self):
            super().__init__()
            self.out = Dense(1)

        def call(self, x):
            return self.out(x[0] - x[1])

    def two():
        model = Two()
        model.compile("sgd", "mse")
        return model

    assert len(cross_validate(two, [X, X], Y, k=2).scores) == 2


def test_mistakes_are_named():
    kept = build()
    with pytest.raises(errors.ConfigurationError, match="the same model again"):
        cross_validate(lambda: kept, X, Y, k=2)
    with pytest.raises(errors.ConfigurationError, match="a compiled model"):
        cross_validate(lambda: omomi.Sequential([Dense(1)]), X, Y, k=2)
    with pytest.raises(errors.ConfigurationError, match="leave out validation_split"):
        cross_validate(build, X, Y, validation_split=0.2)
    with pytest.raises(errors.ConfigurationError, match="two or more"):
        list(k_fold(10, 1))
    with pytest.raises(errors.DataError, match="fewer samples than folds"):
        list(k_fold(3, 5))
    with pytest.raises(errors.DataError, match=r"class 1(?s:.*)at least 5"):
        list(k_fold([0] * 8 + [1] * 3, 5))
    with pytest.raises(errors.ConfigurationError, match="need classes"):
        list(k_fold(Y, 5, stratified=True))


def test_a_model_in_the_place_of_its_builder_is_named():
    with pytest.raises(errors.ConfigurationError, match="a function makes them"):
        cross_validate(build(), X, Y)

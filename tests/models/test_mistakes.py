"""Mistakes that people make, and what they read."""

from __future__ import annotations

import re

import numpy as np
import pytest

import omomi
from omomi import errors
from omomi.callbacks import EarlyStopping
from omomi.layers import LSTM, Conv2D, Dense, Flatten

IMAGES, VECTORS, LABELS = np.zeros((4, 5, 5, 1), np.float32), np.zeros((4, 3), np.float32), np.zeros(4, int)


def compiled(*layers, loss="sparse_categorical_crossentropy"):
    model = omomi.Sequential(list(layers))
    model.compile("sgd", loss)
    return model


def frozen():
    model = compiled(Dense(1, input_shape=(3,)), loss="mse")
    model.trainable = False
    return model.fit(VECTORS, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: compiled(Conv2D(2, 3), Dense(3)).fit(IMAGES, LABELS, verbose=0), "Flatten()"),
        (lambda: compiled(Conv2D(2, 3), Dense(3), loss="mse").fit(IMAGES, VECTORS, verbose=0), "Flatten()"),
        (lambda: compiled(LSTM(3, input_shape=(8, 2)), LSTM(3)), "return_sequences=True"),
        (lambda: compiled(Dense(3)).fit(VECTORS, LABELS, epochs=-1, verbose=0), "epochs"),
        (lambda: compiled(Dense(3)).fit(VECTORS, LABELS, epochs=2.5, verbose=0), "epochs"),
        (lambda: compiled(Dense(1, activation="softmax")).fit(VECTORS, LABELS, verbose=0), "nothing to choose between"),
        (lambda: EarlyStopping(patience="3"), "patience is a number of epochs"),
        (frozen, "a layer left whose trainable is True"),
    ],
)
def test_what_is_wrong_and_what_helps_is_said(make, message):
    with pytest.raises(errors.OmomiError, match=re.escape(message)):
        make()


class Own(omomi.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.convolution, self.flat, self.last = Conv2D(2, 3), Flatten(), Dense(1)

    def call(self, x):
        return self.last(self.flat(self.convolution(x)))


def test_a_model_of_ones_own_is_asked_for_by_its_class(tmp_path):
    model = Own()
    model(IMAGES)
    model.save(tmp_path / "own.omomi")
    with pytest.raises(errors.UnknownNameError, match="custom_objects"):
        omomi.load_model(tmp_path / "own.omomi")


def test_the_summary_of_a_model_of_ones_own_counts_samples_as_n(capsys):
    model = Own()
    model(IMAGES)
    model.summary(batch_size=32)
    shown = capsys.readouterr().out
    assert "(N, 3, 3, 2)" in shown
    assert "(4, " not in shown


def test_functions_of_ones_own_take_absolute_values():
    model = omomi.Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", lambda y, p: abs(y - p), metrics=[lambda y, p: abs(p - y)])
    history = model.fit(VECTORS, np.ones(4), verbose=0)
    assert history.history["loss"] == [1.0]

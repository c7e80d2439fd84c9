"""What is wrong with a source is said, by name and with its place."""

from __future__ import annotations

import logging
import traceback

import numpy as np
import pytest

from omomi import errors
from tests.training.kinds import BATCHES, Set, X, Y, fit, forever, network


def test_a_generator_that_ends_early(caplog):
    model = network()
    with caplog.at_level(logging.WARNING, "omomi"):
        history = model.fit(iter(BATCHES), steps_per_epoch=3, epochs=4, verbose=0)
    assert history.epoch == [0, 1]
    assert "x ended after 2 of the 3 batches of an epoch, its number 2" in caplog.text
    assert int(model.optimizer.iterations.array) == 5


def wrong(batches, at, batch):
    return [*batches[:at], batch, *batches[at + 1 :]]


BAD = [
    ((X[:8, :2], Y[:8]), "batch 2 of epoch 0.*x of shape"),
    ((X[:8], Y[:7]), "batch 2 of epoch 0.*numbers of samples differ"),
    ((np.full((8, 3), np.nan), Y[:8]), r"batch 2 of epoch 0.*x\[0, 0\]"),
    (X[:8], "no targets"),
    ((X[:8], Y[:8], 1, 2), "two or three parts"),
    ((X[:0], Y[:0]), "batch 2 of epoch 0.*x is empty"),
]


@pytest.mark.parametrize(("batch", "message"), BAD)
@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_batch_that_does_not_fit_is_named(batch, message, prefetch):
    model = network()
    with pytest.raises(errors.OmomiError, match=f"(?s){message}"):
        model.fit(Set(wrong(BATCHES, 2, batch)), verbose=0, shuffle=False, prefetch=prefetch)
    assert int(model.optimizer.iterations.array) == 2  # the batches before it were trained on
    with pytest.raises(errors.OmomiError):
        model.fit(Set([batch]), verbose=0)  # said before training
    assert int(model.optimizer.iterations.array) == 2


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_in_a_source_comes_with_its_traceback(prefetch):
    def broken_by_the_user():
        yield BATCHES[0]
        yield BATCHES[1]
        raise ZeroDivisionError("in the source")

    with pytest.raises(ZeroDivisionError, match="in the source") as caught:
        fit(broken_by_the_user(), steps_per_epoch=5, prefetch=prefetch)
    text = "".join(traceback.format_exception(caught.value))
    assert "broken_by_the_user" in text
    assert "while batch 2 of epoch 0 of x was made" in text


REFUSED = [
    (lambda m: m.fit(forever(), epochs=2), "steps_per_epoch"),
    (lambda m: m.fit(Set(), Y), "y does not go with"),
    (lambda m: m.fit(Set(), batch_size=8), "batch_size does not go with"),
    (lambda m: m.fit(Set(), sample_weight=np.ones(40)), "sample_weight does not go with"),
    (lambda m: m.fit(Set(), validation_split=0.2), "validation_split needs arrays"),
    (lambda m: m.fit(Set(), steps_per_epoch=6), "at most 5 batches"),
    (lambda m: m.fit(X, Y, batch_size=8, steps_per_epoch=6), "at most 5"),
    (lambda m: m.fit(X, Y, steps_per_epoch=0), "steps_per_epoch=0"),
    (lambda m: m.fit(X, Y, prefetch=-1), "prefetch=-1"),
    (lambda m: m.fit(X), "there are no targets"),
    (lambda m: m.fit(Set([])), "holds no batch"),
    (lambda m: m.fit(iter([])), "gave no batch"),
    (lambda m: m.fit(X, Y, validation_data=forever()), "validation_steps"),
    (lambda m: m.fit(X, Y, validation_data=(X,)), "validation_data is"),
    (lambda m: m.evaluate(Set(), batch_size=8), "batch_size does not go with"),
    (lambda m: m.predict(iter([])), "gave no batch"),
]


@pytest.mark.parametrize(("act", "message"), REFUSED)
def test_what_does_not_go_together_is_said_before_training(act, message):
    model = network()
    with pytest.raises(errors.OmomiError, match=message):
        act(model)
    assert int(model.optimizer.iterations.array) == 0


def test_single_samples_of_torch_are_named():
    class Dataset:  # stands for torch.utils.data.Dataset
        def __len__(self):
            return 3

        def __getitem__(self, number):
            return X[number], Y[number]

    Dataset.__module__ = "torch.utils.data.dataset"
    with pytest.raises(errors.DataError, match="DataLoader"):
        fit(Dataset())

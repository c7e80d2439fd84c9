"""Training runs for the tests of resuming, small enough to be lived many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import omomi
from omomi.callbacks import Callback, EarlyStopping
from omomi.files import put_together, sha256_of, take_apart, to_json
from omomi.layers import (
    LSTM,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    MaxPooling2D,
    RandomFlip,
    RandomTranslation,
    Rescaling,
    SpatialDropout2D,
)


class Shrinking(Callback):
    """A learning rate that follows the loss: lower after an epoch that was no better, and a little in each epoch."""

    def __init__(self, factor: float = 0.7) -> None:
        super().__init__()
        self.factor = factor
        self.best, self.shrunk = float("inf"), []

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "shrunk": self.shrunk}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self.shrunk = state["best"], state["shrunk"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 0.98

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = logs.get("val_loss", logs["loss"])
        if loss < self.best:
            self.best = loss
        else:
            self.shrunk.append(epoch)
            self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * self.factor


def mlp() -> tuple[omomi.Model, Any, Any, dict[str, Any]]:
    """Dropout, momentum, a rate that shrinks, early stopping that brings the best weights back."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 6)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)
    model = omomi.Sequential(
        [
            Dense(16, activation="relu", input_shape=(6,)),
            Dropout(0.3),
            Dense(3, activation="softmax"),
        ],
        seed=5,
    )
    model.compile(omomi.optimizers.SGD(0.2, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    stopping = EarlyStopping(patience=6, restore_best_weights=True)
    return model, x, y, {"epochs": 40, "batch_size": 8, "callbacks": [stopping, Shrinking()]}


def cnn() -> tuple[omomi.Model, Any, Any, dict[str, Any]]:
    """Images that are flipped and moved at random, batch normalisation, whose statistics are buffers, Adam's slots."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 255, (70, 8, 8, 1)).astype(np.uint8)
    y = rng.integers(0, 3, 70)
    model = omomi.Sequential(
        [
            Rescaling(1 / 255, input_shape=(8, 8, 1)),
            RandomFlip(),
            RandomTranslation(0.2, 0.2),
            Conv2D(4, 3, activation="relu"),
            BatchNormalization(),
            SpatialDropout2D(0.2),
            MaxPooling2D(),
            Flatten(),
            Dense(3, activation="softmax"),
        ],
        seed=6,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": 6, "batch_size": 7, "sample_weight": rng.uniform(size=70), "callbacks": [Shrinking()]}
    return model, x, y, options


def lstm() -> tuple[omomi.Model, Any, Any, dict[str, Any]]:
    """Two inputs, of which one is a sequence, two outputs; running averages of the weights, and the ledger."""
    rng = np.random.default_rng(3)
    sequence, features = Input((5, 3), name="sequence"), Input((4,), name="features")
    both = Concatenate()([LSTM(6, recurrent_dropout=0.1)(sequence), Dense(5, activation="tanh")(features)])
    hidden = GaussianNoise(0.1)(Dropout(0.1)(both))
    outputs = [Dense(1, name="sum")(hidden), Dense(3, activation="softmax", name="kind")(hidden)]
    model = omomi.Model([sequence, features], outputs, seed=7)
    optimizer = omomi.optimizers.RMSprop(0.01, use_ema=True, ema_momentum=0.9, clipnorm=1.0)
    model.compile(optimizer, ["mse", "sparse_categorical_crossentropy"], metrics=[["mae"], ["accuracy"]])
    x = [rng.normal(size=(60, 5, 3)).astype(np.float32), rng.normal(size=(60, 4)).astype(np.float32)]
    y = [x[0][:, :, 0].sum(axis=1, keepdims=True), rng.integers(0, 3, 60)]
    return model, x, y, {"epochs": 6, "batch_size": 8, "callbacks": [Shrinking()], "ledger": 5}


RUNS = {"mlp": mlp, "cnn": cnn, "lstm": lstm}


def live(name: str, *callbacks: Callback, **options: Any) -> dict[str, str]:
    """Train one of the runs, and return the hashes of what it has made."""
    model, x, y, own = RUNS[name]()
    several: Sequence[Callback] = own["callbacks"]
    history = model.fit(
        x, y, verbose=0, validation_split=0.2, **{**own, "callbacks": [*several, *callbacks], **options}
    )
    return made(model, history, several)


def made(model: omomi.Model, history: omomi.History, callbacks: Sequence[Callback]) -> dict[str, str]:
    """SHA-256 of weights, slots, history, ledger and of what the callbacks remember."""
    entries = {**model.state(), **model.optimizer.entries()}
    return {
        "weights": hashed({path: np.asarray(entry.array) for path, entry in entries.items()}),
        "history": hashed(history.to_dict()),
        "ledger": hashed(None if history.ledger is None else history.ledger.to_dict()),
        "callbacks": hashed([callback.get_state() for callback in callbacks]),
    }


def hashed(value: Any) -> str:
    """SHA-256 of a value with arrays in it."""
    arrays: dict[str, np.ndarray] = {}
    rest = take_apart(value, arrays, "value")
    content = {name: [a.dtype.name, list(a.shape), sha256_of(a.tobytes())] for name, a in arrays.items()}
    assert put_together(rest, arrays, "value") is not None or value is None
    return sha256_of(to_json([rest, content]).encode())

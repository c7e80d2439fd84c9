"""Writes keras_callbacks.npz: what Keras's callbacks decide on numbers drawn by chance.

Run with a Python that has Keras 3: python tests/oracles/keras_callbacks.py. The test reads the file alone. Each case
is a callback's name, its arguments and the numbers that it watches; the answer of EarlyStopping is its last epoch and
the epoch whose weights it restores, that of ReduceLROnPlateau the rate after each epoch, that of ModelCheckpoint
whether each epoch is written.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras
import numpy as np

EPOCHS = 30
ARGUMENTS = [
    ("EarlyStopping", {"patience": 3, "restore_best_weights": True}),
    ("EarlyStopping", {"patience": 0, "restore_best_weights": True}),
    ("EarlyStopping", {"patience": 4, "min_delta": 0.3, "mode": "max", "restore_best_weights": True}),
    ("EarlyStopping", {"patience": 5, "baseline": -1.0, "start_from_epoch": 4, "restore_best_weights": True}),
    ("ReduceLROnPlateau", {"patience": 2, "factor": 0.5}),
    ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "cooldown": 3, "min_lr": 0.02}),
    ("ReduceLROnPlateau", {"patience": 2, "factor": 0.7, "mode": "max", "min_delta": 0.5, "cooldown": 1}),
    ("ModelCheckpoint", {"save_best_only": True}),
    ("ModelCheckpoint", {"save_best_only": True, "mode": "max", "initial_value_threshold": 0.5}),
]


def network() -> keras.Model:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    return model


def answer(name: str, arguments: dict[str, object], numbers: np.ndarray, folder: str) -> list[float]:
    """What the callback decides."""
    model = network()
    path = f"{folder}/model.keras"
    options = {"filepath": path, **arguments} if name == "ModelCheckpoint" else arguments
    callback = getattr(keras.callbacks, name)(monitor="val_loss", **options)
    callback.set_model(model)
    callback.set_params({})
    callback.on_train_begin()
    rates, written, epoch = [], [], 0
    for epoch, number in enumerate(numbers):
        model.set_weights([np.full((1, 1), float(epoch))])
        Path(path).unlink(missing_ok=True)
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": float(number)})
        rates.append(float(model.optimizer.learning_rate))
        written.append(float(Path(path).exists()))
        if model.stop_training:
            break
    callback.on_train_end()
    if name == "EarlyStopping":
        return [epoch, float(model.get_weights()[0][0, 0])]
    return rates if name == "ReduceLROnPlateau" else written


def main() -> None:
    """Compute every case and write the file."""
    rng = np.random.default_rng(0)
    cases, answers = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in ARGUMENTS:
            for _ in range(4):
                numbers = np.round(rng.normal(size=EPOCHS), 2)
                cases.append((name, arguments, numbers.tolist()))
                answers.append(answer(name, arguments, numbers, folder))
    longest = np.full((len(answers), EPOCHS), np.nan)
    for row, values in zip(longest, answers, strict=True):
        row[: len(values)] = values
    np.savez_compressed(Path(__file__).with_suffix(".npz"), cases=np.asarray(json.dumps(cases)), answers=longest)


if __name__ == "__main__":
    main()

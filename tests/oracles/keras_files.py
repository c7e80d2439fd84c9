"""Writes small files with Keras 3, and what Keras computes from them. Run where Keras is installed:

python tests/oracles/keras_files.py
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers

FOLDER = Path(__file__).parents[1] / "interop" / "keras_files"


def convolutional() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.LeakyReLU(negative_slope=0.1),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.2),
            layers.Conv2DTranspose(2, 2, strides=2),
            layers.SeparableConv2D(3, 2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="out"),
        ],
        name="convolutional",
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def branches() -> keras.Model:
    a, b = keras.Input((5,), name="a"), keras.Input((4, 6), name="b")
    x = layers.Dense(4, activation="tanh")(a)
    y = layers.Bidirectional(layers.LSTM(2))(b)
    z = layers.Dense(2)(layers.concatenate([x, y]))
    u = layers.GRU(2, dropout=0.1)(layers.TimeDistributed(layers.Dense(3))(b))
    shared = keras.Sequential([keras.Input((2,)), layers.BatchNormalization(), layers.Dense(3)], name="inner")
    return keras.Model([a, b], [layers.Add()([shared(z), shared(u)]), layers.Dense(1, name="side")(x)], name="branches")


def sequences() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(10, 4, mask_zero=True),
            layers.SimpleRNN(3, return_sequences=True),
            layers.LayerNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.PReLU(),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="sequences",
    )


def attention() -> keras.Model:
    x = keras.Input((4, 6))
    y = layers.MultiHeadAttention(2, 3)(x, x)
    return keras.Model(x, layers.Activation("gelu")(layers.Add()([x, y])), name="attention")


def main() -> None:
    rng = np.random.default_rng(7)
    inputs = {
        "convolutional": [rng.normal(size=(3, 6, 6, 1))],
        "branches": [rng.normal(size=(3, 5)), rng.normal(size=(3, 4, 6))],
        "sequences": [np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 7, 8, 9]])],
        "attention": [rng.normal(size=(2, 4, 6))],
    }
    kept = {}
    for build in (convolutional, branches, sequences, attention):
        model, name = build(), build.__name__
        model.set_weights([rng.uniform(0.1, 0.9, w.shape) * rng.choice([-1, 1], w.shape) for w in model.get_weights()])
        for layer in model._flatten_layers():
            if isinstance(layer, layers.BatchNormalization):
                layer.moving_variance.assign(np.abs(layer.moving_variance))
        x = [part.astype("int32" if part.dtype.kind == "i" else "float32") for part in inputs[name]]
        y = model.predict(x if len(x) > 1 else x[0], verbose=0)
        kept |= {f"{name}/x{i}": part for i, part in enumerate(x)}
        kept |= {f"{name}/y{i}": part for i, part in enumerate(y if isinstance(y, list) else [y])}
        model.save(FOLDER / f"{name}.keras")
        if name in ("convolutional", "branches"):
            model.save(FOLDER / f"{name}.h5")
        if name == "branches":
            model.save_weights(FOLDER / f"{name}.weights.h5")
    np.savez_compressed(FOLDER / "outputs.npz", **kept)


if __name__ == "__main__":
    main()

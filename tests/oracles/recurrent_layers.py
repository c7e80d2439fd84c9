"""Writes recurrent_layers.npz: outputs and gradients of Keras's recurrent layers, with the weights they belong to.

    KERAS_BACKEND=tensorflow python tests/oracles/recurrent_layers.py

Needs keras and tensorflow; the tests read only the file. All in float64; the upstream gradient is random.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

CASES = {
    "simple": (keras.layers.SimpleRNN, {"return_sequences": True}),
    "lstm": (keras.layers.LSTM, {"return_sequences": True}),
    "lstm_last_backwards": (keras.layers.LSTM, {"go_backwards": True}),
    "gru": (keras.layers.GRU, {"return_sequences": True}),
    "gru_before": (keras.layers.GRU, {"reset_after": False}),
    "lstm_masked": (keras.layers.LSTM, {"return_sequences": True}),
    "gru_masked": (keras.layers.GRU, {}),
    "simple_masked": (keras.layers.SimpleRNN, {"activation": "relu"}),
    "simple_elu": (keras.layers.SimpleRNN, {"activation": "elu", "return_sequences": True}),
    "lstm_hard": (keras.layers.LSTM, {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    "gru_hard": (keras.layers.GRU, {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}),
}


def main() -> None:
    keras.config.set_floatx("float64")  # the states too
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 3))
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 1]], bool)
    out = {"x": x, "mask": mask}
    for name, (kind, options) in CASES.items():
        layer = kind(2, dtype="float64", **options)
        layer.build(x.shape)
        weights = [rng.normal(size=w.shape) for w in layer.get_weights()]
        layer.set_weights(weights)
        inputs = tf.Variable(x)
        variables = [v.value for v in layer.trainable_variables]
        with tf.GradientTape() as tape:
            y = layer(inputs + 0.0, mask=tf.constant(mask) if name.endswith("masked") else None)
            gy = rng.normal(size=tuple(y.shape))
            E = tf.reduce_sum(y * gy)
        gx, *gradients = tape.gradient(E, [inputs, *variables])
        out |= {f"{name}/y": y.numpy(), f"{name}/gy": gy, f"{name}/gx": gx.numpy()}
        for i, (w, gw) in enumerate(zip(weights, gradients, strict=True)):
            out |= {f"{name}/w{i}": w, f"{name}/gw{i}": gw.numpy()}
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()

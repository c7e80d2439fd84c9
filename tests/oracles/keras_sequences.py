"""Writes keras_sequences.npz: outputs and gradients of Keras's layers over sequences, with the weights they belong to.

    KERAS_BACKEND=tensorflow python tests/oracles/keras_sequences.py

Needs keras and tensorflow; the tests read only the file. All in float64; the upstream gradient is random.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

STEPS = {"return_sequences": True}
CASES = {
    "bidirectional": lambda: layers.Bidirectional(layers.LSTM(2, **STEPS)),
    "bidirectional_masked": lambda: layers.Bidirectional(layers.GRU(2, **STEPS)),
    "bidirectional_sum": lambda: layers.Bidirectional(layers.SimpleRNN(2, **STEPS), merge_mode="sum"),
    "bidirectional_mul_masked": lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="mul"),
    "bidirectional_ave": lambda: layers.Bidirectional(
        layers.LSTM(2), merge_mode="ave", backward_layer=layers.GRU(2, go_backwards=True)
    ),
    "time_distributed": lambda: layers.TimeDistributed(layers.Dense(2, activation="tanh")),
    "average_masked": lambda: layers.GlobalAveragePooling1D(),
}


def main() -> None:
    keras.config.set_floatx("float64")  # the states too
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 3))
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 1]], bool)
    out = {"x": x, "mask": mask}
    for name, make in CASES.items():
        layer = make()
        layer.build(x.shape)
        weights = [rng.normal(size=w.shape) for w in layer.get_weights()]
        layer.set_weights(weights)
        inputs = tf.Variable(x)
        variables = [v.value for v in layer.trainable_variables]
        options = {"mask": tf.constant(mask)} if name.endswith("masked") else {}
        with tf.GradientTape() as tape:
            y = layer(inputs + 0.0, **options)
            gy = rng.normal(size=tuple(y.shape))
            E = tf.reduce_sum(y * gy)
        gx, *gradients = tape.gradient(E, [inputs, *variables])
        out |= {f"{name}/y": y.numpy(), f"{name}/gy": gy, f"{name}/gx": gx.numpy()}
        for i, (w, gw) in enumerate(zip(weights, gradients, strict=True)):
            out |= {f"{name}/w{i}": w, f"{name}/gw{i}": gw.numpy()}

    # 1/√4 is a number without rounding: Keras keeps it in float32.
    # Attention: which inputs are queries, values and keys, what the call is told, and masks of all inputs.
    memory, keys = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 4))
    may_look = rng.random((2, 4, 3)) > 0.3
    may_look[..., 0] = True
    out |= {"memory": memory, "keys": keys, "may_look": may_look}
    attentions = {
        "heads_self": (layers.MultiHeadAttention(2, 4), (x, x), {}),
        "heads_causal": (layers.MultiHeadAttention(2, 4, use_bias=False), (x, x), {"use_causal_mask": True}),
        "heads_memory": (
            layers.MultiHeadAttention(3, 4, value_dim=2, output_shape=5),
            (x, memory, keys),
            {"attention_mask": may_look},
        ),
        "heads_padded": (layers.MultiHeadAttention(2, 4), (x, x), {"value_mask": mask, "key_mask": mask}),
        "dot": (layers.Attention(use_scale=True), (x, x), {"mask": [mask, mask]}),
        "dot_keys": (layers.Attention(), (keys, memory, keys), {"use_causal_mask": True}),
    }
    for name, (layer, arrays, told) in attentions.items():
        inputs = [tf.Variable(a) for a in arrays]
        dot = name.startswith("dot")

        def call(inputs, layer=layer, told=told, dot=dot):
            given = [i + 0.0 for i in inputs]
            return layer(given, **told) if dot else layer(*given, **told)

        call(inputs)
        weights = [rng.normal(size=w.shape) for w in layer.get_weights()]
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            y = call(inputs)
            gy = rng.normal(size=tuple(y.shape))
            E = tf.reduce_sum(y * gy)
        gradients = tape.gradient(E, [*inputs, *(v.value for v in layer.trainable_variables)])
        out |= {f"{name}/y": y.numpy(), f"{name}/gy": gy}
        out |= {f"{name}/gx{i}": g.numpy() for i, g in enumerate(gradients[: len(inputs)])}
        for i, (w, gw) in enumerate(zip(weights, gradients[len(inputs) :], strict=True)):
            out |= {f"{name}/w{i}": w, f"{name}/gw{i}": gw.numpy()}

    # A whole network on padded sequences: the loss, its gradients and the accuracy, weighted by sample.
    indices = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [2, 2, 1, 4, 3]])
    network = keras.Sequential(
        [
            layers.Embedding(5, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, **STEPS)),
            layers.Dropout(0.5),
            layers.TimeDistributed(layers.Dense(4, activation="softmax")),
        ]
    )
    network.build(indices.shape)
    weights = [rng.normal(size=w.shape) for w in network.get_weights()]
    network.set_weights(weights)
    targets, per_sample = rng.integers(0, 4, indices.shape), np.array([1.0, 2.0, 0.5])
    loss, accuracy = keras.losses.SparseCategoricalCrossentropy(), keras.metrics.SparseCategoricalAccuracy()
    with tf.GradientTape() as tape:
        y = network(indices)
        E = loss(targets, y, sample_weight=per_sample[:, None] * np.ones(indices.shape))
    accuracy.update_state(targets, y)
    gradients = tape.gradient(E, [v.value for v in network.trainable_variables])
    out |= {"network/x": indices, "network/t": targets, "network/w": per_sample, "network/y": y.numpy()}
    out |= {"network/E": E.numpy(), "network/accuracy": accuracy.result().numpy()}
    for i, (w, gw) in enumerate(zip(weights, gradients, strict=True)):
        gw = tf.convert_to_tensor(gw)  # that of an embedding comes as rows
        out |= {f"network/w{i}": w, f"network/gw{i}": gw.numpy()}
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()

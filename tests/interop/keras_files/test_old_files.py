"""Files in the layouts of Keras 1 and 2, written by hand; what they compute, worked out with NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import omomi

RNG = np.random.default_rng(3)


def write(path: Path, version: str | None, config: Any, layers: dict[str, dict[str, np.ndarray]], **attrs: Any) -> Path:
    """A whole model: attributes model_config and training_config, groups of weights by layer."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        for name, value in attrs.items():
            file.attrs[name] = json.dumps(value).encode()
        group = file.create_group("model_weights")
        for where in (file, group):
            if version is not None:
                where.attrs["keras_version"] = version.encode()
        group.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for name, arrays in layers.items():
            inside = group.create_group(name)
            inside.attrs["weight_names"] = np.array([key.encode() for key in arrays], "S")
            for key, array in arrays.items():
                inside.create_dataset(key, data=array)
    return path


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


KERNEL, BIAS, DENSE, SHIFT = normal(3, 3, 1, 2), normal(2), normal(8, 3), normal(3)
CONVOLUTION = {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "border_mode": "valid", "subsample": [1, 1], "bias": True}


def keras1_cnn(ordering: str = "tf") -> list[dict[str, Any]]:
    """The configuration of a Sequential was a list before Keras 2.2.3."""
    return [
        layer(
            "Convolution2D",
            "convolution2d_1",
            **CONVOLUTION,
            batch_input_shape=[None, 4, 4, 1],
            input_dtype="float32",
            init="glorot_uniform",
            activation="relu",
            dim_ordering=ordering,
            W_regularizer={"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01},
            b_regularizer=None,
            activity_regularizer=None,
            W_constraint=None,
            b_constraint=None,
        ),
        layer("Dropout", "dropout_1", p=0.25),
        layer("Flatten", "flatten_1"),
        layer("Dense", "dense_1", output_dim=3, init="uniform", activation="softmax", bias=True, input_dim=None),
    ]


WEIGHTS = {
    "convolution2d_1": {"convolution2d_1_W": KERNEL, "convolution2d_1_b": BIAS},
    "dropout_1": {},
    "flatten_1": {},
    "dense_1": {"dense_1_W": DENSE, "dense_1_b": SHIFT},
}


def cnn(x: np.ndarray) -> np.ndarray:
    """The same with NumPy."""
    windows = np.lib.stride_tricks.sliding_window_view(x[..., 0], (3, 3), axis=(1, 2))
    u = np.einsum("nhwij,ijo->nhwo", windows, KERNEL[:, :, 0]) + BIAS
    u = np.maximum(u, 0).reshape(len(x), -1) @ DENSE + SHIFT
    e = np.exp(u - u.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_a_convolutional_network_of_keras_1(tmp_path):
    training = {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "sample_weight_mode": None}
    training["optimizer_config"] = {"class_name": "SGD", "config": {"lr": 0.25, "momentum": 0.5, "decay": 0.0}}
    config = {"class_name": "Sequential", "config": keras1_cnn()}
    path = write(tmp_path / "cnn.h5", None, config, WEIGHTS, training_config=training)
    model = omomi.load_model(path)
    x = normal(3, 4, 4, 1)
    np.testing.assert_allclose(model.predict(x), cnn(x), rtol=1e-5, atol=1e-6)
    assert model.layers[1].rate == 0.25
    assert model.layers[0].kernel_regularizer.l2 == 0.01
    assert (model.optimizer.learning_rate, model.optimizer.momentum) == (0.25, 0.5)


def test_channels_first_is_an_error_that_names_the_layer(tmp_path):
    path = write(tmp_path / "cnn.h5", None, {"class_name": "Sequential", "config": keras1_cnn("th")}, WEIGHTS)
    with pytest.raises(ValueError, match=r"layer 0 \(Convolution2D convolution2d_1\): the channels come first"):
        omomi.load_model(path)


def hard(x: np.ndarray) -> np.ndarray:
    return np.clip(0.2 * x + 0.5, 0, 1)


def test_an_lstm_of_keras_1_with_a_weight_for_each_gate(tmp_path):
    arrays = {}
    for gate in "icfo":
        arrays |= {f"lstm_1_{p}_{gate}": a for p, a in (("W", normal(2, 3)), ("U", normal(3, 3)), ("b", normal(3)))}
    config = [
        layer(
            "LSTM",
            "lstm_1",
            output_dim=3,
            init="glorot_uniform",
            inner_init="orthogonal",
            forget_bias_init="one",
            activation="tanh",
            inner_activation="hard_sigmoid",
            dropout_W=0.0,
            dropout_U=0.0,
            return_sequences=False,
            go_backwards=False,
            stateful=False,
            unroll=False,
            consume_less="cpu",
            batch_input_shape=[None, 4, 2],
            input_dim=2,
            input_length=4,
        )
    ]
    path = write(tmp_path / "lstm.h5", None, {"class_name": "Sequential", "config": config}, {"lstm_1": arrays})
    x, h, c = normal(2, 4, 2), np.zeros((2, 3)), np.zeros((2, 3))
    for t in range(4):
        u = {
            g: x[:, t] @ arrays[f"lstm_1_W_{g}"] + h @ arrays[f"lstm_1_U_{g}"] + arrays[f"lstm_1_b_{g}"] for g in "icfo"
        }
        c = hard(u["f"]) * c + hard(u["i"]) * np.tanh(u["c"])
        h = hard(u["o"]) * np.tanh(c)
    np.testing.assert_allclose(omomi.load_model(path).predict(x), h, rtol=1e-4, atol=1e-5)


def test_a_gru_of_keras_2_resets_before_the_product(tmp_path):
    W, U, b = normal(2, 9), normal(3, 9), normal(9)
    config = {
        "name": "sequential_1",
        "layers": [
            layer(
                "GRU",
                "gru_1",
                batch_input_shape=[None, 4, 2],
                dtype="float32",
                units=3,
                activation="tanh",
                recurrent_activation="hard_sigmoid",
                implementation=1,
                kernel_initializer={
                    "class_name": "VarianceScaling",
                    "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
                },
                recurrent_initializer={"class_name": "Orthogonal", "config": {"gain": 1.0, "seed": None}},
                kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}},
            )
        ],
    }
    arrays = {"gru_1/kernel:0": W, "gru_1/recurrent_kernel:0": U, "gru_1/bias:0": b}
    path = write(tmp_path / "gru.h5", "2.2.4", {"class_name": "Sequential", "config": config}, {"gru_1": arrays})
    x, h = normal(2, 4, 2), np.zeros((2, 3))
    for t in range(4):
        u = x[:, t] @ W + b
        z, r = hard(u[:, :3] + h @ U[:, :3]), hard(u[:, 3:6] + h @ U[:, 3:6])
        h = z * h + (1 - z) * np.tanh(u[:, 6:] + (r * h) @ U[:, 6:])
    np.testing.assert_allclose(omomi.load_model(path).predict(x), h, rtol=1e-4, atol=1e-5)


def test_a_network_of_keras_2_with_a_shared_layer(tmp_path):
    W, V = normal(2, 3), normal(6, 1)
    begins = {"batch_input_shape": [None, 2], "dtype": "float32", "sparse": False}
    config = {
        "name": "model_1",
        "layers": [
            {**layer("InputLayer", "a", **begins), "name": "a", "inbound_nodes": []},
            {**layer("InputLayer", "b", **begins), "name": "b", "inbound_nodes": []},
            {
                **layer("Dense", "shared", units=3, activation="tanh", use_bias=False),
                "name": "shared",
                "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]],
            },
            {
                **layer("Concatenate", "joined", axis=-1),
                "name": "joined",
                "inbound_nodes": [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]],
            },
            {
                **layer("Dense", "out", units=1, use_bias=False, activation="linear"),
                "name": "out",
                "inbound_nodes": [[["joined", 0, 0, {}]]],
            },
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["out", 0, 0]],
    }
    weights = {"shared": {"shared/kernel:0": W}, "out": {"out/kernel:0": V}}
    path = write(tmp_path / "two.h5", "2.1.6", {"class_name": "Model", "config": config}, weights)
    a, b = normal(3, 2), normal(3, 2)
    expected = np.concatenate([np.tanh(a @ W), np.tanh(b @ W)], axis=1) @ V
    np.testing.assert_allclose(omomi.load_model(path).predict([a, b]), expected, rtol=1e-5, atol=1e-6)


def test_weights_alone_of_keras_1(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:  # the groups of layers lie at the top
        file.attrs["layer_names"] = np.array([b"dense_1"])
        group = file.create_group("dense_1")
        group.attrs["weight_names"] = np.array([b"dense_1_W", b"dense_1_b"])
        group["dense_1_W"], group["dense_1_b"] = DENSE, SHIFT
    model = omomi.Sequential([omomi.layers.Dense(3, input_shape=(8,))])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], DENSE)

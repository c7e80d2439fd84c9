"""What Keras makes of activations: outputs, and the gradient of the input. Writes the .npz file beside it.

KERAS_BACKEND=jax python tests/oracles/keras_activations.py
"""

from __future__ import annotations

from pathlib import Path

import jax
import keras
import numpy as np

jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")

rng = np.random.default_rng(0)
X = rng.uniform(-4, 8, size=(6, 8))
GY = rng.normal(size=X.shape)
LAYERS = {
    "relu_max": lambda: keras.layers.ReLU(max_value=3.0),
    "relu_all": lambda: keras.layers.ReLU(max_value=5.0, negative_slope=0.2, threshold=1.0),
    "relu_slope": lambda: keras.layers.ReLU(4.0, 0.3),
    "relu_threshold": lambda: keras.layers.ReLU(threshold=1.5),
    "leaky": lambda: keras.layers.LeakyReLU(),
    "elu": lambda: keras.layers.ELU(0.5),
    "softmax_axis": lambda: keras.layers.Softmax(axis=0),
}
# Not sparsemax: what Keras 3.15 makes of it does not add up to 1.
NAMES = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
]

written = {"x": X, "gy": GY}
for name, f in {**{n: keras.activations.get(n) for n in NAMES}, **{n: make() for n, make in LAYERS.items()}}.items():
    y, pull = jax.vjp(lambda x, f=f: f(x), X)
    written[f"{name}/y"] = np.asarray(y)
    written[f"{name}/gx"] = np.asarray(pull(np.asarray(GY, y.dtype))[0])
np.savez_compressed(Path(__file__).with_suffix(".npz"), **written)

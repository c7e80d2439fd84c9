"""What Keras makes of normalisations: outputs, and the gradients of inputs and weights. Writes the .npz file beside it.

KERAS_BACKEND=jax python tests/oracles/keras_normalizations.py
"""

from __future__ import annotations

from pathlib import Path

import jax
import keras
import numpy as np

jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 2, 6)) * 2 + 1
CASES = {
    "layer": lambda: keras.layers.LayerNormalization(),
    "layer_axes": lambda: keras.layers.LayerNormalization(axis=[1, 3], epsilon=0.1),
    "layer_plain": lambda: keras.layers.LayerNormalization(center=False, scale=False),
    "group": lambda: keras.layers.GroupNormalization(groups=3),
    "group_axis": lambda: keras.layers.GroupNormalization(groups=2, axis=1, scale=False),
    "instance": lambda: keras.layers.GroupNormalization(groups=-1, epsilon=0.1),
    "rms": lambda: keras.layers.RMSNormalization(),
    "rms_axis": lambda: keras.layers.RMSNormalization(axis=[2, 3], epsilon=0.1),
    "unit": lambda: keras.layers.UnitNormalization(),
    "unit_axes": lambda: keras.layers.UnitNormalization(axis=[1, 2]),
    "batch_axis": lambda: keras.layers.BatchNormalization(axis=1, momentum=0.8),
    "batch_plain": lambda: keras.layers.BatchNormalization(center=False, scale=False, epsilon=0.1),
}

written = {"x": X}
for name, make in CASES.items():
    layer = make()
    layer.build(X.shape)
    moved = [rng.normal(size=w.shape) + 1 for w in layer.trainable_variables]
    fixed = [np.asarray(w.value) for w in layer.non_trainable_variables]
    gy = rng.normal(size=X.shape)

    def forward(x, trainable, layer=layer, fixed=fixed, name=name):
        y, after = layer.stateless_call(trainable, fixed, x, **({"training": True} if name.startswith("batch") else {}))
        return y, after

    y, pull, after = jax.vjp(forward, X, moved, has_aux=True)
    gx, gw = pull(jax.numpy.asarray(gy))
    written |= {f"{name}/y": y, f"{name}/gy": gy, f"{name}/gx": gx}
    written |= {f"{name}/w{i}": w for i, w in enumerate(moved)} | {f"{name}/gw{i}": g for i, g in enumerate(gw)}
    written |= {f"{name}/after{i}": a for i, a in enumerate(after)}
np.savez_compressed(Path(__file__).with_suffix(".npz"), **{k: np.asarray(v) for k, v in written.items()})

"""Writes optimizer_options.npz: the weights of a small network after some steps of Keras, with clipping, decay,
accumulation, averages and constraints.

    KERAS_BACKEND=tensorflow python tests/oracles/optimizer_options.py

Needs keras and tensorflow; the tests read only the file. All in float64. The names of the cases say the rest.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

STEPS = 7
OPTIMIZERS = {
    "clipnorm": ("SGD", {"learning_rate": 0.5, "clipnorm": 0.1}),
    "clipvalue": ("SGD", {"learning_rate": 0.5, "momentum": 0.9, "clipvalue": 0.02}),
    "global_clipnorm": ("Adam", {"learning_rate": 0.1, "global_clipnorm": 0.1}),
    "momentum_decay": ("SGD", {"learning_rate": 0.5, "momentum": 0.9, "weight_decay": 0.1}),
    "adam_decay": ("Adam", {"learning_rate": 0.1, "weight_decay": 0.1}),
    "lion_decay": ("Lion", {"learning_rate": 0.01, "weight_decay": 0.1}),
    "rmsprop_decay": ("RMSprop", {"learning_rate": 0.01, "weight_decay": 0.1}),
    "averages": ("Adam", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.7}),
    "overwritten": ("SGD", {"learning_rate": 0.5, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3}),
    "ftrl": ("Ftrl", {"learning_rate": 0.5}),
    "ftrl_penalties": (
        "Ftrl",
        {
            "learning_rate": 0.5,
            "learning_rate_power": -0.4,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.2,
            "beta": 0.3,
        },
    ),
    "lamb": ("Lamb", {"learning_rate": 0.1, "weight_decay": 0.01}),
    "adafactor": ("Adafactor", {"learning_rate": 0.1}),
    "adafactor_clipped": ("Adafactor", {"learning_rate": 0.6, "clip_threshold": 0.5}),
    "accumulated": ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 3}),
    "accumulated_all": (
        "SGD",
        {"learning_rate": 0.5, "weight_decay": 0.1, "clipnorm": 0.1, "gradient_accumulation_steps": 2},
    ),
}
CONSTRAINTS = {
    "max_norm": ("MaxNorm", {"max_value": 0.5}),
    "max_norm_rows": ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    "non_neg": ("NonNeg", {}),
    "unit_norm": ("UnitNorm", {}),
    "min_max_norm": ("MinMaxNorm", {"min_value": 0.6, "max_value": 0.8, "rate": 0.5}),
}


def trained(optimizer, constraint, x, y, weights):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="tanh", kernel_constraint=constraint),
            keras.layers.Dense(2, kernel_constraint=constraint),
        ]
    )
    model.compile(optimizer, "mse", jit_compile=False)
    model.set_weights(weights)
    for step in range(STEPS):
        model.train_on_batch(x[step], y[step])
    return model


def main() -> None:
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(STEPS, 6, 4)), rng.normal(size=(STEPS, 6, 2))
    weights = [rng.normal(size=s) for s in ((4, 5), (5,), (5, 2), (2,))]
    out = {"x": x, "y": y, **{f"start/{i}": w for i, w in enumerate(weights)}}
    for name, (kind, options) in OPTIMIZERS.items():
        optimizer = getattr(keras.optimizers, kind)(**options)
        model = trained(optimizer, None, x, y, weights)
        out |= {f"{name}/{i}": w for i, w in enumerate(model.get_weights())}
        if name == "averages":
            optimizer.finalize_variable_values(model.trainable_variables)
            out |= {f"finalized/{i}": w for i, w in enumerate(model.get_weights())}
    for name, (kind, options) in CONSTRAINTS.items():
        model = trained(keras.optimizers.SGD(0.5), getattr(keras.constraints, kind)(**options), x, y, weights)
        out |= {f"{name}/{i}": w for i, w in enumerate(model.get_weights())}
    out["cases"] = np.array(json.dumps({"optimizers": OPTIMIZERS, "constraints": CONSTRAINTS}))
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()

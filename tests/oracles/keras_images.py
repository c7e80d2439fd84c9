"""What Keras makes of images: sizes, and moves of given extent in training. Writes the .npz file beside it.

KERAS_BACKEND=jax python tests/oracles/keras_images.py
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

L = keras.layers
rng = np.random.default_rng(0)
X = rng.integers(0, 256, size=(2, 6, 9, 2)).astype("uint8")
PREDICTED = {
    "resizing": L.Resizing(4, 11),
    "resizing_up": L.Resizing(13, 12),
    "resizing_nearest": L.Resizing(5, 4, "nearest"),
    "resizing_cubic": L.Resizing(7, 5, "bicubic"),
    "resizing_crop": L.Resizing(5, 5, crop_to_aspect_ratio=True),
    "resizing_pad": L.Resizing(4, 3, pad_to_aspect_ratio=True, fill_value=7.0),
    "center_crop": L.CenterCrop(3, 4),
    "center_crop_small": L.CenterCrop(8, 8),
    "normalization": L.Normalization(mean=[100.0, 120.0], variance=[400.0, 25.0]),
    "normalization_invert": L.Normalization(mean=1.5, variance=4.0, invert=True),
}
TRAINED = {
    "translation": L.RandomTranslation((0.2, 0.2), (-0.3, -0.3)),
    "translation_constant": L.RandomTranslation((-0.25, -0.25), (0.1, 0.1), "constant", fill_value=9.0),
    "translation_wrap": L.RandomTranslation((1 / 3, 1 / 3), (0.2, 0.2), "wrap"),
    "translation_nearest": L.RandomTranslation((0.4, 0.4), (0.4, 0.4), "nearest", "nearest"),
    "rotation": L.RandomRotation((0.1, 0.1)),
    "rotation_constant": L.RandomRotation((-0.3, -0.3), "constant"),
    "zoom": L.RandomZoom((0.3, 0.3), (-0.2, -0.2)),
    "zoom_one": L.RandomZoom((-0.4, -0.4), fill_mode="nearest"),
    "brightness": L.RandomBrightness((0.2, 0.2)),
}

written = {"x": X}
written |= {name: np.asarray(layer(X.astype("float32"))) for name, layer in PREDICTED.items()}
written |= {name: np.asarray(layer(X.astype("float32"), training=True)) for name, layer in TRAINED.items()}
adapted = L.Normalization(axis=(1, 3))
adapted.adapt(X.astype("float32"))
written |= {"adapted_mean": np.asarray(adapted.mean), "adapted_variance": np.asarray(adapted.variance)}
np.savez_compressed(Path(__file__).with_suffix(".npz"), **written)

"""Writes keras_spatial.npz: what Keras computes for the layers of convolution, pooling, borders and resizing.

Run with a Python that has Keras 3 and TensorFlow: python tests/oracles/keras_spatial.py. The test reads the file
alone. Each case is a layer's name, its arguments, an input, the weights in Keras's order, and the output.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

SEQUENCE, IMAGE, VOLUME = (2, 9, 4), (2, 6, 5, 4), (1, 3, 4, 2, 2)
CASES = [
    ("Conv1D", {"filters": 6, "kernel_size": 3}, SEQUENCE),
    ("Conv1D", {"filters": 6, "kernel_size": 4, "strides": 2, "padding": "same"}, SEQUENCE),
    ("Conv1D", {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "groups": 2}, SEQUENCE),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "strides": 2, "use_bias": False}, SEQUENCE),
    ("Conv2D", {"filters": 6, "kernel_size": [3, 2], "groups": 2, "padding": "same", "strides": 2}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 4, "activation": "tanh"}, IMAGE),
    ("MaxPooling1D", {}, SEQUENCE),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("GlobalMaxPooling1D", {}, SEQUENCE),
    ("GlobalAveragePooling1D", {"keepdims": True}, SEQUENCE),
    ("ZeroPadding1D", {"padding": [1, 2]}, SEQUENCE),
    ("ZeroPadding2D", {"padding": [1, 2]}, IMAGE),
    ("ZeroPadding2D", {"padding": [[0, 1], [2, 3]]}, IMAGE),
    ("ZeroPadding3D", {}, VOLUME),
    ("Cropping1D", {"cropping": [1, 2]}, SEQUENCE),
    ("Cropping2D", {"cropping": [[0, 1], [2, 0]]}, IMAGE),
    ("Cropping3D", {"cropping": [[1, 0], [1, 2], [0, 1]]}, VOLUME),
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("UpSampling2D", {"size": [2, 3]}, IMAGE),
    ("UpSampling3D", {"size": [2, 1, 3]}, VOLUME),
    ("Conv3D", {"filters": 3, "kernel_size": [2, 3, 1]}, VOLUME),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "strides": [1, 2, 1], "padding": "same", "activation": "relu"}, VOLUME),
    ("Conv3D", {"filters": 4, "kernel_size": 2, "groups": 2, "dilation_rate": [2, 1, 1]}, VOLUME),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "strides": 2}, SEQUENCE),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 2, "strides": 4, "use_bias": False}, SEQUENCE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3}, IMAGE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": [4, 3], "strides": [2, 3], "padding": "same"}, IMAGE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 3, "padding": "same", "output_padding": 1}, IMAGE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "output_padding": [1, 0]}, IMAGE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": [1, 2], "strides": [3, 4], "activation": "tanh"}, IMAGE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, IMAGE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, IMAGE),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": [2, 1, 2]}, VOLUME),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, VOLUME),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, SEQUENCE),
    ("DepthwiseConv1D", {"kernel_size": 3, "strides": 2}, SEQUENCE),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "depth_multiplier": 3, "use_bias": False}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": [3, 2], "dilation_rate": 2, "activation": "relu"}, IMAGE),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, SEQUENCE),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "activation": "tanh"}, IMAGE),
    (
        "SeparableConv2D",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2},
        IMAGE,
    ),
    ("MaxPooling3D", {}, VOLUME),
    ("MaxPooling3D", {"pool_size": [3, 2, 1], "strides": [1, 2, 2], "padding": "same"}, VOLUME),
    ("AveragePooling3D", {"pool_size": [1, 2, 2]}, VOLUME),
    ("AveragePooling3D", {"pool_size": 3, "strides": 2, "padding": "same"}, VOLUME),
    ("GlobalMaxPooling3D", {"keepdims": True}, VOLUME),
    ("GlobalAveragePooling3D", {}, VOLUME),
    ("UpSampling2D", {"size": [2, 3], "interpolation": "bilinear"}, IMAGE),
    ("UpSampling2D", {"size": [4, 2], "interpolation": "bicubic"}, IMAGE),
    ("UpSampling2D", {"size": 2, "interpolation": "lanczos3"}, IMAGE),
    ("UpSampling2D", {"size": 2, "interpolation": "lanczos5"}, IMAGE),
    ("Permute", {"dims": [3, 1, 2]}, IMAGE),
    ("Reshape", {"target_shape": [-1, 10]}, IMAGE),
    ("Flatten", {}, IMAGE),
    ("RepeatVector", {"n": 3}, (2, 5)),
]
# Of images of 6 × 5. TensorFlow rounds the places of bicubic weights to 1/1024: here they are whole such parts.
SIZES = [(4, 9, "bilinear"), (3, 2, "bilinear"), (7, 3, "nearest"), (12, 20, "bicubic"), (4, 7, "lanczos3")]


def main() -> None:
    """Compute every case and write the file."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for i, (name, arguments, shape) in enumerate(CASES):
        layer = getattr(keras.layers, name)(**arguments)
        x = rng.normal(size=shape).astype("float32")
        layer.build(shape)
        layer.set_weights([rng.normal(size=w.shape).astype("float32") for w in layer.get_weights()])
        arrays[f"{i}.x"], arrays[f"{i}.y"] = x, np.asarray(layer(x))
        arrays.update({f"{i}.w{j}": w for j, w in enumerate(layer.get_weights())})
    image = rng.normal(size=IMAGE).astype("float32")
    arrays["resize.x"] = image
    for height, width, interpolation in SIZES:
        resized = keras.ops.image.resize(image, (height, width), interpolation=interpolation)
        arrays[f"resize.{interpolation}.{height}.{width}"] = np.asarray(resized)
    cases = json.dumps([(name, arguments) for name, arguments, _ in CASES])
    np.savez_compressed(Path(__file__).with_suffix(".npz"), cases=np.asarray(cases), **arrays)


if __name__ == "__main__":
    main()

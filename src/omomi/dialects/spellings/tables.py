"""Arguments of layers, as each version of Keras spelled them. Read it like a dictionary.

Sources: the documentation of Keras 1.2.2, 2.0 to 2.3 and of tf.keras 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi import layers
from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.functions import hard_sigmoid_fifth
from omomi.dialects.spellings.spelling import Arguments, Row
from omomi.interop.keras_files.keras1 import KERAS1
from omomi.layers.core import Dense

# ---- what all layers share ------------------------------------------------------------------------------------------

WITHOUT_EFFECT = ("consume_less", "implementation", "input_dtype", "time_major", "ragged", "sparse", "use_cudnn")


def shared(given: Arguments) -> Arguments:
    """Where the channels are, the batch in the shape, and what has no effect here."""
    given = {name: value for name, value in given.items() if name not in WITHOUT_EFFECT}
    ordering = given.pop("dim_ordering", "default")
    if ordering not in ("default", "tf"):
        raise UnsupportedError(
            "the channels come last, in every layer.",
            received=f"dim_ordering={ordering!r}",
            fix='dim_ordering="tf", and images of shape (rows, columns, channels): np.moveaxis(x, 1, -1)',
        )
    if "batch_input_shape" in given:
        given["input_shape"] = tuple(given.pop("batch_input_shape"))[1:]
    given.pop("batch_size", None)
    return given


def sequence(given: Arguments) -> Arguments:
    """``input_dim`` and ``input_length`` as the shape of one sequence."""
    given = shared(given)
    length, channels = given.pop("input_length", None), given.pop("input_dim", None)
    if channels is not None:
        given["input_shape"] = (length, channels)
    return given


def weighed(*initializers: str) -> Callable[[Arguments], Arguments]:
    """``weights=[…]`` as what the initialisers of these names give."""

    def then(given: Arguments) -> Arguments:
        given = shared(given)
        arrays = given.pop("weights", None)
        for name, array in zip(initializers, arrays or (), strict=False):
            given[name] = fixed(np.asarray(array))
        return given

    return then


def fixed(array: np.ndarray) -> Callable[[Any], np.ndarray]:
    """An initialiser that gives these numbers."""

    def numbers(shape: Any) -> np.ndarray:
        return array

    return numbers


kernel_and_bias = weighed("kernel_initializer", "bias_initializer")


def kernel_of(*sides: str) -> Callable[[Arguments], Arguments]:
    """nb_row and nb_col as the size of a kernel."""

    def then(given: Arguments) -> Arguments:
        given = kernel_and_bias(given)
        if sides[0] in given:
            given["kernel_size"] = tuple(given.pop(side) for side in sides)
        given.pop("output_shape", None)
        return activated(given)

    return then


def activated(given: Arguments) -> Arguments:
    """The hard sigmoid had the slope 1/5 before Keras 3."""
    if given.get("activation") == "hard_sigmoid":
        given["activation"] = hard_sigmoid_fifth
    return given


def dense(given: Arguments) -> Arguments:
    return activated(kernel_and_bias(given))


def along_time(given: Arguments) -> Arguments:
    """Arguments of a layer that convolves or pools sequences."""
    return activated(kernel_and_bias(sequence(given)))


def embedding(given: Arguments) -> Arguments:
    given = weighed("embeddings_initializer")(given)
    if given.pop("dropout", 0):
        raise UnsupportedError(
            "Embedding has no dropout.", received="dropout=…", fix="SpatialDropout1D or Dropout after it"
        )
    length = given.pop("input_length", None)
    if length is not None:
        given["input_shape"] = tuple(length) if isinstance(length, (list, tuple)) else (length,)
    return given


def recurrent(given: Arguments) -> Arguments:
    given = weighed("kernel_initializer", "recurrent_initializer", "bias_initializer")(sequence(given))
    start = given.pop("forget_bias_init", "one")
    if start not in ("one", "ones"):
        given["unit_forget_bias"] = False
    for name in ("activation", "recurrent_activation"):
        if given.get(name) == "hard_sigmoid":
            given[name] = "hard_sigmoid_fifth"
        elif callable(given.get(name)):
            given[name] = given[name].__name__
    return given


def sloped(given: Arguments) -> Arguments:
    """LeakyReLU(alpha) as LeakyReLU(negative_slope)."""
    given = shared(given)
    if "alpha" in given:
        given["negative_slope"] = given.pop("alpha")
    return given


def normalised(given: Arguments) -> Arguments:
    given = shared(given)
    if given.pop("mode", 0) not in (0, 2):
        raise UnsupportedError("BatchNormalization has one mode.", received="mode=1", fix="mode=0, or leave it out")
    arrays = given.pop("weights", None)
    names = ("gamma_initializer", "beta_initializer", "moving_mean_initializer", "moving_variance_initializer")
    given.update({name: fixed(np.asarray(a)) for name, a in zip(names, arrays or (), strict=False)})
    for name in ("renorm", "fused", "virtual_batch_size", "adjustment", "renorm_momentum", "renorm_clipping"):
        given.pop(name, None)
    return given


def wrapped(given: Arguments) -> Arguments:
    given = shared(given)
    given.pop("weights", None)
    return given


def each_step(units: int, **options: Any) -> layers.TimeDistributed:
    """TimeDistributedDense, as it was before TimeDistributed."""
    given = along_time({KERAS1.get(name, name): value for name, value in options.items()})
    place = {"input_shape": given.pop("input_shape")} if "input_shape" in given else {}
    return layers.TimeDistributed(Dense(units, **given), **place)


# ---- Keras 1 --------------------------------------------------------------------------------------------------------

TRAINED = ("weights", "W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint", "bias")
CONVOLVED = ("init", "activation", "weights", "border_mode", "subsample", "dim_ordering", *TRAINED[1:])
RECURRENT = ("output_dim", "init", "inner_init")
DROPPED = ("W_regularizer", "U_regularizer", "b_regularizer", "dropout_W", "dropout_U")
RATE = {"p": "rate"}
POOLED = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
IMAGE_POOL = ("pool_size", "strides", "border_mode", "dim_ordering")


def rows1() -> dict[str, Row]:
    """Layers of Keras 1."""
    image = Row(
        layers.Conv2D, ("nb_filter", "nb_row", "nb_col", *CONVOLVED), KERAS1, then=kernel_of("nb_row", "nb_col")
    )
    gates = {"recurrent_activation": "hard_sigmoid"}
    pool = {
        name: Row(getattr(layers, name), IMAGE_POOL, POOLED, then=shared)
        for name in ("MaxPooling2D", "AveragePooling2D", "MaxPooling3D", "AveragePooling3D")
    }
    line = {
        name: Row(getattr(layers, name), ("pool_length", "stride", "border_mode"), POOLED, then=sequence)
        for name in ("MaxPooling1D", "AveragePooling1D")
    }
    rest = {
        name: Row(getattr(layers, name), (), KERAS1, then=shared)
        for name in (
            *("Flatten", "Reshape", "Permute", "RepeatVector", "Masking", "PReLU", "ELU", "ThresholdedReLU"),
            *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
            *("GlobalMaxPooling3D", "GlobalAveragePooling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
            *("Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D"),
        )
    }
    conv3 = ("kernel_dim1", "kernel_dim2", "kernel_dim3")
    return {
        **pool,
        **line,
        **rest,
        "PReLU": Row(layers.PReLU, ("init", "weights", "shared_axes"), {"init": "alpha_initializer"}, then=wrapped),
        "Dense": Row(Dense, ("output_dim", "init", "activation", *TRAINED), KERAS1, then=dense),
        "TimeDistributedDense": Row(each_step, ("units",), {"output_dim": "units"}),
        "Activation": Row(layers.Activation, (), then=lambda given: activated(shared(given))),
        "Dropout": Row(layers.Dropout, ("p",), RATE, then=shared),
        "SpatialDropout1D": Row(layers.SpatialDropout1D, ("p",), RATE, then=shared),
        "SpatialDropout2D": Row(layers.SpatialDropout2D, ("p", "dim_ordering"), RATE, then=shared),
        "GaussianNoise": Row(layers.GaussianNoise, ("sigma",), {"sigma": "stddev"}, then=shared),
        "GaussianDropout": Row(layers.GaussianDropout, ("p",), RATE, then=shared),
        "LeakyReLU": Row(layers.LeakyReLU, ("alpha",), {}, {"negative_slope": 0.3}, then=sloped),
        "BatchNormalization": Row(
            layers.BatchNormalization,
            ("epsilon", "mode", "axis", "momentum", "weights", "beta_init", "gamma_init"),
            {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
            {"epsilon": 1e-3, "momentum": 0.99},
            then=normalised,
        ),
        "Convolution2D": image,
        "Conv2D": image,
        "Convolution1D": Row(
            layers.Conv1D,
            ("nb_filter", "filter_length", "init", "activation", "weights", "border_mode", "subsample_length"),
            KERAS1,
            then=along_time,
        ),
        "Convolution3D": Row(layers.Conv3D, ("nb_filter", *conv3, *CONVOLVED), KERAS1, then=kernel_of(*conv3)),
        "AtrousConvolution2D": Row(
            layers.Conv2D, ("nb_filter", "nb_row", "nb_col"), KERAS1, then=kernel_of("nb_row", "nb_col")
        ),
        "SeparableConvolution2D": Row(
            layers.SeparableConv2D, ("nb_filter", "nb_row", "nb_col"), KERAS1, then=kernel_of("nb_row", "nb_col")
        ),
        "Deconvolution2D": Row(
            layers.Conv2DTranspose,
            ("nb_filter", "nb_row", "nb_col", "output_shape", *CONVOLVED),
            KERAS1,
            then=kernel_of("nb_row", "nb_col"),
        ),
        "Embedding": Row(
            layers.Embedding,
            ("input_dim", "output_dim", "init", "input_length", "W_regularizer"),
            {
                "init": "embeddings_initializer",
                "W_regularizer": "embeddings_regularizer",
                "W_constraint": "embeddings_constraint",
            },
            then=embedding,
        ),
        "SimpleRNN": Row(layers.SimpleRNN, (*RECURRENT, "activation", *DROPPED), KERAS1, then=recurrent),
        "LSTM": Row(
            layers.LSTM,
            (*RECURRENT, "forget_bias_init", "activation", "inner_activation", *DROPPED),
            KERAS1,
            gates,
            then=recurrent,
        ),
        "GRU": Row(
            layers.GRU,
            (*RECURRENT, "activation", "inner_activation", *DROPPED),
            KERAS1,
            {**gates, "reset_after": False},
            then=recurrent,
        ),
        "TimeDistributed": Row(layers.TimeDistributed, ("layer",), then=wrapped),
        "Bidirectional": Row(layers.Bidirectional, ("layer", "merge_mode"), then=wrapped),
    }


# ---- Keras 2, and tf.keras ------------------------------------------------------------------------------------------


def rows2(gates: str) -> dict[str, Row]:
    """Layers of Keras 2; ``gates`` is what gates of recurrent layers were unless told."""
    kernels = {
        name: Row(getattr(layers, name), then=kernel_and_bias if rank > 1 else along_time)
        for rank in (1, 2, 3)
        for name in (f"Conv{rank}D", f"Conv{rank}DTranspose")
    }
    rest = {
        name: Row(row.to, then=shared)
        for name, row in rows1().items()
        if row.then is shared and name not in ("Dropout", "GaussianNoise", "GaussianDropout")
    }
    plain = {
        name: Row(getattr(layers, name), then=shared)
        for name in (
            *(
                "Dropout",
                "SpatialDropout1D",
                "SpatialDropout2D",
                "SpatialDropout3D",
                "GaussianNoise",
                "GaussianDropout",
            ),
            *("MaxPooling1D", "AveragePooling1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
            *("Bidirectional", "TimeDistributed", "AlphaDropout", "LayerNormalization"),
        )
    }
    before = {} if gates == "sigmoid" else {"reset_after": False}
    return {
        **rest,
        **kernels,
        **plain,
        "Dense": Row(Dense, then=dense),
        "Activation": Row(layers.Activation, then=lambda given: activated(shared(given))),
        "LeakyReLU": Row(layers.LeakyReLU, ("alpha",), {}, {"negative_slope": 0.3}, then=sloped),
        "BatchNormalization": Row(layers.BatchNormalization, then=normalised),
        "Embedding": Row(
            layers.Embedding,
            (
                *("input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer"),
                *("activity_regularizer", "embeddings_constraint", "mask_zero", "input_length"),
            ),
            then=embedding,
        ),
        "SimpleRNN": Row(layers.SimpleRNN, then=recurrent),
        "LSTM": Row(layers.LSTM, (), {}, {"recurrent_activation": gates}, then=recurrent),
        "GRU": Row(layers.GRU, (), {}, {"recurrent_activation": gates, **before}, then=recurrent),
        "CuDNNLSTM": Row(layers.LSTM, then=recurrent),
        "CuDNNGRU": Row(layers.GRU, then=recurrent),
        **{
            old: Row(getattr(layers, new), then=kernel_and_bias)
            for old, new in {
                "Convolution1D": "Conv1D",
                "Convolution2D": "Conv2D",
                "Convolution3D": "Conv3D",
                "SeparableConvolution2D": "SeparableConv2D",
                "Deconvolution2D": "Conv2DTranspose",
            }.items()
        },
    }

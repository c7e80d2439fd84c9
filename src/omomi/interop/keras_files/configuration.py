"""From Keras's configuration of a layer to Omomi's: old names, wrapped objects, and what has no counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from omomi.errors import FileFormatError, OmomiError
from omomi.interop.keras_files.keras1 import KERAS1
from omomi.layers.layer import DTYPES, Layer
from omomi.layers.registry import LAYERS

Config = dict[str, Any]

# Names of classes that have changed.
CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Conv2DTranspose": "Conv2DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "AtrousConvolution2D": "Conv2D",
    "ThresholdedReLU": "ThresholdedReLU",
}
# Arguments of Keras 1, and of Keras 2 where Keras 3 says it otherwise.
OLD = KERAS1 | {
    "pool_length": "pool_size",
    "stride": "strides",
    "p": "rate",
    "sigma": "stddev",
    "beta_init": "beta_initializer",
    "gamma_init": "gamma_initializer",
    "dim_ordering": "data_format",
}
OLD_OF_CLASS = {
    "Embedding": {
        "output_dim": "output_dim",
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
    },
    "LeakyReLU": {"alpha": "negative_slope"},
    "DepthwiseConv2D": {"kernel_initializer": "depthwise_initializer"},
}
# What may stand in a configuration and changes nothing that is computed here.
IGNORED = frozenset(
    {
        *("batch_input_shape", "batch_shape", "build_config", "compile_config", "registered_name", "shared_object_id"),
        *("implementation", "consume_less", "time_major", "zero_output_for_mask", "input_dtype", "optional", "ragged"),
        *("sparse", "synchronized", "fused", "quantization_config", "lora_rank", "lora_alpha", "input_length", "mode"),
        *("forget_bias_init", "renorm_momentum", "renorm_clipping", "use_cudnn", "flash_attention", "input_dim"),
        *("autocast", "activity_regularizer_", "query_shape", "key_shape", "value_shape", "attention_axes", "seed"),
    }
)
WRAPPED = ("initializer", "regularizer", "constraint")
REFUSED = {
    "Lambda": "a Lambda layer holds code, and code in a file is never run",
    "TFOpLambda": "it holds a call of TensorFlow's",
    "SlicingOpLambda": "it holds a call of TensorFlow's",
    "TorchModuleWrapper": "it holds a module of PyTorch's",
    "JaxLayer": "it holds a function",
}


@dataclass(frozen=True)
class Source:
    """What a configuration came from: the file, the major version of Keras, and layers of the reader's own."""

    where: str
    version: int
    custom_objects: Mapping[str, Any]


def layer_of(entry: Any, source: Source, position: str) -> Layer:
    """The layer that an entry of a configuration describes.

    Raises:
        FileFormatError: a layer or an argument that Omomi does not have; the message names it and its place.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        raise FileFormatError("this does not describe a layer.", where=f"{source.where}, {position}")
    kind, config = str(entry.get("class_name")), dict(entry["config"])
    place = f"{source.where}, {position} ({kind} {config.get('name', '')!s})"
    if kind in REFUSED:
        raise FileFormatError(f"this layer is refused: {REFUSED[kind]}.", where=place)
    module = str(entry.get("module") or "keras")
    own = source.custom_objects.get(str(entry.get("registered_name") or kind).rpartition(">")[2])
    if own is not None:
        return own.from_config(config)  # type: ignore[no-any-return]
    found = LAYERS.get(CLASSES.get(kind, kind))
    foreign = not module.startswith("keras") or ".ops" in module
    if found is None or foreign or kind in ("Operation", "Step", "Model"):
        raise FileFormatError(
            f"Omomi has no layer {kind}.",
            where=place,
            received=f"{module}.{kind}" if foreign else None,
            fix="custom_objects={…} with a layer of your own of this name"
            if found is None
            else "replace this operation by a layer before saving",
        )
    config = renamed(CLASSES.get(kind, kind), kind, config, source, place)
    taken = accepted(found)
    arguments: Config = {}
    dtype = dtype_of(config.pop("dtype", None), place)
    if dtype not in (None, "float32") and dtype in DTYPES:
        arguments["dtype"] = dtype
    for name, value in config.items():
        if name in ("layer", "backward_layer", "forward_layer"):
            arguments[name] = layer_of(value, source, f"{position}, {name}") if value is not None else None
        elif name in taken:
            arguments[name] = plain(name, value, place)
        elif value not in (None, False, 0, 0.0, "default") and name not in IGNORED:
            raise FileFormatError(
                f"Omomi's {found.__name__} has no argument {name}.", where=place, received=f"{name}={value!r}"[:120]
            )
    try:
        return found(**arguments)
    except (OmomiError, TypeError, ValueError) as error:
        reason = error.problem if isinstance(error, OmomiError) else str(error)
        raise FileFormatError(f"this layer cannot be made: {reason}", where=place) from error


def dtype_of(given: Any, place: str) -> str | None:
    """The dtype of a layer, which Keras 3 wraps in a policy.

    Raises:
        FileFormatError: a mixed policy.
    """
    inside = given.get("config") if isinstance(given, dict) else None
    name = inside.get("name") if isinstance(inside, dict) else given
    if isinstance(name, str) and name.startswith("mixed"):
        raise FileFormatError(
            "a policy of mixed precision belongs to the whole model here.",
            where=place,
            received=name,
            fix='save the model with the policy "float32", and omomi.set_precision before loading it',
        )
    return name if isinstance(name, str) else None


def accepted(kind: type[Layer]) -> set[str]:
    """The arguments of a layer."""
    names = set(signature(kind.__init__).parameters) - {"self", "options", "input_dim", "input_shape", "dtype"}
    shared = {"name", "trainable", "activity_regularizer"}
    return names | shared | ({"input_dim"} if kind.__name__ == "Embedding" else set())


def renamed(new: str, kind: str, config: Config, source: Source, place: str) -> Config:
    """A configuration in the names of today.

    Raises:
        FileFormatError: it says something that Omomi computes otherwise.
    """
    names = OLD_OF_CLASS.get(new, {})
    if source.version == 1:
        names = {**OLD, **names}
    config = {names.get(name, name): value for name, value in config.items()}
    sides = [config.pop(side) for side in ("nb_row", "nb_col") if side in config]
    depths = [config.pop(f"kernel_dim{i}") for i in (1, 2, 3) if f"kernel_dim{i}" in config]
    if sides or depths:
        config["kernel_size"] = sides or depths
    if new == "Conv2DTranspose":
        config.pop("output_shape", None)
    if config.get("data_format") in ("th", "channels_first"):
        raise FileFormatError(
            "the channels come first in this file, and last in Omomi.",
            where=place,
            received=f"{config['data_format']!r}",
            fix='convert the model to channels_last (dim_ordering="tf") with Keras before saving',
        )
    if config.get("data_format") in ("tf", "default", "channels_last"):
        config["data_format"] = None
    if new == "BatchNormalization" and config.pop("mode", 0) not in (0, 2):
        raise FileFormatError("batch normalisation of mode 1 is not offered.", where=place)
    if new == "Embedding" and config.pop("dropout", 0):
        raise FileFormatError("Embedding has no dropout.", where=place)
    if kind == "GRU" and source.version == 1:
        config["reset_after"] = False
    if kind == "GRU" and source.version == 2:
        config.setdefault("reset_after", False)
    if source.version < 3:
        for name in ("activation", "recurrent_activation"):
            if config.get(name) == "hard_sigmoid":
                if new not in ("LSTM", "GRU", "SimpleRNN"):
                    raise FileFormatError(
                        "the hard sigmoid of Keras 1 and 2 has the slope 1/5, that of Omomi's layers 1/6.", where=place
                    )
                config[name] = "hard_sigmoid_fifth"
    if isinstance(config.get("axis"), (list, tuple)) and new == "BatchNormalization":
        config["axis"] = config["axis"][0]
    return config


def plain(name: str, value: Any, place: str) -> Any:
    """A value of a configuration, unwrapped."""
    if isinstance(value, dict) and "class_name" in value:
        kind, config = str(value["class_name"]), value.get("config")
        if kind == "function":
            return config
        if not isinstance(config, dict):
            raise FileFormatError(f"{name} is not understood.", where=place, received=f"{value!r}"[:120])
        if name.endswith(WRAPPED):
            kept = {k: v for k, v in config.items() if k not in ("seed", "input_axes", "output_axes", "name", "dtype")}
            if kind == "VarianceScaling" and kept.get("distribution") == "normal":
                kept["distribution"] = "truncated_normal"
            if kind == "WeightRegularizer":
                kind = "L1L2"
            return {"class_name": kind, "config": kept}
        if "activation" in name:
            raise FileFormatError(
                "an activation that is a layer with arguments is not offered here.", where=place, received=kind
            )
        return value
    if isinstance(value, dict) and name.endswith("regularizer") and value.get("name") == "WeightRegularizer":
        return {"class_name": "L1L2", "config": {"l1": value.get("l1", 0.0), "l2": value.get("l2", 0.0)}}
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return value

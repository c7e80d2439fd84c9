"""The modules that scripts import, laid out from the tables: ``keras.layers``, ``keras.utils.np_utils``, …

Each version of Keras is one module here (``omomi.dialects.keras1``, …), which calls :func:`lay_out`. That puts the
modules inside it into ``sys.modules`` under its own name, where imports and the hook find them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import omomi
from omomi import activations, callbacks, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from omomi.dialects.hook import missing
from omomi.dialects.spellings import backend, images, text, tools
from omomi.dialects.spellings.data import data_modules
from omomi.dialects.spellings.functions import Dot, Lambda, hard_sigmoid_fifth, merge
from omomi.dialects.spellings.models import from_json, spoken, spoken_classes
from omomi.dialects.spellings.optimizers import old_optimizers, rated, tf_optimizers
from omomi.dialects.spellings.sequences import Merge, branched
from omomi.dialects.spellings.spelling import Row, Spelling
from omomi.dialects.spellings.tables import rows1, rows2, shared
from omomi.dialects.spellings.versions import Version

Names = dict[str, Any]

# What is missing on purpose, and how it is said today.
GONE = {
    "Highway": "a layer of your own: Dense for the gate, t * h + (1 - t) * x",
    "MaxoutDense": "Dense and Maximum",
    "LocallyConnected1D": "Conv1D, whose kernel is shared",
    "LocallyConnected2D": "Conv2D, whose kernel is shared",
    "ConvLSTM2D": "TimeDistributed(Conv2D(…)) and LSTM",
    "ActivityRegularization": "activity_regularizer=… of the layer before",
    "Graph": "Model(inputs, outputs)",
    "SReLU": "PReLU",
    "RNN": "SimpleRNN, LSTM or GRU",
    "StackedRNNCells": "several LSTM layers",
    "multi_gpu_model": 'omomi.use("jax"), which uses every device',
    "GradientTape": "loss.backward() on an omomi.Variable",
    "function": "call the model, or loss.backward()",
    "gradients": "loss.backward()",
    "placeholder": "Input(shape)",
    "Session": "nothing: Omomi computes as it goes",
}


def public(module: ModuleType) -> Names:
    """The public names of a module of Omomi's."""
    return {name: value for name, value in vars(module).items() if not name.startswith("_") and name != "annotations"}


def classes_of(module: ModuleType) -> Names:
    """Its classes, and those functions that are no machinery."""
    found = {name: value for name, value in public(module).items() if not isinstance(value, ModuleType)}
    return {name: value for name, value in found.items() if callable(value)}


def snaked(names: Names, aliases: Mapping[str, Any]) -> Names:
    """Classes under their names in small letters too, as the functions of old versions were called."""
    return {**names, **aliases}


def layer_names(version: Version) -> Names:
    """What ``keras.layers`` has in this version."""
    names = {name: value for name, value in public(layers).items() if not isinstance(value, ModuleType)}
    names.update({"Lambda": Lambda, "Dot": Dot, "dot": dot})
    if version.name == "keras3":
        return names
    rows = rows1() if version.name == "keras1" else rows2("hard_sigmoid" if version.name == "keras2" else "sigmoid")
    names.update({name: Spelling(name, row) for name, row in rows.items()})
    names["Input"] = Spelling("Input", Row(layers.Input, then=begun))
    names["InputLayer"] = Spelling("InputLayer", Row(layers.InputLayer, then=begun))
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
        names[name] = Spelling(name, Row(getattr(layers, name), then=shared))
    if version.name == "keras1":
        names.update({"merge": merge, "Merge": Merge})
    return names


def begun(given: Names) -> Names:
    """``Input(batch_shape=…)`` of old versions, ``input_shape`` for ``shape``."""
    given = {name: value for name, value in given.items() if name not in ("sparse", "tensor", "ragged", "batch_size")}
    if "input_shape" in given:
        given["shape"] = given.pop("input_shape")
    if "batch_input_shape" in given:
        given["batch_shape"] = given.pop("batch_input_shape")
    return given


def dot(inputs: Any, axes: Any, normalize: bool = False, **options: Any) -> Any:
    """The product of two inputs along an axis."""
    return Dot(axes, normalize, **options)(inputs)


def optimizer_names(version: Version) -> Names:
    """What ``keras.optimizers`` has."""
    found: Names = {name: value for name, value in public(optimizers).items() if isinstance(value, type)}
    found.update({"get": optimizers.get})
    if version.name in ("keras1", "keras2"):
        found.update(old_optimizers(version.name))
    elif version.name == "tf_keras":
        found.update(tf_optimizers())
    else:
        found.update({name: rated(value) for name, value in found.items() if concrete(value)})
    return {**found, **{name.lower(): value for name, value in found.items() if isinstance(value, Spelling)}}


def concrete(value: Any) -> bool:
    """Whether this is an optimiser by name."""
    base = optimizers.Optimizer
    return isinstance(value, type) and issubclass(value, base) and value is not base


def function_names() -> tuple[Names, Names, Names, Names]:
    """``activations``, ``initializers``, ``regularizers`` and ``constraints`` with the names of old versions."""
    acts = {**classes_of(activations), "linear": activations.get("linear")}
    inits = classes_of(initializers)
    by_name = {name: cls for cls in inits.values() if isinstance(cls, type) for name in (snake(cls.__name__),)}
    inits = {
        **inits,
        **by_name,
        "normal": initializers.RandomNormal,
        "uniform": initializers.RandomUniform,
        "zero": initializers.Zeros,
        "one": initializers.Ones,
    }
    regs = {
        **classes_of(regularizers),
        "l1": lambda l=0.01, l1=None: regularizers.L1(l if l1 is None else l1),  # noqa: E741
        "l2": lambda l=0.01, l2=None: regularizers.L2(l if l2 is None else l2),  # noqa: E741
        "l1_l2": lambda l1=0.01, l2=0.01: regularizers.L1L2(l1, l2),
        "l1l2": lambda l1=0.01, l2=0.01: regularizers.L1L2(l1, l2),
        "activity_l1": lambda l=0.01: regularizers.L1(l),  # noqa: E741
        "activity_l2": lambda l=0.01: regularizers.L2(l),  # noqa: E741
        "WeightRegularizer": lambda l1=0.0, l2=0.0: regularizers.L1L2(l1, l2),
    }
    cons = {**classes_of(constraints), **constraint_names()}
    return acts, inits, regs, cons


def constraint_names() -> Names:
    """Constraints as Keras 1 and 2 spelled them."""

    def max_norm(max_value: float = 2, axis: Any = 0, m: float | None = None) -> Any:
        return constraints.MaxNorm(max_value if m is None else m, axis)

    norms = dict.fromkeys(("maxnorm", "max_norm"), max_norm)
    kinds = {"nonneg": constraints.NonNeg, "non_neg": constraints.NonNeg, "unitnorm": constraints.UnitNorm}
    return {**norms, **kinds, "unit_norm": constraints.UnitNorm, "min_max_norm": constraints.MinMaxNorm}


def snake(name: str) -> str:
    """GlorotUniform → glorot_uniform."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def loss_names() -> Names:
    """Losses as classes, and as the functions of (y_true, y_pred) that ``compile`` takes."""
    from_classes = {snake(name): cls for name, cls in classes_of(losses).items() if isinstance(cls, type)}
    short = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "kld": "k_l_divergence"}
    aliases = {new: from_classes[old] for new, old in short.items() if old in from_classes}
    return {**classes_of(losses), **from_classes, **aliases}


def tables_of(version: Version) -> dict[str, Names]:
    """All modules of a version, by name inside ``keras``; "" is ``keras`` itself."""
    acts, inits, regs, cons = function_names()
    if version.name != "keras3":
        acts["hard_sigmoid"] = hard_sigmoid_fifth
    optims = optimizer_names(version)
    classes = spoken_classes(version, {n: o for n, o in optims.items() if isinstance(o, Spelling) or concrete(o)})
    sequential, model = classes
    if version.name == "keras1":
        branched(sequential, model)

    def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, **_: Any) -> Any:
        """The model in a file: Omomi's own, or Keras's."""
        return spoken(omomi.load_model(filepath, custom_objects), classes)

    def save_model(saved: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Write a model to a file."""
        saved.save(filepath)

    def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
        """The architecture that ``to_json`` described."""
        return from_json(json_string, custom_objects, classes)

    layered = layer_names(version)
    of_models = {
        "Sequential": sequential,
        "Model": model,
        "load_model": load_model,
        "save_model": save_model,
        "model_from_json": model_from_json,
    }
    if hasattr(omomi, "clone_model"):
        of_models["clone_model"] = lambda known, **options: spoken(omomi.clone_model(known, **options), classes)
    image = {name: getattr(images, name) for name in ("ImageDataGenerator", "load_img", "img_to_array", "array_to_img")}
    of_text = {"Tokenizer": text.Tokenizer, "text_to_word_sequence": text.text_to_word_sequence}
    of_text.update({"one_hot": text.hashing_trick, "hashing_trick": text.hashing_trick})
    lists = {"pad_sequences": text.pad_sequences, "TimeseriesGenerator": text.TimeseriesGenerator}
    called = {name: value for name, value in classes_of(callbacks).items() if isinstance(value, type)}
    schedules = public(optimizers.schedules)
    helpers = tools.names(version)
    data = data_modules()
    modules: dict[str, Names] = {
        "": {
            "__version__": version.number,
            "Sequential": sequential,
            "Model": model,
            "Input": layered["Input"],
            "Layer": layers.Layer,
            "Variable": omomi.Variable,
        },
        "models": of_models,
        "layers": {**layered, "Layer": layers.Layer},
        "optimizers": optims,
        "optimizers.schedules": schedules,
        "optimizers.legacy": optims,
        "activations": acts,
        "initializers": inits,
        "regularizers": regs,
        "constraints": cons,
        "losses": loss_names(),
        "metrics": {**classes_of(metrics), **loss_names()},
        "callbacks": called,
        "backend": backend.names(),
        "datasets": {},
        **{f"datasets.{name}": entry for name, entry in data.items()},
        "preprocessing": {},
        "preprocessing.image": image,
        "preprocessing.text": of_text,
        "preprocessing.sequence": lists,
        "utils": helpers,
        "utils.np_utils": helpers,
        "utils.vis_utils": helpers,
        "utils.visualize_util": {**helpers, "plot": tools.plot_model},
        "utils.generic_utils": helpers,
        "utils.layer_utils": helpers,
        "wrappers": {},
        "wrappers.scikit_learn": tools.estimators(),
        "applications": {},
    }
    if version.name in ("keras1", "keras2"):
        inner = (
            "core convolutional pooling recurrent normalization embeddings noise merge wrappers advanced_activations"
        )
        inner = inner if version.name == "keras2" else inner.replace(" merge", "")  # a function in Keras 1
        modules.update({f"layers.{part}": modules["layers"] for part in inner.split()})
        modules["layers.advanced_activations"] = modules["layers"]
        modules["engine"] = {"Layer": layers.Layer, "Input": layered["Input"], "Model": model}
        modules["engine.topology"] = {**modules["engine"], "Input": layered["Input"], "merge": merge}
        modules["engine.training"] = modules["engine"]
        modules["objectives"] = modules["losses"]
        modules["utils.data_utils"] = helpers
        modules["initializations"] = inits
    if version.name in ("tf_keras", "keras3"):
        modules["random"] = {"set_seed": omomi.set_seed}
        modules["saving"] = {"load_model": load_model, "save_model": save_model}
        modules["utils"] = {**helpers, **image, "pad_sequences": text.pad_sequences}
        modules["layers.experimental"] = {}
        modules["layers.experimental.preprocessing"] = modules["layers"]
    if version.name == "keras3":
        modules["ops"] = {**backend.names(), "matmul": omomi.functions.matmul, "where": omomi.functions.where}
        modules["config"] = {name: backend.names()[name] for name in ("image_data_format", "floatx", "epsilon")}
    return modules


def lay_out(root: str, version: Version) -> None:
    """Fill the module ``root`` with what this version has, and make the modules inside it.

    A name that is not there is an error that says what to use instead.
    """
    own = sys.modules[root]
    for inside, names in sorted(tables_of(version).items()):
        shown = f"keras.{inside}".rstrip(".")
        if not inside:
            module = own
        else:
            module = ModuleType(f"{root}.{inside}", f"{shown} as {version.number} had it.")
            module.__spec__ = ModuleSpec(module.__name__, None, is_package=True)
            module.__path__ = []
            sys.modules[module.__name__] = module
            outer, _, last = module.__name__.rpartition(".")
            setattr(sys.modules[outer], last, module)
        vars(module).update(names)
        vars(module)["__getattr__"] = missing(shown, GONE)
        vars(module)["__all__"] = sorted(name for name in names if not name.startswith("_"))

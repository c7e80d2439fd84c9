"""``keras.utils`` and ``keras.wrappers.scikit_learn``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from omomi import utils
from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.versions import Version
from omomi.inspect import draw_model


def plot_model(model: Any, to_file: Any = "model.png", *_: Any, **__: Any) -> None:
    """Draw a model as PNG or SVG, without Graphviz."""
    ending = Path(to_file).suffix.lower()
    if ending not in (".png", ".svg"):
        raise UnsupportedError(
            "a model is drawn as PNG or SVG.",
            where="plot_model",
            received=repr(str(to_file)),
            fix='to_file="model.svg"',
        )
    draw_model(model, to_file)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Vectors of length 1 along an axis."""
    length = np.linalg.norm(x, order, axis, keepdims=True)
    return np.asarray(x) / np.where(length == 0, 1, length)


def get_file(*_: Any, **__: Any) -> Any:
    """A file from the net: refused, since nobody could say what is in it."""
    raise UnsupportedError(
        "a script does not download files through Omomi.",
        where="get_file",
        fix="download the file yourself, and read it from its path",
    )


def to_categorical(y: Any, num_classes: int | None = None, nb_classes: int | None = None, **options: Any) -> Any:
    """Class indices as one-hot rows; ``nb_classes`` is what Keras 1 called it."""
    return utils.to_categorical(y, num_classes if nb_classes is None else nb_classes, **options)


def names(version: Version) -> dict[str, Any]:
    """What ``keras.utils`` has."""
    found: dict[str, Any] = {
        "to_categorical": to_categorical,
        "plot_model": plot_model,
        "normalize": normalize,
        "get_file": get_file,
        "Sequence": utils.Sequence,
        "set_random_seed": utils.set_random_seed,
        "get_custom_objects": dict,
    }
    if version.name in ("tf_keras", "keras3"):
        found["PyDataset"] = utils.PyDataset
    return found


def estimators() -> dict[str, Any]:
    """``KerasClassifier`` and ``KerasRegressor``: Omomi's estimators around the script's function."""

    def wrapped(kind: str) -> Callable[..., Any]:
        def make(build_fn: Any = None, **options: Any) -> Any:
            from omomi.interop import sklearn  # scikit-learn takes a second to import

            if build_fn is None:
                raise UnsupportedError("there is no function that builds the model.", where=kind, fix="build_fn=…")
            if "nb_epoch" in options:
                options["epochs"] = options.pop("nb_epoch")
            of_fit: dict[str, Any] = {
                name: options.pop(name) for name in ("epochs", "batch_size", "verbose") if name in options
            }
            estimator = sklearn.NeuralClassifier if kind == "KerasClassifier" else sklearn.NeuralRegressor
            settings: dict[str, Any] = {"epochs": 1, "batch_size": 32, "n_iter_no_change": None, **of_fit}
            return estimator(model=build_fn, model_arguments=options or None, **settings)

        make.__name__ = make.__qualname__ = kind
        return make

    return {kind: wrapped(kind) for kind in ("KerasClassifier", "KerasRegressor")}

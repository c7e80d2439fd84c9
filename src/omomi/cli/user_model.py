"""A network from a Python file of the user's: ``--model FILE.py``."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from omomi.errors import ConfigurationError, OmomiError
from omomi.files import read_bytes
from omomi.graph.randomness import set_seed
from omomi.layers.layer import Layer
from omomi.models.model import Model

FUNCTION = "build_model"
EXAMPLE = f"def {FUNCTION}(input_shape, classes): return omomi.Sequential([…])"
LIMIT = 10 << 20  # bytes of a Python file


def build_user_model(path: str | os.PathLike[str], shape: tuple[int, ...], classes: int, seed: int) -> Model:
    """The model that ``build_model(input_shape, classes)`` of the file returns, compiled or not.

    Raises:
        FileAccessError: the file cannot be read.
        ConfigurationError: it cannot be run, has no such function, or the function returns no model for this data.
    """
    where = os.fspath(path)
    function = getattr(run_file(path), FUNCTION, None)
    if not callable(function):
        raise ConfigurationError(
            f"the file has no function {FUNCTION}.", where=where, expected=EXAMPLE, fix=f"define {FUNCTION} in it"
        )
    set_seed(seed)
    model = explained(where, lambda: function(shape, classes))
    if not isinstance(model, Model):
        raise ConfigurationError(
            f"{FUNCTION} returns a model.",
            where=where,
            expected="an omomi.Sequential or another omomi.Model",
            received=type(model).__name__,
            fix="is a return missing?" if model is None else None,
        )
    return model


def custom_layers(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The classes of layers and models that a file defines, by name: what a saved model of theirs needs to be read."""
    module = run_file(path)
    return {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, type) and issubclass(found, Layer) and found.__module__ == module.__name__
    }


def run_file(path: str | os.PathLike[str]) -> ModuleType:
    """Run a Python file as a module, with its folder first on the path, as ``python FILE.py`` does."""
    where = os.fspath(path)
    file = Path(path).resolve()
    read_bytes(path, LIMIT)  # says what is wrong with the path
    spec = importlib.util.spec_from_file_location(f"omomi_user_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigurationError("this is no Python file.", where=where, expected="a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    explained(where, lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    return module


def explained(where: str, action: Callable[[], Any]) -> Any:
    """Run code of the user's; its exceptions become one message that names the line."""
    try:
        return action()
    except (OmomiError, KeyboardInterrupt):
        raise
    except BaseException as error:
        file = str(Path(where).resolve())
        frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        in_syntax = isinstance(error, SyntaxError) and error.filename == file
        line = error.lineno if in_syntax else frames[-1] if frames else None  # type: ignore[attr-defined]
        raise ConfigurationError(
            f"{type(error).__name__}: {error}", where=f"{where}, line {line}" if line else where
        ) from error

"""The little of TensorFlow that scripts written for ``tf.keras`` use. What is missing is an error that says so."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import omomi
from omomi.dialects import tf_keras
from omomi.dialects.hook import missing
from omomi.dialects.spellings import backend
from omomi.dialects.spellings.modules import GONE
from omomi.graph import functions

__version__ = "2.15.0"
float32, float64, int32, int64, uint8 = "float32", "float64", "int32", "int64", "uint8"

_BACKEND = backend.names()


def _served(name: str) -> ModuleType:
    return sys.modules.get(f"tensorflow.{name}", tf_keras)


keras = _served("keras")
random = SimpleNamespace(set_seed=omomi.set_seed, set_random_seed=omomi.set_seed)
math = SimpleNamespace(
    **{name: getattr(functions, name) for name in ("exp", "log", "sqrt", "square", "maximum", "minimum", "sin", "cos")},
    reduce_mean=_BACKEND["mean"],
    reduce_sum=_BACKEND["sum"],
)
nn = SimpleNamespace(
    relu=_BACKEND["relu"], softmax=_BACKEND["softmax"], sigmoid=_BACKEND["sigmoid"], tanh=_BACKEND["tanh"]
)
config = SimpleNamespace(
    list_physical_devices=lambda *_: [],
    experimental=SimpleNamespace(list_physical_devices=lambda *_: [], set_memory_growth=lambda *_: None),
)
compat = SimpleNamespace(v1=SimpleNamespace(logging=SimpleNamespace(set_verbosity=lambda *_: None, ERROR=40)))
logging = SimpleNamespace(set_verbosity=lambda *_: None, ERROR=40)
set_random_seed = omomi.set_seed
matmul, exp, sqrt, square, maximum, minimum = (
    getattr(functions, name) for name in ("matmul", "exp", "sqrt", "square", "maximum", "minimum")
)
abs, cast, reshape, transpose = (_BACKEND[name] for name in ("abs", "cast", "reshape", "transpose"))
reduce_mean, reduce_sum, reduce_max = (_BACKEND[name] for name in ("mean", "sum", "max"))
concat, expand_dims, clip_by_value = (_BACKEND[name] for name in ("concatenate", "expand_dims", "clip"))


def constant(value: Any, dtype: str = "float32", **_: Any) -> omomi.Variable:
    """An array that training does not move."""
    return omomi.Variable(np.asarray(value, dtype), requires_grad=False)


convert_to_tensor = constant
__getattr__ = missing("tensorflow", GONE)

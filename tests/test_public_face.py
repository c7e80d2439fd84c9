"""What users import: it is there, it is light, and its documented examples run."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

import omomi
from omomi.ops import RULES

HEAVY = ("numba", "llvmlite", "jax", "sklearn", "scipy", "matplotlib", "rich", "click", "pooch", "PIL", "starlette")


def test_every_public_name_exists_and_is_listed():
    assert sorted(omomi.__all__) == omomi.__all__
    for name in omomi.__all__:
        assert hasattr(omomi, name)
    public = {name for name in vars(omomi) if not name.startswith("_")}
    internal = {
        "cli",
        "comparison",
        "dialects",
        "engines",
        "files",
        "graph",
        "interop",
        "models",
        "ops",
        "training",
    }  # floors, reachable but not the face
    assert public - internal == set(omomi.__all__)


def test_the_names_of_the_design_are_there():
    for name in [
        "InputLayer",
        "Dense",
        "Activation",
        "Dropout",
        "Flatten",
        "Reshape",
        "Conv2D",
        "MaxPooling2D",
        "AveragePooling2D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "BatchNormalization",
        "PReLU",
        "LeakyReLU",
        "ELU",
        "ReLU",
        "Softmax",
        "Rescaling",
        "Embedding",
        "SimpleRNN",
        "LSTM",
        "GRU",
        "RepeatVector",
    ]:
        assert isinstance(getattr(omomi.layers, name), type)
    for name in [
        "SGD",
        "Momentum",
        "Nesterov",
        "Adagrad",
        "RMSprop",
        "Adadelta",
        "Adam",
        "AdamW",
        "Nadam",
        "Adamax",
        "Lion",
    ]:
        assert isinstance(getattr(omomi.optimizers, name), type)


def test_every_differentiable_rule_has_a_function():
    """What is a rule but no function is called by an operator, a layer or the graph itself."""
    others = {
        "getitem",  # x[…]
        "sum_to",  # the graph undoes broadcasting
        "prelu",
        "categorical_cross_entropy",  # losses from probabilities belong to compile()
        "sparse_categorical_cross_entropy",
        "sparse_softmax_cross_entropy",  # softmax_cross_entropy with class indices
        "log_cosh",
        "squared_hinge",
        "poisson",
        "binary_focal_cross_entropy",
        "categorical_focal_cross_entropy",
        "categorical_hinge",
        "cosine_similarity",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "identity",
    }
    missing = {n for n, r in RULES.items() if r.backward and not hasattr(omomi.functions, n)} - others
    assert not missing


@pytest.mark.parametrize(
    "module",
    [
        "activations",
        "callbacks",
        "functions",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "regularizers",
    ],
)
def test_the_parts_of_the_face_can_be_imported_from(module):
    found = importlib.import_module(f"omomi.{module}")
    assert found is getattr(omomi, module)
    assert [name for name in vars(found) if not name.startswith("_")]


def test_importing_omomi_is_light():
    code = f"import sys, omomi; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "omomi.classic.perceptron",
        "omomi.comparison.cross_validation",
        "omomi.datasets.py_dataset",
        "omomi.engines.selection",
        "omomi.graph.hooks",
        "omomi.graph.variable",
        "omomi.layers.layer",
        "omomi.models.model",
        "omomi.inspect.diagnosis",
        "omomi.inspect.learning_rate",
        "omomi.models.sequential",
        "omomi.training.checkpoints",
        "omomi.training.ledger",
        "omomi.training.metric",
        "omomi.training.optimizer",
        "omomi.training.schedules",
        "omomi.training.weight_averaging",
    ],
)
def test_the_examples_in_docstrings_run(module):
    results = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted > 0
    assert results.failed == 0

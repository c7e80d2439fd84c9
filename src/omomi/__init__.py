"""Omomi (重み, "weight"): deep learning whose mathematics can be read end to end.

import omomi
from omomi.layers import Dense

model = omomi.Sequential([Dense(400, activation="tanh", input_shape=(784,)), Dense(10, activation="softmax")])
model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=5)
"""

from omomi import activations as activations
from omomi import callbacks as callbacks
from omomi import classic as classic
from omomi import constraints as constraints
from omomi import datasets as datasets
from omomi import distributed as distributed
from omomi import errors as errors
from omomi import functions as functions
from omomi import initializers as initializers
from omomi import inspect as inspect
from omomi import layers as layers
from omomi import losses as losses
from omomi import metrics as metrics
from omomi import optimizers as optimizers
from omomi import regularizers as regularizers
from omomi import utils as utils
from omomi.comparison import compare as compare
from omomi.comparison.cross_validation import cross_validate as cross_validate
from omomi.comparison.cross_validation import k_fold as k_fold
from omomi.engines.selection import current as engine
from omomi.engines.selection import use as use
from omomi.graph.context import no_grad as no_grad
from omomi.graph.context import training_mode as training_mode
from omomi.graph.hooks import Hook as Hook
from omomi.graph.randomness import set_seed as set_seed
from omomi.graph.variable import Variable as Variable
from omomi.inspect.learning_rate import find_learning_rate as find_learning_rate
from omomi.interop import keras_files as _keras_files
from omomi.layers.input_layer import Input as Input
from omomi.layers.layer import Layer as Layer
from omomi.layers.precision import set_precision as set_precision
from omomi.layers.state import Buffer as Buffer
from omomi.layers.state import Parameter as Parameter
from omomi.models.cloning import clone_model as clone_model
from omomi.models.loading import load_model as load_model
from omomi.models.model import Model as Model
from omomi.models.sequential import Sequential as Sequential
from omomi.training.checkpoints import Checkpoints as Checkpoints
from omomi.training.history import History as History

_keras_files.register()

__version__ = "0.1.0"

__all__ = [
    "Buffer",
    "Checkpoints",
    "History",
    "Hook",
    "Input",
    "Layer",
    "Model",
    "Parameter",
    "Sequential",
    "Variable",
    "activations",
    "callbacks",
    "classic",
    "clone_model",
    "compare",
    "constraints",
    "cross_validate",
    "datasets",
    "distributed",
    "engine",
    "errors",
    "find_learning_rate",
    "functions",
    "initializers",
    "inspect",
    "k_fold",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "no_grad",
    "optimizers",
    "regularizers",
    "set_precision",
    "set_seed",
    "training_mode",
    "use",
    "utils",
]

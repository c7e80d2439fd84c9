"""Omomi with its compiled engine, and with the rules as they are written."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import numpy as np

import omomi
from benchmarks.contenders.contender import Epochs, Runner, Steps, Task, UnsupportedError
from benchmarks.networks import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    LayerSpec,
    MaxPool,
    Network,
    Rescaling,
)
from omomi import layers
from omomi.training.batches import Array, Batch
from omomi.training.loop import CompiledStep
from omomi.training.loop import Steps as CompiledSteps
from omomi.training.step import prediction_step, training_step


class Omomi:
    """The model as a user builds it; steps as ``fit`` and ``predict`` make them."""

    engine: str

    def __init__(self) -> None:
        omomi.use(self.engine)

    def versions(self) -> dict[str, str]:
        return {"omomi": omomi.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        return {"": lambda: self.build(task)}

    def build(self, task: Task) -> Runner:
        work = task.work
        model = compiled(task.network)
        model.set_weights([array for own in task.weights for array in own.values()])
        if work.kind == "epoch":
            return Epochs(lambda: model.fit(task.x, task.y, batch_size=work.batch, epochs=1, verbose=1), model.predict)
        batches = [(batch,) for batch in model.data(task.x, task.y, None, None, work.batch).epoch()]
        return OmomiSteps(model, batches, work.kind)


class OmomiSteps(Steps):
    """Single steps of training or prediction, as ``fit`` and ``predict`` run them."""

    def __init__(self, model: omomi.Model, batches: list[tuple[Batch]], kind: str) -> None:
        self.trainer, self.predictions = model.trainer(), CompiledSteps()
        self.kind, self.model = kind, model
        super().__init__(self.trainer.train_on_batch if kind == "train" else self.predict, batches, model.predict)

    def predict(self, batch: Batch) -> Array:
        return np.asarray(self.compiled_step()(batch)["y"])  # on the host, when it is there

    def compiled_step(self) -> CompiledStep:
        """The step, compiled by the engine."""
        if self.kind == "train":
            return self.trainer.steps.get(
                "train",
                lambda: training_step(self.model, self.trainer.objective, self.trainer.metrics, self.trainer.optimizer),
            )
        return self.predictions.get("predict", lambda: prediction_step(self.model))


class JaxSteps:
    """Single steps as ``fit`` runs them on the engine jax: the data stays on the device, and many make one call."""

    def __init__(self, model: omomi.Model, task: Task) -> None:
        self.model, self.trainer = model, model.trainer()
        self.data = model.data(task.x, task.y, None, None, task.work.batch)
        self.kept = self.data.kept()
        whole = len(task.x) // task.work.batch
        self.rows = np.arange(whole * task.work.batch, dtype=np.int32).reshape(whole, -1)

    def run(self, count: int) -> None:
        groups, rest = divmod(count, len(self.rows))
        for _ in range(groups):
            self.trainer.train_on_group(self.data, self.rows, self.kept)
        for number in range(rest):
            self.trainer.train_on_group(self.data, self.rows[number : number + 1], self.kept)

    def outputs(self, x: Array) -> Array:
        return self.model.predict(x)


class Jax(Omomi):
    engine = "jax"

    def versions(self) -> dict[str, str]:
        device = omomi.engine().devices()[0]
        return {"omomi": omomi.__version__, "jax": version("jax"), "device": f"{device.platform} {device.kind}"}

    def build(self, task: Task) -> Runner:
        if task.work.kind != "train":
            return super().build(task)
        model = compiled(task.network)
        model.set_weights([array for own in task.weights for array in own.values()])
        return JaxSteps(model, task)


class Numba(Omomi):
    engine = "numba"


class Reference(Omomi):
    engine = "numpy"

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if task.work.flops > 1e11:
            raise UnsupportedError("would take minutes; its single steps are measured")
        return super().variants(task)


def compiled(network: Network) -> omomi.Sequential:
    """The model, compiled."""
    rate = network.rate
    optimizer = omomi.optimizers.Adam(rate) if network.optimizer == "adam" else omomi.optimizers.SGD(rate)
    model = omomi.Sequential([layers.Input(network.input_shape), *(layer_of(spec) for spec in network.layers)], seed=0)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def layer_of(spec: LayerSpec) -> omomi.Layer:
    """One layer."""
    match spec:
        case Rescaling():
            return layers.Rescaling(spec.scale)
        case Conv():
            return layers.Conv2D(
                spec.filters, spec.size, padding=spec.padding, activation=spec.activation, use_bias=spec.bias
            )
        case BatchNorm():
            return layers.BatchNormalization(momentum=spec.momentum, epsilon=spec.epsilon)
        case Activation():
            return layers.Activation(spec.name)
        case MaxPool():
            return layers.MaxPooling2D(2)
        case Dropout():
            return layers.Dropout(spec.rate)
        case Flatten():
            return layers.Flatten()
        case Dense():
            return layers.Dense(spec.units, activation=spec.activation)

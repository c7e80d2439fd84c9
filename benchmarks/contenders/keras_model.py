"""Keras: the model and ``fit`` are the same on each of its backends; how a single step is called is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import keras

from benchmarks.contenders.contender import Epochs, Runner, Steps, Task, host
from benchmarks.networks import (
    Activation,
    Array,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    LayerSpec,
    MaxPool,
    Network,
    Rescaling,
    Weights,
)

# What varies between runs of one backend: whether XLA compiles the step, and where the channels stand.
Way = tuple[str | bool, str]


class KerasOn:
    """What the backends share. A backend says which ways it has, and how it runs one step."""

    ways: ClassVar[dict[str, Way]]

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        images = len(task.network.input_shape) == 3
        # Where there are no images, it makes no difference where the channels stand.
        ways = {words: way for words, way in self.ways.items() if images or way[1] == "channels_last"}
        return {words: lambda way=way: self.build(task, *way) for words, way in ways.items()}  # type: ignore[misc]

    def build(self, task: Task, jit: str | bool, image_format: str) -> Runner:
        work = task.work
        model = compiled(task.network, task.weights, jit, image_format)

        def placed(x: Array) -> Array:
            first = image_format == "channels_first" and x.ndim == 4
            return x.transpose(0, 3, 1, 2).copy() if first else x

        def outputs(x: Array) -> Array:
            return host(model.predict(placed(x), verbose=0))

        if work.kind == "epoch":
            x = placed(task.x)
            return Epochs(lambda: model.fit(x, task.y, batch_size=work.batch, epochs=1, verbose=1), outputs)
        batches = [(placed(x), y) for x, y in task.batches()]
        if work.kind == "predict":
            return self.predicting(model, [x for x, _ in batches], outputs, bool(jit))
        return self.training(model, batches, outputs)

    def training(self, model: Any, batches: list[tuple[Array, Array]], outputs: Callable[[Array], Array]) -> Steps:
        """Single steps of training, in the way that ``fit`` runs them."""
        raise NotImplementedError

    def predicting(self, model: Any, batches: list[Array], outputs: Callable[[Array], Array], jit: bool) -> Steps:
        """Single steps of inference."""
        raise NotImplementedError


def compiled(network: Network, weights: Weights, jit: str | bool, image_format: str) -> Any:
    """The model with these weights, compiled."""
    keras.config.set_image_data_format(image_format)
    shape = network.input_shape
    if image_format == "channels_first" and len(shape) == 3:
        shape = (shape[2], *shape[:2])
    layers = [layer_of(spec, image_format) for spec in network.layers]
    model = keras.Sequential([keras.Input(shape), *layers])
    for layer, own in zip(layers, weights, strict=True):
        if own:
            layer.set_weights(list(own.values()))
    rate = network.rate
    optimizer = keras.optimizers.Adam(rate) if network.optimizer == "adam" else keras.optimizers.SGD(rate)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    return model


def layer_of(spec: LayerSpec, image_format: str) -> Any:
    """One layer."""
    layers = keras.layers
    match spec:
        case Rescaling():
            return layers.Rescaling(spec.scale)
        case Conv():
            return layers.Conv2D(
                spec.filters, spec.size, padding=spec.padding, activation=spec.activation, use_bias=spec.bias
            )
        case BatchNorm():
            axis = 1 if image_format == "channels_first" else -1
            return layers.BatchNormalization(axis=axis, momentum=spec.momentum, epsilon=spec.epsilon)
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

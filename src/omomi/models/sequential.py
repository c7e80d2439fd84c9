"""Sequential: layers one after another."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from omomi.errors import ConfigurationError
from omomi.graph.context import context, placed
from omomi.graph.randomness import seed_number
from omomi.layers.embedding import Embedding
from omomi.layers.input_layer import InputLayer
from omomi.layers.inputs import single
from omomi.layers.layer import Layer, Shape
from omomi.layers.registry import MODELS, deserialize, serialize
from omomi.layers.symbolic import Call, Symbolic
from omomi.models.model import Model
from omomi.training.batches import as_data


class Sequential(Model):
    """A model whose layers follow one another.

    Args:
        layers: the layers; the first may be an :class:`omomi.layers.Input`, or carry ``input_shape=``. Then the
            model is built at once; otherwise when it first sees data.
        name: of the model.
        seed: of its initial weights, masks and shuffles. Without one, that of :func:`omomi.set_seed`; without that,
            one from NumPy's global generator.

    Example:
        >>> import omomi
        >>> model = omomi.Sequential([omomi.layers.Dense(3, input_shape=(2,))], seed=0)
        >>> model.count_params()
        9
    """

    def __init__(
        self, layers: Iterable[Layer] = (), *, name: str | None = None, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(name=name, seed=seed, **options)
        self._own_calls: list[Call] = []  # those of its layers on symbolic tensors that it made itself
        for layer in layers:
            self._append(layer)
        self._build_if_known()

    def add(self, layer: Layer) -> None:
        """Append a layer."""
        self._append(layer)
        self._build_if_known()

    def pop(self) -> Layer:
        """Take the last layer off."""
        if not self._children:
            raise ConfigurationError("there is no layer to take off.", where=self.where)
        _, layer = self._children.popitem()
        layer._around = None
        self.given_input_shape = self.given_input_shape if self._children else None
        self.built_for = self.built_for if self._children else None
        self._changed()
        self._build_if_known()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, Symbolic) and layer.call is not None and layer.call.inputs is None:
            layer = layer.call.layer  # what Input(shape) gave
        if not isinstance(layer, Layer):
            raise ConfigurationError(
                "a Sequential is made of layers.",
                where=self.where,
                received=repr(layer),
                fix="an instance, such as Dense(10), not the class" if isinstance(layer, type) else None,
            )
        if any(layer is known for known in self._children.values()):
            raise ConfigurationError("this layer is in the model already.", where=self.where, received=layer.name)
        key = layer._explicit_name or self._free_key(layer)
        if key in self._children:
            raise ConfigurationError(
                f"two layers are named {key!r}.", where=self.where, fix="names are unique inside a model"
            )
        if not self._children and layer.given_input_shape is not None:
            self.given_input_shape = layer.given_input_shape
        self.register(key, layer)
        layer._around = weakref.ref(self)
        self._changed()

    def _free_key(self, layer: Layer) -> str:
        """The kind of the layer, with a number from the second one on: dense, dense_1, dense_2."""
        kind = layer.default_name()
        if kind not in self._children:
            return kind
        number = 1
        while f"{kind}_{number}" in self._children:
            number += 1
        return f"{kind}_{number}"

    def _changed(self) -> None:
        self.built, self._output_shape, self._trainer, self._symbols = False, None, None, None
        self._steps.clear()
        for call in self._own_calls:
            call.layer._calls.remove(call)
        self._own_calls = []

    def _build_if_known(self) -> None:
        known = self.given_input_shape
        if known is None and self._children and self.built_for is not None and single(self.built_for):
            known = self.built_for[1:]  # it was built for data before a layer came or went
        if known is not None and None not in known:
            self.build_from((None, *known))

    def given_inputs(self, x: Any) -> Any:
        return as_data(x, "x")

    def taken(self, inputs: Any) -> Any:
        return inputs

    def fit_to(self, x: Any) -> None:
        super().fit_to(x)
        first: Any = self
        while isinstance(first, Sequential) and first.layers:
            first = first.layers[0]
        if isinstance(first, Embedding):
            first.check_values(x)

    def _drawn(self) -> tuple[Any, Any]:
        if self._symbols is None and self.built and single(self.built_for):
            layers = list(self._children.values())
            begin = layers[0] if layers else None
            if not isinstance(begin, InputLayer):
                begin = InputLayer(batch_shape=(None, *self.built_for[1:]), dtype=self._explicit_dtype)
            start = x = begin.begin()
            for layer in layers[layers[:1] == [begin] :]:
                x = layer(x)
                self._own_calls.append(layer._calls[-1])
            self._symbols = (start, x)
        return super()._drawn()

    def build_from(self, input_shape: Shape) -> None:
        """Build all layers for inputs of this shape (batch first)."""
        self.build_at("", input_shape, seed_number(self.own_draws()))

    def build(self, input_shape: Shape) -> None:
        draws = context.draws or self.own_draws()
        outer = f"{context.path}/" if context.path else ""
        for key, layer in self._children.items():
            with placed(outer + key, self.dtype or context.dtype, draws):
                layer.build_at(context.path, input_shape, seed_number(draws))
                input_shape = layer.compute_output_shape(input_shape)
        self._output_shape = (None, *input_shape[1:])

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_own_calls": []}

    def call(self, inputs: Any) -> Any:
        for layer in self._children.values():
            inputs = layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for layer in self._children.values():
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        layers = [serialize(layer) for layer in self._children.values()]
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable, "layers": layers}
        if self._explicit_dtype is not None:
            config["dtype"] = self._explicit_dtype
        if self.precision != "float32":
            config["precision"] = self.precision
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Sequential:
        options = {key: value for key, value in config.items() if key not in {"layers", "trainable"}}
        model = cls([deserialize(entry, custom_objects) for entry in config["layers"]], **options)
        model._trainable = bool(config.get("trainable", True))  # each layer has a switch of its own, and keeps it
        return model


MODELS.update(Model=Model, Sequential=Sequential)  # models are layers of other models

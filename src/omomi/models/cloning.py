"""A model of the same layers with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omomi.errors import ConfigurationError
from omomi.graph.structure import mapped, places
from omomi.layers.input_layer import InputLayer
from omomi.layers.layer import Layer
from omomi.layers.registry import deserialize, serialize
from omomi.layers.symbolic import Symbolic
from omomi.models.model import Model
from omomi.models.network import Node
from omomi.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    seed: int | None = None,
) -> Model:
    """A model with the same layers and connections, whose weights are drawn anew. It is not compiled.

    Args:
        model: a Sequential, or a model of symbolic tensors.
        input_tensors: symbolic tensors to begin from instead of new inputs, in the structure of the model's inputs.
        clone_function: from each layer to the one that stands for it; a copy from its configuration unless given. Where
            it returns the layer itself, the two models share it.
        seed: of the new weights; that of :func:`omomi.set_seed`, or one that is drawn, unless given.

    Raises:
        ConfigurationError: it is neither of these, or a clone is no layer.

    Example:
        >>> import omomi
        >>> model = omomi.Sequential([omomi.layers.Dense(3, input_shape=(2,))], seed=0)
        >>> bool((omomi.clone_model(model, seed=1).get_weights()[0] == model.get_weights()[0]).any())
        False
    """
    make = clone_function or copied
    if isinstance(model, Sequential):
        clones = [cloned(layer, make) for layer in model.children.values() if not isinstance(layer, InputLayer)]
        begins = [layer for layer in model.children.values() if isinstance(layer, InputLayer)]
        options = {**described(model), "seed": seed}
        if input_tensors is not None:
            x = input_tensors
            for layer in clones:
                x = layer(x)
            return Model(input_tensors, x, **options)
        clone: Model = Sequential([*(copied(begin) for begin in begins), *clones], **options)
        if model.built and not clone.built:
            clone.build_from(model.input_shape)  # type: ignore[attr-defined]
        return clone
    network = model._network
    if network is None:
        raise ConfigurationError(
            "only a model whose connections are known can be cloned.",
            where=model.where,
            expected="a Sequential, or Model(inputs, outputs)",
            received=type(model).__name__,
            fix="copy.deepcopy(model), or make another one from its class",
        )
    clones_by_key: dict[str, Any] = {
        key: copied(layer) if isinstance(layer, InputLayer) else cloned(layer, make)
        for key, layer in network.layers.items()
    }
    begun = mapped(lambda name: clones_by_key[name].begin(), network.given([port.layer.name for port in network.ports]))
    if input_tensors is not None:
        begun = input_tensors
        if len(places(begun)) != len(network.ports) or not all(isinstance(t, Symbolic) for t in places(begun).values()):
            raise ConfigurationError(
                "input_tensors are symbolic tensors, one for each input.",
                where="clone_model",
                expected=", ".join(map(repr, model.input_names)),
                received=repr(input_tensors)[:80],
            )

    def call(node: Node, inputs: Any, args: Any, kwargs: Any) -> Any:
        return clones_by_key[node.key](inputs, *args, **kwargs)

    outputs = network.run(list(places(begun).values()), call)
    return type(model)(inputs=begun, outputs=outputs, **described(model), seed=seed)


def cloned(layer: Layer, make: Callable[[Layer], Any]) -> Layer:
    """What stands for a layer in the clone."""
    clone = make(layer)
    if not isinstance(clone, Layer):
        raise ConfigurationError(
            "clone_function returns a layer.", where="clone_model", received=f"{type(clone).__name__} for {layer!r}"
        )
    return clone


def copied(layer: Layer) -> Any:
    """A layer of the same configuration; a model inside is cloned too."""
    if isinstance(layer, Model):
        return clone_model(layer)
    own = {type(part).__name__: type(part) for _, part in layer.walk()}
    return deserialize(serialize(layer), own)


def described(model: Model) -> dict[str, Any]:
    """The options of a model that its clone has too."""
    options: dict[str, Any] = {"name": model._explicit_name, "dtype": model._explicit_dtype}
    return {**options, "precision": model.precision, "trainable": model.trainable}

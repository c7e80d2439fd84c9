"""How the layers of a model are connected: by ``call``, or by what lies between symbolic inputs and outputs."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np

from omomi.engines.engine import floating
from omomi.errors import ConfigurationError, NotBuiltError, UnknownNameError
from omomi.graph.context import context, no_grad, training_mode
from omomi.graph.structure import first, mapped, places
from omomi.graph.variable import Variable
from omomi.layers.embedding import Embedding
from omomi.layers.input_layer import InputLayer
from omomi.layers.inputs import single
from omomi.layers.layer import Layer
from omomi.layers.registry import deserialize, serialize
from omomi.layers.symbolic import Call, Spec, Symbolic, inferred, mapped_within, sketching
from omomi.models.matching import check_fits, check_samples, inputs_of, ordered, outputs_of, ports_of, variables
from omomi.models.network import Network, Node, Port, Ref, network_of, read, written
from omomi.training.objective import Output

OPTIONS = ("name", "trainable", "seed")  # of a model, which its own constructor need not take


class Connected(Layer):
    """The part of a model that knows its layers, inputs and outputs.

    Args:
        inputs, outputs: symbolic tensors, one or several as a list or a dictionary; what lies between them becomes
            the model's layers. Without them, ``call`` says how the layers are connected.
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self._output_shape: Any = None  # a tuple; of several outputs a list or dictionary of tuples
        self._network: Network | None = None
        self._symbols: tuple[Any, Any] | None = None  # the symbolic inputs and outputs
        if inputs is not None or outputs is not None:
            if inputs is None or outputs is None:
                raise ConfigurationError(
                    "a model of symbolic tensors has inputs and outputs.",
                    where=self.where,
                    received="outputs alone" if inputs is None else "inputs alone",
                )
            self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        """Take the layers between symbolic tensors, and draw the numbers that they do not have yet."""
        network = self._network = network_of(inputs, outputs, self.where)
        self._symbols = (inputs, outputs)
        for key, layer in network.layers.items():
            self._children[key] = layer
            if layer._key is None:
                layer._key = key
        self.adopt()
        found = {layer.dtype for layer in network.layers.values() if layer.entries() and layer.dtype is not None}
        if self.dtype is not None and found - {self.dtype}:
            raise ConfigurationError(
                "the layers of this network have another dtype already.",
                where=self.where,
                expected=f"dtype {self.dtype}",
                received=", ".join(sorted(found)),
                fix=f"Input(…, dtype={self.dtype!r}): layers take the dtype of what they are called on",
            )
        if self.dtype is None:
            dtypes = [np.dtype(port.layer.data_dtype) for port in network.ports]
            self.dtype = next((dtype.name for dtype in dtypes if floating(dtype)), "float32")
        self._output_shape = mapped(lambda t: t.shape, outputs)
        self.built, self.built_for = True, network.given([port.shape for port in network.ports])
        if len(network.ports) == 1 and network.form == "":
            self.given_input_shape = network.ports[0].shape[1:]
        if any(layer._provisional for layer in network.layers.values()):
            self._own_seed()
            assert self.seed is not None
            self.draw_numbers("", self.seed)
        if not self._trainable:
            self.trainable = False

    # ---- inputs and outputs -----------------------------------------------------------------------------------

    def _drawn(self) -> tuple[Any, Any]:
        """The symbolic inputs and outputs."""
        if self._symbols is None:
            if self._network is None:
                raise NotBuiltError(
                    "this model has no symbolic inputs and outputs.",
                    where=self.where,
                    expected="a Model(inputs, outputs), or a Sequential whose input shape is known",
                )
            self._symbols = self._network.redrawn()
        return self._symbols

    def trace(self) -> None:
        """Let the layers know their symbolic inputs and outputs, where a copy does not."""
        if self._network is not None or self.built:
            self._drawn()

    def adopt(self) -> None:
        """Let the layers know where to ask for their symbolic inputs and outputs."""
        for layer in self._children.values():
            if layer._around is None:
                layer._around = weakref.ref(self)

    @property
    def input(self) -> Any:
        """The symbolic input; of several, a list or dictionary of them."""
        return self._drawn()[0]

    @property
    def output(self) -> Any:
        """The symbolic output; of several, a list or dictionary of them."""
        return self._drawn()[1]

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, as a list."""
        return list(places(self.input).values())

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs, as a list."""
        return list(places(self.output).values())

    @property
    def ports(self) -> tuple[Port, ...]:
        """The inputs of a model of symbolic tensors, with their names and shapes."""
        return () if self._network is None else self._network.ports

    @property
    def input_names(self) -> list[str]:
        """How data may name the inputs."""
        return [port.name for port in self.ports]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, the batch (``None``) first; of several inputs, a list or dictionary of shapes."""
        if self.built_for is None:
            raise NotBuiltError("the model has not been built.", where=self.where, fix="call the model on data once")
        if self._network is not None or not single(self.built_for):
            return self.built_for
        return (None, *self.built_for[1:])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, the batch (``None``) first; of several outputs, a list or dictionary of shapes."""
        if self._output_shape is None:
            raise NotBuiltError(
                "the model has not been built.",
                where=self.where,
                fix="give the first layer an input_shape, or call the model on data once",
            )
        return self._output_shape

    @property
    def model_outputs(self) -> list[Output]:
        """The outputs, with their names and shapes."""
        shapes, network = self.output_shape, self._network
        if network is None or isinstance(network.outputs, Mapping):
            return outputs_of(shapes)
        labels: list[str] = []
        for ref in places(network.outputs).values():
            wanted = name = network.name_of(ref)
            number = 1
            while name in labels:
                name, number = f"{wanted}_{number}", number + 1
            labels.append(name)
        return outputs_of(shapes, labels)

    @property
    def output_names(self) -> list[str]:
        """How ``compile``, targets and logs call the outputs."""
        return [output.name for output in self.model_outputs]

    # ---- layers -----------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, in order. In a Sequential, an Input, which computes nothing, is none of them."""
        return list(self.named_layers.values())

    @property
    def named_layers(self) -> dict[str, Layer]:
        """The same by the names that they have in this model."""
        if self._network is not None:
            return dict(self._children)
        return {layer.name: layer for layer in self._children.values() if not isinstance(layer, InputLayer)}

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or position.

        Raises:
            UnknownNameError: no layer of that name; the message names the nearest.
            ConfigurationError: no layer at that position, or neither is given.
        """
        if index is not None and name is None:
            layers = self.layers
            if not -len(layers) <= index < len(layers):
                raise ConfigurationError(
                    "there is no layer at this position.",
                    where=self.where,
                    expected=f"0 … {len(layers) - 1}",
                    received=f"index={index}",
                )
            return layers[index]
        if index is not None or not isinstance(name, str):
            raise ConfigurationError(
                "a layer is found by its name or by its index.",
                where=self.where,
                received=f"name={name!r}, index={index!r}",
                fix=f"get_layer(index={name})" if isinstance(name, int) else None,
            )
        by_name = self.named_layers
        if name not in by_name:
            raise UnknownNameError("layer", name, by_name, where=self.where)
        return by_name[name]

    def replace_layer(self, key: str, layer: Layer) -> None:
        """Let another layer with weights of the same shapes stand where this one does: they are shared from then on."""
        self._children[key] = layer
        if self._network is not None:
            self._network = self._network.replaced(key, layer)
            self._symbols = None

    # ---- data and building ------------------------------------------------------------------------------------

    def given_inputs(self, x: Any) -> Any:
        """Inputs as users give them, as arrays in the structure that ``call`` takes."""
        return inputs_of(x) if self._network is None else ports_of(x, self._network.ports, self.where)

    def taken(self, inputs: Any) -> Any:
        """What the model is called with, several inputs as Variables."""
        if self._network is None:
            return variables(inputs)
        found = ordered(inputs, self._network.ports, self.where)
        return found[0] if len(found) == 1 else variables(found)

    def fit_to(self, x: Any) -> None:
        """Check that samples like those of ``x`` fit, and build the model for them if it is not built yet.

        Raises:
            ShapeError: they do not fit.
        """
        if self.given_input_shape is not None:
            check_samples(first(x), self.given_input_shape, self.where)
        else:
            for port, array in zip(self.ports, places(x).values(), strict=bool(self.ports)):
                check_samples(array, port.shape[1:], self.where, f"x of input {port.name!r}")
        if self._output_shape is None:
            self.try_on(mapped(lambda array: array[:1], x))
        for node in () if self._network is None else self._network.nodes:
            for number, array in enumerate(places(x).values()):
                if isinstance(node.layer, Embedding) and node.inputs == Ref(-1, f"[{number}]"):
                    node.layer.check_values(array)

    def try_on(self, x: Any) -> None:
        """Build the model by calling it once, untrained and unrecorded, on samples that show their shape."""
        with no_grad(), training_mode(False), np.errstate(all="ignore"):  # only the shape counts
            y = self(x)
        if not places(y) or not all(isinstance(part, Variable) for part in places(y).values()):
            raise ConfigurationError(
                "call() returns one Variable, or a list or dictionary of Variables.",
                where=self.where,
                received=type(y).__name__,
            )
        self._output_shape = mapped(lambda part: (None, *part.shape[1:]), y)

    def _check(self, shape: Any) -> None:
        if self._network is None:
            super()._check(shape)
        else:
            check_fits(shape, self._network.ports, self.where)

    # ---- computing --------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        if self._network is None:
            raise NotImplementedError(f"{type(self).__name__} has no call(), and was not given inputs and outputs")
        return self._network.run(list(places(inputs).values()), called)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._network is None:
            return super().compute_output_shape(input_shape)
        shapes = [input_shape] if single(input_shape) else list(places(input_shape).values())
        check_fits(shapes if len(shapes) > 1 else shapes[0], self._network.ports, self.where)
        if all(tuple(s) == p.shape for s, p in zip(shapes, self._network.ports, strict=True)):
            return self._output_shape
        begun = [
            Symbolic(tuple(shape), port.layer.data_dtype, None)
            for shape, port in zip(shapes, self._network.ports, strict=True)
        ]
        with sketching(self.dtype or context.dtype):
            found = self._network.run(begun, shape_after)
        return mapped(lambda t: t.shape, found)

    # ---- as plain values --------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected, as plain values.

        Raises:
            ConfigurationError: a value that a layer is called with has no plain form.
        """
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable}
        if self._explicit_dtype is not None:
            config["dtype"] = self._explicit_dtype
        if self.precision != "float32":
            config["precision"] = self.precision
        network = self._network
        if network is None:
            return super().get_config()
        described = []
        for key, layer in network.layers.items():
            entry = serialize(layer)
            entry["config"]["name"] = key
            described.append(entry)
        return {
            **config,
            "layers": described,
            "inputs": network.given([port.layer.name for port in network.ports]),
            "calls": [
                {
                    "layer": node.key,
                    "inputs": written(node.inputs),
                    "args": written(node.args),
                    "kwargs": written(node.kwargs),
                }
                for node in network.nodes
            ],
            "outputs": written(network.outputs),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model that :meth:`get_config` described, with fresh weights."""
        if "calls" not in config:
            return with_options(cls, config)
        layers: dict[str, Any] = {}
        for entry in config["layers"]:
            layer = deserialize(entry, custom_objects)
            layers[layer.name] = layer
        names = config["inputs"]
        begun = mapped(lambda name: layers[name].begin(), names)
        ports = tuple(Port(name, layers[name]) for name in places(names).values())
        nodes = tuple(
            Node(layers[c["layer"]], c["layer"], read(c["inputs"]), tuple(read(c["args"])), read(c["kwargs"]))
            for c in config["calls"]
        )
        sketch = Network(ports, "", layers, nodes, read(config["outputs"]), {})
        outputs = sketch.run(list(places(begun).values()), called_again)
        apart = ("layers", "inputs", "calls", "outputs", "trainable")
        options = {key: value for key, value in config.items() if key not in apart}
        model = cls(inputs=begun, outputs=outputs, **options)
        model._trainable = bool(config.get("trainable", True))  # each layer has a switch of its own, and keeps it
        return model


def with_options(kind: Any, config: dict[str, Any]) -> Any:
    """A model of one's own; options that its constructor does not take are set afterwards."""
    known = signature(kind).parameters
    takes_all = any(p.kind is Parameter.VAR_KEYWORD for p in known.values())
    later = {} if takes_all else {name: config[name] for name in OPTIONS if name in config and name not in known}
    model = kind(**{name: value for name, value in config.items() if name not in later})
    for name, value in later.items():
        setattr(model, {"name": "_explicit_name"}.get(name, name), value)
    return model


def called(node: Node, inputs: Any, args: Any, kwargs: Any) -> Any:
    """A node of a network computed, its layer under the name that it has there."""
    context.key = None if node.layer._key == node.key else node.key
    return node.layer(inputs, *args, **kwargs)


def called_again(node: Node, inputs: Any, args: Any, kwargs: Any) -> Any:
    """A node of a network drawn up anew."""
    return node.layer(inputs, *args, **kwargs)


def shape_after(node: Node, inputs: Any, args: Any, kwargs: Any) -> Any:
    """A node of a network drawn up without leaving a trace, for other shapes."""
    call = Call(node.layer, inputs, args, kwargs)
    return mapped_within(lambda found: Symbolic(found.shape, found.dtype), inferred(call), Spec)

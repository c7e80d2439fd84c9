"""A network of layers: what lies between symbolic inputs and outputs, in an order in which it can be computed.

It is kept flat, as a list of calls that refer to one another by number: so it is copied, saved and walked without
recursion, however deep it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omomi.errors import ConfigurationError
from omomi.graph.structure import places
from omomi.layers.input_layer import InputLayer
from omomi.layers.layer import Layer, Shape
from omomi.layers.symbolic import Call, Symbolic, mapped_within, symbols


@dataclass(frozen=True)
class Ref:
    """One of the values of a network: an output of a call. Call −1 is what comes in.

    Attributes:
        call: its number.
        place: which of its outputs; see :mod:`omomi.graph.structure`. Of what comes in, "[0]", "[1]", ….
    """

    call: int
    place: str


@dataclass(frozen=True)
class Node:
    """One call of a layer in a network.

    Attributes:
        layer: what is called.
        key: its name in this network.
        inputs, args, kwargs: with what: plain values, and :class:`Ref` where values of the network stand.
    """

    layer: Layer
    key: str
    inputs: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def reads(self) -> list[Ref]:
        """The values that it reads."""
        found: list[Ref] = []
        mapped_within(found.append, (self.inputs, self.args, self.kwargs), Ref)
        return found


@dataclass(frozen=True)
class Port:
    """One input of a network: the name that data may be given by, and what fits."""

    name: str
    layer: InputLayer

    @property
    def shape(self) -> Shape:
        return self.layer.batch_shape


@dataclass(frozen=True)
class Network:
    """The calls between inputs and outputs.

    Attributes:
        ports: the inputs, in order.
        form: what the inputs were given as: one tensor (""), a list ("["), or a dictionary ("/").
        layers: all layers by key, in order, the inputs among them.
        nodes: the calls, in an order in which they can be computed.
        outputs: what comes out: one :class:`Ref`, or a list or dictionary of them.
        shapes: of every value, the batch first.
    """

    ports: tuple[Port, ...]
    form: str
    layers: dict[str, Layer]
    nodes: tuple[Node, ...]
    outputs: Any
    shapes: dict[Ref, Shape]

    def run(self, inputs: Sequence[Any], call: Any) -> Any:
        """Compute.

        Args:
            inputs: one value for each input.
            call: calls a node's layer: ``call(node, inputs, args, kwargs)``.
        """
        values: dict[Ref, Any] = {Ref(-1, f"[{number}]"): value for number, value in enumerate(inputs)}

        def filled(template: Any) -> Any:
            return mapped_within(values.__getitem__, template, Ref)

        for number, node in enumerate(self.nodes):
            found = call(node, filled(node.inputs), filled(node.args), filled(node.kwargs))
            for place, value in places(found).items():
                values[Ref(number, place)] = value
        return filled(self.outputs)

    def sources(self) -> dict[str, tuple[str, ...]]:
        """For each layer the names of those that it reads, in all its calls."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            known = found.setdefault(node.key, [])
            for ref in node.reads():
                name = self.name_of(ref)
                if name not in known:
                    known.append(name)
        return {key: tuple(names) for key, names in found.items()}

    def name_of(self, ref: Ref) -> str:
        """The layer that makes a value."""
        return self.ports[int(ref.place[1:-1])].layer.name if ref.call < 0 else self.nodes[ref.call].key

    def redrawn(self) -> tuple[Any, Any]:
        """Symbolic inputs and outputs of these layers, as if the network were drawn up again."""
        for layer in self.layers.values():
            layer._calls.clear()
        begun = [port.layer.begin() for port in self.ports]

        def call(node: Node, inputs: Any, args: Any, kwargs: Any) -> Any:
            return node.layer(inputs, *args, **kwargs)

        return self.given(begun), self.run(begun, call)

    def replaced(self, key: str, layer: Layer) -> Network:
        """The same network with another layer under this name."""
        nodes = tuple(replace(node, layer=layer) if node.key == key else node for node in self.nodes)
        return replace(self, layers={**self.layers, key: layer}, nodes=nodes)

    def given(self, values: Sequence[Any]) -> Any:
        """One value for each input, in the structure in which the inputs were given."""
        if self.form == "":
            return values[0]
        return dict(zip([p.name for p in self.ports], values, strict=True)) if self.form == "/" else list(values)


def network_of(inputs: Any, outputs: Any, where: str) -> Network:
    """The network between these symbolic tensors.

    Raises:
        ConfigurationError: something is no symbolic tensor; an output depends on an input that is not among these; an
            input is not used; or two layers have one name.
    """
    check_tensors(inputs, "input", where)
    check_tensors(outputs, "output", where)
    starts = list(places(inputs).values())
    if len({id(t) for t in starts}) < len(starts):
        raise ConfigurationError("the same tensor is an input twice.", where=where, received=repr(starts))
    calls, first_seen = calls_between(starts, list(places(outputs).values()), where)
    read = {id(t) for call in calls for t in call.tensors()} | {id(t) for t in places(outputs).values()}
    for tensor in starts:
        if id(tensor) not in read:
            raise ConfigurationError(
                "no output depends on this input.",
                where=where,
                expected="every input used",
                received=repr(tensor),
                fix="leave it out of inputs, or connect it",
            )
    begins = [begin_of(tensor) for tensor in starts]
    depth = depths(calls, starts)
    calls.sort(key=lambda call: -depth[id(call)])
    ranked: dict[int, tuple[int, int, Layer]] = {}
    for call in calls:
        rank = (-depth[id(call)], first_seen[id(call.layer)], call.layer)
        ranked[id(call.layer)] = min(ranked.get(id(call.layer), rank), rank, key=lambda r: r[:2])
    deepest = {id(t): max((depth[id(c)] + 1 for c in calls if t in c.tensors()), default=0) for t in starts}
    for tensor, begin in zip(starts, begins, strict=True):
        seen = first_seen.get(id(begin), len(first_seen))
        ranked[id(begin)] = (-deepest[id(tensor)], seen, begin)
    ordered = [layer for _, _, layer in sorted(ranked.values(), key=lambda r: r[:2])]
    keys = named(ordered, where)

    refs = {id(tensor): Ref(-1, f"[{number}]") for number, tensor in enumerate(starts)}
    shapes = {refs[id(tensor)]: tensor.shape for tensor in starts}
    nodes: list[Node] = []
    for number, call in enumerate(calls):
        template = mapped_within(lambda t: refs[id(t)], (call.inputs, call.args, call.kwargs), Symbolic)
        nodes.append(Node(call.layer, keys[id(call.layer)], *template))
        for place, tensor in places(call.outputs).items():
            refs.setdefault(id(tensor), Ref(number, place))
            shapes[Ref(number, place)] = tensor.shape
    form = next(iter(places(inputs)))[:1]
    labels = [place[1:] for place in places(inputs)] if form == "/" else [keys[id(begin)] for begin in begins]
    ports = tuple(Port(label, begin) for label, begin in zip(labels, begins, strict=True))
    return Network(
        ports,
        form,
        {keys[id(layer)]: layer for layer in ordered},
        tuple(nodes),
        mapped_within(lambda t: refs[id(t)], outputs, Symbolic),
        shapes,
    )


def check_tensors(tensors: Any, what: str, where: str) -> None:
    """Raise unless these are symbolic tensors."""
    each = places(tensors).values()
    for tensor in each:
        if not isinstance(tensor, Symbolic):
            layer = isinstance(tensor, Layer)
            raise ConfigurationError(
                f"an {what} of a model is a symbolic tensor.",
                where=where,
                expected="what omomi.Input(shape) gives, and what layers make of it",
                received=repr(tensor)[:80] if not isinstance(tensor, type) else tensor.__name__,
                fix=f"call the layer: {tensor.name}(x)" if layer else None,
            )
    if not each:
        raise ConfigurationError(f"a model has an {what}.", where=where, received="none")


def calls_between(
    starts: Sequence[Symbolic], ends: Sequence[Symbolic], where: str
) -> tuple[list[Call], dict[int, int]]:
    """The calls that make the ends out of the starts, each after those that it reads; and, for each layer, when the
    way back from the outputs first came by it."""
    begun = {id(t) for t in starts}
    done: set[int] = set()
    first_seen: dict[int, int] = {}
    order: list[Call] = []
    for end in ends:
        stack: list[tuple[Symbolic, bool]] = [(end, False)]
        while stack:
            tensor, returning = stack.pop()
            call = tensor.call
            assert call is not None
            if returning:
                if id(call) not in done:
                    done.add(id(call))
                    order.append(call)
                continue
            first_seen.setdefault(id(call.layer), len(first_seen))
            if id(tensor) in begun or id(call) in done:
                continue
            if call.inputs is None:
                names = [t.call.layer.name for t in starts if t.call is not None]
                raise ConfigurationError(
                    "the network is not connected: an output depends on an input that is not among the inputs.",
                    where=where,
                    expected=f"{call.layer.name!r} among the inputs",
                    received=", ".join(names) + (", another one" if call.layer.name in names else ""),
                    fix="make one Input, and use it in both places"
                    if call.layer.name in names
                    else "give it too: Model(inputs=[…], outputs=…)",
                )
            stack.append((tensor, True))
            stack.extend((t, False) for t in reversed(call.tensors()))
    return order, first_seen


def depths(calls: Sequence[Call], starts: Sequence[Symbolic]) -> dict[int, int]:
    """How many calls lie between each call and the end, at most."""
    made = {id(t): call for call in calls for t in symbols(call.outputs)}
    begun = {id(t) for t in starts}
    depth = {id(call): 0 for call in calls}
    for call in reversed(calls):
        for tensor in call.tensors():
            if id(tensor) not in begun and id(tensor) in made:
                source = id(made[id(tensor)])
                depth[source] = max(depth[source], depth[id(call)] + 1)
    return depth


def begin_of(tensor: Symbolic) -> InputLayer:
    """The input layer of an input; a new one for a tensor in the middle of another network."""
    assert tensor.call is not None
    layer = tensor.call.layer
    if isinstance(layer, InputLayer):
        return layer
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype.name, name=f"{layer.name}_input")


def named(layers: Sequence[Layer], where: str) -> dict[int, str]:
    """A name for each layer, unique in the network: its own, or one made from its kind.

    Raises:
        ConfigurationError: two were given the same name.
    """
    keys: dict[int, str] = {}
    taken: dict[str, Layer] = {}
    for layer in layers:
        name = layer._explicit_name
        if name is not None:
            if name in taken:
                raise ConfigurationError(
                    f"two layers are named {name!r}.",
                    where=where,
                    received=f"{taken[name]!r} and {layer!r}",
                    fix="names are unique inside a model",
                )
            taken[name], keys[id(layer)] = layer, name
    for layer in layers:
        if id(layer) not in keys:
            wanted = layer._key or layer.default_name()
            kind, number = layer.default_name(), 1
            while wanted in taken:
                wanted, number = f"{kind}_{number}", number + 1
            taken[wanted], keys[id(layer)] = layer, wanted
    return keys


# ---- as plain values -------------------------------------------------------------------------------------------------


def written(value: Any) -> Any:
    """A template of a network as plain values."""
    if isinstance(value, Ref):
        return {"ref": [value.call, value.place]}
    if isinstance(value, Mapping):
        return {"map": {name: written(part) for name, part in value.items()}}
    if isinstance(value, (list, tuple)):
        return [written(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ConfigurationError(
        "a value that a layer is called with cannot be written to a file.",
        where="network",
        expected="tensors of the network, numbers, strings",
        received=type(value).__name__,
    )


def read(value: Any) -> Any:
    """What :func:`written` wrote."""
    if isinstance(value, Mapping):
        if "ref" in value:
            call, place = value["ref"]
            return Ref(int(call), str(place))
        return {name: read(part) for name, part in value["map"].items()}
    if isinstance(value, list):
        return [read(part) for part in value]
    return value

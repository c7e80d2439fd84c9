"""Layers around a layer: the same layer at every step of a sequence, and a sequence read in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.context import context, placed
from omomi.graph.randomness import seed_number
from omomi.graph.variable import Variable
from omomi.layers.layer import Layer, Shape
from omomi.layers.recurrence import States
from omomi.layers.registry import deserialize, serialize

MERGES = ("concat", "sum", "mul", "ave")


def checked(layer: Any, what: str, where: str) -> Layer:
    """A layer, or an error."""
    if not isinstance(layer, Layer):
        raise ConfigurationError(
            f"{what} is a layer.",
            where=where,
            received=repr(layer),
            fix="an instance, such as Dense(10), not the class" if isinstance(layer, type) else None,
        )
    return layer


def build_inside(outer: Layer, key: str, layer: Layer, shape: Shape) -> None:
    """Build a layer at its place inside another one."""
    draws = context.draws or outer.own_draws()
    path = f"{context.path}/{key}" if context.path else key
    with placed(path, outer.dtype or context.dtype, draws):
        layer.build_at(path, shape, seed_number(draws))


class TimeDistributed(Layer):
    """A layer applied to each step of a sequence, with the same weights: (N, T, …) → (N, T, …).

    The steps of all samples go through the layer as one batch of N·T. Dense needs it not: it leaves leading axes alone.

    Args:
        layer: of one step, such as a convolution over the images of a film.
    """

    supports_masking = True

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(**options)
        self.layer = checked(layer, "what is applied to each step", self.where)

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 3:
            raise ShapeError(
                "the input is not a batch of sequences.",
                where=self.where,
                expected="shape (batch, steps, …)",
                received=f"shape {tuple(shape)}",
            )

    def build(self, input_shape: Shape) -> None:
        build_inside(self, "layer", self.layer, (input_shape[0], *input_shape[2:]))

    def call(self, inputs: Variable) -> Variable:
        samples, steps, *rest = inputs.shape
        y = self.layer(inputs.reshape((samples * steps, *rest)))
        return y.reshape((samples, steps, *y.shape[1:]))  # type: ignore[no-any-return]

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return (input_shape[1] or 1) * self.layer.multiply_accumulates((input_shape[0], *input_shape[2:]))

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        of_step = self.layer.backward_accumulates((input_shape[0], *input_shape[2:]), moved, learns)
        return (input_shape[1] or 1) * of_step

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        of_step = self.layer.compute_output_shape((input_shape[0], *input_shape[2:]))
        return (input_shape[0], input_shape[1], *of_step[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> TimeDistributed:
        return cls(**{**config, "layer": deserialize(config["layer"], custom_objects)})


class Bidirectional(Layer):
    """A sequence read from its beginning by one layer and from its end by another. Source: Schuster, Paliwal 1997.

    With ``return_sequences`` the outputs of both for one step stand together, in the order of the input; where a step
    is padding, they are 0.

    Args:
        layer: a recurrent layer. It is copied: the layer given stays unbuilt.
        merge_mode: what is made of the two outputs: "concat", "sum", "mul", "ave" (their mean), or ``None``: a list.
        weights: what ``set_weights`` puts in when the layer is built: those of the forward layer, then of the other.
        backward_layer: the layer that reads from the end, if it is not of the same form.
    """

    supports_masking = True
    casts_integers = True

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Layer | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        checked(layer, "what reads the sequence", self.where)
        if merge_mode is not None and merge_mode not in MERGES:
            raise UnknownNameError("merge_mode", merge_mode, MERGES, where=self.where)
        for given in (layer, backward_layer):
            if given is not None and not isinstance(given, States):
                raise ConfigurationError(
                    "this layer cannot read a sequence from its end.",
                    where=self.where,
                    expected="a recurrent layer: LSTM, GRU, SimpleRNN, RNN",
                    received=repr(given),
                )
        assert isinstance(layer, States)
        self.merge_mode = merge_mode
        self.forward_layer = copied(layer, layer.go_backwards)
        self.backward_layer = (
            copied(layer, not layer.go_backwards)
            if backward_layer is None
            else checked_pair(self, layer, backward_layer)
        )
        self._told_backward = backward_layer is not None
        self._first_weights = weights
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state

    def check_input(self, shape: Shape) -> None:
        self.forward_layer.check_input(shape)

    def build(self, input_shape: Shape) -> None:
        build_inside(self, "forward_layer", self.forward_layer, input_shape)
        build_inside(self, "backward_layer", self.backward_layer, input_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def call(self, inputs: Variable, initial_state: Any = None, mask: Any = None) -> Any:
        """Read the sequences in both directions.

        Args:
            initial_state: the states of the forward layer, then those of the other.
            mask: (N, T), which steps exist.
        """
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [initial_state[:half], initial_state[half:]]
        there, *last = as_list(self.forward_layer(inputs, mask=mask, initial_state=states[0]))
        back, *first = as_list(self.backward_layer(inputs, mask=mask, initial_state=states[1]))
        if self.return_sequences:
            turned = self.backward_layer if self.backward_layer.go_backwards else self.forward_layer
            there, back = (
                functions.flip(y, axis=1) if layer is turned else y
                for y, layer in ((there, self.forward_layer), (back, self.backward_layer))
            )
            if mask is not None:
                exist = functions.cast(mask, there._array.dtype).reshape((*mask.shape, 1))
                there, back = there * exist, back * exist
        merged = self.merged(there, back)
        if not self.return_state:
            return merged
        return [*(merged if isinstance(merged, list) else [merged]), *last, *first]

    def merged(self, there: Variable, back: Variable) -> Any:
        """The two outputs as one."""
        if self.merge_mode is None:
            return [there, back]
        if self.merge_mode == "concat":
            return functions.concatenate([there, back], axis=-1)
        if self.merge_mode == "mul":
            return there * back
        total = there + back
        return total if self.merge_mode == "sum" else total * 0.5

    def reset_states(self) -> None:
        """Let both layers start anew."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or not self.return_sequences:
            return None
        return [mask, mask] if self.merge_mode is None else [mask] if self.return_state else mask

    def multiply_accumulates(self, input_shape: Shape) -> int:
        both = (self.forward_layer, self.backward_layer)
        return sum(layer.multiply_accumulates(input_shape) for layer in both)

    def backward_accumulates(self, input_shape: Shape, moved: bool, learns: bool) -> int:
        both = (self.forward_layer, self.backward_layer)
        return sum(layer.backward_accumulates(input_shape, moved, learns) for layer in both)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape, *states = as_list(self.forward_layer.compute_output_shape(input_shape))
        back, *others = as_list(self.backward_layer.compute_output_shape(input_shape))
        if self.merge_mode is None:
            out = [shape, back]
        else:
            out = [(*shape[:-1], shape[-1] + back[-1]) if self.merge_mode == "concat" else shape]
        whole = [*out, *states, *others]
        return whole if len(whole) > 1 else whole[0]

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "layer": serialize(self.forward_layer), "merge_mode": self.merge_mode}
        if self._told_backward:
            config["backward_layer"] = serialize(self.backward_layer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Bidirectional:
        inside = {
            key: deserialize(config[key], custom_objects)
            for key in ("layer", "backward_layer")
            if config.get(key) is not None
        }
        return cls(**{**config, **inside})


def copied(layer: States, go_backwards: bool) -> States:
    """A layer of the same configuration, of its own name, that reads in this direction."""
    config = {**layer.get_config(), "go_backwards": go_backwards}
    config.pop("name")
    made = type(layer).from_config(config)
    assert isinstance(made, States)
    return made


def checked_pair(outer: Layer, layer: States, other: Any) -> States:
    """The layer that reads the other way, if the two go together."""
    for what in ("return_sequences", "return_state", "stateful"):
        if getattr(layer, what) != getattr(other, what):
            raise ConfigurationError(
                f"the two layers differ in {what}.",
                where=outer.where,
                received=f"{getattr(layer, what)} and {getattr(other, what)}",
            )
    if layer.go_backwards == other.go_backwards:
        raise ConfigurationError(
            "both layers read in the same direction.",
            where=outer.where,
            fix="backward_layer=LSTM(…, go_backwards=True)",
        )
    return other  # type: ignore[no-any-return]


def as_list(value: Any) -> list[Any]:
    """One output, or one shape, or several, as a list."""
    return list(value) if isinstance(value, list) else [value]

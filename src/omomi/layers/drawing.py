"""What a layer knows of the networks that it is drawn into: its calls on symbolic tensors, and numbers to be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omomi.errors import NotBuiltError
from omomi.graph.variable import Variable
from omomi.layers.state import StateEntry


class Drawn:
    """The part of a layer that the functional style needs."""

    _calls: list[Any]  # its calls on symbolic tensors, in order; see omomi.layers.symbolic
    _around: Any  # a weak reference to the Sequential around it, which knows its inputs and outputs
    _provisional: bool  # whether parameters inside wait for their first numbers
    _entries: dict[str, StateEntry]

    @property
    def where(self) -> str:
        """How messages call it."""
        raise NotImplementedError

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """The layers inside, with their paths."""
        raise NotImplementedError

    @property
    def input(self) -> Any:
        """What the layer was called with, if it was called on symbolic tensors once: a cut through a network."""
        return self._only_call().inputs

    @property
    def output(self) -> Any:
        """What came out of that call."""
        return self._only_call().outputs

    def _only_call(self) -> Any:
        around = None if self._around is None or self._calls else self._around()
        if around is not None:
            around.trace()
        if len(self._calls) != 1:
            raise NotBuiltError(
                "the layer has no place in a network of symbolic tensors."
                if not self._calls
                else f"the layer was called {len(self._calls)} times, so it has as many inputs and outputs.",
                where=self.where,
                fix="call it on an omomi.Input, or give the first layer of its Sequential an input_shape"
                if not self._calls
                else "keep the tensor that the call returned",
            )
        return self._calls[0]

    def draw_numbers(self, path: str, seed: int) -> None:
        """Draw the first numbers of the parameters inside that have none yet: they depend on (seed, path) alone."""
        for within, layer in self.walk(path):
            layer._provisional = False
            for key, entry in layer._entries.items():
                if entry.provisional:
                    entry.initialize(seed, f"{within}/{key}" if within else key)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets: the calls belong to the networks of the original."""
        return {**vars(self), "_calls": [], "_around": None}


def symbol_among(inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The first symbolic tensor among the arguments of a call; ``None`` if they are all numbers."""
    if isinstance(inputs, Variable):
        if inputs.symbolic:
            return inputs
    elif isinstance(inputs, (list, tuple, dict)):
        found = symbol_within(inputs)
        if found is not None:
            return found
    return symbol_within((args, kwargs)) if args or kwargs else None


def symbol_within(value: Any) -> Any:
    """The first symbolic tensor in a structure of lists, tuples and dictionaries."""
    if isinstance(value, Variable):
        return value if value.symbolic else None
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return None
    return next((found for part in value if (found := symbol_within(part)) is not None), None)

"""Kinds of files besides Omomi's own that models and weights may be in. Who reads them registers here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol


class Format(Protocol):
    """What reads and writes one kind of file."""

    def reads(self, beginning: bytes) -> bool:
        """Whether a file that begins with these bytes is of this kind."""

    def writes(self, path: str) -> bool:
        """Whether a file of this name is meant to be of this kind."""

    def load_model(self, path: str, custom_objects: Mapping[str, Any]) -> Any:
        """The model in a file."""

    def load_weights(self, model: Any, path: str, skip_mismatch: bool) -> None:
        """Put the weights in a file into a model."""

    def save_weights(self, model: Any, path: str) -> None:
        """Write the weights of a model."""


FORMATS: list[Format] = []


def reader_of(path: str | os.PathLike[str]) -> Format | None:
    """Who reads this file, if it is none of Omomi's own."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(8)
    except OSError:  # whoever opens it next says why
        return None
    return next((one for one in FORMATS if one.reads(beginning)), None)


def writer_of(path: str | os.PathLike[str]) -> Format | None:
    """Who writes files of this name, if they are none of Omomi's own."""
    return next((one for one in FORMATS if one.writes(os.fspath(path))), None)

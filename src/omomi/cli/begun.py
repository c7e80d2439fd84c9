"""A run that was begun: what ``omomi train --resume`` needs to know of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from omomi.cli.run_folder import RECORD, record_of
from omomi.cli.setup import is_file
from omomi.datasets import catalogue
from omomi.errors import DataError, FileFormatError
from omomi.files import to_json
from omomi.training.checkpoints import Checkpoints

MAY_CHANGE = ("epochs", "checkpoint_every")  # of the options of a run that goes on


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that goes on.

    Args:
        folder: where it lies.
        record: what its ``environment.json`` says.
        given: its options, with those that were changed now.
    """

    folder: Path
    record: Mapping[str, Any]
    given: dict[str, Any]

    def continued(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record of the run as it goes on, from one of a run that would begin now.

        Raises:
            DataError: the data is not what it was.
        """
        for name in ("training", "validation", "test", "test_sha256", "shape", "classes"):
            then, now = self.record["data"].get(name), record["data"][name]
            if to_json(then) != to_json(now):
                raise DataError(
                    "the data is not what the run was begun with.",
                    where=os.fspath(self.folder),
                    expected=f"{name}: {then}"[:200],
                    received=f"{name}: {now}"[:200],
                    fix="begin a new run with this data",
                )
        kept = {name: self.record[name] for name in ("started", "command", "seconds") if name in self.record}
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        return {**record, **kept, "resumed": [*self.record.get("resumed", ()), now]}


def begun_run(path: str, options: Mapping[str, Any]) -> Begun:
    """The run at ``path``, which is to go on.

    Raises:
        FileAccessError: there is no run.
        FileFormatError: its record is damaged, or too old.
        click.UsageError: an option contradicts those with which it was begun.
    """
    context = click.get_current_context()
    typed = [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    wrong = [name for name in typed if name not in (*MAY_CHANGE, "resume")]
    if wrong:
        flags = ", ".join("--" + name.replace("_", "-") for name in wrong)
        raise click.UsageError(f"--resume goes on with the options of the run; leave out {flags}", context)
    folder, record = record_of(path)
    given = record.get("given")
    if not isinstance(given, dict) or set(given) != set(options) or not isinstance(record.get("data"), dict):
        raise FileFormatError(
            "the record does not say how the run was begun.",
            where=os.fspath(folder / RECORD),
            fix="a run of an older version of Omomi cannot go on; begin a new one",
        )
    return Begun(folder, record, {**given, **{name: options[name] for name in typed if name in MAY_CHANGE}})


def lasting(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run, so that they mean the same in another folder and on another day."""
    published = {entry.name for entry in catalogue()}
    data, model = given["data"], given["model"]
    return {
        **given,
        "data": data if data.replace("_", "-") in published else os.path.abspath(data),
        "model": os.path.abspath(model) if model is not None and is_file(model) else model,
    }


def every_of(text: str) -> int | str:
    """The value of ``--checkpoint-every``.

    Raises:
        ConfigurationError: it is neither "epoch", nor a number of steps, nor a time.
    """
    every = int(text) if text.isdecimal() else text
    Checkpoints("", every)
    return every

"""The record of a comparison in its folder, by which it can be continued."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omomi.comparison.plan import Options, Plan
from omomi.comparison.result import Comparison
from omomi.comparison.sources import Data
from omomi.comparison.table import Table
from omomi.errors import DataError, FileAccessError, FileFormatError
from omomi.files import check_writable, read_json, write_json

RECORD = "comparison.json"
PACKAGES = ("omomi", "numpy", "scikit-learn", "scipy")


def begin_record(folder: Path, data: Data, plan: Plan) -> dict[str, Any]:
    """The record of a comparison that begins, written to its folder."""
    check_writable(folder)
    if (folder / RECORD).exists():
        raise FileAccessError(
            "the folder holds a comparison already, and nothing is overwritten.",
            where=os.fspath(folder),
            fix="choose another folder, or go on with this one: --resume",
        )
    record = {
        "status": "running",
        "data": os.fspath(data) if isinstance(data, str | os.PathLike) else None,
        "data_sha256": plan.table.fingerprint(),
        "rows": len(plan.table.y),
        "features": len(plan.table.features),
        "options": plan.options.to_plain(),
        "versions": {package: version(package) for package in PACKAGES},
    }
    write_json(folder / RECORD, record)
    return record


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a comparison that is to be continued.

    Raises:
        FileAccessError: there is none.
        FileFormatError: it is damaged.
    """
    if not (folder / RECORD).is_file():
        raise FileAccessError(
            "there is no comparison here to go on with.",
            where=os.fspath(folder),
            expected=f"a folder with {RECORD}, as `omomi compare` makes it",
        )
    record = read_json(folder / RECORD)
    try:
        Options.from_plain(record["options"])
        _ = record["data"], record["data_sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            "the file does not describe a comparison.", where=os.fspath(folder / RECORD), received=str(error)
        ) from error
    return dict(record)


def check_same_data(folder: Path, record: Mapping[str, Any], table: Table) -> None:
    """Finished fits are worth something only with the data they were made from."""
    if record["data_sha256"] != table.fingerprint():
        raise DataError(
            "the data has changed since the comparison began.",
            where=table.name,
            expected=f"the {record.get('rows')} rows that {folder} was begun with",
            fix="begin a new comparison",
        )


def end_record(folder: Path, record: Mapping[str, Any], comparison: Comparison) -> None:
    """The record with the result in it."""
    write_json(folder / RECORD, {**record, "status": "finished", "result": comparison.to_dict()})

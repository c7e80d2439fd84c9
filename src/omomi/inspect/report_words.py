"""What the record of a run says, in the words of a page: the figures of the result, options, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["environment_rows", "flat", "result_figures", "title_of"]


def title_of(record: Mapping[str, Any], name: str) -> str:
    """ "cnn on digits", as far as the record says so."""
    data, network = _at(record, "data", "name"), _at(record, "options", "model")
    return f"{network} on {data}" if data and network else name


def result_figures(
    record: Mapping[str, Any], curves: Mapping[str, Sequence[float]], parameters: int, accuracy: float | None
) -> list[tuple[str, str]]:
    """The few figures at the head of a report."""
    figures: list[tuple[str, str]] = []
    known = _at(record, "result", "test_accuracy")
    accuracy = known if isinstance(known, int | float) else accuracy
    if accuracy is not None:
        figures.append(("test accuracy", f"{100 * accuracy:.2f} %"))
    loss = _at(record, "result", "test_loss")
    if isinstance(loss, int | float):
        figures.append(("test loss", f"{loss:.4f}"))
    epochs = max((len(values) for values in curves.values()), default=0)
    if epochs:
        figures.append(("epochs", str(epochs)))
    figures.append(("parameters", f"{parameters:,}"))
    seconds = record.get("seconds")
    if isinstance(seconds, int | float):
        figures.append(("training", f"{seconds:.1f} s"))
    if record.get("status") not in (None, "trained"):
        figures.append(("status", str(record["status"])))
    return figures


def environment_rows(record: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Options, data and machine of a run, each under its heading: lines of name and value."""
    groups = {
        "Options": _lines(record.get("options")),
        "Data": [line for line in _lines(record.get("data")) if not line[0].startswith("frame")],
        "Machine": [line for key in ("system", "device", "cores", "engine", "threads") for line in _of(record, key)],
        "Versions": _lines(record.get("versions")),
    }
    return [(heading, lines) for heading, lines in groups.items() if lines]


def _lines(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return []
    return [line for key, inner in value.items() for line in flat(str(key), inner)]


def _of(record: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    return flat(key, record[key]) if key in record else []


def flat(name: str, value: Any) -> list[tuple[str, str]]:
    """A nested entry as lines: ("options, seed", "0")."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in flat(f"{name}, {key}".replace("_", " "), inner)]
    if value is None:
        return []
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return [(name.replace("_", " "), text if len(text) <= 300 else text[:299] + "…")]


def _at(record: Mapping[str, Any], *keys: str) -> Any:
    value: Any = record
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value

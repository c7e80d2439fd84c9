"""The results file: one JSON object that every measurement adds to, written after each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omomi.files import write_bytes

Results = dict[str, Any]
# The parts of a results file. Each but the first maps names to measurements.
PARTS = ("machine", "works", "footprint", "profiles", "mnist", "time_to_99")


def read(path: Path) -> Results:
    """The results so far; empty if there is no file."""
    empty: Results = {part: {} for part in PARTS}
    return empty | (json.loads(path.read_text()) if path.exists() else {})


def write(path: Path, results: Results) -> None:
    """Write the file, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, (json.dumps(rounded(results), indent=1, ensure_ascii=False) + "\n").encode())


def rounded(value: Any) -> Any:
    """Numbers to five digits: no clock is better than that."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def check_machine(results: Results, machine: dict[str, Any]) -> None:
    """Raise if a file holds results of another machine: numbers side by side must come from the same one."""
    held = results["machine"]
    fields = ("processor", "cores", "threads", "python", "versions")
    changed = [field for field in fields if held and held.get(field) != machine[field]]
    if changed:
        raise ValueError(f"the results file is of another machine or other versions: {', '.join(changed)} differ")

"""A ledger in words: one sentence about the latest epoch, and all of it as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from omomi.training.ledger import Ledger

Array = Any

NOTABLE_FACTOR = 3.0  # by which a layer shrinks the delta
NOTABLE_GROWTH = 10.0
NOTABLE_SATURATION, NOTABLE_DEATH = 0.3, 0.25


def sentence(ledger: Ledger) -> str:
    """The latest watched epoch in one sentence: what happens to the delta, which units are saturated or dead.

    Numbers are medians over the watched steps of that epoch.
    """
    if not len(ledger):
        return "no step was watched"
    rows = np.array(ledger.epochs) == ledger.epochs[-1]
    parts = [*(flow(ledger, rows)), *activations(ledger, rows)]
    paths, ratios = ledger.table("update")
    kernels = [middle(r[rows]) for path, r in zip(paths, ratios, strict=True) if not path.endswith("bias")]
    ratio = middle(np.array(kernels))
    if np.isfinite(ratio):
        parts.append(f"update/weight {ratio:.1e}")
    return ", ".join(parts)


def flow(ledger: Ledger, rows: Array) -> list[str]:
    """What happens to the delta from the loss to the first layer."""
    factors = {path: middle(ledger.passed_on(path)[rows]) for path in ledger.layers}
    factors = {path: f for path, f in factors.items() if np.isfinite(f)}
    if not factors:
        return []
    least, most = min(factors, key=lambda p: factors[p]), max(factors, key=lambda p: factors[p])
    parts = []
    if factors[least] == 0:
        parts.append(f"no delta passes layer {least}{saturation(ledger, least, rows)}")
    elif factors[least] < 1 / NOTABLE_FACTOR:
        parts.append(
            f"delta shrinks {times(1 / factors[least])} through layer {least}{saturation(ledger, least, rows)}"
        )
    if factors[most] > NOTABLE_GROWTH:
        parts.append(f"delta grows {times(factors[most])} through layer {most}")
    weighted = [path for path in ledger.layers if "input_size" in ledger.of_layers.get(path, {})]
    if len(weighted) > 2:
        first, last = (middle(ledger.get("delta", path)[rows]) for path in (weighted[0], weighted[-1]))
        if 0 < first < last / 100:
            parts.append(f"{times(last / first)} in all from {weighted[-1]} to {weighted[0]}")
    if parts:
        return parts
    low, high = f"{factors[least]:.2g}×", f"{factors[most]:.2g}×"
    span = low if low == high else f"{low} to {high} a layer"
    return [f"delta keeps its size ({span})"]


def saturation(ledger: Ledger, path: str, rows: Array) -> str:
    """Why the delta shrinks in this layer, if its activation is saturated."""
    share = middle(ledger.get("saturated", path)[rows])
    return f", {ledger.layers[path].activation} saturated at {share:.0%}" if share > NOTABLE_SATURATION else ""


def activations(ledger: Ledger, rows: Array) -> list[str]:
    """The layer with most dead units, and the hidden layer with most saturated ones, if they are many.

    The last layer is meant to be sure of its answer.
    """
    dead, saturated = (
        {path: share for path in ledger.layers if (share := middle(ledger.get(q, path)[rows])) >= notable}
        for q, notable in (("dead", NOTABLE_DEATH), ("saturated", NOTABLE_SATURATION))
    )
    parts = []
    if dead:
        path = max(dead, key=lambda p: dead[p])
        units = ledger.layers[path].units
        parts.append(f"{round(dead[path] * units)} of {units} units of {path} are 0 for the whole batch")
    for path in list(ledger.layers)[-1:]:
        saturated.pop(path, None)
    if saturated:
        path = max(saturated, key=lambda p: saturated[p])
        if middle(ledger.passed_on(path)[rows]) >= 1 / NOTABLE_FACTOR:  # otherwise flow() has told it
            parts.append(f"{ledger.layers[path].activation} of {path} saturated at {saturated[path]:.0%}")
    return parts


def middle(values: Array) -> float:
    """The median of those numbers that are there; NaN if none is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")


def times(factor: float) -> str:
    """A factor as one reads it: 3.2×, 40×, 12,000×, 3·10⁸×."""
    if not np.isfinite(factor) or factor < 1e6:
        return f"{factor:.1f}×" if factor < 10 else f"{factor:,.0f}×"
    digit, exponent = f"{factor:.0e}".split("e+")
    power = "10" + str(int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{power}×" if digit == "1" else f"{digit}·{power}×"


def table(ledger: Ledger, row: int = -1) -> str:
    """One watched step as a table: a line for each layer, then one for each parameter.

    Args:
        row: which of the watched steps, counted as in a list; the last unless told.
    """
    if not len(ledger):
        return "The ledger is empty: no step was watched."
    head = [f"step {ledger.steps[row]:,}, epoch {ledger.epochs[row] + 1}, loss {ledger.loss[row]:.4g}", ""]
    layers: list[tuple[str, ...]] = [
        ("layer", "activation", "‖∂E/∂z‖", "δ = ‖∂E/∂u‖", "passed on", "saturated", "dead")
    ]
    for path, facts in ledger.layers.items():
        numbers = [ledger.get(q, path)[row] for q in ("output_delta", "delta")]
        factor = ledger.passed_on(path)[row]
        shares = [ledger.get(q, path)[row] for q in ("saturated", "dead")]
        passed = "" if np.isnan(factor) else f"{factor:.3g}×"
        layers.append((path, facts.activation, *map(number, numbers), passed, *map(percent, shares)))
    parameters: list[tuple[str, ...]] = [("parameter", "‖∂E/∂W‖", "‖W‖", "‖ΔW‖/‖W‖")]
    for path in ledger.parameters:
        parameters.append((path, *(number(ledger.get(q, path)[row]) for q in ("gradient", "weight", "update"))))
    return "\n".join([*head, *columns(layers, 2), "", *columns(parameters, 1)])


def number(value: float) -> str:
    """A number with three digits; nothing where there is none."""
    return "" if np.isnan(value) else f"{value:.3g}"


def percent(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.0%}"


def columns(lines: list[tuple[str, ...]], left: int) -> list[str]:
    """Lines of cells in columns; all but the first ``left`` are aligned to the right."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    aligned = [
        [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    return ["  ".join(line).rstrip() for line in aligned]

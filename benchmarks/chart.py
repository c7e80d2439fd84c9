"""Results as a picture: for each work everybody's median as a bar, from the fastest to the slowest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.results import Results
from benchmarks.tables import duration, title_of
from omomi.inspect import canvas

BAR = 17.0  # points from one bar to the next
LABELS = 130.0  # for the names
GAP = 34.0  # between works


def draw(results: Results, path: Path) -> Path:
    """Draw all works below one another; returns the path of the picture."""
    works = results["works"].values()
    height = canvas.HEADING + sum(GAP + BAR * len(work["contenders"]) for work in works) + canvas.MARGIN
    with canvas.style():
        sheet = canvas.Sheet(canvas.PAGE, height, "Omomi beside other frameworks")
        machine = results["machine"]
        sheet.heading(
            sheet.name,
            f"median; {machine['processor']}, {machine['threads']} threads; bars are cut at 8 times the fastest",
        )
        top = canvas.HEADING
        for work in works:
            sheet.text(canvas.MARGIN, top + 16, work["title"], size=canvas.BODY, weight="bold")
            top = _bars(sheet, work, top + GAP - 10) + 10
        return sheet.save(path)


def _bars(sheet: canvas.Sheet, work: dict[str, Any], top: float) -> float:
    """One work's bars; returns where they end. A line on each bar goes from the smallest to the largest time."""
    found = sorted(work["contenders"].items(), key=lambda item: item[1]["median"])
    # A contender that is many times slower would squeeze the others: its bar is cut, and its number says the rest.
    longest = min(found[-1][1]["median"], 8 * found[0][1]["median"])
    room = sheet.width - LABELS - 2 * canvas.MARGIN - 60
    for number, (name, times) in enumerate(found):
        y = top + number * BAR
        left = canvas.MARGIN + LABELS
        scale = room / longest
        colour = canvas.VERMILION if name.startswith("omomi") else canvas.BLUE
        sheet.text(left - 8, y + 10.5, title_of(name), size=canvas.SMALL, color=canvas.MUTED, ha="right")
        end = min(times["median"], longest) * scale
        sheet.box(left, y + 2, max(end, 1.0), BAR - 5, facecolor=colour, edgecolor="none")
        low, high = (min(times[key], longest) * scale for key in ("min", "max"))
        sheet.box(left + low, y + BAR / 2 - 1, max(high - low, 0.5), 1, facecolor=canvas.INK, edgecolor="none")
        sheet.text(left + max(end, high) + 6, y + 10.5, duration(times["median"]), size=canvas.SMALL)
    return top + BAR * len(found)

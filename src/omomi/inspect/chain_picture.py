"""A chain of single units as a picture: units in a row, values above, deltas below, the running product as bars."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAPER,
    RULE,
    SMALL,
    VERMILION,
    Sheet,
    style,
)
from omomi.inspect.formulas import number

_STEP = 84.0  # from unit to unit
_ROW = 6  # units in a row
_ROW_HEIGHT = 118.0
_RADIUS = 17.0
_BAR = 17.0


@style()
def draw_chain(chain: Any, path: str | os.PathLike[str]) -> Path:
    """Draw a :class:`omomi.inspect.Chain` as SVG or PNG, by the ending of the file's name."""
    n = len(chain.u)
    rows = -(-n // _ROW)
    bars = len(chain.running) + 1 if chain.factors else 0
    width = 2 * MARGIN + min(n, _ROW) * _STEP + 10
    width = max(width, 432.0)
    height = HEADING + 14 + rows * _ROW_HEIGHT + (46 + bars * _BAR if bars else 0) + 40
    page = Sheet(width, height, "A chain of single units")
    page.heading("A chain of single units", f"f = {chain.activation}, {n} units, E = {number(chain.error)}")
    page.key([("a and w, forward", BLUE), ("∂E/∂u and ∂E/∂w, backward", VERMILION)], HEADING + 2)
    for i in range(n):
        _unit(page, chain, i, n)
    top = HEADING + 14 + rows * _ROW_HEIGHT
    if bars:
        _bars(page, chain, top + 16)
    for k, line in enumerate(_lines(chain.verdict, int(width / 5.2))):
        page.text(MARGIN, height - 26 + 13 * k, line, size=SMALL, color=INK)
    return page.save(path)


def _place(i: int) -> tuple[float, float]:
    return MARGIN + 34 + i % _ROW * _STEP, HEADING + 56 + i // _ROW * _ROW_HEIGHT


def _unit(page: Sheet, chain: Any, i: int, n: int) -> None:
    """A unit with its value above and its delta below, and the connection to the next one with its weight."""
    x, y = _place(i)
    if i + 1 < n:
        wrap = (i + 1) % _ROW == 0
        end = x + _STEP - _RADIUS - 3 if not wrap else x + 46
        _arrow(page, x + _RADIUS, end, y - 4, BLUE)
        _arrow(page, end, x + _RADIUS + 3, y + 4, VERMILION)
        middle = x + (_STEP / 2 if not wrap else 34)
        page.text(middle, y - 10, number(chain.weights[i], 3), size=SMALL, color=BLUE, ha="center")
        gradient = chain[f"∂E/∂w{_low(i + 1)}"]
        page.text(middle, y + 19, number(gradient, 2), size=SMALL, color=VERMILION, ha="center")
    page.dot(x, y, _RADIUS, facecolor=PAPER, edgecolor=FAINT if i == 0 else BLUE, linewidth=1.2)
    page.text(x, y + 3.6, "x" if i == 0 else "f", size=BODY, ha="center", color=MUTED)
    page.text(x, y - _RADIUS - 6, f"a{_low(i + 1)} = {number(chain.a[i], 3)}", size=SMALL, color=BLUE, ha="center")
    if i:
        delta = chain[f"∂E/∂u{_low(i + 1)}"]
        page.text(x, y + _RADIUS + 14, f"∂E/∂u{_low(i + 1)}", size=SMALL, color=VERMILION, ha="center")
        page.text(x, y + _RADIUS + 26, number(delta, 3), size=SMALL, color=VERMILION, ha="center")
        page.text(x, y + _RADIUS + 39, f"f′ = {number(chain.slopes[i], 3)}", size=SMALL, color=MUTED, ha="center")


def _arrow(page: Sheet, start: float, end: float, y: float, colour: str) -> None:
    sign = 1 if end > start else -1
    low, high = min(start, end - 4 * sign), max(start, end - 4 * sign)
    page.box(low, y - 0.5, high - low, 1.0, facecolor=colour, edgecolor="none")
    page.polygon([(end, y), (end - 6 * sign, y - 3), (end - 6 * sign, y + 3)], facecolor=colour, edgecolor="none")


def _bars(page: Sheet, chain: Any, top: float) -> None:
    """|∂E/∂uᵢ| relative to the last unit's, on a logarithmic scale: to the left of the line it vanishes."""
    n = len(chain.u)
    page.text(
        MARGIN,
        top + 4,
        f"|∂E/∂uᵢ| relative to |∂E/∂u{_low(n)}|: the running product, on a logarithmic scale",
        size=BODY,
        color=INK,
    )
    sizes = [abs(r) for r in chain.running]
    logs = [math.log10(s) if s > 0 else None for s in sizes]
    reach = max((abs(v) for v in logs if v is not None), default=0.0) or 1.0
    left, room = MARGIN + 52, (page.width - 2 * MARGIN - 52 - 96) / 2
    middle = left + room
    for k, (size, log) in enumerate(zip(sizes, logs, strict=True)):
        y = top + 22 + k * _BAR
        page.text(left - 8, y + 4, f"∂E/∂u{_low(n - k)}", size=SMALL, ha="right", color=MUTED)
        length = (-reach if log is None else log) / reach * room
        start, width = min(middle, middle + length), max(abs(length), 1.0)
        page.box(start, y - 4, width, 9, facecolor=VERMILION if k else FAINT, edgecolor="none")
        page.text(left + 2 * room + 10, y + 4, f"× {number(size, 3)}", size=SMALL, color=INK)
    page.box(middle - 0.4, top + 14, 0.8, len(sizes) * _BAR, facecolor=RULE, edgecolor="none")


def _low(i: int) -> str:
    return str(i).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _lines(sentence: str, letters: int) -> list[str]:
    """A sentence in lines."""
    lines = [""]
    for word in sentence.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines

"""SVG written as text: elements with escaped words, light and dark colours, and a page that shrinks to a phone."""

from __future__ import annotations

from html import escape
from typing import Any

from omomi.inspect.canvas import clean

# Values are blue and deltas vermilion, as everywhere in Omomi; both are readable on light and on dark paper.
FORWARD, BACKWARD = "#1f86c9", "#d9661f"

_STYLE = """
.omomi-svg{max-width:100%;height:auto;font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}
.omomi-svg text{fill:#1f2933;font-size:11px}
.omomi-svg .title{font-size:15px;font-weight:600}
.omomi-svg .name{font-size:12.5px;font-weight:600}
.omomi-svg .muted{fill:#5f6b7a}
.omomi-svg .forward{fill:#0068a8}
.omomi-svg .backward{fill:#b84a00}
.omomi-svg .num{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:10.5px}
.omomi-svg .paper{fill:#ffffff}
.omomi-svg .card{fill:#ffffff;stroke:#b4bcc8}
.omomi-svg .input{fill:#f4f6f8;stroke:#d5dae1}
.omomi-svg .frame{fill:none;stroke:#d5dae1}
.omomi-svg .rule{stroke:#e3e7ec}
.omomi-svg .down{fill:none;stroke:#1f86c9;stroke-width:1.6}
.omomi-svg .up{fill:none;stroke:#d9661f;stroke-width:1.6}
.omomi-svg .downhead{fill:#1f86c9}
.omomi-svg .uphead{fill:#d9661f}
"""
_DARK = """
.omomi-svg text{fill:#e6e9ee}
.omomi-svg .muted{fill:#9aa5b4}
.omomi-svg .forward{fill:#6db9ea}
.omomi-svg .backward{fill:#f29a63}
.omomi-svg .paper{fill:#15191f}
.omomi-svg .card{fill:#1c222a;stroke:#4a5563}
.omomi-svg .input{fill:#222a33;stroke:#3a4450}
.omomi-svg .frame{stroke:#3a4450}
.omomi-svg .rule{stroke:#2c343e}
"""


def page(width: float, height: float, title: str, parts: list[str]) -> str:
    """A whole SVG: light, or dark where the reader prefers that; in notebooks it follows the notebook's theme."""
    dark = _DARK.replace(".omomi-svg", 'body[data-jp-theme-light="false"] .omomi-svg')
    style = f"{_STYLE}@media (prefers-color-scheme:dark){{{_DARK}}}{dark}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="omomi-svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img"><title>{words(title)}</title>'
        f"<style>{style}</style>{box(0, 0, width, height, 'paper', radius=0)}{''.join(parts)}</svg>\n"
    )


def words(text: Any) -> str:
    """Text that may stand in XML, whatever it holds."""
    return escape(clean(text), quote=True)


def text(x: float, y: float, content: Any, kind: str = "", *, anchor: str = "start") -> str:
    """One line; y is its baseline."""
    end = "" if anchor == "start" else f' text-anchor="{anchor}"'
    look = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{look}{end}>{words(content)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 6) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" class="{kind}"/>'


def image(x: float, y: float, width: float, height: float, data: str) -> str:
    """A picture from a data URI, its pixels kept as squares."""
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" href="{data}" '
        f'preserveAspectRatio="none" style="image-rendering:pixelated"/>{box(x, y, width, height, "frame", radius=0)}'
    )


def arrow(points: list[tuple[float, float]], kind: str) -> str:
    """A line through points that ends in a head; ``kind`` is "down" (values) or "up" (deltas)."""
    (x0, y0), (x, y) = points[-2], points[-1]
    length = max(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5, 1e-9)
    dx, dy = (x - x0) / length, (y - y0) / length
    points = [*points[:-1], (x - 5 * dx, y - 5 * dy)]
    path = "M" + " L".join(f"{a:.1f} {b:.1f}" for a, b in points)
    head = f"{x:.1f},{y:.1f} {x - 6 * dx - 3.2 * dy:.1f},{y - 6 * dy + 3.2 * dx:.1f} " + (
        f"{x - 6 * dx + 3.2 * dy:.1f},{y - 6 * dy - 3.2 * dx:.1f}"
    )
    return f'<path d="{path}" class="{kind}" stroke-linejoin="round"/><polygon points="{head}" class="{kind}head"/>'


def shortened(content: Any, characters: int) -> str:
    """The text, or its beginning and an ellipsis."""
    line = clean(content)
    return line if len(line) <= characters else line[: characters - 1].rstrip() + "…"


def wrapped(content: str, characters: int) -> list[str]:
    """A formula in lines of at most so many characters, broken after commas first, then at spaces."""
    lines = [""]
    for piece in content.replace(", ", ", \0").split("\0"):
        if len(lines[-1]) + len(piece) <= characters:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        for word in piece.split(" "):
            if lines[-1] and len(lines[-1]) + 1 + len(word) > characters:
                lines.append("")
            lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return [line.strip() for line in lines if line.strip()]

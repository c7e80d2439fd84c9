"""Formulas as MathML, which browsers draw by themselves: the pages need no script and no network."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

_UNNUMBERED = re.compile(r"^\\begin\{(equation|align|gather)\*?\}(.*)\\end\{\1\*?\}$", re.DOTALL)


def mathml(latex: str, display: str) -> str:
    """One formula. Aligned lines outside an environment are what LaTeX's ``split`` would align."""
    source = latex.strip()
    if found := _UNNUMBERED.match(source):
        source = found[2].strip()
    if r"\\" in source and r"\begin{" not in source:
        source = rf"\begin{{align}}{source}\end{{align}}"
    return str(convert(source, display=display))


def inline(self: Any, node: nodes.math) -> None:
    """``$x$`` inside a line."""
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(self: Any, node: nodes.math_block) -> None:
    """A formula with lines of its own."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(mathml(node.astext(), "block"))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}

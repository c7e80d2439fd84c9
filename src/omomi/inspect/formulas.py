"""The formulas of the rules in LaTeX, and numbers as they are written in texts and pictures.

A rule states its formulas once, on one line of plain characters (y = x W + b, gx = gy Wᵀ); LaTeX is made from that
line. gx becomes ∂E/∂x.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

_ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀˣᵏᵇᵘ", "0123456789+-Txkbu", strict=True))
_BELOW = dict(zip("₀₁₂₃₄₅₆₇₈₉ₙⱼᵢₖₜₓ", "0123456789njiktx", strict=True))
_SYMBOLS = {
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "λ": r"\lambda",
    "μ": r"\mu",
    "σ": r"\sigma",
    "φ": r"\varphi",
    "Φ": r"\Phi",
    "Σ": r"\sum",
    "∂": r"\partial",
    "⊙": r"\odot",
    "·": r"\cdot",
    "≤": r"\leq",
    "←": r"\leftarrow",
    "‖": r"\|",
    "≥": r"\geq",
    "∈": r"\in",
    "−": "-",
    "½": r"\frac{1}{2}",
    "…": r"\ldots",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
}
_COMMANDS = ("max", "min", "log", "ln", "exp", "tanh", "cosh", "sin", "cos")  # LaTeX has these
_FUNCTIONS = ("softmax", "sign", "clip", "fold", "mean", "onehot", "argmax")  # and these are set like them
_ROOT, _END = "\x01", "\x02"
_TOKENS = re.compile(
    rf"g(?P<gradient>[A-Zabptxyz]|[αβγδ])(?P<of>[{''.join(_BELOW)}]*)(?P<to>[{''.join(_ABOVE)}]*)(?![A-Za-zα-ω\u0302])"
    r"|(?P<words>[A-Za-z][a-z'][a-z']*(?: (?!g[a-z](?![a-z]))(?:[A-Za-z][a-z'][a-z']*|a(?= [a-z]{2})))*)"
    r"|(?P<hat>[A-Za-z])\u0302"
    rf"|(?P<above>[{''.join(_ABOVE)}]+)"
    rf"|(?P<below>[{''.join(_BELOW)}]+)"
    r"|_(?P<index>[a-z]+)"
    r"|(?P<comma>, )"
    r"|(?P<other>.)"
)


def to_latex(formula: str) -> str:
    """A rule's formula as LaTeX, without the dollar signs."""
    formula = re.sub(r"√\(([^()]*)\)", rf"{_ROOT}\1{_END}", formula)
    formula = re.sub(r"√(\w)", rf"{_ROOT}\1{_END}", formula)
    written = "".join(_written(token) for token in _TOKENS.finditer(formula))
    written = re.sub(r"(\\ )+ *", r"\\ ", re.sub(r" {2,}", " ", written))
    return re.sub(r"(\\ )? *(?=[_^])", "", written).removesuffix("\\ ").strip()


def _written(token: re.Match[str]) -> str:
    """One piece of a formula as LaTeX."""
    if token["gradient"] == "p":  # a delta inside a rule, not of one of its inputs
        return "g_{p}"
    if token["gradient"]:
        fraction = rf"\frac{{\partial E}}{{\partial {_symbol(token['gradient']).strip()}{_lowered(token['of'])}}}"
        return rf"\left({fraction}\right){_raised(token['to'])}" if token["to"] else fraction
    if token["words"]:
        return "".join(_word(word) for word in token["words"].replace("'", "").split())
    if token["hat"]:
        return rf"\hat{{{token['hat']}}}"
    if token["above"]:
        return _raised(token["above"])
    if token["below"] or token["index"]:
        return _lowered(token["below"]) or f"_{{{token['index']}}}"
    if token["comma"]:
        return r",\ "
    return {_ROOT: r"\sqrt{", _END: "}"}.get(token["other"]) or _symbol(token["other"])


def _word(word: str) -> str:
    if word in _COMMANDS:
        return f"\\{word} "
    return rf"\operatorname{{{word}}} " if word in _FUNCTIONS else rf"\ \mathrm{{{word}}}\ "


def _raised(characters: str) -> str:
    return f"^{{{''.join(_ABOVE[c] for c in characters)}}}".replace("{T}", r"{\top}")


def _lowered(characters: str) -> str:
    return f"_{{{''.join(_BELOW[c] for c in characters)}}}" if characters else ""


def _symbol(character: str) -> str:
    found = _SYMBOLS.get(character, character)
    return found + " " if found.startswith("\\") and found[-1].isalpha() else found


# ---- numbers -------------------------------------------------------------------------------------------------------


def number(value: Any, digits: int = 4) -> str:
    """A number with so many digits that count: −0.2813, 1.5e−06, 12."""
    x = float(value)
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return f"{x + 0.0:.{digits}g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as it is written everywhere: 32 × 10; a single number has none."""
    return " × ".join(map(str, shape)) if shape else "1"


def array_text(array: Any, digits: int = 4, limit: int = 64) -> str:
    """A small array as numbers, rows in brackets; a larger one in words."""
    a = np.asarray(array)
    if a.size > limit:
        return summary_text(a)
    if a.ndim == 0:
        return number(a, digits)
    inner = (array_text(row, digits, limit) for row in a)
    return "[" + ("  " if a.ndim == 1 else ", ").join(inner) + "]"


def summary_text(array: Any) -> str:
    """An array in words: its norm and range."""
    a = np.asarray(array, np.float64)
    if a.size == 0:
        return "empty"
    return f"norm {number(norm(a), 3)}, {number(a.min(), 3)} … {number(a.max(), 3)}"


def norm(array: Any) -> float:
    """‖a‖: the root of the sum of squares, summed in float64."""
    a = np.asarray(array, np.float64).ravel()
    return float(np.sqrt(np.dot(a, a)))

"""Rules that work entry by entry, explained by putting numbers into their own formula."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from omomi.inspect.formulas import number
from omomi.inspect.worked_line import Lines, Occasion, largest, letter, line

__all__ = ["entry_by_entry", "fits", "gradients_by_entry", "put_in"]

_PIECES = re.compile(r"\s+|[A-Za-zα-ω]+\u0302?|\d+(?:\.\d+)?|[⁰¹²³⁴-⁹⁻ˣᵏ]+|.")


def entry_by_entry(o: Occasion) -> Lines:
    known = {letter(n): np.broadcast_to(a, o.y.shape)[o.index] for n, a in o.inputs.items() if a.dtype.kind == "f"}
    right = o.formula.partition(" = ")[2]
    main, comma, _ = right.partition(", ")  # behind a comma, a formula explains its letters
    main = main if comma and main.count("(") == main.count(")") else right
    with_numbers = put_in(main, _known(o, known))
    return [line(o, "y", o.index, right if with_numbers == main else f"{right} = {with_numbers}")]


def gradients_by_entry(o: Occasion) -> Lines:
    assert o.gy is not None
    found = []
    formulas = dict(part.split(" = ", 1) for part in re.split(r", (?=g[^ ]+ = )", o.gradient) if " = " in part)
    for name, g in o.gradients.items():
        right = formulas.get(f"g{letter(name)}") or formulas.get(f"g{letter(name)}ᵢ", "")
        same = g.shape == o.y.shape
        index = o.index if same else largest(g)
        if same and right:
            known = {letter(n): np.broadcast_to(a, o.y.shape)[index] for n, a in o.inputs.items() if fits(a, o.y)}
            known |= {"y": o.y[index], "gy": o.gy[index]}
            with_numbers = put_in(right, _known(o, known))
            found.append(line(o, name, index, right if with_numbers == right else f"{right} = {with_numbers}"))
        else:
            summed = ", summed over what was broadcast" if fits(g, o.y) and not same else ""
            found.append(line(o, name, index, f"{right or o.gradient}{summed}"))
    return found


def fits(array: np.ndarray, y: np.ndarray) -> bool:
    """Whether an array of floats has, or broadcasts to, the shape of the output."""
    return _broadcasts(array.shape, y.shape) and array.dtype.kind == "f"


def _broadcasts(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(small, shape) == shape
    except ValueError:
        return False


def _known(o: Occasion, arrays: dict[str, Any]) -> dict[str, float]:
    """The numbers of the formula's letters: entries of arrays, and attributes."""
    letters = {"alpha": "α", "exponent": "k", "rate": "p", "low": "low", "high": "high", "factor": "λ"}
    attributes = {letters[k]: v for k, v in o.attributes.items() if k in letters and isinstance(v, (int, float))}
    return {**attributes, **{name: float(v) for name, v in arrays.items()}}


def put_in(formula: str, known: dict[str, float]) -> str:
    """A formula with numbers for its letters; factors side by side get a dot between them."""
    pieces = _PIECES.findall(formula.replace("eˣ", "e^x").replace("e⁻ˣ", "e^−x"))
    written: list[str] = []
    before = ""
    for k, piece in enumerate(pieces):
        if piece.isspace():
            after = pieces[k + 1] if k + 1 < len(pieces) else ""
            written.append(" · " if _is_factor(before, known) and _is_factor(after, known, opening=True) else " ")
            continue
        power = k + 1 < len(pieces) and pieces[k + 1][0] in "²³ᵏ⁻"
        if piece in known:
            text = number(known[piece])
            behind_a_sign = bool(written) and (written[-1] == "−" or written[-1] == " · " or power or before in "+−/")
            written.append(f"({text})" if text.startswith("−") and behind_a_sign else text)
        else:
            written.append(piece)
        before = piece
    return "".join(written)


def _is_factor(piece: str, known: dict[str, float], *, opening: bool = False) -> bool:
    """Whether a piece of a formula can stand beside another one as a factor."""
    if piece in known or piece == ("(" if opening else ")"):
        return True
    return bool(piece) and (piece[0].isdigit() or piece[0] in "²³ᵏ" or (len(piece) == 1 and piece.isalpha()))

"""A chain of single units, differentiated by hand: every partial derivative as symbol, formula and number.

    a₁ = u₁ = x (the input is not activated),   uᵢ₊₁ = wᵢ aᵢ,   aᵢ = f(uᵢ),   E = E(aₙ);   no biases

From the error back, ∂E/∂uᵢ = ∂E/∂uᵢ₊₁ · wᵢ f′(uᵢ): each layer multiplies the delta by one factor. Where factors are
smaller than 1 the gradient vanishes (the sigmoid's f′ is ¼ at most; tanh's is near 0 when it is saturated), where they
are larger it explodes. Source: Hochreiter 1991; Bengio, Simard and Frasconi 1994.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from omomi.engines.reference import numpy_engine
from omomi.engines.selection import instead
from omomi.errors import ConfigurationError, DataError
from omomi.files import write_text
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.inspect.chain_picture import draw_chain
from omomi.inspect.formulas import number, to_latex
from omomi.inspect.text_table import text_table
from omomi.layers import activations
from omomi.ops import RULES

__all__ = ["Chain", "Partial", "chain"]

VANISHED, EXPLODED = 0.1, 10.0  # of the first delta relative to the last


@dataclass(frozen=True, slots=True)
class Partial:
    """One derivative.

    Attributes:
        symbol: what it is: ∂E/∂w₁.
        formula: in terms of its neighbours: ∂E/∂u₂ a₁.
        value: the number.
        product: all factors from the error on, in symbols; empty for the local derivatives.
        latex: symbol = formula = number, in LaTeX.
    """

    symbol: str
    formula: str
    value: float
    product: str
    latex: str

    def __str__(self) -> str:
        return f"{self.symbol} = {self.formula} = {number(self.value)}"


@dataclass(frozen=True)
class Chain:
    """The chain with all its derivatives.

    Attributes:
        activation: the name of f.
        weights: w₁ … wₙ₋₁.
        u, a: pre-activations and activations, u₁ = a₁ = x first.
        slopes: f′(uᵢ), 1 for the input.
        error: E.
        partials: every derivative, from the error to the first weight.
        factors: wᵢ f′(uᵢ) for i = n − 1 … 2, by which ∂E/∂uᵢ₊₁ becomes ∂E/∂uᵢ.
        running: their running product: ∂E/∂uᵢ relative to ∂E/∂uₙ, starting with 1.
        highest: the largest value that f′ can take; ``None`` where it is not bounded by 1.
    """

    activation: str
    weights: tuple[float, ...]
    u: tuple[float, ...]
    a: tuple[float, ...]
    slopes: tuple[float, ...]
    error: float
    partials: tuple[Partial, ...]
    factors: tuple[float, ...]
    running: tuple[float, ...]
    highest: str | None = None

    def __getitem__(self, symbol: str) -> float:
        """The number of a derivative by its symbol: ``chain["∂E/∂w₁"]``, or in plain letters ``chain["dE/dw1"]``."""
        wanted = re.sub(r"\d+", lambda m: below(int(m[0])), symbol.replace("d", "∂") if "∂" not in symbol else symbol)
        for partial in self.partials:
            if partial.symbol == wanted:
                return partial.value
        raise ConfigurationError(
            "this chain has no such derivative.",
            where=f"chain[{symbol!r}]",
            expected=", ".join(p.symbol for p in self.partials),
        )

    @property
    def deltas(self) -> tuple[float, ...]:
        """∂E/∂uᵢ for i = 2 … n."""
        return tuple(self[f"∂E/∂u{below(i)}"] for i in range(2, len(self.u) + 1))

    @property
    def verdict(self) -> str:
        """One sentence: what becomes of the delta on its way back."""
        if not self.factors:
            return "There is one activated unit, so the delta passes no layer."
        last, count = abs(self.running[-1]), len(self.factors)
        if last == 0:
            return "A factor w f′(u) is 0: no delta reaches the first layers, and they do not learn."
        each = last ** (1 / count)
        bound = f" ({self.highest})" if self.highest else ""
        layers = f"{count} layer{'s' * (count != 1)}"
        on_the_way = f"over {layers} it becomes {number(last, 3)} of what it was at the output"
        verb = "vanishes" if last <= VANISHED else "explodes" if last >= EXPLODED else "neither vanishes nor explodes"
        return f"The delta {verb}: each layer multiplies it by |w f′(u)| ≈ {number(each, 3)}{bound}, and {on_the_way}."

    def to_text(self, width: int | None = None) -> str:
        """The forward values, every derivative, the running product and the verdict."""
        n = len(self.u)
        forward = [
            (below(i + 1, "u"), number(self.u[i]), below(i + 1, "a"), number(self.a[i]), number(self.slopes[i]))
            if i
            else (below(1, "u"), number(self.u[0]), below(1, "a"), number(self.a[0]), "")
            for i in range(n)
        ]
        parts = [
            f"a chain of {n} units, f = {self.activation}, E = {number(self.error)}",
            text_table(("", "u", "", "a = f(u)", "f′(u)"), forward, right=(1, 3, 4), width=width),
            text_table(
                ("derivative", "formula", "number", "the whole product"),
                [(p.symbol, p.formula, number(p.value), p.product) for p in self.partials],
                right=(2,),
                width=width,
            ),
        ]
        if self.factors:
            rows = [
                (f"{below(i - 1, 'w')} f′({below(i - 1, 'u')})", number(k), below(i - 1, "∂E/∂u"), number(r))
                for i, k, r in zip(range(n, 2, -1), self.factors, self.running[1:], strict=True)
            ]
            head = ("factor", "number", "reaches", f"running product, relative to {below(n, '∂E/∂u')}")
            parts.append(text_table(head, rows, right=(1, 3), width=width))
        return "\n\n".join([*parts, self.verdict])

    def to_latex(self) -> str:
        """The derivatives as aligned equations."""
        lines = " \\\\\n".join(p.latex for p in self.partials)
        return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the chain as a picture (.svg, .png), as text (.txt) or as LaTeX (.tex), by the ending of the name."""
        target = Path(path)
        ending = target.suffix.lower()
        if ending in (".txt", ".tex"):
            write_text(target, (self.to_text() if ending == ".txt" else self.to_latex()) + "\n")
            return target
        return draw_chain(self, target)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Chain of {len(self.u)} units, {self.activation}: ∂E/∂w₁ = {number(self['∂E/∂w₁'])}>"


def chain(weights: Sequence[float], activation: Any, x: float, error: float | Callable[[Variable], Variable]) -> Chain:
    """Differentiate a chain of single units.

    Args:
        weights: w₁ … wₙ₋₁, one fewer than units.
        activation: name or function of f, the same in every unit but the first.
        x: the input, u₁ = a₁.
        error: the target t of E = ½ (aₙ − t)²; or E itself, a function of the Variable aₙ.

    Raises:
        DataError: there is no weight, or a number is not finite.
        UnknownNameError: no activation of that name.

    Example:
        >>> import omomi
        >>> c = omomi.inspect.chain([2.0], "identity", x=3.0, error=5.0)  # u₂ = 6, E = ½ (6 − 5)², ∂E/∂w₁ = (6 − 5) · 3
        >>> c.error, c["dE/dw1"]
        (0.5, 3.0)
    """
    w = [float(v) for v in np.ravel(np.asarray(weights, np.float64))]
    if not w or not np.isfinite([*w, float(x)]).all():
        raise DataError(
            "a chain has at least one weight, and finite numbers.", where="chain", received=f"{weights}, x={x}"
        )
    f = activations.get(activation)
    if f in (functions.softmax, functions.log_softmax, functions.sparsemax):
        raise ConfigurationError(
            "softmax needs several units: of a single one it is always 1.", where="chain", fix='e.g. "sigmoid"'
        )
    u, a, slopes = [float(x)], [float(x)], [1.0]
    rule = None
    with instead(numpy_engine()), np.errstate(all="ignore"):
        for weight in w:
            u.append(weight * a[-1])
            variable = Variable(np.array(u[-1]))
            z = f(variable)
            rule = z.creator.rule if z.creator is not None else RULES["identity"]
            z.backward()
            a.append(float(z))
            slopes.append(float(variable.grad if variable.grad is not None else 1.0))
        last = Variable(np.array(a[-1]))
        E = error(last) if callable(error) else (last - float(error)) * (last - float(error)) * 0.5
        E.backward()
    assert rule is not None
    partials = _partials(w, u, a, slopes, float(np.asarray(last.grad)), slope_formula(rule.gradient), error)
    factors = [w[i] * slopes[i] for i in range(len(w) - 1, 0, -1)]
    running = np.cumprod([1.0, *factors])
    name = getattr(activation, "__name__", str(activation)) if activation is not None else "identity"
    highest = {"sigmoid": "sigmoid′ ≤ ¼", "tanh": "tanh′ ≤ 1"}.get(rule.name)
    return Chain(
        name,
        tuple(w),
        tuple(u),
        tuple(a),
        tuple(slopes),
        float(E),
        tuple(partials),
        tuple(factors),
        tuple(float(r) for r in running),
        highest,
    )


def _partials(
    w: list[float],
    u: list[float],
    a: list[float],
    slopes: list[float],
    start: float,
    slope: str,
    error: Any,
) -> list[Partial]:
    """Every derivative, from the error back to the first weight."""
    n = len(u)
    found: list[Partial] = []

    def add(symbol: str, formula: str, value: float, product: str = "") -> float:
        latex = f"{_latex(symbol)} &= {_latex(formula)} = {_latex(number(value))}"
        found.append(Partial(symbol, formula, value, product, latex))
        return value

    output = below(n, "a")
    at_output = f"E′({output})" if callable(error) else f"({output} − t)"
    local = f"dE/d{output}" if callable(error) else f"{output} − t"
    at_a, product = add(below(n, "∂E/∂a"), local, start, at_output), at_output
    for i in range(n, 1, -1):
        ui, ai, before, wi = below(i, "u"), below(i, "a"), below(i - 1, "a"), below(i - 1, "w")
        prime = add(
            f"∂{ai}/∂{ui}", f"f′({ui}) = " + slope.replace("x", ui).replace("y", ai).replace("ˣ", "ᵘ"), slopes[i - 1]
        )
        product += f" f′({ui})"
        delta = add(f"∂E/∂{ui}", f"∂E/∂{ai} f′({ui})", at_a * prime, product)
        add(f"∂{ui}/∂{wi}", before, a[i - 2])
        add(f"∂E/∂{wi}", f"∂E/∂{ui} {before}", delta * a[i - 2], f"{product} {before}")
        add(f"∂{ui}/∂{before}", wi, w[i - 2])
        product += f" {wi}"
        at_a = add(f"∂E/∂{before}", f"∂E/∂{ui} {wi}", delta * w[i - 2], product)
    return found


def below(i: int, letter: str = "") -> str:
    """A letter with an index: u₂."""
    return letter + str(i).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def slope_formula(gradient: str) -> str:
    """f′ from a rule's backward formula: "gx = gy y (1 − y)" gives "y (1 − y)"."""
    right = gradient.partition(" = ")[2].partition(",")[0] or "f′(x)"
    right = re.sub(r"gy (?![/i]|else|\))", "", right)  # a factor 1 in front of others is not written
    right = re.sub(r"(?<=[αλ]) gy", "", right)
    return right.replace("gy", "1")


def _latex(plain: str) -> str:
    """∂E/∂w₁ and the like as fractions; the rest as the formulas of the rules."""
    pieces = re.split(r"(∂[A-Za-z][₀-₉]*/∂[a-z][₀-₉]+|dE/da[₀-₉]+|f′\([a-z][₀-₉]+\))", plain)
    return "".join(_derivative(piece) if i % 2 else to_latex(piece) + " " for i, piece in enumerate(pieces)).strip()


def _derivative(piece: str) -> str:
    if piece.startswith("f′"):
        return f"f'({to_latex(piece[3:-1])}) "
    top, bottom = (to_latex(part[1:]) for part in piece.split("/"))
    d = r"\partial " if piece.startswith("∂") else "d"
    return f"\\frac{{{d}{top}}}{{{d}{bottom}}} "

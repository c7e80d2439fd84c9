"""How a decision tree chooses its questions: impurity, and what a split gains.

    information gain = I(parent) − Σ (N_j / N) I(child j)

Two splits of 40 + 40 samples leave 20 wrong answers each. The classification error calls them equal; Gini impurity and
entropy prefer the one that makes a child pure. On the wines the three choose the first question of a tree.

    python examples/impurity.py
"""

from __future__ import annotations

from pathlib import Path

import click

import omomi
from omomi.classic import best_split, information_gain
from omomi.classic.impurity import IMPURITIES
from omomi.classic.pictures import plot_impurities

PARENT = ["a"] * 40 + ["b"] * 40
EVEN = [["a"] * 30 + ["b"] * 10, ["a"] * 10 + ["b"] * 30]
PURE = [["a"] * 20 + ["b"] * 40, ["a"] * 20]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/impurity"), help="Where files go.")
@click.option("--quick", is_flag=True, expose_value=False, help="Changes nothing: this is quick.")
def main(out: Path) -> dict[str, tuple[float, float]]:
    """Draw the impurities, and compare what they say about two splits."""
    out.mkdir(parents=True, exist_ok=True)
    (x, y), _ = omomi.datasets.wine.load_data()
    gains = {}
    print("                       30+10 | 10+30   20+40 | 20+0   first question about the wines")
    for name in IMPURITIES:
        gains[name] = even, pure = information_gain(PARENT, EVEN, name), information_gain(PARENT, PURE, name)
        split = best_split(x, y, name)
        question = f"{omomi.datasets.wine.FEATURES[split.feature]} ≤ {split.threshold:.4g}"
        print(f"{name:20}   {even:13.4f}   {pure:12.4f}   {question}, gain {split.gain:.3f}")
    picture = out / "impurity.png"
    plot_impurities(picture)
    print(f"the picture is {picture}")
    return gains


if __name__ == "__main__":
    main()

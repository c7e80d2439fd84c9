"""Why L1 makes weights exactly zero, and L2 only small.

    L1    E + λ Σ|w|     pulls with the same force, ±λ, however small the weight is
    L2    E + λ Σ w²     pulls with 2λw, ever more weakly towards zero

To minimise E + λ · penalty is to minimise E inside a budget. For two weights the budget is a diamond (L1) or a circle
(L2), and the smallest line of equal loss touches the diamond at a corner, on an axis: there one weight is zero.

At zero |w| has no derivative. A gradient step jumps over it and back; the proximal step stops there:

    w ← w − η ∂E/∂w,    then    w ← sign(w) max(|w| − ηλ, 0)

Ten inputs, of which three matter. Sources: Tibshirani 1996; Hastie, Tibshirani and Friedman 2009, section 3.4.

    python examples/penalties.py

prints the weights found and writes penalties.png.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

import omomi
from omomi import functions as F
from omomi.inspect import plot_penalties

TRUE = np.array([2.0, -1.0, 0.5, 0, 0, 0, 0, 0, 0, 0])
RATE = 0.05

Step = Callable[[np.ndarray, np.ndarray], np.ndarray]  # from w and ∂E/∂w to the next w


def samples(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (count, 10) and noisy targets (count, 1)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, len(TRUE)))
    return x, (x @ TRUE + 0.5 * rng.normal(size=count))[:, None]


def descend(step: Step, x: np.ndarray, t: np.ndarray, steps: int) -> np.ndarray:
    """The weights (10,) after so many steps on E = ½ (xw − t)², averaged over the samples."""
    w = np.zeros((len(TRUE), 1))
    for _ in range(steps):
        W = omomi.Variable(w)
        F.squared_error(F.matmul(x, W), t).backward()
        w = step(w, W.grad)
    return w.ravel()


def plain(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    """No penalty."""
    return w - RATE * g


def ridge(penalty: float) -> Step:
    """L2, by its gradient."""
    return lambda w, g: w - RATE * (g + 2 * penalty * w)


def subgradient(penalty: float) -> Step:
    """L1, by its gradient where it has one."""
    return lambda w, g: w - RATE * (g + penalty * np.sign(w))


def proximal(penalty: float) -> Step:
    """L1, by a step on E and then a step towards zero that stops there."""

    def step(w: np.ndarray, g: np.ndarray) -> np.ndarray:
        moved = w - RATE * g
        return np.sign(moved) * np.maximum(np.abs(moved) - RATE * penalty, 0)

    return step


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/penalties"), help="Where files go.")
@click.option("--quick", is_flag=True, help="500 steps instead of 2,000.")
@click.option("--penalty", default=0.2, show_default=True, help="λ.")
def main(out: Path, quick: bool, penalty: float) -> dict[str, np.ndarray]:
    """Fit ten weights with L1, with L2 and without a penalty."""
    out.mkdir(parents=True, exist_ok=True)
    x, t = samples()
    steps = {
        "no penalty": plain,
        "L2": ridge(penalty),
        "L1, gradient": subgradient(penalty),
        "L1, proximal": proximal(penalty),
    }
    print(f"{'true weights':14}" + "".join(f"{w:8.3f}" for w in TRUE))
    found = {}
    for name, step in steps.items():
        found[name] = w = descend(step, x, t, 500 if quick else 2000)
        print(f"{name:14}" + "".join(f"{v:8.3f}" for v in w) + f"   {np.count_nonzero(w == 0)} exactly zero")

    def bowl(w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
        return (w1 - 0.6) ** 2 + 0.9 * (w1 - 0.6) * (w2 - 1.6) + 2 * (w2 - 1.6) ** 2

    print(f"\nthe picture is {plot_penalties(bowl, out / 'penalties.png', minimum=(0.6, 1.6))}")
    return found


if __name__ == "__main__":
    main()

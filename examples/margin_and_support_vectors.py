"""The linear support vector machine as a network: what its price C does to the margin.

    E = ½ ‖w‖² + C Σ ξ,        ξ = max(0, 1 − t u),        u = x w + b

A small C makes slack cheap: the margin 2/‖w‖ is wide, and many samples lie inside it and hold it. A large C makes it
dear: the margin is narrow, and few samples decide.

    python examples/margin_and_support_vectors.py
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.classic import LinearSVM
from omomi.classic.pictures import plot_margins


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/margin"), help="Where files go.")
@click.option("--quick", is_flag=True, expose_value=False, help="Changes nothing: this is quick.")
def main(out: Path) -> dict[float, LinearSVM]:
    """Fit support vector machines with small and large C to versicolor and virginica."""
    out.mkdir(parents=True, exist_ok=True)
    (x, y), _ = omomi.datasets.iris.load_data()
    X, names = x[y > 0][:, 2:].astype(np.float64), np.array(omomi.datasets.iris.CLASSES)[y[y > 0]]
    machines = {C: LinearSVM(C=C).fit(X, names) for C in (0.1, 1.0, 10.0, 1000.0)}
    print("      C   margin   slack Σξ   support vectors   right   steps")
    for C, machine in machines.items():
        t = np.where(names == machine.classes_[1], 1, -1)
        slack = np.maximum(0, 1 - t * machine.decision_function(X)).sum()
        print(
            f"{C:7g}   {machine.margin_[0]:6.3f}   {slack:8.2f}   {len(machine.support_):15d}   "
            f"{machine.score(X, names):5.1%}   {machine.n_iter_:5d}"
        )
    picture = out / "margins.png"
    plot_margins({f"C = {C:g}": machine for C, machine in machines.items()}, X, names, picture)
    print(f"the picture is {picture}")
    return machines


if __name__ == "__main__":
    main()

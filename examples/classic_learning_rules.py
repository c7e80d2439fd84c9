"""The learning rules before backpropagation: perceptron, delta rule, Hebb and Oja; and where they end.

All of them are one layer of linear units, u = x W + b, and all learn by W ← W − η xᵀ δ. They differ in δ:

    perceptron    δ = step(u) − t        moves only for mistakes, and stops when there are none
    delta rule    δ = u − t              goes down the squared error, and ends at least squares
    Hebb          δ = −u                 no target: turns to the direction of most variance, and grows without end
    Oja           δ = −u and a brake     the same direction, at length 1: the first principal component

None of them knows a δ for a hidden unit. XOR needs hidden units: the delta rule stands still at u = 0, and a network
with two layers and backpropagation solves it.

    python examples/classic_learning_rules.py
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np

import omomi
from omomi.classic import (
    PCA,
    Adaline,
    ConvergenceWarning,
    HebbianLayer,
    LinearSVM,
    OjaPCA,
    Perceptron,
    mistake_bound,
)
from omomi.classic.pictures import plot_epochs
from omomi.inspect import plot_decision_regions
from omomi.layers import Dense


def perceptron_and_adaline(out: Path) -> tuple[Perceptron, Adaline]:
    """Two rules on setosa and versicolor by the length and width of their sepals: mistakes and squared error."""
    (x, y), _ = omomi.datasets.iris.load_data()
    X, y = x[y < 2][:, :2].astype(np.float64), y[y < 2]
    perceptron = Perceptron().fit(X, y)
    widest = LinearSVM(C=1e4).fit(X, y)
    bound = mistake_bound(X, y, widest.coef_, widest.intercept_[0])
    mistakes = sum(perceptron.errors_)
    print(f"perceptron   {mistakes} mistakes in {perceptron.n_iter_} epochs; the theorem allows {bound:.0f}")

    X = (X - X.mean(axis=0)) / X.std(axis=0)
    adaline = Adaline(learning_rate=0.1).fit(X, y)
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), np.where(y == 1, 1, -1), rcond=None)[0]
    distance = np.abs(np.append(adaline.coef_[0], adaline.intercept_[0]) - solution).max()
    print(f"Adaline      {adaline.n_iter_} epochs; its weights are {distance:.1e} away from least squares")
    curves = {"perceptron: mistakes": perceptron.errors_, "Adaline: error E": adaline.cost_}
    line = "setosa and versicolor, by the length and width of their sepals"
    plot_epochs(curves, out / "learning.png", title="Two learning rules", line=line)
    return perceptron, adaline


def degrees(weights: np.ndarray, direction: np.ndarray) -> float:
    """The angle between two lines."""
    cosine = abs(weights @ direction) / np.linalg.norm(weights) / np.linalg.norm(direction)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def hebb_and_oja(out: Path) -> tuple[float, float]:
    """Without targets: the angle between Oja's weights and the first component, in degrees, and Hebb's length."""
    (x, _), _ = omomi.datasets.iris.load_data()
    X = x.astype(np.float64) - x.mean(axis=0)
    first = PCA(1).fit(X).components_[0]
    oja = OjaPCA(epochs=30).fit(X).history_[1:, 0]
    hebb = [HebbianLayer(learning_rate=1e-3, epochs=k).fit(X).weights_[:, 0] for k in range(1, 11)]
    curves = {
        "Oja: degrees": [degrees(w, first) for w in oja],
        "Hebb: degrees": [degrees(w, first) for w in hebb],
        "Oja: length": [float(np.linalg.norm(w)) for w in oja],
        "Hebb: length": [float(np.linalg.norm(w)) for w in hebb],
    }
    angle, length = curves["Oja: degrees"][-1], curves["Hebb: length"][-1]
    print(f"Oja          {angle:.2f}° from the first principal component, length {curves['Oja: length'][-1]:.3f}")
    print(f"Hebb         {curves['Hebb: degrees'][-1]:.2f}° from it, length {length:.3g}, and growing")
    line = "the angle to the first principal component of 120 flowers, and the length"
    plot_epochs(curves, out / "hebb_and_oja.png", title="Weights that learn without targets", line=line)
    return angle, length


def exclusive_or(out: Path, epochs: int) -> tuple[float, float]:
    """The share of XOR's points that the delta rule and a network of two layers read right."""
    X, y = omomi.datasets.xor(200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        line = Adaline().fit(X, y)
    network = omomi.Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dense(1, activation="sigmoid")], seed=0)
    network.compile(omomi.optimizers.Adam(0.05), "binary_crossentropy")
    network.fit(X, y, epochs=epochs, batch_size=20, verbose=0)
    right = float(np.mean((network.predict(X)[:, 0] > 0.5) == y))
    print(f"XOR          delta rule {line.score(X, y):.0%}, network {right:.0%} of the points right")

    def answer(points: np.ndarray) -> Any:
        """Adaline's answer as a number between 0 and 1: its targets are −1 and 1."""
        return np.clip((line.decision_function(points) + 1) / 2, 0, 1)

    plot_decision_regions(answer, X, y, out / "xor_delta_rule.png", title="XOR and the delta rule")
    plot_decision_regions(network, X, y, out / "xor_network.png", title="XOR and a network with a hidden layer")
    return line.score(X, y), right


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/classic"), help="Where files go.")
@click.option("--quick", is_flag=True, help="Fewer epochs of the network.")
def main(out: Path, quick: bool) -> dict[str, Any]:
    """Learn by the rules of the perceptron, of Widrow and Hoff, of Hebb and of Oja."""
    out.mkdir(parents=True, exist_ok=True)
    perceptron, adaline = perceptron_and_adaline(out)
    angle, length = hebb_and_oja(out)
    line, network = exclusive_or(out, epochs=40 if quick else 100)
    print(f"the pictures are in {out}")
    return {
        "perceptron": perceptron,
        "adaline": adaline,
        "angle": angle,
        "length": length,
        "line": line,
        "network": network,
    }


if __name__ == "__main__":
    main()

"""What a hidden layer is for: XOR, which no straight line solves.

    x₁ x₂   t        A unit without a hidden layer draws one straight line through the plane. (0, 1) and (1, 0) belong
    0  0    0        together and lie across from each other, so no line has them on one side and the others on the
    0  1    1        other. The best such a unit can do is to say ½ to everything: there the deltas of the four
    1  0    1        samples balance, the gradient is zero, and the loss stays at ln 2.
    1  1    0
                     Two hidden units move the points until a line is enough. The pictures show how, epoch by epoch:
    on the left the plane of x, on the right the plane of the hidden layer's z. The spirals need more units and more
    time; of their hidden layer two principal components are shown.

    python examples/xor.py

writes xor.png, learning.png and the moving pictures learning.gif and spirals.gif.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.inspect import Snapshots, plot_decision_regions, plot_learning
from omomi.layers import Dense

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
T = np.array([0, 1, 1, 0])


def learn_xor(hidden_units: int, every: int = 4, seed: int = 1) -> tuple[omomi.Sequential, Snapshots, float]:
    """A network of so many hidden units (0: none) trained on the four points; what it was on the way; its loss."""
    hidden = [Dense(hidden_units, activation="tanh")] if hidden_units else []
    network = omomi.Sequential([*hidden, Dense(1, activation="sigmoid")], seed=seed)
    network.compile(omomi.optimizers.Adam(0.05), "binary_crossentropy")
    snapshots = Snapshots(every)
    history = network.fit(X, T, batch_size="full", epochs=300, verbose=0, callbacks=[snapshots])
    return network, snapshots, history.history["loss"][-1]


def learn_spirals(epochs: int) -> tuple[omomi.Sequential, Snapshots, tuple[np.ndarray, np.ndarray]]:
    """Three spirals, two hidden layers."""
    x, t = omomi.datasets.spirals(n=240)
    hidden = [Dense(32, activation="tanh"), Dense(16, activation="tanh")]
    network = omomi.Sequential([*hidden, Dense(3, activation="softmax")], seed=0)
    network.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    snapshots = Snapshots(every=max(1, epochs // 40))
    network.fit(x, t, batch_size=16, epochs=epochs, verbose=0, callbacks=[snapshots])
    return network, snapshots, (x, t)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/xor"), help="Where files go.")
@click.option("--quick", is_flag=True, help="Fewer epochs on the spirals, and fewer pictures.")
def main(out: Path, quick: bool) -> dict[int, float]:
    """Learn XOR without and with hidden units, and show what the hidden layer does."""
    out.mkdir(parents=True, exist_ok=True)
    losses = {}
    for units in (0, 2):
        network, snapshots, losses[units] = learn_xor(units, every=30 if quick else 4)
        said = ", ".join(f"{p:.2f}" for p in network.predict(X).ravel())
        print(f"{units} hidden units: loss {losses[units]:.4f}, outputs {said}")
    plot_decision_regions(network, X, T, out / "xor.png", title="XOR, two hidden units")
    for name in ("learning.png", "learning.gif"):
        plot_learning(network, snapshots, X, T, out / name, title="XOR is learnt")
    network, snapshots, (x, t) = learn_spirals(8 if quick else 150)
    plot_learning(network, snapshots, x, t, out / "spirals.gif", title="Three spirals are learnt")
    print(f"the pictures are in {out}")
    return losses


if __name__ == "__main__":
    main()

"""How optimisers walk down an elongated bowl.

    E(x, y) = x²/20 + y²        ∂E/∂x = x/10        ∂E/∂y = 2y

In y the bowl is twenty times as steep as in x. The gradient points down the steep side and hardly ever at the
minimum, so plain gradient descent zigzags across the valley and creeps along it. What the others do about that:

    Momentum    a ball with mass: steps along the valley add up, steps across it cancel.
    Nesterov    the same, but the gradient is taken where the momentum will carry the ball.
    AdaGrad     each parameter has its own rate, divided by the root of the sum of its squared gradients so far.
    RMSprop     the same with a running mean, so that the rate does not die away.
    Adam        momentum and RMSprop together, both corrected for their start at zero.

The two numbers are the parameters of a layer, E is computed by functions on Variables, ``backward`` finds the gradient
and ``update`` makes the step: exactly as in the training of a network.

    python examples/optimizer_paths.py
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi import optimizers
from omomi.inspect.experiments import plot_optimizer_paths

START = np.array([-7.0, 2.0])
CURVATURES = np.array([1 / 10, 2.0])  # the second derivatives of E in x and in y


class Bowl(omomi.Layer):
    """A place in the plane, its only parameter. From the curvatures c it computes E = ½ (c₁ x² + c₂ y²)."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.place = self.add_weight((2,), lambda _: START)

    def call(self, curvatures: omomi.Variable) -> omomi.Variable:
        return (curvatures * self.place**2).sum() / 2


def descend(optimizer: optimizers.Optimizer, steps: int) -> np.ndarray:
    """The places that the optimiser visits, the start first: (steps + 1, 2)."""
    bowl = Bowl(dtype="float64")
    optimizer.setup(bowl)
    path = [START]
    for _ in range(steps):
        E = bowl(CURVATURES)
        bowl.cleargrads()
        E.backward()
        optimizer.update()
        path.append(bowl.place.numpy().copy())
    return np.array(path)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/optimizer_paths"), help="Where files go.")
@click.option("--quick", is_flag=True, help="10 steps instead of 30.")
def main(out: Path, quick: bool) -> dict[str, np.ndarray]:
    """Draw the paths of six optimisers on an elongated bowl."""
    out.mkdir(parents=True, exist_ok=True)
    contenders = {
        "SGD, η = 0.95": optimizers.SGD(0.95),
        "Momentum, η = 0.1": optimizers.Momentum(0.1, momentum=0.9),
        "Nesterov, η = 0.1": optimizers.Nesterov(0.1, momentum=0.9),
        "AdaGrad, η = 1.5": optimizers.Adagrad(1.5),
        "RMSprop, η = 0.3": optimizers.RMSprop(0.3),
        "Adam, η = 0.3": optimizers.Adam(0.3),
    }
    paths = {name: descend(optimizer, steps=10 if quick else 30) for name, optimizer in contenders.items()}
    for name, path in paths.items():
        E = (CURVATURES * path[-1] ** 2).sum() / 2
        print(f"{name:20} ends at ({path[-1][0]:6.3f}, {path[-1][1]:6.3f}), E = {E:.4f}")
    picture = out / "paths.png"
    plot_optimizer_paths(paths, lambda x, y: x**2 / 20 + y**2, picture, title="Six optimisers on x²/20 + y²")
    print(f"the picture is {picture}")
    return paths


if __name__ == "__main__":
    main()

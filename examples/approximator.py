"""A network of two layers learns the sine from samples, one sample at a time.

The approximator has one input, h hidden units and one output:

    u = W₁ x + b₁        z = tanh(u)        y = W₂ z + b₂

With enough hidden units it comes as close as one likes to any continuous function on an interval. Each hidden unit
adds one bend, y(x) = b₂ + Σᵢ wᵢ tanh(aᵢ x + cᵢ), so the number of units decides which curves it can draw at all.

It is trained online: after every single sample (x_k, t_k) the parameters move against the gradient of this sample's
error, E_k = ½ (y − t_k)². The loop below does that by hand, and before it starts it compares the gradient that
backpropagation finds with the formulas of the textbook.

    python examples/approximator.py

What comes out: a table of the error for several h, and the pictures fit.png and error.png.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi import functions as F
from omomi.inspect.experiments import plot_error_by_units, plot_fit
from omomi.layers import Dense


class Approximator(omomi.Layer):
    """y = W₂ tanh(W₁ x + b₁) + b₂. A row of x is a sample, and a kernel is stored as (in, out)."""

    def __init__(self, hidden_units: int, seed: int = 0) -> None:
        super().__init__(seed=seed)
        # The unit wᵢ x + bᵢ bends where it is 0. Biases of 0 would put all bends at x = 0; these spread them out.
        self.hidden = Dense(
            hidden_units, activation="tanh", bias_initializer=omomi.initializers.RandomNormal(stddev=1.0)
        )
        self.out = Dense(1)

    def call(self, x: omomi.Variable) -> omomi.Variable:
        return self.out(self.hidden(x))


def samples(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of the sine on [−π, π], in random order: x and t, each (count, 1)."""
    x = np.random.default_rng(seed).permutation(np.linspace(-np.pi, np.pi, count))
    return x[:, None].astype(np.float32), np.sin(x)[:, None].astype(np.float32)


def gradients_by_hand(net: Approximator, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
    """Backpropagation as the textbook writes it, for one sample: δ of each layer, and from it ∂E/∂W and ∂E/∂b."""
    W1, b1, W2, b2 = (p.array for p in (net.hidden.kernel, net.hidden.bias, net.out.kernel, net.out.bias))
    z = np.tanh(x @ W1 + b1)
    y = z @ W2 + b2
    delta2 = y - t  # the output is linear, so ∂E/∂u₂ = y − t
    delta1 = (delta2 @ W2.T) * (1 - z**2)  # tanh'(u) = 1 − tanh²(u)
    return {
        "hidden/kernel": x.T @ delta1,
        "hidden/bias": delta1[0],
        "out/kernel": z.T @ delta2,
        "out/bias": delta2[0],
    }


def learn(net: Approximator, x: np.ndarray, t: np.ndarray, epochs: int, rate: float) -> list[float]:
    """Online gradient descent. Returns the mean error E_k of every epoch."""
    optimizer = omomi.optimizers.SGD(rate).setup(net)
    errors = []
    for epoch in range(epochs):
        # large steps find the place, smaller ones settle there
        optimizer.learning_rate = rate / (1 + 9 * epoch / epochs)
        total = 0.0
        for k in np.random.default_rng(epoch).permutation(len(x)):
            y = net(x[k : k + 1])  # a batch of one
            E = F.squared_error(y, t[k : k + 1])
            net.cleargrads()
            E.backward()
            optimizer.update()
            total += E.item()
        errors.append(total / len(x))
    return errors


def root_mean_square(net: Approximator, x: np.ndarray, t: np.ndarray) -> float:
    """How far the network is from the true function, on average over x."""
    with omomi.no_grad():
        return float(np.sqrt(np.mean((net(x).numpy() - t) ** 2)))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/approximator"), help="Where files go.")
@click.option("--quick", is_flag=True, help="Fewer networks and epochs, for a first look.")
def main(out: Path, quick: bool) -> dict[int, float]:
    """Fit the sine with more and more hidden units."""
    out.mkdir(parents=True, exist_ok=True)
    hidden_units, epochs = ((1, 5), 150) if quick else ((1, 2, 3, 5, 10, 20), 500)
    x, t = samples(40)
    grid = np.linspace(-np.pi, np.pi, 201, dtype=np.float32)[:, None]

    net = Approximator(3)
    F.squared_error(net(x[:1]), t[:1]).backward()
    print("the gradient of the first sample, backpropagation and by hand:")
    for path, by_hand in gradients_by_hand(net, x[:1], t[:1]).items():
        found = net.parameters()[path].grad
        print(f"  {path:<14} differs by at most {np.abs(found - by_hand).max():.1e}")

    errors, curves = {}, {}
    print("\n  h   parameters   mean E of the last epoch   distance from the sine")
    for h in hidden_units:
        net = Approximator(h)
        per_epoch = learn(net, x, t, epochs, rate=0.1)
        errors[h] = root_mean_square(net, grid, np.sin(grid))
        curves[f"h = {h}"] = net(grid).numpy()
        print(f"{h:3d}   {net.count_params():10d}   {per_epoch[-1]:24.6f}   {errors[h]:22.4f}")

    picture = out / "fit.png"
    plot_fit(x, t, curves, picture, grid=grid, truth=np.sin(grid), title="The sine from h hidden units")
    plot_error_by_units({h: [error] for h, error in errors.items()}, out / "error.png", title="Distance from the sine")
    print(f"\nthe pictures are in {out}")
    return errors


if __name__ == "__main__":
    main()

"""Why initial weights must be neither too large nor too small.

1,000 samples of 100 normal numbers go through five hidden layers of 100 units each. Nothing is trained: only the
spread of the initial weights differs, and the picture shows what arrives in each layer.

    std 1       u is a sum of 100 terms, so |u| is about 10. Sigmoid and tanh saturate: f'(u) ≈ 0, and no delta passes.
                With ReLU the values grow about sevenfold (√50) from layer to layer.
    std 0.01    every layer shrinks the differences between samples about tenfold or more. In the end tanh says 0
                and sigmoid about ½ to every sample, and the gradients vanish with the differences.
    Glorot      variance 2 / (fan-in + fan-out): with tanh the spread shrinks only slowly.
    He          variance 2 / fan-in: ReLU silences half of the units, so the other half counts double.

Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks"; He et
al. 2015, arXiv:1502.01852.

    python examples/activation_histograms.py
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import omomi
from omomi.inspect.histograms import plot_activation_histograms
from omomi.layers import Dense

INITIALIZERS = {
    "std 1": omomi.initializers.RandomNormal(stddev=1.0),
    "std 0.01": omomi.initializers.RandomNormal(stddev=0.01),
    "Glorot": omomi.initializers.GlorotNormal(),
    "He": omomi.initializers.HeNormal(),
}


def activations(activation: str, initializer: omomi.initializers.Initializer, x: np.ndarray) -> list[np.ndarray]:
    """What each of the five hidden layers says to the samples x."""
    net = omomi.Sequential(
        [Dense(100, activation=activation, kernel_initializer=initializer) for _ in range(5)],
        seed=0,
    )
    outputs, z = [], omomi.Variable(x)
    with omomi.no_grad():
        net(z)  # builds the layers: each draws its weights at its place in the network
        for layer in net.layers:
            z = layer(z)
            outputs.append(z.numpy())
    return outputs


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/activation_histograms"), help="Where files go."
)
@click.option("--quick", is_flag=True, help="100 samples instead of 1,000.")
def main(out: Path, quick: bool) -> dict[tuple[str, str], list[float]]:
    """Draw the activations of a deep network for several spreads of its initial weights."""
    out.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(0).standard_normal((100 if quick else 1000, 100)).astype(np.float32)

    spreads = {}
    print(f"{'standard deviation of the activations':42}" + "".join(f"layer {i}   " for i in range(1, 6)))
    for activation in ("sigmoid", "tanh", "relu"):
        rows = {}
        for name, initializer in INITIALIZERS.items():
            layers = activations(activation, initializer, x)
            rows[f"weights: {name}"] = layers
            spreads[activation, name] = [float(z.std()) for z in layers]
            print(f"{activation:20}{name:20}" + "".join(f"{s:9.2g} " for s in spreads[activation, name]))
        plot_activation_histograms(rows, out / f"{activation}.png", title=f"Activations of five layers, {activation}")
    print(f"the pictures are in {out}")
    return spreads


if __name__ == "__main__":
    main()

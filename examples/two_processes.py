"""One network, trained by several processes as if they were one.

Each process runs this same file on the same data. The engine jax cuts every batch over all of them; what they add up,
gradients above all, is added up across the processes. So the weights are those that one process alone would have, up
to the rounding of sums. On one machine that shows how it works; across machines, or with a GPU each, it is faster.

    python examples/two_processes.py            # two processes on this machine, then one alone, compared
    python examples/two_processes.py --quick    # fewer epochs

Across two machines, start on each of them (process 0 at 10.0.0.1, process 1 on the other):

    python examples/two_processes.py --address 10.0.0.1:1234 --process 0
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import click
import numpy as np

import omomi
from omomi.layers import Dense, Flatten, Rescaling


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/two_processes"), help="Where files go.")
@click.option("--processes", default=2, show_default=True, help="How many train together.")
@click.option("--epochs", default=10, show_default=True, help="How often each image is shown.")
@click.option("--address", help="host:port of process 0; without it, all processes are started on this machine.")
@click.option("--process", type=int, help="The number of this process, from 0 on.")
@click.option("--quick", is_flag=True, help="Two epochs.")
def main(out: Path, processes: int, epochs: int, address: str | None, process: int | None, quick: bool) -> float:
    """Train a fully connected network on the small digits with several processes."""
    out.mkdir(parents=True, exist_ok=True)
    epochs = 2 if quick else epochs
    if address is not None:
        number = omomi.distributed.join(address, processes, process)
        train(out / f"process_{number}.safetensors", epochs, verbose=2 if number == 0 else 0)
        return 0.0

    with socket.socket() as free:  # a port that nobody uses
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    common = [sys.executable, __file__, "--out", str(out), "--epochs", str(epochs), "--address", address]
    started = [
        subprocess.Popen([*common, "--processes", str(processes), "--process", str(k)]) for k in range(processes)
    ]
    codes = [child.wait() for child in started]
    if any(codes):
        raise click.ClickException("a process failed; what it printed says why")

    together = [omomi.load_model(out / f"process_{k}.safetensors") for k in range(processes)]
    alone = train(out / "alone.safetensors", epochs, verbose=0)
    difference = max(
        float(np.abs(a - b).max())
        for model in together
        for a, b in zip(model.get_weights(), alone.get_weights(), strict=True)
    )
    print(f"the weights of {processes} processes and those of one differ by {difference:.1e} at most")
    return difference


def train(path: Path, epochs: int, verbose: int) -> omomi.Sequential:
    """Train and save: nothing here knows how many processes there are."""
    (x_train, y_train), (x_test, y_test) = omomi.datasets.digits.load_data()
    with omomi.use("jax"):
        layers = [Flatten(input_shape=(8, 8)), Rescaling(1 / 16), Dense(100, "tanh"), Dense(10, "softmax")]
        model = omomi.Sequential(layers, seed=0)
        model.compile(omomi.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_data=(x_test, y_test), verbose=verbose)
        model.save(path)
    return model


if __name__ == "__main__":
    main()

"""What surrounds the steps of an epoch, and how long training waits for data: ``python -m benchmarks.epoch_cost``.

First: the CNN and the MLP of the README are trained for an epoch without metrics, callbacks and progress, and with all
of them, in turn; each pair gives a ratio, and the median of the ratios is told. So a slow while of the machine, which
meets both of a pair, drops out.

Second: an epoch on the same images from several sources, and which share of it training has waited for a batch.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import omomi
from benchmarks.contenders.omomi_engines import compiled
from benchmarks.networks import CNN, MLP, Array, Network, data
from omomi import callbacks

WORKS = ((CNN, 32, 32_000), (MLP, 20, 30_000))


class Terminal(io.StringIO):
    """Takes the progress bar as a terminal does, and shows nothing."""

    def isatty(self) -> bool:
        return True


@contextmanager
def unseen_terminal() -> Iterator[None]:
    """Inside, stderr is a terminal that nobody sees."""
    before, sys.stderr = sys.stderr, Terminal()
    try:
        yield
    finally:
        sys.stderr = before


def bare(network: Network) -> omomi.Model:
    """The network without metrics."""
    model = compiled(network)
    model.compile(model.optimizer, model.loss)
    return model


def full(network: Network) -> omomi.Model:
    """The network with two metrics."""
    model = compiled(network)
    model.compile(model.optimizer, model.loss, metrics=["accuracy", "mean_squared_error"])
    return model


class EveryBatch(callbacks.Callback):
    """What a user may do after every batch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.last = logs["loss"]


def usual(folder: Path) -> list[callbacks.Callback]:
    """The callbacks that people use together."""
    return [
        callbacks.EarlyStopping("loss", patience=100, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=100),
        callbacks.ModelCheckpoint(folder / "best", "loss", save_best_only=True),
        callbacks.CSVLogger(folder / "log.csv", append=True),
        callbacks.JSONLogger(folder / "log.jsonl", append=True),
        callbacks.TerminateOnNaN(),
        EveryBatch(),
    ]


def seconds(train: Callable[[], Any]) -> float:
    """How long this takes."""
    begin = time.perf_counter()
    train()
    return time.perf_counter() - begin


def surroundings(network: Network, batch: int, count: int, rounds: int) -> str:
    """One line: the seconds of an epoch without and with what surrounds the steps, and the cost."""
    samples = data(network, count)
    without, everything = bare(network), full(network)
    with tempfile.TemporaryDirectory() as folder, unseen_terminal():
        own = usual(Path(folder))

        def epoch_bare() -> None:
            without.fit(*samples, batch_size=batch, verbose=0)

        def epoch_full() -> None:
            everything.fit(*samples, batch_size=batch, verbose=1, callbacks=own)

        for epoch in (epoch_bare, epoch_full):  # compiles, and is thrown away
            epoch()
        pairs = [(seconds(epoch_bare), seconds(epoch_full)) for _ in range(rounds)]
    alone, together = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(b / a for a, b in pairs) - 1
    return (
        f"{network.name}, batch {batch}, {count // batch:,} steps: {alone:.3f} s alone, {together:.3f} s with metrics, "
        f"callbacks and progress: {ratio:+.1%}"
    )


def sources(x: Array, y: Array, batch: int, folder: Path) -> dict[str, tuple[Any, ...]]:
    """The same samples as arrays, generator, data set and files: what ``fit`` is given."""
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    files = tuple(np.load(folder / name, mmap_mode="r") for name in ("x.npy", "y.npy"))
    starts = range(0, len(x) - batch + 1, batch)

    def batches() -> Iterator[tuple[Array, Array]]:
        for start in starts:
            yield x[start : start + batch] / np.float32(255), y[start : start + batch]

    class Images(omomi.utils.PyDataset):
        def __len__(self) -> int:
            return len(starts)

        def __getitem__(self, number: int) -> tuple[Array, Array]:
            start = starts[number]
            return x[start : start + batch] / np.float32(255), y[start : start + batch]

    return {
        "arrays in memory": (x, y),
        "memory-mapped files": files,
        "generator": (batches,),
        "PyDataset": (Images(),),
    }


class Waited(callbacks.Callback):
    """Notes how long training has waited for batches."""

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self.seconds = 0.0

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.seconds = self.params["waiting"].seconds


def waiting(network: Network, batch: int, count: int, rounds: int) -> Iterator[str]:
    """One line for each source: the share of an epoch that training has waited for data."""
    x, y = data(network, count)
    x = (x * 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for name, given in sources(x, y, batch, Path(folder)).items():
            model, waited = bare(network), Waited()
            size = batch if len(given) == 2 else None
            shares, times = [], []
            for _ in range(rounds + 1):  # the first compiles
                times.append(
                    seconds(lambda: model.fit(*given, batch_size=size, verbose=0, callbacks=[waited]))  # noqa: B023
                )
                shares.append(waited.seconds / times[-1])
            yield (
                f"{network.name}, batch {batch}, {name}: {median(times[1:]):.3f} s an epoch, of which "
                f"{median(shares[1:]):.1%} waiting for data"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for network, batch, count in WORKS:
        print(surroundings(network, batch, count, rounds), flush=True)
    for network, batch, count in WORKS:
        for line in waiting(network, batch, count, rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()

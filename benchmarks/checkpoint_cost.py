"""What a checkpoint after each epoch costs: ``python -m benchmarks.checkpoint_cost``.

The CNN of the README is trained with Adam, whose two slots make a checkpoint three times as large as the weights. Told
are the seconds of an epoch without checkpoints, and the seconds in which one is made, hashed, written and forced to the
disk: medians. An epoch is shorter than one of MNIST, so that the measurement is; its length is told in steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import omomi
from benchmarks.contenders.omomi_engines import compiled
from benchmarks.networks import CNN, data
from omomi.training.resuming import CheckpointKeeper

BATCH, SAMPLES, OF_MNIST = 32, 16_000, 60_000


def seconds_of_writing(model: omomi.Model, samples: tuple[object, object], folder: Path, epochs: int) -> list[float]:
    """How long each checkpoint took, of a training with one after each epoch."""
    taken: list[float] = []
    write = CheckpointKeeper.write

    def timed(self: CheckpointKeeper, *arguments: Any) -> None:
        begin = time.perf_counter()
        write(self, *arguments)
        taken.append(time.perf_counter() - begin)

    CheckpointKeeper.write = timed  # type: ignore[method-assign]
    try:
        model.fit(*samples, batch_size=BATCH, epochs=epochs, verbose=0, checkpoint=folder)
    finally:
        CheckpointKeeper.write = write  # type: ignore[method-assign]
    return taken[:epochs]  # the one at the end of training finds that there is nothing new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    model, samples = compiled(CNN), data(CNN, SAMPLES)
    model.compile("adam", model.loss)
    epochs = []
    for _ in range(rounds + 1):  # the first one compiles, and is thrown away
        begin = time.perf_counter()
        model.fit(*samples, batch_size=BATCH, verbose=0)
        epochs.append(time.perf_counter() - begin)
    with tempfile.TemporaryDirectory() as folder:
        writing = seconds_of_writing(model, samples, Path(folder), rounds)
        size = max(path.stat().st_size for path in Path(folder).iterdir())
    epoch, checkpoint = median(epochs[1:]), median(writing)
    print(
        f"{CNN.name}, Adam, batch {BATCH}: {SAMPLES // BATCH:,} steps in {epoch:.2f} s; a checkpoint of "
        f"{size / 1e6:.1f} MB in {1000 * checkpoint:.0f} ms: {checkpoint / epoch:.2%} of this epoch, "
        f"{checkpoint / (epoch * OF_MNIST / SAMPLES):.2%} of one of {OF_MNIST:,} samples"
    )


if __name__ == "__main__":
    main()

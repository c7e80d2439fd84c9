"""What the ledger costs an epoch at its default period: ``python -m benchmarks.ledger_cost``.

The two networks of the README are trained for an epoch with and without a ledger, in turn; each pair gives a ratio,
and the median of the ratios is told. So a slow while of the machine, which meets both of a pair, drops out.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import omomi
from benchmarks.contenders.omomi_engines import compiled
from benchmarks.networks import CNN, MLP, Network, data

WORKS = ((MLP, 20, 30_000), (CNN, 32, 32_000))


def seconds(model: omomi.Model, samples: tuple[object, object], batch: int, ledger: bool) -> float:
    """How long an epoch takes."""
    begin = time.perf_counter()
    model.fit(*samples, batch_size=batch, verbose=0, ledger=ledger)
    return time.perf_counter() - begin


def cost(network: Network, batch: int, count: int, rounds: int) -> str:
    """One line: the seconds of an epoch without and with a ledger, and the cost."""
    model, samples = compiled(network), data(network, count)
    for ledger in (False, True):  # compiles, and is thrown away
        seconds(model, samples, batch, ledger)
    pairs = [(seconds(model, samples, batch, False), seconds(model, samples, batch, True)) for _ in range(rounds)]
    watched = len(model.history.ledger) if model.history is not None and model.history.ledger is not None else 0
    without, with_ledger = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(b / a for a, b in pairs) - 1
    return (
        f"{network.name}, batch {batch}: {count // batch:,} steps, {watched} watched; "
        f"{without:.3f} s without, {with_ledger:.3f} s with a ledger: {ratio:+.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    for network, batch, count in WORKS:
        print(cost(network, batch, count, rounds), flush=True)


if __name__ == "__main__":
    main()

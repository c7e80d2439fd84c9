"""The works that are measured: a network, a batch size, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.networks import BN, CNN, MLP, WIDE, Network, flops


@dataclass(frozen=True)
class Work:
    """What every contender does again and again.

    Args:
        name: what the command line and the results call it.
        title: what tables and charts call it.
        network: the network.
        batch: samples at a time.
        kind: "train" (one step: forward, backward, update), "predict" (forward, dropout off), or "epoch" (a whole
            ``fit`` over ``samples`` with shuffling, accuracy and progress bar).
        samples: how many there are: a few batches that take turns, or the data of the epoch.
    """

    name: str
    title: str
    network: Network
    batch: int
    kind: str
    samples: int

    @property
    def flops(self) -> int:
        """Floating-point operations of doing it once."""
        return flops(self.network, self.kind != "predict") * (self.samples if self.kind == "epoch" else self.batch)


def _steps(name: str, title: str, network: Network, batch: int, kind: str = "train") -> Work:
    return Work(name, title, network, batch, kind, samples=8 * batch)


_LIST = [
    _steps("cnn-32", "CNN, training step, batch 32", CNN, 32),
    _steps("cnn-128", "CNN, training step, batch 128", CNN, 128),
    _steps("mlp-20", "MLP, training step, batch 20", MLP, 20),
    _steps("mlp-256", "MLP, training step, batch 256", MLP, 256),
    _steps("bn-64", "BN network, training step, batch 64", BN, 64),
    _steps("wide-64", "wider CNN, training step, batch 64", WIDE, 64),
    _steps("predict-1", "CNN, inference, batch 1", CNN, 1, "predict"),
    _steps("predict-256", "CNN, inference, batch 256", CNN, 256, "predict"),
    Work("epoch", "CNN, one epoch of fit, batch 32", CNN, 32, "epoch", samples=60_000),
]
WORKS = {work.name: work for work in _LIST}

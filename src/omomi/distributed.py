"""Training with several processes, on one machine or many, as if they were one.

Every process runs the same script on the same data. The engine jax cuts each batch over all devices of all processes;
gradients are averaged, and the weights stay the same everywhere.

import omomi
process = omomi.distributed.join("10.0.0.1:1234", processes=2, process=0)   # in the other one: process=1
omomi.use("jax")
model.fit(x, y, batch_size=128, verbose=2 if process == 0 else 0)
if process == 0:
    model.save("model.safetensors")
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["join"]


def join(
    address: str | None = None, processes: int | None = None, process: int | None = None, timeout: int = 300
) -> int:
    """Join the processes that train together. Call it first of all, in each of them.

    Args:
        address: "host:port" at which process 0 listens; left out where JAX knows the cluster (Slurm, a TPU pod).
        processes: how many there are.
        process: which one this is, counted from 0.
        timeout: how many seconds to wait for the others.

    Returns:
        The number of this process.

    Raises:
        EngineError: JAX is not installed, something was computed before, or the others did not come.
    """
    xla = import_module("omomi.engines.xla")
    xla.check_installed()
    number: int = import_module("omomi.engines.xla.processes").join(address, processes, process, timeout)
    return number

"""Several processes, on one machine or many, that train one network together."""

from __future__ import annotations

import jax

from omomi.errors import EngineError


def join(address: str | None, processes: int | None, process: int | None, timeout: int) -> int:
    """Join the processes that train together; see :func:`omomi.distributed.join`."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # how processors of several processes add up
    try:
        jax.distributed.initialize(address, processes, process, initialization_timeout=timeout)
    except (RuntimeError, ValueError) as reason:
        raise EngineError(
            "the processes did not find each other.",
            where="distributed.join",
            expected=f"{processes} processes that reach {address}" if address else "a cluster that JAX knows",
            received=str(reason).splitlines()[0],
            fix='join before anything is computed, at the head of the script and before omomi.use("jax"); start all '
            "processes with the same address and number, numbered from 0 on; process 0 listens there",
        ) from reason
    return int(jax.process_index())

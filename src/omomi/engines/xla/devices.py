"""The devices that JAX finds, and how arrays are laid over them.

A batch is cut along its first axis into as many parts as there are devices; everything else is kept whole on each.
XLA sees the program of the whole batch and cuts the work itself: a sum over the batch becomes a sum over all devices,
so gradients are averaged, and the statistics of batch normalisation are those of the whole batch.
"""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from omomi.engines.engine import Array, Device
from omomi.errors import EngineError

BATCH = "batch"  # the name of the mesh's only axis
KEPT_ON_HOST = 2**31  # bytes of data that a processor keeps a second time, at most
KEPT_SHARE = 0.5  # of the free memory of a device, at most, for data that stays there


def all_devices() -> list[Any]:
    """JAX's devices of the platform that it prefers: TPU, then GPU, then CPU; JAX_PLATFORMS chooses.

    Raises:
        EngineError: the chosen platform has no device, or cannot start.
    """
    try:
        return list(jax.devices())
    except (RuntimeError, AssertionError) as reason:  # the second where JAX_PLATFORMS names what is not there
        said = (str(reason).splitlines() or ["no reason given"])[0]
        raise EngineError(
            "JAX finds no device that it can use.",
            where="engine jax",
            expected="a processor, or a GPU with its driver and JAX's plugin for it",
            received=f"{said} (JAX_PLATFORMS={os.environ.get('JAX_PLATFORMS', 'not set')})",
            fix="omomi doctor says which part of a GPU is missing; JAX_PLATFORMS=cpu computes on the processor",
        ) from reason


def described(devices: list[Any]) -> list[Device]:
    """The devices as plain values."""
    return [Device(d.platform, d.device_kind, memory_of(d, "bytes_limit"), d.process_index) for d in devices]


def memory_of(device: Any, what: str) -> int | None:
    """One of a device's memory statistics in bytes, where XLA counts them (not on a CPU)."""
    if device.process_index != jax.process_index():
        return None
    statistics = device.memory_stats() or {}
    return statistics.get(what)


class Layout:
    """How arrays are laid over the devices.

    Attributes:
        several: whether there is more than one device.
    """

    def __init__(self, devices: list[Any]) -> None:
        self.devices = devices
        self.several = len(devices) > 1
        self.distributed = jax.process_count() > 1
        mesh = Mesh(np.array(devices), (BATCH,))
        self.whole = NamedSharding(mesh, PartitionSpec())
        self.cut = NamedSharding(mesh, PartitionSpec(BATCH))
        self.cut_rows = NamedSharding(mesh, PartitionSpec(None, BATCH))

    def divides(self, samples: int) -> bool:
        """Whether a batch can be cut evenly. One that cannot is computed whole on every device."""
        return samples % len(self.devices) == 0

    def place(self, array: Array, sharding: Any) -> Array:
        """An array laid over the devices in this way; as it is if it lies so already. One device needs no layout."""
        if not self.several:
            return array if isinstance(array, jax.Array) else jax.device_put(array)
        if getattr(array, "sharding", None) == sharding:
            return array
        if self.distributed:  # every process has the whole array, and hands over the parts of its own devices
            host = np.asarray(array)
            return jax.make_array_from_callback(host.shape, sharding, lambda part: host[part])
        return jax.device_put(array, sharding)

    def fits(self, size: int) -> bool:
        """Whether data of so many bytes may stay on every device beside what training needs."""
        for device in self.devices:
            if device.platform == "cpu" and size > KEPT_ON_HOST:
                return False
            limit, used = memory_of(device, "bytes_limit"), memory_of(device, "bytes_in_use")
            if limit is not None and used is not None and size > KEPT_SHARE * (limit - used):
                return False
        return True

"""Several devices and several processes compute the numbers of one.

Each test starts processes of its own, since the number of devices is fixed when JAX starts.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose

import omomi
from tests.engines.xla.worker import trained

ROOT = Path(__file__).parents[3]


def start(out, network, *place, devices=1):
    """A worker process with so many virtual devices."""
    environment = {
        **os.environ,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    command = [sys.executable, "-m", "tests.engines.xla.worker", str(out), network, *map(str, place)]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finished(process, out):
    """What a worker wrote: how many samples of a batch one device computes, and its results."""
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    with np.load(out) as file:
        part, *results = (file[f"arr_{i}"] for i in range(len(file.files)))
    return int(part[0]), results


def alone(network):
    """The same on one device, in this process."""
    with omomi.use("jax"):
        return trained(network)


def agree(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_four_devices_with_batch_normalisation_and_an_uneven_last_batch(tmp_path):
    out = tmp_path / "four.npz"
    process = start(out, "normalised", devices=4)
    expected = alone("normalised")
    part, found = finished(process, out)
    assert part == 16 / 4
    agree(found, expected)


def test_two_processes_train_the_weights_of_one(tmp_path):
    with socket.socket() as s:
        s.bind(("localhost", 0))
        address = f"localhost:{s.getsockname()[1]}"
    outs = [tmp_path / f"{k}.npz" for k in range(2)]
    processes = [start(out, "mlp", address, 2, k) for k, out in enumerate(outs)]
    expected = alone("mlp")
    for process, out in zip(processes, outs, strict=True):
        part, found = finished(process, out)
        assert part == 16 / 2
        agree(found, expected)

"""``omomi doctor`` on simulated machines: which part of a GPU is missing is named, and how to get it."""

from __future__ import annotations

import json

import pytest

import omomi
from omomi.cli.environment import environment, memory, processor, thread_pools, vectors
from omomi.cli.gpu import Machine, cards, parts, verdict
from omomi.engines import selection
from omomi.engines.engine import Device
from tests.cli.conftest import run

WITH_JAX = ("jax", "jaxlib", "jax-cuda13-plugin", "nvidia-cuda-runtime", "nvidia-cudnn-cu13")


class Cuda:
    """libcuda of a driver: its functions, with the error that they report."""

    def __init__(self, error=0, devices=1):
        self.error, self.devices = error, devices

    def cuInit(self, flags):
        return self.error

    def cuDeviceGetCount(self, count):
        count._obj.value = self.devices
        return 0

    def cuDriverGetVersion(self, number):
        number._obj.value = 13000
        return 0


@pytest.fixture
def machine(tmp_path):
    """Makes a machine with an NVIDIA card and everything that it needs, less what a test takes away."""

    def make(*, card="0x10de", driver="580.65.06", files=("nvidia0", "nvidiactl"), libraries=None, packages=WITH_JAX,
             engines=("numpy", "jax"), also=()):  # fmt: skip
        def put(path, text=""):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

        (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
        if card:
            put("sys/bus/pci/devices/0000:04:00.0/vendor", f"{card}\n")
            put("sys/bus/pci/devices/0000:04:00.0/device", "0x2335\n")
            put("sys/bus/pci/devices/0000:04:00.0/class", "0x030200\n")
        put("sys/bus/pci/devices/0000:00:02.0/vendor", "0x1af4\n")  # a network card
        put("sys/bus/pci/devices/0000:00:02.0/class", "0x020000\n")
        if driver:
            line = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {driver}  Sun Jul 20 00:00:00 UTC 2025\n"
            put("proc/driver/nvidia/version", line)
        for path in (*(f"dev/{file}" for file in files), *also):
            put(path)
        known = {"libcuda.so.1": Cuda()} if libraries is None else libraries

        def load(name):
            if name not in known:
                raise OSError(name)
            return known[name]

        return Machine(tmp_path, load, dict.fromkeys(packages, "1.0").get, lambda: packages, engines)

    return make


def missing(machine):
    return [part.name for part in parts(machine) if not part.present]


def fix_of(machine, name):
    return next(part.fix for part in parts(machine) if part.name == name)


def test_a_gpu_with_all_its_parts(machine):
    whole = machine()
    assert cards(whole) == ["NVIDIA 10de:2335 at 0000:04:00.0"]
    assert missing(whole) == []
    assert [part.name for part in parts(whole)] == [
        "driver", "device files", "libcuda", "CUDA", "cuDNN", "jax", "engine",
    ]  # fmt: skip
    assert "1 device, for CUDA up to 13.0" in [part.detail for part in parts(whole)]
    assert verdict(parts(whole)) == "the GPU can be used"


def test_no_gpu(machine):
    assert cards(machine(card=None, driver=None, files=())) == []


def test_no_driver(machine):
    bare = machine(driver=None, files=(), libraries={})
    assert missing(bare) == ["driver", "device files", "libcuda"]
    assert "apt install nvidia-driver" in fix_of(bare, "driver")
    assert verdict(parts(bare)).startswith("the GPU cannot be used: no working driver, no device files, no libcuda")


def test_nouveau_has_the_card(machine):
    nouveau = machine(driver=None, files=(), libraries={}, also=("sys/module/nouveau/refcnt",))
    assert parts(nouveau)[0].detail == "the card is run by nouveau, which cannot compute"


def test_an_old_driver(machine):
    assert missing(machine(driver="470.256.02")) == ["driver"]


def test_a_driver_for_cuda_12(machine):
    assert fix_of(machine(driver="550.54.14", packages=()), "jax") == 'pip install "jax[cuda12]"'


def test_a_container_without_the_device_files(machine):
    inside = machine(card=None, files=(), libraries={})
    assert cards(inside) == ["NVIDIA, its driver is loaded"]
    assert missing(inside) == ["device files", "libcuda"]
    assert "docker run --gpus all" in fix_of(inside, "device files")


@pytest.mark.parametrize(
    ("error", "devices", "said", "remedy"),
    [
        (803, 1, "different versions", "restart"),
        (802, 1, "not ready", "fabricmanager"),
        (100, 0, "no device", "CUDA_VISIBLE_DEVICES"),
        (0, 0, "no device", "CUDA_VISIBLE_DEVICES"),
        (34, 0, "CUDA error 34", "nvidia-smi"),
    ],
)
def test_a_driver_library_that_cannot_start(machine, error, devices, said, remedy):
    broken = machine(libraries={"libcuda.so.1": Cuda(error, devices)})
    (part,) = [part for part in parts(broken) if not part.present]
    assert part.name == "libcuda"
    assert said in part.detail
    assert remedy in part.fix


def test_no_jax(machine):
    without = machine(packages=())
    assert missing(without) == ["CUDA", "cuDNN", "jax"]
    assert fix_of(without, "jax") == 'pip install "jax[cuda13]"'


def test_jax_without_its_plugin(machine):
    plain = machine(packages=("jax", "jaxlib"), libraries={"libcuda.so.1": Cuda(), "libcudart.so.12": object()})
    assert missing(plain) == ["cuDNN", "jax"]
    assert "without its CUDA plugin" in next(part.detail for part in parts(plain) if part.name == "jax")


def test_no_engine_for_it(machine):
    assert missing(machine(engines=("numpy",))) == ["engine"]


def test_windows_hands_its_card_over(machine):
    wsl = machine(card=None, driver=None, files=(), also=("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"))
    assert cards(wsl) == ["NVIDIA, handed over by Windows (WSL)"]
    assert missing(wsl) == []


def test_the_processor_of_a_simulated_machine(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Toy 1\nflags\t\t: fpu avx avx2\n\nprocessor: 1\n"
    )
    (tmp_path / "proc/meminfo").write_text("MemTotal:        2048 kB\nMemFree: 1 kB\n")
    assert (processor(tmp_path), vectors(tmp_path), memory(tmp_path)) == ("Toy 1", "AVX2", 2 << 20)
    assert memory(tmp_path / "nowhere") is None
    assert processor(tmp_path / "nowhere")


def test_the_report():
    report = run("doctor")
    assert report.exit_code == 0
    for word in ("machine", "versions", "engines", "devices", "numpy", "chosen"):
        assert word in report.stdout
    findings = json.loads(run("doctor", "--json").stdout)
    assert {(d["engine"], d["platform"]) for d in findings["devices"]} >= {("jax", "cpu")}
    assert "engine jax" in report.stdout
    assert {"numpy", "numba"} <= {engine["name"] for engine in findings["engines"]}
    assert findings["processor"]["cores"] >= 1


def test_a_run_records_the_engine_s_versions_and_devices(monkeypatch):
    with omomi.use("jax"):
        found = environment()
        assert found["engine"] == "jax"
        assert found["versions"]["jax"]
        assert found["device"].startswith("cpu: ")
        accelerators = [Device("gpu", "H200", 2**37)] * 2
        monkeypatch.setattr(omomi.engine(), "devices", lambda: accelerators)
        assert environment()["device"] == "2 × gpu: H200"
    with omomi.use("numpy"):
        assert "jax" not in environment()["versions"]
        assert environment()["device"].startswith("cpu: ")


def test_the_chosen_engine(monkeypatch):
    monkeypatch.setattr(selection, "_current", None)
    for wanted in ("numpy", "abacus"):
        monkeypatch.setenv("OMOMI_ENGINE", wanted)
        (chosen,) = [entry for entry in json.loads(run("doctor", "--json").stdout)["engines"] if entry["chosen"]]
        assert (chosen["name"], chosen["chosen"]) == (wanted, "chosen by OMOMI_ENGINE")
        assert (chosen["problem"] is None) == (wanted == "numpy")
    with_threads = {pool["library"] for pool in thread_pools("numba")} - {
        pool["library"] for pool in thread_pools("numpy")
    }
    assert with_threads == {"engine numba"}

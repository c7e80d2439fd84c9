"""Who is measured. Each contender wraps one library; a worker process imports exactly one of them."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field

from benchmarks.contenders.contender import Contender


@dataclass(frozen=True)
class Entry:
    """How to find a contender before it is imported.

    Args:
        title: what tables and charts call it.
        place: the module and class.
        needs: the packages it imports; all of them must be installed.
        imports: what a user types to import it.
        distributions: what a user installs.
        environment: variables of its process.
        ours: whether it is Omomi; all others are peers.
        gpu: whether it is for ``python -m benchmarks.gpu`` alone.
    """

    title: str
    place: str
    needs: tuple[str, ...]
    imports: str
    distributions: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    ours: bool = False
    gpu: bool = False

    @property
    def installed(self) -> bool:
        return all(importlib.util.find_spec(package) is not None for package in self.needs)

    def load(self) -> Contender:
        """Import it."""
        module, _, name = self.place.partition(":")
        contender: Contender = getattr(importlib.import_module(f"benchmarks.contenders.{module}"), name)()
        return contender


def _keras(backend: str, needs: tuple[str, ...], distributions: tuple[str, ...]) -> Entry:
    title = {"tensorflow": "Keras · TensorFlow", "jax": "Keras · JAX", "torch": "Keras · torch"}[backend]
    return Entry(
        title,
        f"keras_{backend}:Keras",
        ("keras", *needs),
        "import keras",
        ("keras", *distributions),
        {"KERAS_BACKEND": backend},
    )


def _torch_on_gpu(title: str, name: str) -> Entry:
    return Entry(title, f"torch_gpu:{name}", ("torch",), "import torch", ("torch",), gpu=True)


CONTENDERS: dict[str, Entry] = {
    "omomi-numba": Entry("Omomi", "omomi_engines:Numba", ("omomi",), "import omomi", ("omomi",), ours=True),
    "omomi-numpy": Entry(
        "Omomi, NumPy engine", "omomi_engines:Reference", ("omomi",), "import omomi", ("omomi",), ours=True
    ),
    "omomi-jax": Entry(
        "Omomi, JAX engine", "omomi_engines:Jax", ("omomi", "jax"), "import omomi", ("omomi", "jax"), ours=True
    ),
    "torch": Entry("PyTorch", "torch_eager:Torch", ("torch",), "import torch", ("torch",)),
    "torch-compile": Entry("torch.compile", "torch_eager:Compiled", ("torch",), "import torch", ("torch",)),
    "keras-tensorflow": _keras("tensorflow", ("tensorflow",), ("tensorflow-cpu", "tensorflow")),
    "keras-jax": _keras("jax", ("jax",), ("jax",)),
    "keras-torch": _keras("torch", ("torch",), ("torch",)),
    "jax": Entry("JAX + Optax", "jax_optax:Jax", ("jax", "optax"), "import jax, optax", ("jax", "optax")),
    "sklearn": Entry(
        "scikit-learn",
        "sklearn_mlp:Sklearn",
        ("sklearn",),
        "from sklearn.neural_network import MLPClassifier",
        ("scikit-learn",),
    ),
    "onnxruntime": Entry(
        "ONNX Runtime",
        "onnx_runtime:OnnxRuntime",
        ("onnx", "onnxruntime"),
        "import onnxruntime",
        ("onnxruntime",),
    ),
    "numpy": Entry("NumPy by hand", "numpy_by_hand:ByHand", ("numpy",), "import numpy", ("numpy",)),
    "torch-gpu": _torch_on_gpu("PyTorch", "Eager"),
    "torch-gpu-compile": _torch_on_gpu("torch.compile", "Compiled"),
    "torch-gpu-graphs": _torch_on_gpu("PyTorch, CUDA graph", "Graphs"),
}

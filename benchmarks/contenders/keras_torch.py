"""Keras on PyTorch, with the channels last and first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch

from benchmarks.contenders.contender import Steps, Task
from benchmarks.contenders.keras_model import KerasOn, Way
from benchmarks.networks import Array


class Keras(KerasOn):
    """The step is the model's own ``train_step``."""

    ways: ClassVar[dict[str, Way]] = {
        "channels last": (False, "channels_last"),
        "channels first": (False, "channels_first"),
    }

    def versions(self) -> dict[str, str]:
        return {**super().versions(), "torch": torch.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Any]]:
        torch.set_num_threads(task.threads)
        return super().variants(task)

    def training(self, model: Any, batches: list[tuple[Array, Array]], outputs: Callable[[Array], Array]) -> Steps:
        ready = [((torch.from_numpy(x), torch.from_numpy(y)),) for x, y in batches]
        return Steps(model.train_step, ready, outputs)

    def predicting(self, model: Any, batches: list[Array], outputs: Callable[[Array], Array], jit: bool) -> Steps:
        @torch.inference_mode()
        def call(x: Any) -> Any:
            return model(x, training=False)

        return Steps(call, [(torch.from_numpy(x),) for x in batches], outputs)

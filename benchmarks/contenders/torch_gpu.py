"""PyTorch on the GPU: eager, through torch.compile, and a step as one CUDA graph. On the processor without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.contenders.contender import Runner, Steps, Task, UnsupportedError
from benchmarks.contenders.torch_eager import FORMATS, module, tensor
from benchmarks.networks import Array

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WARM_STEPS = 5  # before a graph is captured: libraries choose their algorithms and allocate in the first ones


def wait(_: Any = None) -> None:
    """Until what was started is done."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


class Eager:
    """The usual loop with fused updates. Batches lie on the GPU; float32 as PyTorch does it unless told."""

    compiled = False

    def versions(self) -> dict[str, str]:
        device = torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu"
        return {"torch": torch.__version__, "device": device}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if task.work.kind != "train":
            raise UnsupportedError("is measured in training")
        torch.set_num_threads(task.threads)
        forms = FORMATS if len(task.network.input_shape) == 3 else {"": torch.contiguous_format}
        return {words: lambda form=form: self.training(task, form) for words, form in forms.items()}  # type: ignore[misc]

    def training(self, task: Task, form: Any) -> Runner:
        model = module(task.network, task.weights).to(DEVICE, memory_format=form).train()
        optimizer = self.optimizer(task, model)
        criterion = nn.CrossEntropyLoss()

        def forward(x: Any, y: Any) -> Any:
            return criterion(model(x), y)

        run = torch.compile(forward) if self.compiled else forward

        def step(x: Any, y: Any) -> None:
            optimizer.zero_grad(set_to_none=True)
            run(x, y).backward()
            optimizer.step()

        batches = [(tensor(x, form).to(DEVICE), torch.from_numpy(y).to(DEVICE)) for x, y in task.batches()]
        return Steps(self.prepared(step, batches[0]), batches, lambda x: outputs(model, x, form), wait)

    def optimizer(self, task: Task, model: nn.Module) -> Any:
        """Adam or SGD, its update fused into few kernels."""
        if task.network.optimizer == "adam":
            return torch.optim.Adam(model.parameters(), task.network.rate, eps=1e-7, fused=True)
        return torch.optim.SGD(model.parameters(), task.network.rate, fused=True)

    def prepared(self, step: Callable[[Any, Any], None], batch: tuple[Any, Any]) -> Callable[[Any, Any], None]:
        """The step as it is run."""
        return step


class Compiled(Eager):
    """Forward and backward through torch.compile."""

    compiled = True


class Graphs(Eager):
    """The step captured once as a CUDA graph; a batch is copied into the graph's own before each replay."""

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if DEVICE != "cuda":
            raise UnsupportedError("needs an NVIDIA GPU")
        return super().variants(task)

    def optimizer(self, task: Task, model: nn.Module) -> Any:
        if task.network.optimizer == "adam":
            return torch.optim.Adam(model.parameters(), task.network.rate, eps=1e-7, fused=True, capturable=True)
        return super().optimizer(task, model)

    def prepared(self, step: Callable[[Any, Any], None], batch: tuple[Any, Any]) -> Callable[[Any, Any], None]:
        # What the first steps change is part of training: every contender is judged by whether it learns.
        x, y = (part.clone() for part in batch)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_STEPS):
                step(x, y)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step(x, y)

        def replay(new_x: Any, new_y: Any) -> None:
            x.copy_(new_x)
            y.copy_(new_y)
            graph.replay()

        return replay


def outputs(model: nn.Module, x: Array, form: Any) -> Array:
    """Probabilities, dropout off."""
    was = model.training
    model.eval()
    with torch.inference_mode():
        p: Array = torch.softmax(model(tensor(x, form).to(DEVICE)), dim=1).cpu().numpy()
    model.train(was)
    return p

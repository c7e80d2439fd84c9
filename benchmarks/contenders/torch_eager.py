"""PyTorch: eager in both memory formats, and through torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.contenders.contender import Epochs, Runner, Steps, Task
from benchmarks.networks import (
    Activation,
    Array,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    LayerSpec,
    MaxPool,
    Network,
    Rescaling,
    Shape,
    Weights,
    channels_first,
)

FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Torch:
    """The usual loop: zero_grad, forward, loss, backward, step. Adam's updates fused, and not."""

    compiled = False

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        torch.set_num_threads(task.threads)
        images = len(task.network.input_shape) == 3
        found: dict[str, Callable[[], Runner]] = {}
        for words, form in FORMATS.items() if images else [("", torch.contiguous_format)]:
            if task.work.kind == "predict":
                found[words] = lambda form=form: self.predicting(task, form)  # type: ignore[misc]
                continue
            for fused in (False, True):
                label = ", ".join(filter(None, [words, f"fused {task.network.optimizer}" if fused else ""]))
                found[label] = lambda form=form, fused=fused: self.training(task, form, fused)  # type: ignore[misc]
        return found

    def training(self, task: Task, form: Any, fused: bool) -> Runner:
        network = task.network
        model = module(network, task.weights).to(memory_format=form).train()
        if network.optimizer == "adam":
            optimizer: Any = torch.optim.Adam(model.parameters(), network.rate, eps=1e-7, fused=fused)
        else:
            optimizer = torch.optim.SGD(model.parameters(), network.rate, fused=fused)
        criterion = nn.CrossEntropyLoss()

        def forward(x: Any, y: Any) -> Any:
            logits = model(x)
            return criterion(logits, y), logits

        run = torch.compile(forward) if self.compiled else forward

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss, logits = run(x, y)
            loss.backward()
            optimizer.step()
            return loss.detach(), logits.detach()

        def outputs_now(x: Array) -> Array:
            return outputs(model, tensor(x, form))

        if task.work.kind == "epoch":
            x, y = tensor(task.x, form), torch.from_numpy(task.y)
            return Epochs(lambda: epoch(step, x, y, task.work.batch), outputs_now)
        batches = [(tensor(x, form), torch.from_numpy(y)) for x, y in task.batches()]
        return Steps(step, batches, outputs_now)

    def predicting(self, task: Task, form: Any) -> Runner:
        model = module(task.network, task.weights).to(memory_format=form).eval()
        with_softmax = nn.Sequential(model, nn.Softmax(dim=1)).eval()
        run = torch.compile(with_softmax) if self.compiled else with_softmax

        @torch.inference_mode()
        def predict(x: Any) -> Any:
            return run(x)

        batches = [(tensor(x, form),) for x, _ in task.batches()]
        return Steps(predict, batches, lambda x: outputs(model, tensor(x, form)))


class Compiled(Torch):
    """The same, forward and backward compiled; needs a C++ compiler."""

    compiled = True


def epoch(step: Callable[..., Any], x: Any, y: Any, batch: int) -> tuple[float, float]:
    """The loop as users write it: shuffle, cut, step, count. Mean loss and accuracy."""
    order = torch.randperm(len(x))
    loss, right = 0.0, 0
    for begin in range(0, len(x), batch):
        rows = order[begin : begin + batch]
        targets = y[rows]
        mean, logits = step(x[rows], targets)
        loss += mean.item() * len(rows)
        right += int((logits.argmax(1) == targets.argmax(1)).sum())
    return loss / len(x), right / len(x)


def module(network: Network, weights: Weights) -> nn.Module:
    """The network up to the logits, with these weights."""
    turned = channels_first(network, weights)
    parts: list[nn.Module] = []
    for (layer, before, _), own in zip(network.shapes(), turned, strict=True):
        part = module_of(layer, before)
        names = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
        names |= {"mean": "running_mean", "variance": "running_var"}
        for name, array in own.items():
            getattr(part, names[name]).data.copy_(torch.from_numpy(array))
        parts.append(part)
        activation = ACTIVATIONS.get(getattr(layer, "activation", None) or "")
        parts += [activation()] if activation else []
    return nn.Sequential(*parts)


def module_of(layer: LayerSpec, before: Shape) -> nn.Module:
    """One layer, without its activation."""
    match layer:
        case Conv():
            padding = (layer.size - 1) // 2 if layer.padding == "same" else 0
            return nn.Conv2d(before[-1], layer.filters, layer.size, padding=padding, bias=layer.bias)
        case BatchNorm():
            return nn.BatchNorm2d(before[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
        case Activation():
            return ACTIVATIONS[layer.name]()
        case MaxPool():
            return nn.MaxPool2d(2)
        case Dropout():
            return nn.Dropout(layer.rate)
        case Flatten():
            return nn.Flatten()
        case Dense():
            return nn.Linear(before[-1], layer.units)
        case Rescaling():
            return Scaled(layer.scale)


class Scaled(nn.Module):
    """y = scale · x."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Any) -> Any:
        return x.float() * self.scale


def tensor(x: Array, form: Any = torch.contiguous_format) -> Any:
    """Samples as a tensor; images become (N, C, H, W), in memory as the format says."""
    t = torch.from_numpy(x)
    return t.permute(0, 3, 1, 2).contiguous(memory_format=form) if x.ndim == 4 else t


def outputs(model: nn.Module, x: Any) -> Array:
    """Probabilities, dropout off."""
    was = model.training
    model.eval()
    with torch.inference_mode():
        p: Array = torch.softmax(model(x), dim=1).numpy()
    model.train(was)
    return p

"""The time to 99.0 % on MNIST on one device: one epoch, one cycle of Adam's rate, the data on the device.

The recipe is that of ``benchmarks.time_to_99``. Each contender trains a new model for each seed; the seconds run from
the making of the model to the end of the epoch, tracing and compiling among them. PyTorch trains eagerly: its images
lie on the device as bytes, and are shuffled, cut and scaled there.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import mean
from typing import Any

import omomi
from benchmarks import mnist, time_to_99
from benchmarks.networks import Array
from benchmarks.time_to_99 import FINAL, RISES, Recipe

SMALL_SAMPLES = 2048  # of MNIST

# The seconds of the epoch, and the outputs for the test images.
Train = Callable[[Recipe, Array, Array, Array, int], tuple[float, Array]]


def by_omomi(recipe: Recipe, x: Array, y: Array, x_test: Array, seed: int) -> tuple[float, Array]:
    """Omomi's engine jax."""
    with omomi.use("jax"):
        start = time.perf_counter()
        model = recipe.model(seed, len(x))
        model.fit(x, y, batch_size=recipe.batch, epochs=recipe.epochs, verbose=0)
        return time.perf_counter() - start, model.predict(x_test, batch_size=500)


def by_torch(recipe: Recipe, x: Array, y: Array, x_test: Array, seed: int) -> tuple[float, Array]:
    """PyTorch, with Adam's update fused."""
    import torch

    from benchmarks.contenders.torch_gpu import DEVICE, wait

    def images(pixels: Array) -> Any:
        return torch.tensor(pixels).to(DEVICE).permute(0, 3, 1, 2)

    start = time.perf_counter()
    torch.manual_seed(seed)
    model = torch_network(recipe).to(DEVICE, memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), recipe.peak, eps=1e-7, fused=True)
    steps = recipe.epochs * -(-len(x) // recipe.batch)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.peak, total_steps=steps, pct_start=recipe.rising, div_factor=RISES, final_div_factor=FINAL
    )
    criterion = torch.nn.CrossEntropyLoss()
    data, labels = images(x), torch.from_numpy(y.argmax(1)).to(DEVICE)
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(x), device=DEVICE).split(recipe.batch):
            batch = (data[rows].float() / 255).contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad(set_to_none=True)
            criterion(model(batch), labels[rows]).backward()
            optimizer.step()
            cycle.step()
    wait()
    seconds = time.perf_counter() - start
    model.eval()
    with torch.inference_mode():
        return seconds, torch.cat([model(part.float() / 255) for part in images(x_test).split(500)]).cpu().numpy()


def torch_network(recipe: Recipe) -> Any:
    """The recipe's network in PyTorch."""
    from torch import nn

    stack: list[Any] = []
    channels, side = 1, 28
    for number, (filters, size) in enumerate(recipe.blocks):
        if number > 0:
            stack.append(nn.MaxPool2d(2))
            side //= 2
        stack += [nn.Conv2d(channels, filters, size, bias=False), nn.BatchNorm2d(filters, eps=1e-3), nn.ReLU()]
        channels, side = filters, side - size + 1
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(channels * side * side, 10))


CONTENDERS: dict[str, tuple[str, Train]] = {"omomi-jax": ("jax", by_omomi), "torch-gpu": ("torch", by_torch)}


def measure(names: list[str], small: bool) -> dict[str, Any] | None:
    """Train everybody, a seed each in turn; ``None`` without MNIST."""
    if mnist.folder() is None:
        return None
    (x, y), (x_test, y_test) = mnist.train(), mnist.test()
    recipe, seeds = replace(time_to_99.CHOSEN, epochs=1), time_to_99.SEEDS
    if small:
        x, y, x_test, y_test, seeds = x[:SMALL_SAMPLES], y[:SMALL_SAMPLES], x_test[:500], y_test[:500], range(1)
    present = {name: train for name, (package, train) in CONTENDERS.items() if name in names and installed(package)}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in present}
    for seed in seeds:
        for name, train in present.items():
            seconds, outputs = train(recipe, x, y, x_test, seed)
            right = float((outputs.argmax(1) == y_test.argmax(1)).mean())
            runs[name].append({"seed": seed, "seconds": seconds, "accuracy": right})
            print(f"{name}  seed {seed}  {seconds:.2f} s  {100 * right:.2f} %", flush=True)
    return {
        "recipe": str(recipe) + ".",
        "contenders": {
            name: {
                "runs": of,
                # The first pays for what a process does once: loading libraries, choosing algorithms.
                "mean_seconds": mean(run["seconds"] for run in of[1:] or of),
                "mean_accuracy": mean(run["accuracy"] for run in of),
            }
            for name, of in runs.items()
        },
    }


def installed(package: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(package) is not None

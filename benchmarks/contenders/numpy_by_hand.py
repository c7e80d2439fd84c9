"""The MLP as a bare loop over NumPy, the way a textbook's listing does it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.contenders.contender import Runner, Steps, Task, UnsupportedError
from benchmarks.networks import Array, Dense


class ByHand:
    """Forward, backward and SGD, spelled out."""

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        network = task.network
        if task.work.kind != "train" or not all(isinstance(layer, Dense) for layer in network.layers):
            raise UnsupportedError("written for the training of the MLP")
        return {"": lambda: self.build(task)}

    def build(self, task: Task) -> Runner:
        weights = [own["kernel"].copy() for own in task.weights]
        biases = [own["bias"].copy() for own in task.weights]
        rate = np.float32(task.network.rate)
        last = len(weights) - 1

        def forward(x: Array) -> list[Array]:
            z = [x]
            for number, (W, b) in enumerate(zip(weights, biases, strict=True)):
                u = z[-1] @ W + b
                if number < last:
                    z.append(np.tanh(u))
                else:
                    e = np.exp(u - u.max(axis=1, keepdims=True))
                    z.append(e / e.sum(axis=1, keepdims=True))
            return z

        def step(x: Array, t: Array) -> None:
            z = forward(x)
            delta = (z[-1] - t) / np.float32(len(x))  # softmax with cross-entropy: δ = (y − t) / N
            for number in range(last, -1, -1):
                gW, gb = z[number].T @ delta, delta.sum(axis=0)
                if number > 0:
                    delta = (delta @ weights[number].T) * (1 - z[number] ** 2)  # tanh' = 1 − z²
                weights[number] -= rate * gW
                biases[number] -= rate * gb

        return Steps(step, list(task.batches()), lambda x: forward(x)[-1])

"""JAX with Optax: the whole step one XLA program, its state donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.contenders.contender import Runner, Steps, Task, UnsupportedError
from benchmarks.networks import (
    Activation,
    Array,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Network,
    Rescaling,
)

STATISTICS = ("mean", "variance")  # what is not trained by gradients


class Jax:
    """Channels last, as XLA's processor code prefers it."""

    def versions(self) -> dict[str, str]:
        return {"jax": jax.__version__, "optax": optax.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if task.work.kind == "epoch":
            raise UnsupportedError("has no fit")
        return {"": lambda: self.build(task)}

    def build(self, task: Task) -> Runner:
        network, rate = task.network, task.network.rate
        optimizer = optax.adam(rate, eps=1e-7) if network.optimizer == "adam" else optax.sgd(rate)
        parameters = [{k: jnp.array(v) for k, v in own.items() if k not in STATISTICS} for own in task.weights]
        statistics = [{k: jnp.array(v) for k, v in own.items() if k in STATISTICS} for own in task.weights]

        def loss(parameters: Any, statistics: Any, key: Any, x: Any, y: Any) -> Any:
            logits, statistics = forward(network, parameters, statistics, x, key)
            return optax.softmax_cross_entropy(logits, y).mean(), statistics

        def step(state: Any, x: Any, y: Any) -> Any:
            parameters, statistics, slots, key = state
            key, now = jax.random.split(key)
            gradient = jax.value_and_grad(loss, has_aux=True)
            (value, statistics), g = gradient(parameters, statistics, now, x, y)
            moves, slots = optimizer.update(g, slots, parameters)
            return (optax.apply_updates(parameters, moves), statistics, slots, key), value

        compiled_step = jax.jit(step, donate_argnums=0)
        compiled_forward = jax.jit(lambda p, s, x: jax.nn.softmax(forward(network, p, s, x, None)[0]))
        state = (parameters, statistics, optimizer.init(parameters), jax.random.key(0))

        def train(x: Any, y: Any) -> Any:
            nonlocal state
            state, value = compiled_step(state, x, y)
            return value

        def predict(x: Any) -> Any:
            return compiled_forward(state[0], state[1], x)

        def outputs(x: Array) -> Array:
            return jax.device_get(predict(x))

        if task.work.kind == "predict":
            return Steps(outputs, [(jnp.array(x),) for x, _ in task.batches()], outputs)
        batches = [(jnp.array(x), jnp.array(y)) for x, y in task.batches()]
        return Steps(train, batches, outputs, jax.block_until_ready)


def forward(network: Network, parameters: Any, statistics: Any, x: Any, key: Any) -> Any:
    """The logits, and the running statistics; training if there is a key for the masks."""
    training = key is not None
    changed = []
    for layer, own, running in zip(network.layers, parameters, statistics, strict=True):
        match layer:
            case Rescaling():
                x = x.astype(jnp.float32) * layer.scale
            case Conv():
                x = jax.lax.conv_general_dilated(
                    x, own["kernel"], (1, 1), layer.padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC")
                )
                x = activated(x + own["bias"] if layer.bias else x, layer.activation)
            case BatchNorm():
                mean, variance = running["mean"], running["variance"]
                if training:
                    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
                    m = layer.momentum
                    running = {
                        "mean": m * running["mean"] + (1 - m) * mean,
                        "variance": m * running["variance"] + (1 - m) * variance,
                    }
                scale = own["gamma"] * jax.lax.rsqrt(variance + layer.epsilon)
                x = x * scale + (own["beta"] - mean * scale)
            case Activation():
                x = activated(x, layer.name)
            case MaxPool():
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            case Dropout():
                if training:
                    key, now = jax.random.split(key)
                    kept = 1 - layer.rate
                    x = jnp.where(jax.random.bernoulli(now, kept, x.shape), x / kept, 0)
            case Flatten():
                x = x.reshape(len(x), -1)
            case Dense():
                x = activated(x @ own["kernel"] + own["bias"], layer.activation)
        changed.append(running)
    return x, changed


def activated(u: Any, name: str | None) -> Any:
    """f(u); softmax is left to the loss."""
    return {"relu": jax.nn.relu, "tanh": jnp.tanh}.get(name or "", lambda u: u)(u)

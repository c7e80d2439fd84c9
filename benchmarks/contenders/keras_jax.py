"""Keras on JAX, with the channels last and first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from benchmarks.contenders.contender import Steps
from benchmarks.contenders.keras_model import KerasOn, Way
from benchmarks.networks import Array


class Keras(KerasOn):
    """The step is the model's own ``train_step``, compiled as ``fit`` compiles it, its state donated."""

    ways: ClassVar[dict[str, Way]] = {
        "channels last": (True, "channels_last"),
        "channels first": (True, "channels_first"),
    }

    def versions(self) -> dict[str, str]:
        return {**super().versions(), "jax": jax.__version__}

    def training(self, model: Any, batches: list[tuple[Array, Array]], outputs: Callable[[Array], Array]) -> Steps:
        model.optimizer.build(model.trainable_variables)
        model.compute_metrics(batches[0][0], batches[0][1], model(batches[0][0]))  # makes the metrics' variables
        kinds = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        state = tuple([jnp.array(v.value) for v in variables] for variables in kinds)
        compiled = jax.jit(model.train_step, donate_argnums=0)

        def step(x: Any, y: Any) -> Any:
            nonlocal state
            logs, state = compiled(state, (x, y))
            return logs

        def current_outputs(x: Array) -> Array:
            for variables, values in zip(kinds, state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(jnp.array(value))  # a copy: the next step gives its own away
            return outputs(x)

        ready = [(jnp.array(x), jnp.array(y)) for x, y in batches]
        return Steps(step, ready, current_outputs, jax.block_until_ready)

    def predicting(self, model: Any, batches: list[Array], outputs: Callable[[Array], Array], jit: bool) -> Steps:
        trainable = [jnp.array(v.value) for v in model.trainable_variables]
        others = [jnp.array(v.value) for v in model.non_trainable_variables]
        call = jax.jit(lambda a, b, x: model.stateless_call(a, b, x, training=False)[0])
        return Steps(lambda x: jax.device_get(call(trainable, others, x)), [(jnp.array(x),) for x in batches], outputs)

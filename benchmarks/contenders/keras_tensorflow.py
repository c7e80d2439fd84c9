"""Keras on TensorFlow, with and without XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import tensorflow as tf

from benchmarks.contenders.contender import Steps, Task
from benchmarks.contenders.keras_model import KerasOn, Way
from benchmarks.networks import Array


class Keras(KerasOn):
    """The step is the function that ``fit`` calls, reading from a data set that lies ready."""

    ways: ClassVar[dict[str, Way]] = {"without XLA": (False, "channels_last"), "with XLA": (True, "channels_last")}

    def versions(self) -> dict[str, str]:
        return {**super().versions(), "tensorflow": tf.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Any]]:
        if tf.config.threading.get_intra_op_parallelism_threads() != task.threads:
            tf.config.threading.set_intra_op_parallelism_threads(task.threads)
            tf.config.threading.set_inter_op_parallelism_threads(task.threads)
        return super().variants(task)

    def training(self, model: Any, batches: list[tuple[Array, Array]], outputs: Callable[[Array], Array]) -> Steps:
        model.make_train_function()
        tensors = [(tf.constant(x), tf.constant(y)) for x, y in batches]
        ready = tf.data.Dataset.from_tensor_slices(
            (tf.stack([x for x, _ in tensors]), tf.stack([y for _, y in tensors]))
        )
        endless = iter(ready.cache().repeat().prefetch(2))
        model.test_on_batch(*batches[0])  # makes the metrics' variables, which a compiled function must not do
        return Steps(lambda: model.train_function(endless), [()], outputs, lambda logs: float(logs["loss"]))

    def predicting(self, model: Any, batches: list[Array], outputs: Callable[[Array], Array], jit: bool) -> Steps:
        call = tf.function(lambda x: model(x, training=False), jit_compile=jit)
        return Steps(lambda x: call(x).numpy(), [(tf.constant(x),) for x in batches], outputs)

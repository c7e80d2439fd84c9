"""Callbacks that average weights: over the epochs (SWA), or that judge the averages an optimiser keeps (EMA)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError
from omomi.graph import structure
from omomi.graph.context import no_grad
from omomi.layers.normalization import BatchNormalization
from omomi.training.callbacks import Callback, Logs

Array = Any


class StochasticWeightAveraging(Callback):
    """Train on, and at the end take the mean of the weights at the ends of the last epochs.

    The mean of several good weights lies in the middle of a flat valley, and often generalises better than each of
    them. A rate that stays large lets them differ. Batch normalisation's statistics belong to the weights they were
    measured with, so a model that has such layers measures them anew, by one pass over data. Source: Izmailov et al.
    2018, arXiv:1803.05407.

    Args:
        start_epoch: the first epoch (from 0 on) whose weights count.
        batch_norm_data: inputs as ``fit`` takes them, for that pass; needed where there is batch normalisation.
        batch_size: of that pass.

    Raises:
        ConfigurationError: when training begins: the model has batch normalisation, and there is no data to measure it.

    Example:
        >>> import omomi
        >>> averaging = omomi.callbacks.StochasticWeightAveraging(start_epoch=5)
    """

    remembered = ("means", "count")

    def __init__(self, start_epoch: int, batch_norm_data: Any = None, batch_size: int = 32) -> None:
        super().__init__()
        for name, number, least in (("start_epoch", start_epoch, 0), ("batch_size", batch_size, 1)):
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
                raise ConfigurationError(
                    f"{name} is a whole number from {least} on.",
                    where="StochasticWeightAveraging",
                    received=f"{name}={number!r}",
                )
        self.start_epoch, self.batch_norm_data, self.batch_size = int(start_epoch), batch_norm_data, int(batch_size)
        self.means: dict[str, Array] = {}
        self.count = 0

    def on_train_begin(self, logs: Logs) -> None:
        self.means, self.count = {}, 0
        if self.normalizations() and self.batch_norm_data is None:
            raise ConfigurationError(
                "the statistics of batch normalisation must be measured again for the mean of the weights.",
                where="StochasticWeightAveraging",
                fix="StochasticWeightAveraging(start_epoch, batch_norm_data=x), with the inputs of the training data",
            )

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if epoch < self.start_epoch:
            return
        self.count += 1
        to_host = current().to_host
        for path, p in self.model.parameters().items():
            values = np.asarray(to_host(p.array), np.float64)
            mean = self.means.get(path, 0.0)
            self.means[path] = mean + (values - mean) / self.count

    def on_train_end(self, logs: Logs) -> None:
        if not self.count:
            return
        for path, p in self.model.parameters().items():
            if path in self.means:
                p.assign(self.means[path])
        if self.normalizations():
            self.measure()

    def normalizations(self) -> list[BatchNormalization]:
        """The layers whose statistics training moves."""
        return [layer for _, layer in self.model.walk() if isinstance(layer, BatchNormalization) and layer.trainable]

    def measure(self) -> None:
        """Mean and variance over all batches: σ² is the mean of σ² + μ² less the square of the mean of μ."""
        layers = self.normalizations()
        momenta = [layer.momentum for layer in layers]
        sums: list[tuple[Array, Array]] = [(0.0, 0.0) for _ in layers]
        samples = 0
        to_host = current().to_host
        try:
            for layer in layers:
                layer.momentum = 0.0  # the statistics of the batch alone
            for batch in self.batches():
                size = len(structure.first(batch))
                with no_grad(), np.errstate(all="ignore"):
                    self.model(batch, training=True)
                samples += size
                for i, layer in enumerate(layers):
                    mean = np.asarray(to_host(layer.moving_mean.array), np.float64)
                    square = np.asarray(to_host(layer.moving_variance.array), np.float64) + mean * mean
                    sums[i] = (sums[i][0] + size * mean, sums[i][1] + size * square)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
        for layer, (total, squares) in zip(layers, sums, strict=True):
            mean = total / samples
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(np.maximum(squares / samples - mean * mean, 0))

    def batches(self) -> Any:
        """The inputs, batch by batch."""
        data = structure.mapped(np.asarray, self.batch_norm_data)
        length = len(structure.first(data))
        for begin in range(0, length, self.batch_size):
            yield structure.mapped(itemgetter(slice(begin, begin + self.batch_size)), data)


class SwapEMAWeights(Callback):
    """Evaluate and predict with the running averages that the optimiser keeps (``use_ema=True``), and train on without.

    Raises:
        ConfigurationError: when training begins: the optimiser keeps no averages.
    """

    def on_train_begin(self, logs: Logs) -> None:
        if not self.model.optimizer.options.use_ema:
            raise ConfigurationError(
                "the optimiser keeps no averages.",
                where="SwapEMAWeights",
                received=repr(self.model.optimizer),
                fix=f"{type(self.model.optimizer).__name__}(…, use_ema=True)",
            )

    def on_test_begin(self, logs: Logs) -> None:
        self.swap()

    def on_test_end(self, logs: Logs) -> None:
        self.swap()

    def on_predict_begin(self, logs: Logs) -> None:
        self.swap()

    def on_predict_end(self, logs: Logs) -> None:
        self.swap()

    def swap(self) -> None:
        """Parameters and averages change places."""
        optimizer = self.model.optimizer
        averages: Mapping[str, Any] = optimizer.averages
        if int(current().to_host(optimizer.iterations.array)) < optimizer.options.every:
            return  # there are no averages yet
        parameters = self.model.parameters()
        for path, average in averages.items():
            raw = np.array(current().to_host(parameters[path].array))
            parameters[path].assign(average.array)
            average.assign(raw)

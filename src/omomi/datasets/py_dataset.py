"""Keras's grammar of a data set: a class that knows how many batches it has, and makes any of them."""

from __future__ import annotations

from typing import Any


class PyDataset:
    """Write ``__len__``, the number of batches, and ``__getitem__``, the batch of a number: (x, y) or (x, y, weights).

    ``fit(data, shuffle=True)`` takes the batches of every epoch in another order. :meth:`on_epoch_end` may change the
    data for the next epoch; what it draws by chance is not part of a checkpoint.

    Args:
        workers, use_multiprocessing, max_queue_size: are taken, as in Keras, and change nothing: one thread makes
            batches ready in the background, as many as ``fit(prefetch=…)`` says.

    Example:
        >>> import numpy as np, omomi
        >>> class Squares(omomi.utils.PyDataset):
        ...     def __len__(self):
        ...         return 10
        ...     def __getitem__(self, number):
        ...         x = np.random.default_rng(number).normal(size=(32, 1))
        ...         return x, x**2
        >>> model = omomi.Sequential([omomi.layers.Dense(1, input_shape=(1,))], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(Squares(), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __len__(self) -> int:
        raise NotImplementedError("__len__() returns the number of batches")

    def __getitem__(self, number: int) -> Any:
        raise NotImplementedError("__getitem__(number) returns a batch: (x, y) or (x, y, weights)")

    def on_epoch_end(self) -> None:
        """After an epoch of training."""

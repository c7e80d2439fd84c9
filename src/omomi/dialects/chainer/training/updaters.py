"""``chainer.training.updaters``: one update of the parameters after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omomi.dialects.chainer.dataset import concat_examples, to_device
from omomi.dialects.chainer.optimizers import Optimizer


class StandardUpdater:
    """Takes a batch, and lets the optimiser move its link along the gradients of the loss.

    Args:
        iterator: one, or a dictionary with "main".
        optimizer: one, or a dictionary with "main".
        loss_func: the optimiser's link unless given.
    """

    def __init__(
        self,
        iterator: Any,
        optimizer: Any,
        converter: Callable[..., Any] = concat_examples,
        device: Any = None,
        loss_func: Any = None,
        **_: Any,
    ) -> None:
        self._iterators = iterator if isinstance(iterator, dict) else {"main": iterator}
        self._optimizers = {"main": optimizer} if isinstance(optimizer, Optimizer) else dict(optimizer)
        to_device(device, None)
        self.converter, self.device, self.loss_func = converter, device, loss_func
        self.iteration = 0

    def get_iterator(self, name: str) -> Any:
        return self._iterators[name]

    def get_optimizer(self, name: str) -> Optimizer:
        return self._optimizers[name]

    def get_all_optimizers(self) -> dict[str, Optimizer]:
        return dict(self._optimizers)

    def connect_trainer(self, trainer: Any) -> None:
        """Told by the trainer, once."""

    @property
    def epoch(self) -> int:
        return int(self._iterators["main"].epoch)

    @property
    def epoch_detail(self) -> float:
        return float(self._iterators["main"].epoch_detail)

    @property
    def previous_epoch_detail(self) -> float | None:
        return self._iterators["main"].previous_epoch_detail

    @property
    def is_new_epoch(self) -> bool:
        return bool(self._iterators["main"].is_new_epoch)

    def update(self) -> None:
        """One update."""
        self.update_core()
        self.iteration += 1
        if self.is_new_epoch:
            for optimizer in self._optimizers.values():
                optimizer.new_epoch()

    def update_core(self) -> None:
        """What a subclass replaces."""
        optimizer = self._optimizers["main"]
        arrays = self.converter(self._iterators["main"].next(), self.device)
        loss = self.loss_func or optimizer.target
        if isinstance(arrays, tuple):
            optimizer.update(loss, *arrays)
        elif isinstance(arrays, dict):
            optimizer.update(loss, **arrays)
        else:
            optimizer.update(loss, arrays)

    def finalize(self) -> None:
        for iterator in self._iterators.values():
            iterator.finalize()

    def serialize(self, serializer: Any) -> None:
        """Iterators, optimisers and their links."""
        for name, iterator in self._iterators.items():
            iterator.serialize(serializer["iterator:" + name])
        for name, optimizer in self._optimizers.items():
            if optimizer.target is not None:
                optimizer.target.serialize(serializer["model:" + name])
            optimizer.serialize(serializer["optimizer:" + name])
        self.iteration = int(serializer("iteration", self.iteration))

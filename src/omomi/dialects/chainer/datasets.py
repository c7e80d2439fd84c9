"""``chainer.datasets``: samples as tuples; MNIST and Fashion-MNIST come from Omomi's loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from omomi.datasets import fashion_mnist, mnist
from omomi.dialects.hook import missing
from omomi.dialects.spellings.data import loader
from omomi.errors import ConfigurationError, DataError


class DatasetMixin:
    """A data set by ``get_example(i)`` and ``__len__``."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.get_example(i) for i in range(*index.indices(len(self)))]
        if isinstance(index, (list, np.ndarray)):
            return [self.get_example(int(i)) for i in index]
        return self.get_example(index)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__()")

    def get_example(self, i: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no get_example()")


class TupleDataset:
    """Several data sets of the same length, sample by sample."""

    def __init__(self, *datasets: Any) -> None:
        if not datasets or len({len(d) for d in datasets}) > 1:
            raise DataError(
                "the data sets differ in length.",
                where="TupleDataset",
                received=", ".join(str(len(d)) for d in datasets) or "none",
            )
        self._datasets = datasets
        self._length = len(datasets[0])

    def __getitem__(self, index: Any) -> Any:
        parts = [d[index] for d in self._datasets]
        if isinstance(index, (slice, list, np.ndarray)):
            return [tuple(part[i] for part in parts) for i in range(len(parts[0]))]
        return tuple(parts)

    def __len__(self) -> int:
        return self._length


class DictDataset:
    """The same, with names."""

    def __init__(self, **datasets: Sequence[Any]) -> None:
        self._names, self._tuples = list(datasets), TupleDataset(*datasets.values())

    def __getitem__(self, index: Any) -> Any:
        found = self._tuples[index]
        if isinstance(found, list):
            return [dict(zip(self._names, sample, strict=True)) for sample in found]
        return dict(zip(self._names, found, strict=True))

    def __len__(self) -> int:
        return len(self._tuples)


class SubDataset(DatasetMixin):
    """The samples ``start`` … ``finish`` − 1, in an order if one is given."""

    def __init__(self, dataset: Any, start: int, finish: int, order: Any = None) -> None:
        self._dataset, self._start, self._size, self._order = dataset, start, finish - start, order

    def __len__(self) -> int:
        return self._size

    def get_example(self, i: int) -> Any:
        if not -self._size <= i < self._size:
            raise IndexError("the data set has no such sample")
        index = self._start + i % self._size
        return self._dataset[index if self._order is None else int(self._order[index])]


class TransformDataset(DatasetMixin):
    """Each sample through a function."""

    def __init__(self, dataset: Any, *transform: Any) -> None:
        self._dataset, self._transform = dataset, transform[-1]

    def __len__(self) -> int:
        return len(self._dataset)

    def get_example(self, i: int) -> Any:
        return self._transform(self._dataset[i])


def split_dataset(dataset: Any, split_at: int, order: Any = None) -> tuple[SubDataset, SubDataset]:
    """The first ``split_at`` samples, and the rest."""
    if not 0 <= split_at < len(dataset):
        raise ConfigurationError("split_at lies inside the data set.", received=f"{split_at} of {len(dataset)} samples")
    return SubDataset(dataset, 0, split_at, order), SubDataset(dataset, split_at, len(dataset), order)


def split_dataset_random(dataset: Any, first_size: int, seed: int | None = None) -> tuple[SubDataset, SubDataset]:
    """The same, in a random order."""
    generator = np.random if seed is None else np.random.RandomState(seed)
    return split_dataset(dataset, first_size, generator.permutation(len(dataset)))


def get_cross_validation_datasets(dataset: Any, n_folds: int, order: Any = None) -> list[tuple[SubDataset, SubDataset]]:
    """(training, validation) for each fold."""
    order = np.arange(len(dataset)) if order is None else np.asarray(order)
    folds = []
    for part in np.array_split(np.arange(len(dataset)), n_folds):
        turned = np.concatenate([np.delete(order, part), order[part]])
        folds.append(split_dataset(dataset, len(dataset) - len(part), turned))
    return folds


def get_mnist(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: Any = None,
    label_dtype: Any = np.int32,
    rgb_format: bool = False,
) -> tuple[Any, Any]:
    """MNIST: training and test set, images between 0 and ``scale``.

    Args:
        ndim: 1: (784,); 2: (28, 28); 3: (1, 28, 28), with ``rgb_format`` (3, 28, 28).
    """
    return _images(loader(mnist.load_data), withlabel, ndim, scale, dtype, label_dtype, rgb_format)


def get_fashion_mnist(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: Any = None,
    label_dtype: Any = np.int32,
    rgb_format: bool = False,
) -> tuple[Any, Any]:
    """Fashion-MNIST, as :func:`get_mnist`."""
    return _images(loader(fashion_mnist.load_data), withlabel, ndim, scale, dtype, label_dtype, rgb_format)


def _images(
    load: Callable[[], Any], withlabel: bool, ndim: int, scale: float, dtype: Any, label_dtype: Any, rgb: bool
) -> tuple[Any, Any]:
    shapes = {1: (784,), 2: (28, 28), 3: (1, 28, 28)}
    if ndim not in shapes:
        raise ConfigurationError("an image has 1, 2 or 3 axes.", where="get_mnist", received=f"ndim={ndim}")

    def prepared() -> Iterator[Any]:
        for x, y in load():
            images = x.reshape(-1, *shapes[ndim]).astype(np.float32 if dtype is None else dtype) * (scale / 255)
            images = np.repeat(images, 3, axis=1) if rgb and ndim == 3 else images
            yield TupleDataset(images, y.astype(label_dtype)) if withlabel else images

    train, test = prepared()
    return train, test


__getattr__ = missing(
    "chainer.datasets",
    {
        "LabeledImageDataset": "omomi.datasets reads folders of images",
        "ImageDataset": "omomi.datasets reads folders of images",
        "get_cifar10": "TupleDataset over arrays of your own",
        "get_ptb_words": "arrays of your own",
    },
)

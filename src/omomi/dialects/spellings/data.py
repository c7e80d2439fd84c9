"""``keras.datasets``: Omomi's loaders where it has the data, an error that says so where it has not.

``omomi run --small-data`` (and :data:`SMALL`) serves MNIST and Fashion-MNIST from the small digits that come with
scikit-learn, enlarged to 28×28, so that a script can be tried without a download.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi.datasets import digits, fashion_mnist, mnist
from omomi.dialects.hook import UnsupportedError


class Choice:
    """Whether the small digits stand for MNIST."""

    small = False


SMALL = Choice()


def small_digits() -> Any:
    """The digits of 8×8 pixels, as 24×24 inside 28×28, 0 … 255: 1,437 to learn from, 360 for the test."""

    def enlarged(x: np.ndarray) -> np.ndarray:
        pixels = (x.astype(np.float32) * (255 / 16)).round().astype(np.uint8)
        return np.pad(pixels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))

    (x, y), (x_test, y_test) = digits.load_data()
    return (enlarged(x), y), (enlarged(x_test), y_test)


def loader(load: Callable[[], Any]) -> Callable[..., Any]:
    def load_data(path: str | None = None) -> Any:
        """((x_train, y_train), (x_test, y_test)); ``path`` is where Keras would keep a copy, and has no effect."""
        return small_digits() if SMALL.small else load()

    return load_data


def boston_like(path: str | None = None, test_split: float = 0.2, seed: int = 113) -> Any:
    raise UnsupportedError(
        "the Boston housing data is not offered: its collection is ethically disputed.",
        where="boston_housing.load_data",
        fix="sklearn.datasets.fetch_california_housing, or sklearn.datasets.load_diabetes without a download",
    )


def absent(name: str) -> Callable[..., Any]:
    def load_data(*_: Any, **__: Any) -> Any:
        raise UnsupportedError(
            f"Omomi has no loader for {name}: it serves only files whose source and hash it knows.",
            where=f"keras.datasets.{name}.load_data",
            fix="load the arrays yourself (numpy.load with allow_pickle=False), or a folder of images with "
            "omomi.datasets.load_folder",
        )

    return load_data


def data_modules() -> dict[str, dict[str, Any]]:
    """The modules of ``keras.datasets`` by name."""
    found: dict[str, dict[str, Any]] = {
        "mnist": {"load_data": loader(mnist.load_data)},
        "fashion_mnist": {"load_data": loader(fashion_mnist.load_data)},
        "boston_housing": {"load_data": boston_like},
    }
    found.update({name: {"load_data": absent(name)} for name in ("cifar10", "cifar100", "imdb", "reuters")})
    return found

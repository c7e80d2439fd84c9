"""k-fold cross-validation of one network: how far the numbers of a run depend on which samples it is judged by.

To compare a network with other learners, or to choose settings honestly, take :func:`omomi.compare`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError
from omomi.graph.randomness import seeded
from omomi.graph.structure import first, mapped
from omomi.training.batches import as_data
from omomi.training.history import History

Rows = np.ndarray


@dataclass
class CrossValidation:
    """What came out, fold by fold.

    Attributes:
        histories: the numbers of every epoch; those of validation are of the fold that was held out.
        scores: loss and metrics on the fold that was held out, after training.
        folds: the rows that were learned from, and those that were held out.
    """

    histories: list[History] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    folds: list[tuple[Rows, Rows]] = field(default_factory=list)

    def values(self, name: str) -> np.ndarray:
        """A score of every fold, (k,)."""
        return np.array([score[name] for score in self.scores])

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each score over the folds."""
        return {name: float(self.values(name).mean()) for name in self.scores[0]}

    @property
    def std(self) -> dict[str, float]:
        """The standard deviation of each score over the folds, with k − 1 in the denominator.

        Folds share most of what they learn from, so it says less about another sample than √k would promise.
        """
        return {name: float(self.values(name).std(ddof=1)) for name in self.scores[0]}

    def __str__(self) -> str:
        mean, std = self.mean, self.std
        return "\n".join(f"{name}: {mean[name]:.4f} ± {std[name]:.4f} over {len(self.scores)} folds" for name in mean)


def k_fold(y: Any, k: int = 5, stratified: bool | None = None, seed: int = 0) -> Iterator[tuple[Rows, Rows]]:
    """The rows to learn from and the rows to be judged by, of each of k folds; scikit-learn divides them.

    Args:
        y: targets, (N, …), or the number of samples.
        k: how many folds, 2 or more.
        stratified: whether every fold has each class in its share; ``None``: where y are classes.
        seed: of the division. The same seed gives the same folds.

    Raises:
        ConfigurationError: k is less than 2, or there are no classes to go by.
        DataError: there are fewer samples, or fewer of one class, than folds.

    Example:
        >>> import numpy as np, omomi
        >>> [test.tolist() for _, test in omomi.k_fold(6, k=3)]
        [[2, 5], [1, 3], [0, 4]]
    """
    from sklearn.model_selection import KFold, StratifiedKFold  # loaded here and not with omomi

    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 2:
        raise ConfigurationError("folds are two or more.", where="k_fold", received=f"k={k!r}")
    alone = isinstance(y, (int, np.integer))
    samples = int(y) if alone else len(y)
    if samples < k:
        raise DataError("there are fewer samples than folds.", where="k_fold", received=f"{samples} samples, k={k}")
    classes = None if alone else classes_of(np.asarray(y))
    if stratified is None:
        stratified = classes is not None
    if not stratified:
        yield from KFold(int(k), shuffle=True, random_state=seed).split(np.zeros(samples))
        return
    if classes is None:
        raise ConfigurationError(
            "stratified folds need classes.",
            where="k_fold",
            expected="class indices (N,) or (N, 1), or one-hot rows (N, classes)",
            fix="stratified=False",
        )
    names, counts = np.unique(classes, return_counts=True)
    if counts.min() < k:
        raise DataError(
            "a class has fewer samples than there are folds.",
            where=f"k_fold, class {names[counts.argmin()]}",
            expected=f"at least {k}",
            received=int(counts.min()),
            fix="fewer folds, or stratified=False",
        )
    yield from StratifiedKFold(int(k), shuffle=True, random_state=seed).split(np.zeros(samples), classes)


def classes_of(y: np.ndarray) -> np.ndarray | None:
    """The class of each sample, if targets are classes: whole numbers, truth values, or one-hot rows."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1:
        whole = y.dtype.kind in "iub" or (y.dtype.kind == "f" and bool(np.isin(y, (0.0, 1.0)).all()))
        return y if whole else None
    if y.ndim == 2 and bool(((y == 0) | (y == 1)).all()) and bool((y.sum(axis=1) == 1).all()):
        return np.asarray(np.argmax(y, axis=1))
    return None


def cross_validate(
    build: Callable[[], Any],
    x: Any,
    y: Any,
    k: int = 5,
    stratified: bool | None = None,
    seed: int = 0,
    callbacks: Any = None,
    sample_weight: Any = None,
    verbose: int | str = 0,
    **options: Any,
) -> CrossValidation:
    """Train a new network on each k − 1 of k folds, and judge it on the fold that is left.

    Args:
        build: makes a compiled model, a new one at every call. A model without a seed of its own gets ``seed`` plus the
            number of the fold.
        x, y: as ``fit`` takes them, as arrays.
        k, stratified, seed: see :func:`k_fold`.
        callbacks: for ``fit``, copied for each fold; or a function from the number of a fold to its callbacks. Those
            that stop by the validation see the fold that is left: scores are then too good.
        sample_weight: one for each sample; counts in training and in judging.
        verbose: as in ``fit``.
        options: of ``fit``: epochs, batch_size, class_weight, …

    Returns:
        The :class:`CrossValidation`: histories and scores of every fold; ``print`` shows mean ± standard deviation.

    Raises:
        ConfigurationError: ``build`` is a model, or gives the same model again, or one that is not compiled.
        DataError: there are too few samples.

    Example:
        >>> import omomi
        >>> (x, y), _ = omomi.datasets.iris.load_data()
        >>> def build():
        ...     model = omomi.Sequential([omomi.layers.Dense(3, activation="softmax", input_shape=(4,))])
        ...     model.compile(omomi.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> found = omomi.cross_validate(build, x, y, k=3, epochs=20)
        >>> found.mean["accuracy"] > 0.9
        True
    """
    if hasattr(build, "fit"):
        raise ConfigurationError(
            "every fold trains a model of its own, so a function makes them.",
            where="cross_validate",
            expected="build, a function that makes and compiles a model",
            received=repr(build),
            fix="def build(): … return model, then cross_validate(build, x, y)",
        )
    x, y = mapped(lambda a: as_data(a, "x"), x), mapped(lambda a: as_data(a, "y"), y)
    weights = None if sample_weight is None else as_data(sample_weight, "sample_weight")
    for forbidden in ("validation_data", "validation_split"):
        if forbidden in options:
            raise ConfigurationError(
                "every fold is judged on the fold that is left out.",
                where="cross_validate",
                fix=f"leave out {forbidden}",
            )
    found = CrossValidation()
    seen: list[Any] = []
    for number, (train, test) in enumerate(k_fold(first(y), k, stratified, seed)):
        with seeded(seed + number):
            model = build()
            check_new(model, seen)
            seen.append(model)
            w_train, w_test = (None, None) if weights is None else (weights[train], weights[test])
            x_test, y_test = picked(x, test), picked(y, test)
            judged = (x_test, y_test) if w_test is None else (x_test, y_test, w_test)
            watching = callbacks(number) if callable(callbacks) else copy.deepcopy(callbacks)
            history = model.fit(
                picked(x, train),
                picked(y, train),
                validation_data=judged,
                sample_weight=w_train,
                callbacks=watching,
                verbose=verbose,
                **options,
            )
            size = options.get("validation_batch_size") or options.get("batch_size")
            scores = model.evaluate(x_test, y_test, size, sample_weight=w_test, verbose=0, return_dict=True)
        found.histories.append(history)
        found.scores.append(scores)
        found.folds.append((train, test))
    return found


def picked(data: Any, rows: Rows) -> Any:
    """These samples of one array, or of several."""
    return mapped(lambda array: array[rows], data)


def check_new(model: Any, seen: list[Any]) -> None:
    """Raise if what ``build`` gave is no new, compiled model."""
    if any(model is other for other in seen):
        raise ConfigurationError(
            "build gave the same model again, which has learned from the samples that it would be judged by.",
            where="cross_validate",
            fix="make the model inside of build",
        )
    if not hasattr(model, "fit") or getattr(model, "optimizer", None) is None:
        raise ConfigurationError(
            "build gives a compiled model.", where="cross_validate", received=repr(model), fix="compile it, return it"
        )

"""Labels of a classification: which there are, what the network's targets are for them, and back from its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from omomi.engines.engine import Array
from omomi.errors import ConfigurationError, DataError
from omomi.graph import functions
from omomi.graph.variable import Variable, apply
from omomi.ops import loss
from omomi.training import losses, targets

BINARY, MULTICLASS, MULTILABEL, MULTIOUTPUT = "binary", "multiclass", "multilabel", "multioutput"


def as_they_are(y: Array, _output: targets.Shape, _where: str) -> Array:
    """Targets that :meth:`LabelCoding.encode` has made need no more checks."""
    return y


class SeveralCrossentropies(losses.Loss):
    """The sum of softmax cross-entropies, one for each output of a sample. Each has a block of the logits.

    Shapes: logits (N, Σ sizes), targets (N, number of outputs) of class indices.
    """

    rule = loss.sparse_softmax_cross_entropy
    align = staticmethod(as_they_are)
    indexed = True

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__(name="several_crossentropies")
        self.sizes = sizes

    def compute(self, t: Array, y_pred: Variable, w: Array) -> Variable:
        indices = Variable(t, requires_grad=False)
        E: Variable | None = None
        begin = 0
        for output, size in enumerate(self.sizes):
            block: Variable = apply(self.rule, y_pred[:, begin : begin + size], indices[:, output], w)
            E, begin = block if E is None else E + block, begin + size
        assert E is not None
        return E


@dataclass(frozen=True)
class LabelCoding:
    """How labels become targets of a network, and its outputs labels.

    Attributes:
        kind: two classes; more than two; any number of labels on one sample (an indicator matrix); or several
            outputs, each with classes of its own.
        classes: the labels, sorted; of several outputs a list.
    """

    kind: str
    classes: Any

    @classmethod
    def of(cls, y: Array, given: Any = None) -> LabelCoding:
        """The coding for targets y, or for the classes that are given beforehand.

        Raises:
            DataError: only one class.
        """
        check_classification_targets(y)
        found = type_of_target(y, input_name="y")
        if found == "multilabel-indicator":
            return cls(MULTILABEL, np.arange(y.shape[1]))
        if np.ndim(y) == 2:
            columns = given if given is not None else [y[:, k] for k in range(y.shape[1])]
            return cls(MULTIOUTPUT, [classes_of(column, f"output {k}") for k, column in enumerate(columns)])
        classes = classes_of(y if given is None else given, "y")
        return cls(BINARY if len(classes) == 2 else MULTICLASS, classes)

    @property
    def units(self) -> int:
        """How many output units the network has."""
        if self.kind == MULTIOUTPUT:
            return sum(len(classes) for classes in self.classes)
        return 1 if self.kind == BINARY else len(self.classes)

    @property
    def activation(self) -> str:
        """Of the output units."""
        return {BINARY: "sigmoid", MULTILABEL: "sigmoid", MULTICLASS: "softmax", MULTIOUTPUT: "linear"}[self.kind]

    @property
    def loss(self) -> losses.Loss:
        """What the network is trained with."""
        if self.kind == MULTIOUTPUT:
            return SeveralCrossentropies(tuple(len(classes) for classes in self.classes))
        return losses.SparseCategoricalCrossentropy() if self.kind == MULTICLASS else losses.BinaryCrossentropy()

    def encode(self, y: Array, dtype: str) -> Array:
        """Targets for labels.

        Raises:
            DataError: a label that is not among the classes, or another number of outputs.
        """
        columns = 1 if np.ndim(y) == 1 else y.shape[1]
        wanted = len(self.classes) if self.kind in (MULTILABEL, MULTIOUTPUT) else 1
        if columns != wanted:
            raise DataError(
                "y has another number of outputs than before.", where="y", expected=wanted, received=columns
            )
        if self.kind == MULTILABEL:
            return np.asarray(y, dtype)
        if self.kind == MULTIOUTPUT:
            return np.stack([positions(y[:, k], classes) for k, classes in enumerate(self.classes)], axis=1)
        found = positions(y, self.classes)
        return found.astype(dtype) if self.kind == BINARY else found

    def probabilities(self, outputs: Array) -> Any:
        """Of the classes, (N, classes); of labels, (N, labels); of several outputs a list of (N, classes)."""
        if self.kind == BINARY:
            return np.concatenate([1 - outputs, outputs], axis=1)
        if self.kind != MULTIOUTPUT:
            return outputs
        ends = np.cumsum([len(classes) for classes in self.classes])[:-1]
        return [functions.softmax(block).numpy() for block in np.split(outputs, ends, axis=1)]

    def decode(self, outputs: Array) -> Array:
        """The most probable labels; of labels on their own, those more probable than not."""
        probabilities = self.probabilities(outputs)
        if self.kind == MULTILABEL:
            return (probabilities > 0.5).astype(np.int64)
        if self.kind == MULTIOUTPUT:
            chosen = [c[p.argmax(axis=1)] for c, p in zip(self.classes, probabilities, strict=True)]
            return np.stack(chosen, axis=1)
        return self.classes[probabilities.argmax(axis=1)]

    def same(self, other: LabelCoding) -> bool:
        """Whether another coding has the same kind and classes."""
        if self.kind != other.kind or len(self.classes) != len(other.classes):
            return False
        if self.kind == MULTIOUTPUT:
            return all(np.array_equal(a, b) for a, b in zip(self.classes, other.classes, strict=True))
        return np.array_equal(self.classes, other.classes)


def classes_of(labels: Array, where: str) -> Array:
    """The different labels, sorted.

    Raises:
        DataError: there is only one.
        ConfigurationError: they cannot be sorted.
    """
    try:
        classes = np.unique(np.asarray(labels))
    except TypeError as error:
        raise ConfigurationError(
            "labels are of one kind, all text or all numbers.", where=where, received=str(error)
        ) from None
    if len(classes) < 2:
        raise DataError(
            "there is only one class to learn.",
            where=where,
            expected="samples, with a weight above 0, of 2 classes or more",
            received=f"1 class, {classes.tolist()}",
        )
    return classes


def positions(labels: Array, classes: Array) -> Array:
    """The place of each label among the classes.

    Raises:
        DataError: a label is none of them.
    """
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise DataError(
            "a label is none of the classes.",
            where="y",
            expected=f"one of {classes.tolist()}",
            received=f"{unknown.tolist()}",
            fix="partial_fit takes all classes at its first call: classes=…",
        )
    return np.searchsorted(classes, labels)

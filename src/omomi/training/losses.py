"""The named losses, as ``compile(loss=…)`` takes them.

The mathematics stands in ``omomi.ops.loss``, ``distance`` and ``focal``. Names are Keras's where the definition is
Keras's, and the textbook's where it is the textbook's (``squared_error`` is ½ Σⱼ (fⱼ − yⱼ)² per sample). So are
arguments and their order; ``axis`` is always the last one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import apply
from omomi.ops import activation, arithmetic, distance, focal, loss
from omomi.ops.rule import Rule
from omomi.training import targets
from omomi.training.loss import REDUCTIONS
from omomi.training.loss import Custom as Custom
from omomi.training.loss import Loss as Loss
from omomi.training.loss import broadcast_weights as broadcast_weights
from omomi.training.loss import widened as widened

Array = Any
MEAN = REDUCTIONS[0]


class _OfOutputs(Loss):
    """A loss of outputs that are compared as they are."""

    def __init__(self, reduction: str | None = MEAN, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, reduction=reduction)


class SquaredError(_OfOutputs):
    """The textbook's E = ½ Σⱼ (fⱼ − yⱼ)² of a sample, averaged over the batch; backward starts at f − y."""

    rule, default_name = loss.squared_error, "squared_error"


class MeanSquaredError(_OfOutputs):
    """The mean of (ŷ − y)² over outputs and samples."""

    rule, default_name = loss.mean_squared_error, "mean_squared_error"


class MeanAbsoluteError(_OfOutputs):
    """The mean of |ŷ − y| over outputs and samples."""

    rule, default_name = loss.mean_absolute_error, "mean_absolute_error"


class MeanAbsolutePercentageError(_OfOutputs):
    """The mean of 100 |ŷ − y| / |y|."""

    rule, default_name = distance.mean_absolute_percentage_error, "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(_OfOutputs):
    """The mean of (ln(1 + ŷ) − ln(1 + y))²: ratios count, not differences."""

    rule, default_name = distance.mean_squared_logarithmic_error, "mean_squared_logarithmic_error"


class Huber(Loss):
    """Squared near the target, linear beyond ``delta``. Source: Huber 1964."""

    rule, default_name = loss.huber, "huber"

    def __init__(
        self, delta: float = 1.0, reduction: str | None = MEAN, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        if delta <= 0:
            raise ConfigurationError("delta is positive.", where=self.name, received=delta)
        self.delta = float(delta)

    def attributes(self) -> dict[str, Any]:
        return {"delta": self.delta}

    def get_config(self) -> dict[str, Any]:
        return {"delta": self.delta, **super().get_config()}


class LogCosh(_OfOutputs):
    """The mean of log cosh(ŷ − y)."""

    rule, default_name = loss.log_cosh, "log_cosh"


class CosineSimilarity(Loss):
    """−cos of the angle between output and target: −1 where their directions agree."""

    rule, default_name = distance.cosine_similarity, "cosine_similarity"

    def __init__(
        self, axis: int = -1, reduction: str | None = MEAN, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        check_axis(axis, self.name)


class _OfProbabilities(Loss):
    """A cross-entropy of probabilities, or with ``from_logits`` of what an activation makes probabilities of."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, name, reduction, label_smoothing)
        check_axis(axis, self.name)


class BinaryCrossentropy(_OfProbabilities):
    """−y log ŷ − (1 − y) log(1 − ŷ), averaged over outputs and samples. ``from_logits``: ŷ = sigmoid of the output.

    ``label_smoothing`` s moves the targets 0 and 1 to s/2 and 1 − s/2.
    """

    rule, default_name = loss.binary_cross_entropy, "binary_crossentropy"
    align = staticmethod(targets.binary)
    linked_activation = activation.sigmoid
    linked_rule: ClassVar[Rule | None] = loss.sigmoid_cross_entropy

    def answers(self, outputs: int) -> int:
        return 2


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy in which what is right already counts less: (1 − p)^γ times, p the probability of what is
    right.

    Args:
        apply_class_balancing: weight targets 1 by ``alpha`` and targets 0 by 1 − ``alpha``.
        gamma: γ; 0 is the cross-entropy.

    Source: Lin et al. 2017, arXiv:1708.02002.
    """

    rule, default_name = focal.binary_focal_cross_entropy, "binary_focal_crossentropy"
    linked_rule = None

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing, self.alpha, self.gamma = bool(apply_class_balancing), float(alpha), float(gamma)
        check_gamma(self.gamma, self.name)

    def attributes(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "alpha": self.alpha if self.apply_class_balancing else None}

    def get_config(self) -> dict[str, Any]:
        own = {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha, "gamma": self.gamma}
        return {**own, **super().get_config()}


class CategoricalCrossentropy(_OfProbabilities):
    """−Σⱼ yⱼ log ŷⱼ with one-hot or soft targets. ``from_logits``: ŷ = softmax of the output.

    ``label_smoothing`` s takes the share s of a target and spreads it evenly over all m classes.
    """

    rule, default_name = loss.categorical_cross_entropy, "categorical_crossentropy"
    align = staticmethod(targets.one_hot)
    linked_activation = activation.softmax
    linked_rule: ClassVar[Rule | None] = loss.softmax_cross_entropy


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """−Σⱼ α (1 − ŷⱼ)^γ yⱼ log ŷⱼ: what is right already counts less.

    Args:
        alpha: α, a number, or one for each class.
        gamma: γ; 0 (and α = 1) is the cross-entropy.

    Source: Lin et al. 2017, arXiv:1708.02002.
    """

    rule, default_name = focal.categorical_focal_cross_entropy, "categorical_focal_crossentropy"
    linked_rule = None

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.alpha = float(alpha) if np.ndim(alpha) == 0 else tuple(float(a) for a in alpha)
        self.gamma = float(gamma)
        check_gamma(self.gamma, self.name)

    def attributes(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "gamma": self.gamma}

    def get_config(self) -> dict[str, Any]:
        alpha = list(self.alpha) if isinstance(self.alpha, tuple) else self.alpha
        return {"alpha": alpha, "gamma": self.gamma, **super().get_config()}


class SparseCategoricalCrossentropy(Loss):
    """−log ŷ_t with class indices t. ``from_logits``: ŷ = softmax of the output.

    Targets that are ``ignore_class`` (−1, say, or 255) do not count: the mean is over the others.
    """

    rule, default_name = loss.sparse_categorical_cross_entropy, "sparse_categorical_crossentropy"
    align = staticmethod(targets.indices)
    indexed = True
    linked_activation = activation.softmax
    linked_rule = loss.sparse_softmax_cross_entropy

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, name, reduction)
        check_axis(axis, self.name)
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        if self.ignore_class is not None:
            self.align = self.align_known  # type: ignore[misc]

    def align_known(self, y: Array, output: targets.Shape, where: str) -> Array:
        """Class indices, the ignored ones among them."""
        ignored = y == self.ignore_class
        known = targets.indices(np.where(ignored, 0, y).astype(y.dtype), output, where)
        return np.where(ignored.reshape(known.shape), self.ignore_class, known.astype(np.int64))

    def counted(self, t: Array, w: Array) -> tuple[Array, Array]:
        if self.ignore_class is None:
            return t, w
        known = functions.existing(t, padding=self.ignore_class)
        w = functions.masked_weights(w, known, mean=self.reduction != "sum")._array
        return apply(arithmetic.multiply, t, functions.cast(known, t.dtype))._array, w  # class 0, with weight 0

    def get_config(self) -> dict[str, Any]:
        own = {} if self.ignore_class is None else {"ignore_class": self.ignore_class}
        return {**super().get_config(), **own}


class Hinge(_OfOutputs):
    """The mean of max(0, 1 − y ŷ) with labels −1 and 1."""

    rule, default_name = loss.hinge, "hinge"
    align = staticmethod(targets.signs)


class SquaredHinge(_OfOutputs):
    """The mean of max(0, 1 − y ŷ)² with labels −1 and 1."""

    rule, default_name = loss.squared_hinge, "squared_hinge"
    align = staticmethod(targets.signs)


class CategoricalHinge(_OfOutputs):
    """max(0, 1 + the largest output of a wrong class − the output of the right one), targets one-hot."""

    rule, default_name = distance.categorical_hinge, "categorical_hinge"
    align = staticmethod(targets.one_hot)


class KLDivergence(_OfOutputs):
    """Σⱼ yⱼ log(yⱼ / ŷⱼ)."""

    rule, default_name = loss.kl_divergence, "kl_divergence"


class Poisson(_OfOutputs):
    """The mean of ŷ − y log ŷ."""

    rule, default_name = loss.poisson, "poisson"


def check_axis(axis: int, where: str) -> None:
    """Raise unless the classes of an output are its last axis."""
    if axis != -1:
        raise ConfigurationError(
            "the entries that belong together are those of the last axis.", where=where, received=f"axis={axis!r}"
        )


def check_gamma(gamma: float, where: str) -> None:
    """Raise unless γ is a finite number ≥ 0."""
    if not 0 <= gamma < float("inf"):
        raise ConfigurationError("gamma is not negative.", where=where, received=f"gamma={gamma!r}")


def name_of(cls: type) -> str:
    """The name that ``compile`` knows a loss by."""
    return getattr(cls, "default_name", "") or cls.__name__


BY_NAME: dict[str, type[Loss]] = {
    cls.default_name: cls
    for cls in (
        SquaredError,
        MeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        Huber,
        LogCosh,
        CosineSimilarity,
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        SparseCategoricalCrossentropy,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
        KLDivergence,
        Poisson,
    )
}
ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "logcosh": "log_cosh",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "bce": "binary_crossentropy",
}


def get(identifier: Any) -> Loss:
    """A loss from its name, class, configuration, a function of (y_true, y_pred), or itself.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, dict):
        return get(identifier.get("class_name", "")).__class__(**identifier.get("config", {}))
    if isinstance(identifier, str):
        name = ALIASES.get(identifier.lower(), identifier.lower())
        by_class = {cls.__name__.lower(): cls for cls in BY_NAME.values()}
        found = BY_NAME.get(name) or by_class.get(name)
        if found is None:
            raise UnknownNameError("loss", identifier, BY_NAME)
        return found()
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return Custom(identifier)
    raise UnknownNameError("loss", identifier, BY_NAME)

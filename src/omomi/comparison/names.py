"""What can be asked of a comparison: learners, protocols, metrics, reductions. Names and words only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from omomi.errors import UnknownNameError

CLASSES, NUMBERS = "classification", "regression"
TASKS = (CLASSES, NUMBERS)

LEARNERS = {
    "network": "neural network",
    "logistic": "logistic regression",
    "ridge": "ridge regression",
    "linear-svm": "linear SVM",
    "rbf-svm": "RBF SVM",
    "tree": "decision tree",
    "forest": "random forest",
    "knn": "k nearest neighbours",
    "boosting": "gradient boosting",
}

REDUCTIONS = ("pca", "lda", "kernel-pca")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How learners are tuned and judged.

    Args:
        words: one line for people.
        many: judged on several outer folds; otherwise on one test set.
        search: how settings are chosen inside the training part: by "grid", at "random", or not at all.
        folded: settings are judged on folds of the training part; otherwise on one validation set.
    """

    words: str
    many: bool
    search: str | None
    folded: bool = True


PROTOCOLS = {
    "holdout": Protocol(
        "train, validation and test set: tuned on one, judged on the other", False, "grid", folded=False
    ),
    "kfold": Protocol("k folds, each the test set once; settings as they are", True, None),
    "grid": Protocol("grid search by k folds of the training part; judged on a test set", False, "grid"),
    "random": Protocol("random search by k folds of the training part; judged on a test set", False, "random"),
    "nested": Protocol("nested cross-validation: an inner loop tunes, an outer loop judges", True, "grid"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of predictions.

    Args:
        words: its name for people.
        task: what kind of target it is for.
        scorer: scikit-learn's name of it; larger is better there.
        loss: smaller is better, so that scikit-learn's number is the negative one.
        probabilities: it judges probabilities, or at least an order.
    """

    words: str
    task: str
    scorer: str
    loss: bool = False
    probabilities: bool = False

    def scorer_for(self, classes: int) -> str:
        """scikit-learn's scorer for so many classes; of two, the ROC curve needs an order and no probabilities."""
        return "roc_auc" if self.scorer == "roc_auc_ovr" and classes == 2 else self.scorer

    def shown(self, score: float) -> float:
        """The number that people know: scikit-learn's score without the sign that makes losses negative."""
        return -score if self.loss else score


METRICS = {
    "accuracy": Metric("accuracy", CLASSES, "accuracy"),
    "balanced-accuracy": Metric("balanced accuracy", CLASSES, "balanced_accuracy"),
    "f1": Metric("F1, mean over classes", CLASSES, "f1_macro"),
    "auc": Metric("area under the ROC curve", CLASSES, "roc_auc_ovr", probabilities=True),
    "log-loss": Metric("cross-entropy", CLASSES, "neg_log_loss", loss=True, probabilities=True),
    "r2": Metric("R²", NUMBERS, "r2"),
    "rmse": Metric("root of the mean squared error", NUMBERS, "neg_root_mean_squared_error", loss=True),
    "mae": Metric("mean absolute error", NUMBERS, "neg_mean_absolute_error", loss=True),
}

Named = TypeVar("Named")


def find(kind: str, name: str, known: Mapping[str, Named]) -> Named:
    """The entry of that name; hyphens and underscores are the same.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    found = known.get(plain(name))
    if found is None:
        raise UnknownNameError(kind, name, known)
    return found


def plain(name: str) -> str:
    """A name as the tables above spell it."""
    return str(name).strip().lower().replace("_", "-")

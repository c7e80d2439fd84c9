"""The learners that are compared, and the settings that are tried of each. All but the network are scikit-learn's.

The grids are small: they differ in how strongly a learner is held back (the cost C, the depth, the number of
neighbours), which is what matters most, and a nested comparison of 1,800 samples takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from omomi.comparison.names import CLASSES, LEARNERS, Metric, find, plain
from omomi.errors import ConfigurationError
from omomi.interop.sklearn import NeuralClassifier, NeuralRegressor

EPOCHS, BATCH, RATE = 100, 32, 0.002  # of the network: small steps, many of them also with a hundred samples
ITERATIONS = 2000  # of logistic regression, until it has converged


@dataclass(frozen=True, slots=True)
class Learner:
    """One learner.

    Args:
        make: the estimator for a seed, with the settings it has unless others are tried.
        grid: what a grid search tries: every combination of these.
        ranges: what a random search draws from.
        curve: the setting that holds the learner back, and the values of it along a validation curve.
        scaled: it compares distances or penalises weights, so numbers are standardised for it.
        probabilities: it tells probabilities.
    """

    make: Callable[[int], Any]
    grid: Mapping[str, Sequence[Any]]
    ranges: Mapping[str, Any]
    curve: tuple[str, tuple[Any, ...]]
    scaled: bool = True
    probabilities: bool = True


COSTS = (0.01, 0.1, 1, 10)
WIDE_COSTS = tuple(10.0**k for k in range(-4, 4))
DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16)
NEIGHBOURS = (1, 2, 3, 5, 9, 15, 25, 40)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
LEAVES = (1, 2, 4, 8, 16, 32)

SIZES = ((64,), (128, 64))
DECAYS = (0.0, 1e-3)
WIDE_DECAYS = tuple(10.0**k for k in range(-6, 0))
KNN = {"n_neighbors": (1, 3, 5, 9), "metric": ("euclidean", "manhattan")}
KNN_RANGES = {"n_neighbors": stats.randint(1, 25), "metric": ["euclidean", "manhattan", "chebyshev"]}
FOREST = {"max_features": ("sqrt", 0.5)}
FOREST_RANGES = {"max_features": stats.uniform(0.1, 0.9), "min_samples_leaf": stats.randint(1, 10)}
BOOSTING = {"learning_rate": (0.05, 0.2)}
BOOSTING_RANGES = {
    "learning_rate": stats.loguniform(0.01, 0.5),
    "max_leaf_nodes": stats.randint(4, 48),
    "l2_regularization": stats.loguniform(1e-3, 10),
}
RBF = {"C": (1, 10, 100), "gamma": ("scale", "auto")}
RBF_RANGES = {"C": stats.loguniform(0.1, 1000), "gamma": stats.loguniform(1e-4, 1)}
TREE_RANGES = {"max_depth": stats.randint(1, 20), "min_samples_leaf": stats.randint(1, 20)}

CLASSIFIERS = {
    "network": Learner(
        lambda seed: NeuralClassifier(epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, random_state=seed),
        {"hidden_layers": SIZES, "l2": DECAYS},
        {
            "hidden_layers": [(32,), *SIZES],
            "l2": stats.loguniform(1e-6, 1e-2),
            "learning_rate": stats.loguniform(5e-4, 1e-2),
        },
        ("l2", WIDE_DECAYS),
    ),
    "logistic": Learner(
        lambda seed: LogisticRegression(max_iter=ITERATIONS, random_state=seed),
        {"C": COSTS},
        {"C": stats.loguniform(1e-3, 100)},
        ("C", WIDE_COSTS),
    ),
    "linear-svm": Learner(
        lambda seed: SVC(kernel="linear", random_state=seed),
        {"C": COSTS},
        {"C": stats.loguniform(1e-3, 10)},
        ("C", WIDE_COSTS[:-1]),
        probabilities=False,
    ),
    "rbf-svm": Learner(
        lambda seed: SVC(kernel="rbf", random_state=seed), RBF, RBF_RANGES, ("C", WIDE_COSTS), probabilities=False
    ),
    "tree": Learner(
        lambda seed: DecisionTreeClassifier(random_state=seed),
        {"criterion": ("gini", "entropy"), "max_depth": (4, 8, None)},
        {"criterion": ["gini", "entropy"], **TREE_RANGES},
        ("max_depth", DEPTHS),
        scaled=False,
    ),
    "forest": Learner(
        lambda seed: RandomForestClassifier(100, random_state=seed, n_jobs=1),
        FOREST,
        FOREST_RANGES,
        ("min_samples_leaf", LEAVES),
        scaled=False,
    ),
    "knn": Learner(lambda _: KNeighborsClassifier(n_jobs=1), KNN, KNN_RANGES, ("n_neighbors", NEIGHBOURS)),
    "boosting": Learner(
        lambda seed: HistGradientBoostingClassifier(early_stopping=False, random_state=seed),
        BOOSTING,
        BOOSTING_RANGES,
        ("learning_rate", RATES),
        scaled=False,
    ),
}

REGRESSORS = {
    "network": Learner(
        lambda seed: standardised_target(
            NeuralRegressor(epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, random_state=seed)
        ),
        {"regressor__hidden_layers": SIZES, "regressor__l2": DECAYS},
        {
            "regressor__hidden_layers": [(32,), *SIZES],
            "regressor__l2": stats.loguniform(1e-6, 1e-1),
            "regressor__learning_rate": stats.loguniform(5e-4, 1e-2),
        },
        ("regressor__l2", WIDE_DECAYS),
    ),
    "ridge": Learner(
        lambda seed: Ridge(random_state=seed),
        {"alpha": (0.1, 1, 10, 100)},
        {"alpha": stats.loguniform(1e-3, 1000)},
        ("alpha", tuple(10.0**k for k in range(-3, 5))),
    ),
    "linear-svm": Learner(
        lambda _: standardised_target(SVR(kernel="linear")),
        {"regressor__C": (0.01, 0.1, 1)},
        {"regressor__C": stats.loguniform(1e-3, 10)},
        ("regressor__C", WIDE_COSTS[:-2]),
    ),
    "rbf-svm": Learner(
        lambda _: standardised_target(SVR(kernel="rbf")),
        {"regressor__C": (0.1, 1, 10), "regressor__gamma": ("scale", "auto")},
        {"regressor__C": stats.loguniform(0.01, 100), "regressor__gamma": stats.loguniform(1e-4, 1)},
        ("regressor__C", WIDE_COSTS),
    ),
    "tree": Learner(
        lambda seed: DecisionTreeRegressor(random_state=seed),
        {"max_depth": (2, 4, 8, None)},
        TREE_RANGES,
        ("max_depth", DEPTHS),
        scaled=False,
    ),
    "forest": Learner(
        lambda seed: RandomForestRegressor(100, random_state=seed, n_jobs=1),
        {"max_features": (1.0, 0.33)},
        FOREST_RANGES,
        ("min_samples_leaf", LEAVES),
        scaled=False,
    ),
    "knn": Learner(lambda _: KNeighborsRegressor(n_jobs=1), KNN, KNN_RANGES, ("n_neighbors", NEIGHBOURS)),
    "boosting": Learner(
        lambda seed: HistGradientBoostingRegressor(early_stopping=False, random_state=seed),
        BOOSTING,
        BOOSTING_RANGES,
        ("learning_rate", RATES),
        scaled=False,
    ),
}


def standardised_target(regressor: Any) -> Any:
    """A regressor whose rates and margins are meant for targets of mean 0 and variance 1."""
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def choose(
    names: Sequence[str] | None, task: str, metric: Metric, classes: int
) -> tuple[dict[str, Learner], list[str]]:
    """The learners of these names (all that fit the task without names), and notes on those that cannot take part.

    A metric of probabilities cannot judge those that tell none; of two classes, the ROC curve needs an order only.

    Raises:
        UnknownNameError: there is no learner of that name.
        ConfigurationError: a learner that was named does not fit the task or the metric, or is named twice.
    """
    known = CLASSIFIERS if task == CLASSES else REGRESSORS
    needed = metric.probabilities and metric.scorer_for(classes) != "roc_auc"
    mute = [name for name, learner in known.items() if needed and not learner.probabilities]
    if names is None:
        notes = [f"{LEARNERS[name]} tells no probabilities, so {metric.words} cannot judge it" for name in mute]
        return {name: learner for name, learner in known.items() if name not in mute}, notes
    chosen = []
    for name in map(plain, names):
        find("learner", name, LEARNERS)
        if name not in known:
            raise ConfigurationError(
                f"{LEARNERS[name]} is not for {task}.", where="learners", expected=", ".join(known), received=name
            )
        if name in mute:
            raise ConfigurationError(
                f"{LEARNERS[name]} tells no probabilities.",
                where=f"learners, {name}",
                fix=f"choose a metric other than {metric.words}",
            )
        chosen.append(name)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigurationError(
            "learners are named once each.", where="learners", expected=", ".join(known), received=", ".join(chosen)
        )
    return {name: known[name] for name in chosen}, []

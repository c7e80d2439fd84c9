"""What inputs, labels and learning curves show."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.inspect.case import Case, Verdict, check, latest
from omomi.training import targets

Array = Any

LARGE = 5.0  # root of the mean square of what the first weights are multiplied with; about 1 is wanted
UNEVEN = 1000.0  # how many times larger one feature may be than another
ENOUGH = 100  # samples, for neighbours to say something
CHANCE = 3.0  # standard deviations above chance that neighbours must agree
RISEN = 1.15  # by which the validation loss has risen above its lowest
FALLEN = 0.1  # the least share by which the training loss should fall


@check("inputs not scaled", "ledger")
def inputs_not_scaled(case: Case) -> Verdict | None:
    """The first weights are multiplied with large numbers, or with some that are far larger than others."""
    remedy = (
        "scale inputs to mean 0 and deviation 1, or to [0, 1]: a Rescaling(1 / 255) layer for bytes, batch "
        "normalisation as the first layer, or scikit-learn's StandardScaler, fitted on the training data alone"
    )
    if not case.weighted:
        return None
    path = case.weighted[0]
    size = latest(case.now, "input_size", path)
    if size > LARGE:
        says = (
            f"layer {path} reads inputs of size {size:.3g} (root of the mean square); its weights are made for about 1"
        )
        return Verdict("inputs not scaled", says, {"size of the inputs": size}, remedy, where=path)
    first = next(iter(case.now.layers), "")
    if case.x is None or case.x.ndim != 2 or first != path:
        return None
    deviations = np.asarray(case.x, np.float64).std(axis=0)
    deviations = deviations[deviations > 0]
    if deviations.size < 2 or deviations.max() < UNEVEN * deviations.min():
        return None
    return Verdict(
        "inputs not scaled",
        f"one feature deviates {deviations.max() / deviations.min():,.0f} times as much as another",
        {"largest deviation": float(deviations.max()), "smallest": float(deviations.min())},
        remedy,
        where=path,
    )


@check("labels constant", "data")
def constant_labels(case: Case) -> Verdict | None:
    """Every sample has the same target."""
    y = np.asarray(case.y)
    if len(y) < 2 or (y != y[:1]).any():
        return None
    label = int(y[0].argmax()) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(-1)[0].item()
    return Verdict(
        "labels constant",
        f"all {len(y):,} targets are the same ({label}): there is nothing to tell apart",
        {"targets": len(y), "different ones": 1},
        "look where the targets are made: a wrong column, a file read twice, samples sorted by class",
    )


@check("labels shuffled", "data")
def shuffled_labels(case: Case) -> Verdict | None:
    """Neighbours among the inputs agree on their label no more often than by chance, and the network knows no better.

    The share of samples whose nearest neighbour (Cover and Hart 1967) has the same label is compared with Σ pₖ², what
    labels drawn blindly would give.
    """
    labels = classes_of(case)
    if labels is None or len(labels) < ENOUGH or case.has("labels constant"):
        return None
    x = np.asarray(case.x, np.float64).reshape(len(labels), -1)
    deviation = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, deviation > 0] / deviation[deviation > 0]
    if not x.shape[1]:
        return None
    agreement = float((labels[nearest(x)] == labels).mean())
    shares = np.bincount(labels) / len(labels)
    chance = float((shares**2).sum())
    error = float(np.sqrt(chance * (1 - chance) / len(labels)))
    answers = np.asarray(case.model.predict(case.x))
    right = float((predicted(answers) == labels).mean())
    if agreement > chance + CHANCE * error or right > shares.max() + CHANCE * error:
        return None
    return Verdict(
        "labels shuffled",
        f"samples that look alike agree on their label in {agreement:.0%} of cases, as by chance ({chance:.0%}), and "
        f"the network answers {right:.0%} right: labels and inputs do not seem to belong together",
        {"neighbours agree": agreement, "by chance": chance, "answers right": right, "samples": len(labels)},
        "shuffle inputs and labels by the same order; look at a few samples with their labels (plot_samples)",
    )


def classes_of(case: Case) -> Array | None:
    """The class of each sample; ``None`` for a task without classes."""
    y = np.asarray(case.y)
    align = case.model.loss.align
    if align is targets.one_hot:
        return y.argmax(axis=-1) if y.ndim == 2 else None
    if align in (targets.indices, targets.binary, targets.signs) and y.size == len(y):
        return np.unique(y.reshape(-1), return_inverse=True)[1]
    return None


def predicted(answers: Array) -> Array:
    """The class that each row of outputs answers; of one output, the side of the middle of what it takes."""
    if answers.shape[-1] > 1:
        return answers.reshape(len(answers), -1).argmax(axis=1)
    return (answers.reshape(len(answers)) > 0.5).astype(np.int64)


def nearest(x: Array) -> Array:
    """The number of the nearest other sample of each."""
    squares = np.square(x).sum(axis=1)
    distances = squares[:, None] + squares - 2 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1)


@check("over-fitting", "curves")
def over_fitting(case: Case) -> Verdict | None:
    """The validation loss rises while the training loss falls."""
    if "val_loss" not in case.history:
        return None
    training, validation = (np.array(case.history[name], np.float64) for name in ("loss", "val_loss"))
    if len(validation) != len(training) or not np.isfinite(validation).all():
        return None
    best = int(validation.argmin())
    if best > len(validation) - 3 or validation[-1] < RISEN * validation[best] or training[-1] >= training[best]:
        return None
    return Verdict(
        "over-fitting",
        f"since epoch {best + 1} the validation loss has risen from {validation[best]:.3g} to {validation[-1]:.3g}, "
        f"while the training loss fell from {training[best]:.3g} to {training[-1]:.3g}",
        {"best epoch": best + 1, "validation loss there": float(validation[best]), "now": float(validation[-1])},
        "stop at the best epoch; more data or augmentation; dropout, L2; a smaller network",
    )


@check("under-fitting", "curves")
def under_fitting(case: Case) -> Verdict | None:
    """The training loss hardly falls, and nothing else explains it."""
    loss = np.array(case.history["loss"], np.float64)
    start = max(float(loss[0]), case.ledger.loss[0] if case.ledger is not None and len(case.ledger) else -np.inf)
    if case.found or not np.isfinite(loss).all() or start <= 0:
        return None
    fallen = 1 - float(loss[-1]) / start
    if fallen > FALLEN:
        return None
    return Verdict(
        "under-fitting",
        f"in {len(loss)} epochs the training loss has fallen by {fallen:.1%} only, from {start:.3g} to {loss[-1]:.3g}",
        {"loss at the start": start, "now": float(loss[-1]), "epochs": len(loss)},
        "a larger network, more epochs, a larger learning rate, or inputs that say more; less regularisation",
    )

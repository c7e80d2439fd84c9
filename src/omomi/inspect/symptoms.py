"""What the ledger shows: deltas that vanish or explode, saturated and dead units, learning rates, initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.inspect.case import Case, Verdict, check, latest, quarter, ratio_of
from omomi.layers.state import Parameter
from omomi.training.ledger import Ledger
from omomi.training.ledger_words import middle, times

Array = Any

STARVED = 1e-3  # of the last layer's delta: a layer that receives less learns a thousand times more slowly
MOVED = 0.1  # ‖ΔW‖/‖W‖ of a step that throws the weights about; about 1e-3 is what one wants (Stanford CS231n, notes)
STILL = 1e-5  # of a step that changes nothing
SATURATED = 0.5
DEAD, DEAD_AT_A_GLANCE = 0.3, 0.5  # share of units; some are silent in every ReLU layer, more on few samples
SPREAD = 100.0  # by which the deviation of the outputs grows or shrinks between the first hidden layer and the last


@check("exploding", "ledger")
def exploding(case: Case) -> Verdict | None:
    """Loss or delta grow without bound; the step is named."""
    ledger = case.seen
    remedy = (
        "a learning rate ten to a thousand times smaller; weights that keep the size of the delta (He for ReLU, Glorot "
        "for tanh); batch normalisation; clipping of the gradient's norm (Pascanu et al. 2013)"
    )
    largest = max((float(np.nanmax(r, initial=0)) for r in ledger.table("update")[1]), default=0.0)
    evidence: dict[str, Any] = {"largest update/weight": largest} if largest else {}
    failure, explosion = ledger.failure, ledger.explosion
    if failure is not None and not failure.culprit.startswith("in the "):
        evidence = {"step": failure.step, "first such number": failure.culprit, **evidence}
        says = f"at step {failure.step} loss or gradient was not finite any more"
        if explosion is not None:
            evidence |= {"loss": explosion.loss, "mean loss before": explosion.before}
            says += f"; the loss had exploded at step {explosion.step}"
        return Verdict("exploding", says, evidence, remedy)
    if explosion is not None and (largest > MOVED or not np.isfinite(largest)):
        evidence = {"step": explosion.step, "loss": explosion.loss, "mean loss before": explosion.before, **evidence}
        factor = times(explosion.loss / max(explosion.before, 1e-30))
        return Verdict(
            "exploding", f"at step {explosion.step} the loss was {factor} what it had been", evidence, remedy
        )
    flow = through(case, ledger)
    if flow is not None and flow.first > flow.last / STARVED:
        grown = {"‖δ‖ at the last layer": flow.last, "‖δ‖ at the first": flow.first, "factor per layer": flow.factor}
        says = (
            f"the delta grows {times(flow.first / flow.last)} on its way from {flow.paths[-1]} to {flow.paths[0]}, "
            f"{times(flow.factor)} a layer"
        )
        return Verdict("exploding", says, grown, remedy, where=flow.paths[0])
    return None


@check("vanishing", "ledger")
def vanishing(case: Case) -> Verdict | None:
    """The delta shrinks from layer to layer: the first ones receive nothing (Hochreiter 1991; Bengio et al. 1994)."""
    flow = through(case, case.seen)
    explained = case.has("exploding", "dead", "no slope") or copies(case)
    if flow is None or not flow.first < STARVED * flow.last or explained:
        return None
    starved = next(path for path in reversed(flow.paths) if flow.sizes[path] < STARVED * flow.last)
    activation = case.seen.layers[flow.paths[0]].activation
    instead = f"ReLU in place of {activation}, with " if activation in ("sigmoid", "tanh") else ""
    whole = times(flow.last / flow.first) + " smaller" if flow.first > 0 else "as nothing"
    return Verdict(
        "vanishing",
        f"from layer {starved} down to {flow.paths[0]} the delta is less than a thousandth of that at "
        f"{flow.paths[-1]}; at {flow.paths[0]} it arrives {whole}, multiplied by {flow.factor:.2g} a layer",
        {
            "first starved layer": starved,
            "‖δ‖ at the last layer": flow.last,
            "‖δ‖ at the first": flow.first,
            "factor per layer": flow.factor,
        },
        f"{instead}He's initial weights; batch normalisation; fewer layers, or connections that skip some (Glorot and "
        "Bengio 2010; He et al. 2015)",
        where=starved,
    )


class Flow:
    """The norm of the delta at each layer with weights: its median over the rows, relative to the last layer's."""

    def __init__(self, paths: list[str], sizes: dict[str, float], last: float) -> None:
        self.paths, self.sizes, self.last = paths, sizes, last
        self.first = sizes[paths[0]]
        between = len(paths) - 1
        self.factor = float((self.first / last) ** (1 / between)) if between else 1.0


def through(case: Case, ledger: Ledger) -> Flow | None:
    """What becomes of the delta between the last layer with weights and the first; ``None`` if it cannot be said."""
    paths = [path for path in case.weighted if "delta" in ledger.of_layers.get(path, {})]
    if len(paths) < 3:
        return None
    of_last = ledger.get("delta", paths[-1])
    last = middle(of_last[np.isfinite(of_last)])
    relative = {path: middle(ratio_of(ledger.get("delta", path), of_last)) for path in paths}
    known = [path for path in paths if np.isfinite(relative[path])]
    if not last > 0 or len(known) < 3:
        return None
    return Flow(known, {path: last * relative[path] for path in known}, last)


@check("saturated", "ledger")
def saturated(case: Case) -> Verdict | None:
    """Most activations of a hidden layer lie where the slope is nearly 0."""
    hidden = [p for p in list(case.now.layers)[:-1] if case.now.layers[p].activation not in ("softmax", "step")]
    shares = {path: latest(case.now, "saturated", path) for path in hidden}
    shares = {path: share for path, share in shares.items() if share > SATURATED}
    if not shares:
        return None
    path = max(shares, key=lambda p: shares[p])
    f = case.now.layers[path].activation
    return Verdict(
        "saturated",
        f"{f} of layer {path} is saturated at {shares[path]:.0%}: there f′(u) is below a twentieth of its largest, and "
        "hardly any delta passes",
        {f"saturated share of {p}": share for p, share in shares.items()},
        "smaller initial weights (Glorot's), inputs scaled to about 1, a smaller learning rate, or batch normalisation "
        "before the activation",
        where=path,
    )


@check("no slope", "ledger")
def no_slope(case: Case) -> Verdict | None:
    """The step function: its derivative is 0 wherever there is one."""
    path = next((p for p, facts in case.now.layers.items() if facts.activation == "step"), None)
    if path is None:
        return None
    return Verdict(
        "no slope",
        f"the activation of layer {path} is the step function: f′(u) = 0, so nothing before it learns",
        {"f′(u)": 0.0},
        "a differentiable activation: sigmoid for a probability, tanh or ReLU in hidden layers",
        where=path,
    )


@check("dead", "ledger")
def dead(case: Case) -> Verdict | None:
    """Units of a ReLU that are 0 for every sample."""
    ledger = case.now
    rows = quarter(ledger)
    enough = DEAD if len(ledger) >= 4 or (case.x is not None and len(case.x) >= 64) else DEAD_AT_A_GLANCE
    silent_since = ledger.steps[-rows]
    counts = {
        path: (sum(step < silent_since for step in facts.last_active), len(facts.last_active))
        for path, facts in ledger.layers.items()
        if facts.last_active
    }
    worst = {path: (n, of) for path, (n, of) in counts.items() if n >= enough * of}
    if not worst:
        return None
    path = max(worst, key=lambda p: worst[p][0] / worst[p][1])
    n, of = worst[path]
    return Verdict(
        "dead",
        f"{n} of {of} units of layer {path} ({ledger.layers[path].activation}) are 0 for every sample watched: they "
        "pass no delta and cannot recover",
        {f"dead units of {p}": f"{count} of {size}" for p, (count, size) in worst.items()},
        "biases that start at 0, He's initial weights, a smaller learning rate, inputs centred on 0; or leaky ReLU or "
        "ELU, whose slope is never 0",
        where=path,
    )


@check("softmax twice", "ledger")
def softmax_twice(case: Case) -> Verdict | None:
    """What is given to a softmax sums to 1 already."""
    where = case.now.softmax_twice
    if not where:
        return None
    return Verdict(
        "softmax twice",
        f"what {where} applies softmax to are probabilities already: they sum to 1. A softmax of them can hardly tell "
        "the classes apart, and the loss cannot fall below a bound",
        {"where": where},
        "one softmax: take it off the last layer and use from_logits=True, or keep it there and nowhere else",
        where=where,
    )


@check("initialisation", "ledger")
def initialisation(case: Case) -> Verdict | None:
    """Hidden units that are copies of one another; or outputs that shrink or grow from layer to layer at the start."""
    equal = copies(case)
    if equal:
        return Verdict(
            "initialisation",
            f"all units of layer {equal[0]} have equal weights: they compute the same and receive the same gradient, "
            "so they stay equal",
            {"layers of copies": ", ".join(equal)},
            "random initial weights: He's for ReLU, Glorot's for tanh and sigmoid; zeros are for biases",
            where=equal[0],
        )
    ledger = case.seen
    hidden = case.weighted[:-1]
    at_start = ledger.steps[0] == 0 and (ledger is not case.look or step_of(case) == 0)
    if not at_start or len(hidden) < 2:
        return None
    first, last = (ledger.get("output_deviation", path)[0] for path in (hidden[0], hidden[-1]))
    if not first > 0 or 1 / SPREAD < last / first < SPREAD:
        return None
    if last > first:
        changed = f"{times(last / first)} more"
    else:
        changed = f"{times(first / last)} less" if last else "infinitely less"
    return Verdict(
        "initialisation",
        f"at the start the outputs of {hidden[-1]} vary {changed} over the samples than those of {hidden[0]}: the "
        "initial weights do not keep the size of what passes",
        {f"deviation of {p}": float(ledger.get("output_deviation", p)[0]) for p in (hidden[0], hidden[-1])},
        "weights with variance 2/in before ReLU (He et al. 2015), 2/(in + out) before tanh (Glorot and Bengio 2010)",
        where=hidden[-1],
    )


@check("learning rate too high", "training")
def rate_too_high(case: Case) -> Verdict | None:
    """Steps that are large beside the weights, and a loss that does not fall for it."""
    ratios = updates(case, np.max)
    if not ratios or case.has("exploding") or fallen(case.seen) > 0.2:
        return None
    path = max(ratios, key=lambda p: ratios[p])
    if ratios[path] < MOVED:
        return None
    return Verdict(
        "learning rate too high",
        f"a step has moved {path} by {ratios[path]:.2g} of its size (about 0.001 is usual), and the loss does not fall",
        {f"update/weight of {p}": r for p, r in ratios.items() if r >= MOVED},
        "a learning rate three to ten times smaller, or one that falls as training goes on",
        where=path,
    )


@check("learning rate too low", "training")
def rate_too_low(case: Case) -> Verdict | None:
    """Steps that change nothing, while the loss stays where it is."""
    ratios, by = updates(case, np.median), fallen(case.seen)
    if not ratios or max(ratios.values()) > STILL or by > 0.05 or case.has("dead", "no slope", "vanishing"):
        return None
    path = max(ratios, key=lambda p: ratios[p])
    return Verdict(
        "learning rate too low",
        f"no step moves a weight matrix by more than {ratios[path]:.1g} of its size (about 0.001 is usual), and the "
        f"loss has fallen by {max(by, 0.0):.1%}",
        {f"update/weight of {p}": r for p, r in ratios.items()} | {"loss has fallen by": by},
        "a learning rate ten to a hundred times larger",
        where=path,
    )


def updates(case: Case, combine: Callable[[Array], Any]) -> dict[str, float]:
    """‖ΔW‖/‖W‖ of each weight matrix that is not almost 0, combined over the rows after the first."""
    ledger = case.seen
    ratios: dict[str, float] = {}
    for path, p in case.model.parameters().items():
        if len(p.shape) > 1 and path in ledger.of_parameters:
            rows = ledger.get("update", path)[1:]
            known = rows[np.isfinite(rows) & (ledger.get("weight", path)[1:] > 0.01 * np.sqrt(p.size))]
            if known.size:
                ratios[path] = float(combine(known))
    return ratios


def fallen(ledger: Ledger) -> float:
    """By which share the loss has fallen, from the first quarter of the rows to the last."""
    loss, few = np.array(ledger.loss), quarter(ledger)
    start = float(loss[:few].mean())
    return 1 - float(loss[-few:].mean()) / start if start > 0 else 1.0


def copies(case: Case) -> list[str]:
    """The hidden layers whose units all have the same weights. In the output layer that does no harm."""
    kernels = {path: kernel_of(case, path) for path in case.weighted[:-1]}
    return [path for path, W in kernels.items() if W is not None and (W[..., :1] == W).all()]


def kernel_of(case: Case, path: str) -> Array | None:
    """The weights of a layer, as NumPy's (…, units), if it has a kernel of several units."""
    p: Parameter | None = case.model.parameters().get(f"{path}/kernel")
    return None if p is None or len(p.shape) < 2 or p.shape[-1] < 2 else np.asarray(current().to_host(p.array))


def step_of(case: Case) -> int:
    """The number of steps that the model has been trained."""
    return int(current().to_host(case.model.state()["step"].array))

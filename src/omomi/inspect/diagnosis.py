"""Why does this network not learn? Verdicts with their evidence and the textbook's remedy, the most serious first.

The checks themselves stand in :mod:`omomi.inspect.symptoms` (what the ledger shows) and
:mod:`omomi.inspect.symptoms_of_data` (what inputs, labels and learning curves show).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError
from omomi.inspect import symptoms, symptoms_of_data
from omomi.inspect.case import Case, Check, Verdict
from omomi.inspect.stepping import given_inputs
from omomi.inspect.text_table import text_table
from omomi.training.batches import as_data, check_lengths
from omomi.training.history import History
from omomi.training.ledger import Ledger

__all__ = ["Diagnosis", "diagnose"]

WATCHED = 256  # samples of the batch that is looked at
COMPARED = 1000  # samples whose neighbours are looked for

# From the most serious to the least: of two causes, the one to mend first.
CHECKS: tuple[Check, ...] = (
    symptoms.exploding,
    symptoms.rate_too_high,
    symptoms.softmax_twice,
    symptoms_of_data.constant_labels,
    symptoms_of_data.inputs_not_scaled,
    symptoms.dead,
    symptoms.no_slope,
    symptoms.vanishing,
    symptoms.saturated,
    symptoms.initialisation,
    symptoms_of_data.shuffled_labels,
    symptoms.rate_too_low,
    symptoms_of_data.over_fitting,
    symptoms_of_data.under_fitting,
)


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`diagnose` found; ``print(diagnosis)`` shows it.

    Attributes:
        verdicts: the most serious first; empty for a healthy network.
        judged: the names of the checks that could be made.
        unjudged: of the others, the name and what was missing.
        summary: the ledger's sentence, if there is a ledger.
    """

    verdicts: tuple[Verdict, ...]
    judged: tuple[str, ...]
    unjudged: Mapping[str, str]
    summary: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.verdicts

    def __contains__(self, name: object) -> bool:
        """Whether there is a verdict of this name: ``"vanishing" in diagnosis``."""
        return any(verdict.name == name for verdict in self.verdicts)

    def __getitem__(self, name: str) -> Verdict:
        """The verdict of this name."""
        return next((v for v in self.verdicts if v.name == name), None) or _missing(name, self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "healthy": self.healthy,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "judged": list(self.judged),
            "unjudged": dict(self.unjudged),
            "summary": self.summary,
        }

    def to_text(self, width: int = 100) -> str:
        """The verdicts as text, with evidence and remedy, at most ``width`` characters wide."""
        rows = []
        for verdict in self.verdicts:
            rows += [
                (verdict.name, verdict.says),
                ("", "evidence: " + "; ".join(f"{name} {shown(v)}" for name, v in verdict.evidence.items())),
                ("", f"remedy: {verdict.remedy}"),
                ("", ""),
            ]
        if self.healthy:
            rows = [("healthy", "nothing conspicuous was found"), ("", "")]
        if self.summary:
            rows.append(("ledger", self.summary))
        rows.append(("judged", ", ".join(self.judged)))
        missing = sorted(set(self.unjudged.values()))
        rows += [
            ("not judged", f"{', '.join(n for n, m in self.unjudged.items() if m == reason)}: {reason}")
            for reason in missing
        ]
        return text_table(("verdict", ""), rows, width=width)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        found = ", ".join(verdict.name for verdict in self.verdicts) or "healthy"
        return f"<Diagnosis: {found}>"


def diagnose(model: Any, evidence: Any = None, y: Any = None, *, data: Any = None) -> Diagnosis:
    """Say what is wrong with a network or its training, by what can be seen from inside.

    The model is not changed: where samples are given, one step of training is computed on some of them and thrown away.

    Args:
        model: a compiled model.
        evidence: the :class:`omomi.History` of a ``fit(ledger=True)``; or a :class:`Ledger`; or a batch: inputs x with
            targets ``y``, or the pair (x, y). The model's own history unless given.
        y: the targets, where ``evidence`` is inputs.
        data: samples (x, y) beside a history, so that inputs and labels are judged too.

    Returns:
        The :class:`Diagnosis`: verdicts named "exploding", "vanishing", "saturated", "dead", "no slope",
        "learning rate too high", "learning rate too low", "initialisation", "softmax twice", "labels shuffled",
        "labels constant", "inputs not scaled", "over-fitting", "under-fitting"; or healthy.

    Raises:
        NotBuiltError: the model was not compiled.
        ConfigurationError: there is no ledger and no batch; the message says how to get one.
        DataError: an empty batch, or targets that do not belong to it.

    Example:
        >>> import numpy as np, omomi
        >>> relu = omomi.layers.Dense(8, activation="relu", bias_initializer=omomi.initializers.Constant(-10.0))
        >>> model = omomi.Sequential([relu, omomi.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 4))
        >>> omomi.inspect.diagnose(model, x, x[:, :1])["dead"].says
        '8 of 8 units of layer dense (relu) are 0 for every sample watched: they pass no delta and cannot recover'
    """
    history, ledger, batch = sorted_out(model, evidence, y, data)
    model.check_compiled()  # says whether it was compiled, before anything else
    look, x, targets = (None, None, None) if batch is None else looked_at(model, *batch)
    if ledger is None and look is None:
        raise ConfigurationError(
            "there is nothing to judge by: this history has no ledger.",
            where="diagnose",
            expected="the history of a fit that recorded a ledger, or a batch of samples",
            received="neither",
            fix="history = model.fit(…, ledger=True); diagnose(model, history). Or: diagnose(model, x, y)",
        )
    case = Case(model, history, ledger, look, x, targets)
    judged, unjudged = [], {}
    for check in CHECKS:
        missing = case.lacks(check.needs)
        if missing:
            unjudged[check.name] = missing
            continue
        judged.append(check.name)
        verdict = check.function(case)
        if verdict is not None:
            case.found.append(verdict)
    known = ledger if ledger is not None else look
    return Diagnosis(tuple(case.found), tuple(judged), unjudged, known.sentence() if known is not None else "")


def sorted_out(model: Any, evidence: Any, y: Any, data: Any) -> tuple[Mapping[str, Any], Ledger | None, Any]:
    """What was given: learning curves, ledger, batch."""
    history: History | None = None
    ledger: Ledger | None = None
    if evidence is None and y is None:
        evidence = getattr(model, "history", None) if data is None else None
    if isinstance(evidence, History):
        history, ledger, evidence = evidence, evidence.ledger, None
    elif isinstance(evidence, Ledger):
        ledger, evidence = evidence, None
    if evidence is not None:
        if data is not None:
            raise ConfigurationError(
                "two batches were given.", where="diagnose", expected="diagnose(model, history, data=(x, y))"
            )
        data = evidence if y is None else (evidence, y)
    if data is not None and not (isinstance(data, (tuple, list)) and len(data) == 2):
        raise DataError(
            "a batch is inputs with their targets.",
            where="diagnose",
            expected="diagnose(model, x, y) or diagnose(model, (x, y))",
            received=type(data).__name__,
        )
    return ({} if history is None else history.history), ledger, data


def looked_at(model: Any, x: Any, y: Any) -> tuple[Ledger, Any, Any]:
    """One look at a step on some of these samples, spread over all of them; and those that are compared, of a model
    with one input and one output."""
    x = given_inputs(model, x)
    if not isinstance(x, np.ndarray) or len(model.model_outputs) > 1:
        whole = model.data(x, y, None, None, "full")
        few = spread(whole.samples, WATCHED)
        return model.trainer().look(whole.cut(few, len(few))), None, None
    y = as_data(y, "y")
    check_lengths(x=x, y=y)
    compared = spread(len(x), COMPARED)
    batches = model.data(x[compared], y[compared], None, None, "full")
    few = spread(len(compared), WATCHED)
    ledger = model.trainer().look(batches.cut(few, len(few)))
    return ledger, batches.x, batches.y


def spread(count: int, at_most: int) -> Any:
    """The numbers of at most so many samples, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64))


def shown(value: Any) -> str:
    """A number of the evidence, as text."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _missing(name: str, verdicts: tuple[Verdict, ...]) -> Verdict:
    raise KeyError(f"no verdict {name!r}; there are {', '.join(v.name for v in verdicts) or 'none'}")

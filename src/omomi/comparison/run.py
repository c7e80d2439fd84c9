"""A comparison from its data to its result."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from omomi.comparison.curves import Curve, learning_curves, validation_curves
from omomi.comparison.curves import counts as curve_counts
from omomi.comparison.fitting import Fit
from omomi.comparison.plan import Options, Plan, make_plan
from omomi.comparison.progress import Progress
from omomi.comparison.record import RECORD, begin_record, check_same_data, end_record, read_record
from omomi.comparison.report import write_report
from omomi.comparison.result import Comparison, Outcome
from omomi.comparison.sources import Data
from omomi.comparison.work import BudgetSpentError, Store, Workshop
from omomi.errors import DataError


def tune(plan: Plan, workshop: Workshop, outer: int) -> dict[str, tuple[dict[str, Any], float]]:
    """The settings of each learner that are best in the inner folds of an outer one, with their mean score.

    As in scikit-learn's searches: the mean over the folds decides, and of equals the first.
    """
    if plan.protocol.search is None:
        return {name: ({}, math.nan) for name in plan.learners}
    folds = range(len(plan.division.inner[outer]))
    most = max(map(len, plan.candidates.values()))
    fits = [  # learners in turn, so that what is left can soon be told
        Fit(name, found[i], outer, inner)
        for i in range(most)
        for inner in folds
        for name, found in plan.candidates.items()
        if i < len(found)
    ]
    results = dict(zip((fit.key for fit in fits), workshop.do(fits, f"fold {outer + 1}: tuning"), strict=True))
    chosen = {}
    for name, found in plan.candidates.items():
        scores = np.array([[results[Fit(name, one, outer, inner).key].score for inner in folds] for one in found])
        means = np.average(scores, axis=1)
        best = int(np.nanargmax(means)) if np.isfinite(means).any() else 0
        chosen[name] = (found[best], float(means[best]))
    return chosen


def carry_out(plan: Plan, workshop: Workshop) -> Comparison:
    """Tune and judge fold by fold, so that learners have been judged on the same folds whenever time is over.

    Raises:
        BudgetSpentError: not even one fold was finished.
        DataError: no learner could be judged.
    """
    begin = time.perf_counter()
    outcomes = {name: Outcome(name, [], []) for name in plan.learners}
    notes, folds = list(plan.notes), len(plan.division.outer)
    for outer in range(folds):
        try:
            chosen = tune(plan, workshop, outer)
            fits = [Fit(name, settings, outer, None, on_training=True) for name, (settings, _) in chosen.items()]
            judged = workshop.do(fits, f"fold {outer + 1}: judging")
        except BudgetSpentError as error:
            if outer == 0:
                raise BudgetSpentError(
                    "the time was over before one fold was judged.",
                    fix="a larger --time-budget, fewer learners, or --samples; with --resume finished fits are kept",
                ) from error
            notes.append(f"the time was over after {outer} of {folds} outer folds; --resume goes on")
            break
        for fit, result in zip(fits, judged, strict=True):
            outcomes[fit.learner].judged.append(result)
            outcomes[fit.learner].settings.append(fit.settings)
            if plan.protocol.search:
                outcomes[fit.learner].tuning.append(chosen[fit.learner][1])
    failed = {name: one.error for name, one in outcomes.items() if one.error}
    good = sorted((one for one in outcomes.values() if not one.error), key=lambda one: -one.mean)
    if not good:
        raise DataError("no learner could be judged.", where=plan.table.name, received=next(iter(failed.values())))
    notes += [f"{outcomes[name].words} failed: {error}" for name, error in failed.items()]
    notes += warned(good)
    train, test = plan.division.outer[0]
    return Comparison(
        data=plan.table.name,
        task=plan.table.task,
        protocol=plan.options.protocol,
        metric=plan.metric,
        outcomes=good,
        failed=failed,
        test_share=len(test) / len(train),
        notes=notes,
        seconds=time.perf_counter() - begin,
    )


def warned(outcomes: Sequence[Outcome]) -> list[str]:
    """Which learners had something to say in the fits by which they were judged."""
    notes = []
    for one in outcomes:
        said = [result.warnings[0] for result in one.judged if result.warnings]
        if said:
            notes.append(f"{one.words} warned in {len(said)} of {len(one.judged)} folds: {said[0].splitlines()[0]}")
    return notes


def compare_in(
    data: Data,
    options: Options,
    *,
    folder: Path | None,
    resume: bool,
    jobs: int,
    budget: float | None,
    progress: Progress,
) -> Comparison:
    """The whole of a comparison, with its report if there is a folder."""
    deadline = math.inf if budget is None else time.monotonic() + budget
    record: dict[str, Any] = {}
    if folder is not None and resume:
        record = read_record(folder)
        options = Options.from_plain(record["options"])
        data = record["data"] if data is None else data
    plan = make_plan(data, options)
    if folder is not None and resume:
        check_same_data(folder, record, plan.table)
    elif folder is not None:
        record = begin_record(folder, data, plan)
    workshop = Workshop(
        plan.table,
        plan.division,
        plan.learners,
        plan.metric,
        reduction=options.reduce,
        seed=options.seed,
        store=Store(folder),
        jobs=jobs,
        deadline=deadline,
        progress=progress,
    )
    workshop.plan(plan.counts() + (curve_counts(plan) if folder is not None and options.curves else Counter()))
    comparison = carry_out(plan, workshop)
    if folder is None:
        return comparison
    learning, validation, notes = draw_curves(plan, workshop, comparison) if options.curves else ({}, {}, [])
    progress.say("report")
    comparison = replace(comparison, notes=[*comparison.notes, *notes])
    with threadpool_limits(1):  # threads that wait for one another take longer than one on a busy machine
        files = write_report(folder, plan, comparison, learning, validation)
    files[RECORD] = "scores, settings, options and versions as data"
    comparison = replace(comparison, files=files)
    end_record(folder, record, comparison)
    return comparison


def draw_curves(
    plan: Plan, workshop: Workshop, comparison: Comparison
) -> tuple[dict[str, Curve], dict[str, Curve], list[str]]:
    """Learning curves, validation curves, and a note on what the time was not enough for."""
    for name in comparison.failed:
        workshop.forget(name)
    learning: dict[str, Curve] = {}
    validation: dict[str, Curve] = {}
    try:
        learning = learning_curves(plan, workshop, comparison)
        validation = validation_curves(plan, workshop, comparison)
    except BudgetSpentError:
        missing = "validation curves are" if learning else "learning and validation curves are"
        return learning, validation, [f"the time was over: {missing} missing; --resume adds them"]
    return learning, validation, []

"""``chainer.training.extensions``: evaluation, logs, pictures, snapshots, and rates that change."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from omomi.dialects.chainer.computational_graph import build_computational_graph
from omomi.dialects.chainer.configuration import no_backprop_mode, using_config
from omomi.dialects.chainer.dataset import concat_examples
from omomi.dialects.chainer.link import Link
from omomi.dialects.chainer.reporter import DictSummary, Observation, Reporter, plain, report_scope
from omomi.dialects.chainer.serializers import save_npz
from omomi.dialects.chainer.training.trainer import (
    PRIORITY_EDITOR,
    PRIORITY_READER,
    PRIORITY_WRITER,
    Extension,
    make_extension,
)
from omomi.dialects.chainer.training.triggers import get_trigger
from omomi.dialects.chainer.variable import Variable
from omomi.dialects.hook import missing
from omomi.files import to_json, write_text, writing


class Evaluator(Extension):
    """The means of what a link reports over a data set, as "validation/main/loss" and so on."""

    trigger = (1, "epoch")
    priority = PRIORITY_WRITER
    default_name = "validation"

    def __init__(
        self,
        iterator: Any,
        target: Any,
        converter: Callable[..., Any] = concat_examples,
        device: Any = None,
        eval_hook: Any = None,
        eval_func: Any = None,
        **_: Any,
    ) -> None:
        self._iterators = iterator if isinstance(iterator, dict) else {"main": iterator}
        self._targets = target if isinstance(target, dict) else {"main": target}
        self.converter, self.device, self.eval_hook, self.eval_func = converter, device, eval_hook, eval_func

    def get_iterator(self, name: str) -> Any:
        return self._iterators[name]

    def get_target(self, name: str) -> Link:
        return self._targets[name]

    def __call__(self, trainer: Any = None) -> Any:
        reporter = Reporter()
        prefix = (self.name or "validation") + "/"
        for name, target in self._targets.items():
            reporter.add_observer(prefix + name, target)
            reporter.add_observers(prefix + name, target.namedlinks(skipself=True))
        with reporter.scope({}), using_config("train", False):
            result = self.evaluate()
        if trainer is not None:
            trainer.observation.update(result)
        return result

    def evaluate(self) -> Observation:
        """The means over all batches."""
        iterator, compute = self._iterators["main"], self.eval_func or self._targets["main"]
        if self.eval_hook:
            self.eval_hook(self)
        if hasattr(iterator, "reset"):
            iterator.reset()
        else:
            iterator = copy.copy(iterator)
        summary = DictSummary()
        for batch in iterator:
            observation: Observation = {}
            with report_scope(observation), no_backprop_mode():
                arrays = self.converter(batch, self.device)
                if isinstance(arrays, tuple):
                    compute(*arrays)
                elif isinstance(arrays, dict):
                    compute(**arrays)
                else:
                    compute(arrays)
            summary.add(observation)
        return summary.compute_mean()


class LogReport(Extension):
    """Means of everything reported, an entry for each ``trigger``; written as JSON to ``out/log``."""

    default_name = "LogReport"

    def __init__(
        self,
        keys: Sequence[str] | None = None,
        trigger: Any = (1, "epoch"),
        postprocess: Any = None,
        log_name: str | None = "log",
        filename: str | None = None,
    ) -> None:
        self._keys, self._when, self._postprocess = keys, get_trigger(trigger), postprocess
        self._file = filename or log_name
        self.log: list[dict[str, Any]] = []
        self._summary = DictSummary()

    def __call__(self, trainer: Any) -> None:
        observation = trainer.observation
        self._summary.add(
            observation if self._keys is None else {k: observation[k] for k in self._keys if k in observation}
        )
        if not self._when(trainer):
            return
        entry: dict[str, Any] = self._summary.compute_mean()
        entry.update(
            epoch=trainer.updater.epoch, iteration=trainer.updater.iteration, elapsed_time=trainer.elapsed_time
        )
        if self._postprocess is not None:
            self._postprocess(entry)
        self.log.append(entry)
        self._summary = DictSummary()
        if self._file:
            write_text(Path(trainer.out) / self._file.format(**entry), to_json(self.log))

    def serialize(self, serializer: Any) -> None:
        """When it fires; the entries stand in the file."""
        serialize = getattr(self._when, "serialize", None)
        if serialize is not None:
            serialize(serializer["_trigger"])


class PrintReport(Extension):
    """A table, one line for each entry of the LogReport."""

    default_name = "PrintReport"

    def __init__(self, entries: Sequence[str], log_report: Any = "LogReport", out: Any = None) -> None:
        self._entries, self._log_report, self._out = list(entries), log_report, out
        self._printed = 0

    def __call__(self, trainer: Any) -> None:
        named = isinstance(self._log_report, str)
        log = (trainer.get_extension(self._log_report) if named else self._log_report).log
        out = self._out or sys.stdout
        width = max(10, *(len(entry) for entry in self._entries)) + 2
        if log and not self._printed:
            print("".join(f"{entry:<{width}}" for entry in self._entries).rstrip(), file=out)
        for entry in log[self._printed :]:
            print("".join(f"{_cell(entry.get(key)):<{width}}" for key in self._entries).rstrip(), file=out, flush=True)
        self._printed = len(log)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


class ProgressBar(Extension):
    """How far training is, on stderr."""

    default_name = "ProgressBar"

    def __init__(
        self, training_length: Any = None, update_interval: int = 100, bar_length: int = 50, out: Any = None
    ) -> None:
        self._length, self._interval = training_length, update_interval
        self._bar: Progress | None = None
        self._total: float | None = None
        self._unit = "iteration"
        self._task: Any = None

    def initialize(self, trainer: Any) -> None:
        length = self._length
        if length is None and hasattr(trainer.stop_trigger, "get_training_length"):
            length = trainer.stop_trigger.get_training_length()
        self._total, self._unit = length or (None, "iteration")
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn(self._unit), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=self._total)
        self._bar.start()

    def __call__(self, trainer: Any) -> None:
        updater = trainer.updater
        if self._bar is not None and updater.iteration % self._interval == 0:
            done = updater.epoch_detail if self._unit == "epoch" else updater.iteration
            self._bar.update(self._task, completed=int(done))

    def finalize(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class PlotReport(Extension):
    """Curves of reported values as a picture."""

    def __init__(
        self,
        y_keys: Any,
        x_key: str = "iteration",
        trigger: Any = (1, "epoch"),
        postprocess: Any = None,
        filename: str | None = None,
        marker: str = "x",
        grid: bool = True,
        file_name: str = "plot.png",
    ) -> None:
        self._keys = [y_keys] if isinstance(y_keys, str) else list(y_keys)
        self._x, self._when, self._file = x_key, get_trigger(trigger), filename or file_name
        self._marker, self._grid, self._postprocess = marker, grid, postprocess
        self._summary = DictSummary()
        self._points: dict[str, list[tuple[float, float]]] = {key: [] for key in self._keys}

    @staticmethod
    def available() -> bool:
        return True

    def __call__(self, trainer: Any) -> None:
        self._summary.add({key: trainer.observation[key] for key in self._keys if key in trainer.observation})
        if not self._when(trainer):
            return
        x = plain(getattr(trainer.updater, self._x, trainer.updater.iteration))
        for key, value in self._summary.compute_mean().items():
            self._points[key].append((x, value))
        self._summary = DictSummary()
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.add_subplot()
        for key, points in self._points.items():
            if points:
                axes.plot(*zip(*points, strict=True), marker=self._marker, label=key)
        axes.set_xlabel(self._x)
        axes.grid(self._grid)
        axes.legend()
        if self._postprocess is not None:
            self._postprocess(figure, axes, self._summary)
        with writing(Path(trainer.out) / self._file) as file:
            FigureCanvasAgg(figure).print_figure(file, format=Path(self._file).suffix[1:] or "png", dpi=120)


def snapshot(
    savefun: Callable[..., Any] = save_npz,
    filename: str = "snapshot_iter_{.updater.iteration}",
    *,
    target: Any = None,
    **_: Any,
) -> Any:
    """The whole state of training as a file; ``load_npz(file, trainer)`` goes on from it."""

    @make_extension(trigger=(1, "epoch"), default_name="snapshot", priority=-100)
    def take(trainer: Any) -> None:
        savefun(Path(trainer.out) / filename.format(trainer), trainer if target is None else target)

    return take


def snapshot_object(target: Any, filename: str, savefun: Callable[..., Any] = save_npz, **_: Any) -> Any:
    """One object, such as the model, as a file."""
    return snapshot(savefun, filename, target=target)


def dump_graph(
    root_name: str,
    filename: str = "cg.dot",
    variable_style: Any = None,
    function_style: Any = None,
    out_name: Any = None,
) -> Any:
    """The computational graph behind a reported value, once, in Graphviz's language."""
    written: list[bool] = []

    @make_extension(trigger=(1, "iteration"), default_name="dump_graph", priority=PRIORITY_READER)
    def dump(trainer: Any) -> None:
        root = trainer.observation.get(root_name)
        if not written and isinstance(root, Variable):
            written.append(True)
            write_text(Path(trainer.out) / (out_name or filename), build_computational_graph(root).dump())

    return dump


class _Shift(Extension):
    """An attribute of the optimiser as a function of how often this was called."""

    def __init__(self, attr: str, optimizer: Any = None) -> None:
        self._attr, self._optimizer, self._t = attr, optimizer, 0

    def initialize(self, trainer: Any) -> None:
        optimizer = self._optimizer or trainer.updater.get_optimizer("main")
        self.begin(float(getattr(optimizer, self._attr)))
        setattr(optimizer, self._attr, self.value(self._t))

    def __call__(self, trainer: Any) -> None:
        self._t += 1
        optimizer = self._optimizer or trainer.updater.get_optimizer("main")
        setattr(optimizer, self._attr, self.value(self._t))

    def begin(self, now: float) -> None:
        """Where the attribute stands when training begins."""

    def value(self, t: int) -> float:
        raise NotImplementedError

    def serialize(self, serializer: Any) -> None:
        self._t = int(serializer("_t", self._t))


class ExponentialShift(_Shift):
    """Times ``rate`` at each call, from ``init`` on, as far as ``target``."""

    def __init__(
        self, attr: str, rate: float, init: float | None = None, target: float | None = None, optimizer: Any = None
    ) -> None:
        super().__init__(attr, optimizer)
        self._rate, self._init, self._target = rate, init, target

    def begin(self, now: float) -> None:
        self._init = now if self._init is None else self._init

    def value(self, t: int) -> float:
        assert self._init is not None
        value = self._init * self._rate**t
        if self._target is None:
            return value
        return max(value, self._target) if self._rate < 1 else min(value, self._target)


class LinearShift(_Shift):
    """From one value to another, between two points in time."""

    def __init__(
        self, attr: str, value_range: tuple[float, float], time_range: tuple[float, float], optimizer: Any = None
    ) -> None:
        super().__init__(attr, optimizer)
        self._values, self._times = value_range, time_range

    def value(self, t: int) -> float:
        (first, last), (begin, end) = self._values, self._times
        share = min(max((t - begin) / (end - begin), 0.0), 1.0)
        return first + (last - first) * share


def observe_value(key: str, function: Callable[[Any], Any]) -> Any:
    """Report a value of the trainer's."""

    @make_extension(trigger=(1, "epoch"), default_name="observe_value", priority=PRIORITY_WRITER)
    def observe(trainer: Any) -> None:
        trainer.observation[key] = function(trainer)

    return observe


def observe_lr(optimizer_name: str = "main", observation_key: str = "lr") -> Any:
    """Report the learning rate."""
    return observe_value(observation_key, lambda trainer: trainer.updater.get_optimizer(optimizer_name).lr)


class FailOnNonNumber(Extension):
    """Ends training when a parameter is not finite."""

    priority = PRIORITY_EDITOR

    def __call__(self, trainer: Any) -> None:
        for optimizer in trainer.updater.get_all_optimizers().values():
            for path, parameter in optimizer.target.namedparams(include_uninit=False):
                if not np.isfinite(parameter.array).all():
                    raise RuntimeError(f"the parameter {path} is not finite, after update {trainer.updater.iteration}")


__getattr__ = missing(
    "chainer.training.extensions",
    {
        "PrintReportNotebook": "PrintReport",
        "VariableStatisticsPlot": "omomi.Model.fit(ledger=True) and omomi.inspect",
        "ParameterStatistics": "omomi.Model.fit(ledger=True) and omomi.inspect",
    },
)

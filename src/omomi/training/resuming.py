"""Going on where training was: what a checkpoint holds, when it is written, and how it comes back.

A checkpoint is the state tree (parameters, buffers, slots, the counts of the metrics, step and seed), the place in the
data (epoch, batch, and the step with which the epoch began, from which its order follows), what the callbacks remember,
the history among them, and the ledger. Everything else, such as masks and orders, is a function of these.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, FileAccessError, FileFormatError
from omomi.files import put_together, take_apart
from omomi.graph.randomness import chosen_seed
from omomi.layers.state import StateEntry
from omomi.training.callbacks import Callback, Logs
from omomi.training.checkpoints import Checkpoints, Found
from omomi.training.description import compare, rate_of
from omomi.training.recorder import Recorder

logger = logging.getLogger("omomi")

STATE = "state/"  # before the paths of the tree, in the names of a checkpoint's arrays
TERMINATED = 143  # the exit code after SIGTERM: 128 + 15, as shells count
MOST_SHOWN = 4  # differences that an error names


@dataclass
class Cursor:
    """Where training stands.

    Attributes:
        epoch, batch: what comes next, both from 0.
        begun: the number of the step with which the epoch began; ``None`` before it has begun.
        whole: whether nothing is under way: no step, no callback, no validation.
    """

    epoch: int
    batch: int = 0
    begun: int | None = None
    whole: bool = True

    def advance(self, batches: int) -> None:
        """So many batches more were trained on."""
        self.batch += batches
        self.whole = True

    def next_epoch(self) -> None:
        """The epoch is over, with its validation and its callbacks."""
        self.epoch, self.batch, self.begun, self.whole = self.epoch + 1, 0, None, True


class Keeper:
    """What a loop of training tells where it stands, and asks where it was. This one remembers nothing."""

    def begin(self, epoch: int) -> Cursor:
        """Where training begins: at this epoch, or where the checkpoint says."""
        return Cursor(epoch)

    def restore(self) -> Logs:
        """Bring back the state, once: of the model and of the callbacks. Returns the logs of the last whole epoch."""
        return {}

    def stepped(self, cursor: Cursor, batches: int, logs: Logs) -> None:
        """So many batches more were trained on; ``logs`` are those of the last whole epoch."""

    def epoch_over(self, cursor: Cursor, logs: Logs) -> None:
        """An epoch is over, with its validation and its callbacks."""

    def write(self, cursor: Cursor, logs: Logs) -> None:
        """Keep the state as it is now."""


NO_KEEPER = Keeper()


class Trained(Protocol):
    """What a keeper needs to know of a :class:`omomi.training.loop.Trainer`."""

    model: Any
    optimizer: Any
    seed: int


class CheckpointKeeper(Keeper):
    """Writes the checkpoints of a run, and brings one back.

    Args:
        checkpoints: where and how often.
        trainer: of the model.
        entries: the state tree of the training.
        callbacks: whose state is kept, the History among them.
        recorder: of the ledger, if there is one.
        description: what must be the same for this run to go on; see :mod:`omomi.training.description`.
        quiet: where training goes on is not said.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        trainer: Trained,
        entries: Mapping[str, StateEntry],
        callbacks: Sequence[Callback],
        recorder: Recorder | None,
        description: Mapping[str, Any],
        quiet: bool = False,
    ) -> None:
        self.checkpoints, self.trainer, self.model, self.entries = checkpoints, trainer, trainer.model, entries
        self.callbacks, self.recorder, self.description = callbacks, recorder, description
        self.quiet = quiet
        self.found: Found | None = None
        self.cursor = Cursor(0)
        self.asked_to_end = False
        self.taken = 0  # batches since the last checkpoint
        self.written_at = time.monotonic()
        self.kept: tuple[int, int] | None = None  # epoch and batch of the last checkpoint

    # ---- coming back ------------------------------------------------------------------------------------------

    @contextmanager
    def holding(self, resume: bool) -> Iterator[None]:
        """Inside, the folder is this run's. With ``resume`` its latest checkpoint is read and compared, else there must
        be none.

        Raises:
            FileAccessError: the folder cannot be used, or holds checkpoints of an earlier run.
            FileFormatError: there are checkpoints, but none can be read.
            ConfigurationError: they were written by another run; the message says how it differs.
        """
        folder = self.checkpoints.folder
        with self.checkpoints.held() if current().process == 0 else nullcontext(), self.ending_well():
            if resume:
                self.found = self.checkpoints.latest(set_aside=current().process == 0)
                if self.found is None:
                    self.say(f"there is no checkpoint in {folder} yet: training starts anew")
                else:
                    self.cursor = self.place_in(self.found)
                    self.check(self.found)
            elif self.checkpoints.files():
                raise FileAccessError(
                    "the folder holds the checkpoints of an earlier run.",
                    where=str(folder),
                    fix="fit(…, resume=True) goes on from them; or choose another folder",
                )
            yield

    @contextmanager
    def ending_well(self) -> Iterator[None]:
        """Inside, a request to end (SIGTERM, as queues and containers send it) lets the step that runs be finished, and
        a checkpoint be written. It stands aside where somebody else handles the signal."""
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            yield
            return

        def notice(*_: Any) -> None:
            self.asked_to_end = True

        signal.signal(signal.SIGTERM, notice)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if self.asked_to_end:  # after the last step
            raise SystemExit(TERMINATED)

    def place_in(self, found: Found) -> Cursor:
        """Where training stood when a checkpoint was written.

        Raises:
            FileFormatError: the header is no checkpoint's.
        """
        match found.header:
            case {
                "cursor": {"epoch": int(epoch), "batch": int(batch), "begun": (int() | None) as begun},
                "run": dict(),
                "seed": int(),
                "engine": str(),
                "callbacks": list(),
                "learning_rate": _,
            } if epoch >= 0 and batch >= 0:
                return Cursor(epoch, batch, begun)
        raise FileFormatError("the checkpoint does not say where training stood.", where=str(found.path))

    def check(self, found: Found) -> None:
        """Raise if the checkpoint is of another run than this one."""
        header = found.header
        before, now = dict(header["run"]), dict(self.description)
        if now["learning rate"] == header["learning_rate"]:  # the model goes on whose rate a callback has changed
            now["learning rate"] = before["learning rate"]
        if (self.model.seed_given or chosen_seed() is not None) and self.model.seed != header["seed"]:
            before["seed"], now["seed"] = header["seed"], self.model.seed
        differing = compare(before, now)
        if differing:
            more = len(differing) - MOST_SHOWN
            rest = [f"and {more} more"] if more > 0 else []
            raise ConfigurationError(
                "the checkpoint is of another run than this one.",
                where=str(found.path),
                expected="; ".join([f"{name}: {then}" for name, then, _ in differing[:MOST_SHOWN]] + rest),
                received="; ".join([f"{name}: {here}" for name, _, here in differing[:MOST_SHOWN]] + rest),
                fix="train as before to go on from it, or choose another folder for another run",
            )
        if header["engine"] != current().name:
            logger.warning(
                "the checkpoint was written by the engine %s, and %s goes on: numbers agree to rounding only",
                header["engine"],
                current().name,
            )

    def begin(self, epoch: int) -> Cursor:
        if self.found is None:
            return Cursor(epoch)
        cursor = self.cursor
        self.kept = (cursor.epoch, cursor.batch)
        self.say(f"training goes on from {self.found.path}: epoch {cursor.epoch + 1}, batch {cursor.batch + 1}")
        return cursor

    def say(self, line: str) -> None:
        """One line for whoever wants to know how training goes."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def restore(self) -> Logs:
        found, self.found = self.found, None
        if found is None:
            return {}
        header, where = found.header, str(found.path)
        try:
            arrays = {path: found.arrays[STATE + path] for path in self.entries}
            for path, entry in self.entries.items():
                entry.assign(arrays[path])
            self.trainer.seed = self.model.seed = int(header["seed"])
            self.model.stop_training = bool(header["stop_training"])
            states = [(s["class_name"], put_together(s["state"], found.arrays, where)) for s in header["callbacks"]]
            self.hand_out(states, where)
            ledger = put_together(header["ledger"], found.arrays, where)
            if self.recorder is not None and ledger is not None:
                self.recorder.set_state(ledger)
                self.model.history.ledger = self.recorder.ledger
            logs: Logs = put_together(header["logs"], found.arrays, where)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(
                "the checkpoint does not fit this run.",
                where=where,
                received=f"{type(error).__name__}: {error}",
                fix="was it written by another version of Omomi, or of a callback?",
            ) from error
        return logs

    def hand_out(self, states: Sequence[tuple[str, Any]], where: str) -> None:
        """Give each callback its state: to the first of a class the first one, and so on."""
        left = list(states)
        for callback in self.callbacks:
            name = type(callback).__name__
            mine = next((entry for entry in left if entry[0] == name), None)
            if mine is not None:
                left.remove(mine)
                callback.set_state(mine[1])
            elif callback.get_state():
                logger.warning("%s is not in the checkpoint %s, and starts anew", name, where)
        for name, _ in left:
            logger.warning("the checkpoint %s remembers what %s saw, which fit() was not given", where, name)

    # ---- writing ----------------------------------------------------------------------------------------------

    def stepped(self, cursor: Cursor, batches: int, logs: Logs) -> None:
        self.taken += batches
        self.end_if_asked(cursor, logs)
        steps, seconds = self.checkpoints.steps, self.checkpoints.seconds
        if (steps is not None and self.taken >= steps) or (
            seconds is not None and time.monotonic() - self.written_at >= seconds
        ):
            self.write(cursor, logs)

    def end_if_asked(self, cursor: Cursor, logs: Logs) -> None:
        """Write a checkpoint and leave, if that was asked for."""
        if self.asked_to_end:
            self.write(cursor, logs)
            raise SystemExit(TERMINATED)

    def epoch_over(self, cursor: Cursor, logs: Logs) -> None:
        self.end_if_asked(cursor, logs)
        if self.checkpoints.steps is None and self.checkpoints.seconds is None:
            self.write(cursor, logs)

    def write(self, cursor: Cursor, logs: Logs) -> None:
        """Write a checkpoint now, unless the last one is of this very place.

        A checkpoint that cannot be written does not end training: a message says so, the ones before it stay, and the
        next one is tried when its time has come.
        """
        if self.kept == (cursor.epoch, cursor.batch) or current().process != 0:
            return
        step = int(current().to_host(self.entries["step"]._array))
        arrays, header = self.snapshot(cursor, logs)
        try:
            self.checkpoints.write(step, arrays, header)
        except FileAccessError as error:
            logger.warning("no checkpoint of step %d, training goes on without it: %s", step, error)
        else:
            self.kept = (cursor.epoch, cursor.batch)
        self.taken, self.written_at = 0, time.monotonic()

    def snapshot(self, cursor: Cursor, logs: Logs) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything that training needs to go on: arrays by name, and a header."""
        to_host = current().to_host
        arrays = {STATE + path: np.asarray(to_host(entry.array)) for path, entry in self.entries.items()}
        header = {
            "engine": current().name,
            "seed": self.model.seed,
            "cursor": {name: value for name, value in asdict(cursor).items() if name != "whole"},
            "learning_rate": rate_of(self.trainer.optimizer),
            "stop_training": bool(self.model.stop_training),
            "logs": take_apart(logs, arrays, "logs"),
            "callbacks": [
                {"class_name": type(callback).__name__, "state": take_apart(state, arrays, f"callbacks/{i}")}
                for i, callback in enumerate(self.callbacks)
                if (state := callback.get_state())
            ],
            "ledger": None if self.recorder is None else take_apart(self.recorder.get_state(), arrays, "ledger"),
            "run": self.description,
        }
        return arrays, header

"""The loop of training on one screen: epochs, batches, steps, and what happens between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.engines.engine import Step
from omomi.engines.selection import current
from omomi.errors import NonFiniteError
from omomi.graph.context import context
from omomi.graph.hooks import unwatched
from omomi.graph.structure import structured
from omomi.layers.state import StateEntry, arrays, changes, put
from omomi.training.batches import Array, Batches
from omomi.training.callbacks import CallbackList, Logs
from omomi.training.checkpoints import checkpoints_of
from omomi.training.description import describe
from omomi.training.ledger import Ledger
from omomi.training.metric import Metric
from omomi.training.objective import Objective
from omomi.training.optimizer import Optimizer
from omomi.training.recorder import Recorder
from omomi.training.resuming import NO_KEEPER, CheckpointKeeper, Cursor, Keeper
from omomi.training.sources.stream import Stream
from omomi.training.step import Made, Trainable, evaluation_step, prediction_step, training_step, tree
from omomi.training.watch import explain_failure


class CompiledStep:
    """A step on one engine, and the entries whose arrays go in and come out."""

    def __init__(self, entries: Mapping[str, StateEntry], step: Step, refused: str | None) -> None:
        self.entries, self.step, self.refused = entries, step, refused
        self.compile()

    def compile(self) -> None:
        """Let the engine make the step fast, for the layers as they are now."""
        engine = current()
        self.compiled, self.changes = engine.compile(self.step, self.refused), changes.count
        self.several = engine.several(self.step, self.refused)

    def __call__(self, batch: dict[str, Array]) -> dict[str, Array]:
        """Run the step on the state that the entries hold, and put the new state in. Returns the report."""
        if self.changes != changes.count:  # an attribute of a layer was assigned
            self.compile()
        state = arrays(self.entries)
        if context.hooks and self.compiled is not self.step:
            self.step(state, batch)  # whoever watches sees the parts, once; what this computes is thrown away
            with unwatched():
                new, report = self.compiled(state, batch)
        else:
            new, report = self.compiled(state, batch)
        put(self.entries, new)
        return report

    def take(self, data: dict[str, Array], rows: Array) -> int | None:
        """Take one step after the other on the samples ``rows[0]``, ``rows[1]``, … of data that the engine keeps.

        Returns:
            How many were good; fewer than there are rows if one was not finite. ``None`` if the engine takes steps
            of this kind one by one.
        """
        if self.changes != changes.count:
            self.compile()
        found = None if self.several is None else self.several(arrays(self.entries), data, rows)
        if found is None:
            return None
        new, good = found
        put(self.entries, new)
        return good


class Steps:
    """The compiled steps of a model, made when first needed; forgotten when anything about the model changes."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], CompiledStep] = {}

    def get(self, kind: str, make: Callable[[], Made]) -> CompiledStep:
        """The step of this kind ("train", "evaluate", "predict") on the engine that runs now."""
        key = (current().name, kind)
        if key not in self.made:
            self.made[key] = CompiledStep(*make())
        return self.made[key]

    def clear(self) -> None:
        """Forget them: parameters were frozen, or the model was compiled anew."""
        self.made.clear()


@dataclass
class Trainer:
    """A model, and how it is judged and moved.

    Attributes:
        metrics: the first is the loss; then those of several outputs; then those that ``compile`` named.
        steps: the model's compiled steps.
        group: how many steps make one call, on an engine that can take several; ``None`` leaves it to Omomi.
    """

    model: Trainable
    objective: Objective
    metrics: Sequence[Metric]
    optimizer: Optimizer
    seed: int
    steps: Steps
    group: int | None = None

    def train_on_batch(self, batch: dict[str, Array], recorder: Recorder | None = None) -> None:
        """One step of training, seen by the recorder if there is one. Loss and metrics are counted.

        Raises:
            NonFiniteError: loss or gradient was not finite; the state is what it was before.
        """
        step = self.step_of_training()
        with quiet():
            report = step(batch) if recorder is None else recorder.run(step, batch)
            if not bool(report["finite"]):
                error = explain_failure(step.step, arrays(step.entries), batch)
                if recorder is not None:
                    recorder.failed(step, batch, error.culprit)
                raise error

    def look(self, batch: dict[str, Array]) -> Ledger:
        """A ledger of one row: the step that this batch would make. Nothing is changed."""
        recorder = Recorder(self.model, 1)
        with quiet():
            recorder.observe(self.step_of_training(), batch)
        return recorder.ledger

    def step_of_training(self) -> CompiledStep:
        return self.steps.get("train", lambda: training_step(self.model, self.objective, self.metrics, self.optimizer))

    def train_on_group(self, data: Batches, rows: Array, kept: dict[str, Array] | None) -> None:
        """One step for each row of samples, in one call where the engine keeps the data.

        Raises:
            NonFiniteError: as above; the steps before the failing one are taken.
        """
        step = self.step_of_training()
        good = None if kept is None else step.take(kept, rows)
        if good is None:
            for samples in rows:
                self.train_on_batch(data.cut(samples, len(samples)))
        elif good < len(rows):
            raise explain_failure(step.step, arrays(step.entries), data.cut(rows[good], len(rows[good])))

    @contextmanager
    def keeping(
        self,
        checkpoint: Any,
        resume: bool,
        data: Batches | Stream,
        validation: Batches | Stream | None,
        callbacks: CallbackList,
        recorder: Recorder | None,
        options: Mapping[str, Any],
        quiet: bool,
    ) -> Iterator[Keeper]:
        """What keeps the state of a :meth:`fit` of these data, with these callbacks and options, in a folder."""
        checkpoints = checkpoints_of(checkpoint, resume)
        if checkpoints is None:
            yield NO_KEEPER
            return
        entries = tree(self.model, self.metrics, self.optimizer)
        options = {**options, "steps_per_execution": self.group}
        run = describe(self.model, entries, data, validation, options)
        keeper = CheckpointKeeper(checkpoints, self, entries, callbacks.callbacks, recorder, run, quiet)
        with keeper.holding(resume):
            yield keeper

    def logs(self) -> Logs:
        """The means counted so far."""
        return {m.name: m.result() for m in self.metrics}

    def reset(self) -> None:
        """Start counting from zero."""
        for m in self.metrics:
            m.reset()

    def fit(
        self,
        data: Batches | Stream,
        validation: Batches | Stream | None,
        epochs: range,
        shuffle: bool | str,
        callbacks: CallbackList,
        validation_freq: int = 1,
        recorder: Recorder | None = None,
        keeper: Keeper = NO_KEEPER,
    ) -> None:
        """Train for some epochs. A :class:`KeyboardInterrupt` leaves the state after the last whole step."""
        cursor = keeper.begin(epochs.start)
        data.skip_epochs(cursor.epoch - epochs.start)
        logs: Logs = {}
        try:
            callbacks.on_train_begin()
            if cursor.begun is None:
                logs = keeper.restore()
            while cursor.epoch < epochs.stop and not self.stopped:
                self.reset()
                callbacks.on_epoch_begin(cursor.epoch)
                if cursor.begun is None:
                    # The order follows from the step number, so that a second fit() does not repeat the first one's.
                    cursor.begun = int(current().to_host(self.model.state()["step"]._array))
                else:  # inside an epoch: what the callbacks have just set up anew is overwritten
                    logs = keeper.restore()
                order = data.order(self.seed, cursor.begun, shuffle)
                try:
                    self.train_epoch(data, order, callbacks, recorder, cursor, keeper, logs)
                except NonFiniteError as error:
                    if not callbacks.on_non_finite(error):
                        raise
                    break
                logs, cursor.whole = self.logs(), False
                if validation is not None and (cursor.epoch + 1) % validation_freq == 0:
                    logs.update({f"val_{name}": value for name, value in self.evaluate(validation, callbacks).items()})
                callbacks.on_epoch_end(cursor.epoch, logs)
                cursor.next_epoch()
                keeper.epoch_over(cursor, logs)
                if data.exhausted:
                    break
            if cursor.whole:
                keeper.write(cursor, logs)
            if len(epochs):
                self.optimizer.finalize_variable_values(self.model.parameters())
        except KeyboardInterrupt:
            if cursor.whole:
                keeper.write(cursor, logs)
            raise
        finally:
            callbacks.on_train_end(logs)

    @property
    def stopped(self) -> bool:
        """Whether a callback has ended training."""
        return bool(getattr(self.model, "stop_training", False))

    def train_epoch(
        self,
        data: Batches | Stream,
        order: Array | None,
        callbacks: CallbackList,
        recorder: Recorder | None,
        cursor: Cursor,
        keeper: Keeper,
        before: Logs,
    ) -> None:
        """The batches of one epoch from the cursor on: one by one for whoever must see each of them, else in groups."""
        kept = None if callbacks.at_every_batch or recorder is not None else self.kept(data)
        callbacks.params["seen"] = callbacks.params["seen_before"] = data.seen(cursor.batch)

        def over(batches: int, samples: int) -> None:
            callbacks.params["seen"] += samples
            callbacks.batch_over(cursor.batch + batches - 1, self.logs)
            cursor.advance(batches)
            if not self.stopped:  # else the epoch is over, and a checkpoint is of its end
                keeper.stepped(cursor, batches, before)

        if kept is None:
            with closing(data.epoch(order, cursor.batch)) as batches:
                for number, batch in enumerate(batches, cursor.batch):
                    callbacks.on_train_batch_begin(number)
                    cursor.whole = False
                    if recorder is not None:
                        recorder.at(cursor.epoch, number)
                    self.train_on_batch(batch, recorder)
                    over(1, len(batch["one"]))
                    if self.stopped:
                        break
            return
        assert isinstance(data, Batches)  # streams are not kept
        for number, rows in data.groups(order, self.group, cursor.batch):
            callbacks.on_train_batch_begin(number)
            cursor.whole = False
            self.train_on_group(data, rows, kept)
            over(len(rows), rows.size)
            if self.stopped:
                break

    def kept(self, data: Batches | Stream) -> dict[str, Array] | None:
        """The data beside the processor that computes; ``None`` where batches come from the host one by one."""
        return None if context.hooks else data.kept()

    def evaluate(self, data: Batches | Stream, callbacks: CallbackList | None = None) -> Logs:
        """Loss and metrics over all batches."""
        callbacks = CallbackList() if callbacks is None else callbacks
        step = self.steps.get("evaluate", lambda: evaluation_step(self.model, self.objective, self.metrics))
        self.reset()
        kept = None if callbacks.at_test_batches else self.kept(data)
        callbacks.on_test_begin()
        with quiet(), closing(data.epoch()) as batches:
            if kept is None:
                for number, batch in enumerate(batches):
                    callbacks.on_test_batch_begin(number)
                    step(batch)
                    if callbacks.at_test_batches:
                        callbacks.on_test_batch_end(number, self.logs())
            else:
                assert isinstance(data, Batches)
                for _, rows in data.groups(None, self.group):
                    if step.take(kept, rows) is None:
                        for samples in rows:
                            step(data.cut(samples, len(samples)))
        logs = self.logs()
        callbacks.on_test_end(logs)
        return logs


def predict(model: Trainable, data: Batches | Stream, steps: Steps, callbacks: CallbackList | None = None) -> Any:
    """The outputs for all samples, as one NumPy array, or as a list or dictionary of them."""
    callbacks = CallbackList() if callbacks is None else callbacks
    step = steps.get("predict", lambda: prediction_step(model))
    to_host = current().to_host
    outputs = []
    callbacks.on_predict_begin()
    with quiet(), closing(data.epoch()) as batches:
        for number, batch in enumerate(batches):
            callbacks.on_predict_batch_begin(number)
            outputs.append({name: to_host(y) for name, y in step(batch).items()})
            if callbacks.at_predict_batches:
                callbacks.on_predict_batch_end(number, {"outputs": structured("y", outputs[-1])})
    callbacks.on_predict_end()
    return structured("y", {name: np.concatenate([some[name] for some in outputs]) for name in outputs[0]})


def quiet() -> AbstractContextManager[None]:
    """NumPy's warnings about overflow are silent here: the step tests its numbers itself, and says more."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")

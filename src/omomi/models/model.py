"""Model: a layer with Keras's grammar: compile, fit, evaluate, predict, summary, save."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError, NotBuiltError, ShapeError, UnknownNameError
from omomi.graph.context import no_grad, training_mode
from omomi.graph.variable import Variable
from omomi.layers.core import Input
from omomi.layers.layer import Layer, Shape
from omomi.layers.recurrence import States, carry_states
from omomi.models.saving import save_model
from omomi.models.summary import LayerRow, summary_rows, summary_text
from omomi.training import losses, metrics, optimizers
from omomi.training.batches import Array, Batches, as_data, batch_length, check_lengths, sample_weights, split
from omomi.training.callbacks import CallbackList, Logs, listed
from omomi.training.checkpoints import Checkpoints
from omomi.training.history import History
from omomi.training.ledger import period_of
from omomi.training.loop import Steps, Trainer, predict
from omomi.training.progress import all_callbacks, history_among, progress_callback
from omomi.training.recorder import Recorder
from omomi.training.targets import shown


class Model(Layer):
    """A network that can be trained. Subclass it and write ``call``, or use :class:`omomi.Sequential`.

    Example:
        >>> import numpy as np, omomi
        >>> class Classifier(omomi.Model):
        ...     def __init__(self):
        ...         super().__init__(seed=0)
        ...         self.hidden = omomi.layers.Dense(8, activation="tanh")
        ...         self.out = omomi.layers.Dense(2, activation="softmax")
        ...     def call(self, x):
        ...         return self.out(self.hidden(x))
        >>> model = Classifier()
        >>> model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(np.eye(4), np.array([0, 1, 0, 1]), epochs=2, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss']
    """

    bookkeeping = Layer.bookkeeping | {"optimizer", "loss", "history", "stop_training", "metric_names", "seed_given"}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seed_given = options.get("seed") is not None  # else training that resumes takes that of its checkpoint
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.history: History | None = None
        self.stop_training = False  # a callback sets it to end training after this epoch
        self.metric_names: tuple[list[str], list[str]] = ([], [])  # without and with sample weights
        self._steps = Steps()
        self._group: int | None = None  # steps in a call, where an engine can take several
        self._trainer: Trainer | None = None
        self._output_shape: Shape | None = None

    # ---- compile ----------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Sequence[str] | str | None = None,
        weighted_metrics: Sequence[str] | str | None = None,
        steps_per_execution: int | str = "auto",
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a name ("sgd", "adam", …) or an :class:`omomi.optimizers.Optimizer`.
            loss: a name ("categorical_crossentropy", …), an :class:`omomi.losses.Loss`, or a function
                (y_true, y_pred) → Variable.
            metrics: names ("accuracy", …) of what to count besides the loss, every sample with weight 1.
            weighted_metrics: the same, with the weights that ``fit`` is given.
            steps_per_execution: how many steps make one call on an engine that keeps the data beside its processor
                (jax). "auto" is a twentieth of an epoch, 64 at most, and 1 where a callback must see every batch.

        Raises:
            UnknownNameError: nothing of that name; the message names the nearest.
        """
        if loss is None:
            raise ConfigurationError(
                "a model needs a loss to be trained.", where="compile", fix='e.g. loss="categorical_crossentropy"'
            )
        self.optimizer, self.loss = optimizers.get(optimizer), losses.get(loss)
        self.optimizer.scale_losses(self.precision == "mixed_float16")
        self.metric_names = (as_list(metrics), as_list(weighted_metrics))
        if steps_per_execution != "auto" and (not isinstance(steps_per_execution, int) or steps_per_execution < 1):
            raise ConfigurationError(
                "steps_per_execution is a number of steps.",
                where="compile",
                expected='a positive whole number, or "auto"',
                received=f"steps_per_execution={steps_per_execution!r}",
            )
        self._group = None if steps_per_execution == "auto" else int(steps_per_execution)
        for name in (*self.metric_names[0], *self.metric_names[1]):
            check_metric(name, self.loss)
        self._trainer = None
        self._steps.clear()

    def trainer(self) -> Trainer:
        """What trains this model the way it was compiled.

        Raises:
            NotBuiltError: it was not compiled, or not built.
        """
        if self.loss is None or self.optimizer is None:
            raise NotBuiltError(
                "the model has not been compiled.", where=self.where, fix="model.compile(optimizer, loss) comes first"
            )
        if self._trainer is None:
            counted = [metrics.Metric("loss", dtype=self.float_dtype)]
            for names, weighted in zip(self.metric_names, (False, True), strict=True):
                for name in names:
                    counted.append(metrics.resolve(name, self.loss, self.output_shape))
                    counted[-1].weighted = weighted
            self.state()  # a model has its seed from here on
            assert self.seed is not None
            self._trainer = Trainer(self, self.loss, counted, self.optimizer, self.seed, self._steps, self._group)
        if (self.optimizer.loss_scale is not None) != (self.precision == "mixed_float16"):  # chosen after compile
            self.optimizer.scale_losses(self.optimizer.loss_scale is None)
            self._steps.clear()
        parameters = self.parameters()
        if list(self.optimizer.parameters.values()) != list(parameters.values()):
            if not parameters:
                raise ConfigurationError("there is nothing to train: no parameter is trainable.", where=self.where)
            self.optimizer.build(parameters)
            self._steps.clear()
        return self._trainer

    # ---- building ---------------------------------------------------------------------------------------------

    def fit_to(self, x: Array) -> None:
        """Check that samples like those of ``x`` fit, and build the model for them if it is not built yet.

        Raises:
            ShapeError: they do not fit.
        """
        given = self.given_input_shape
        sample = tuple(x.shape[1:])
        if given is not None and (
            len(sample) != len(given) or any(g is not None and g != d for g, d in zip(given, sample, strict=True))
        ):
            raise ShapeError(
                "the data does not fit the model's input.",
                where=self.where,
                expected=f"x of shape {shown((None, *given))}",
                received=f"x of shape {x.shape}",
                fix=input_fix(x.shape, given),
            )
        if self._output_shape is None:
            self.try_on(x[:1])

    def try_on(self, x: Array) -> None:
        """Build the model by calling it once, untrained and unrecorded, on samples that show their shape."""
        with no_grad(), training_mode(False), np.errstate(all="ignore"):  # only the shape counts
            y = self(x)
        if not isinstance(y, Variable):
            raise ConfigurationError("call() returns one Variable.", where=self.where, received=type(y).__name__)
        self._output_shape = (None, *y.shape[1:])

    @property
    def output_shape(self) -> Shape:
        """The shape of the output, the batch (``None``) first."""
        if self._output_shape is None:
            raise NotBuiltError(
                "the model has not been built.",
                where=self.where,
                fix="give the first layer an input_shape, or call the model on data once",
            )
        return self._output_shape

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside; an Input, which computes nothing, is none of them."""
        return [layer for layer in self._children.values() if not isinstance(layer, Input)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or position.

        Raises:
            UnknownNameError: no layer of that name; the message names the nearest.
        """
        if index is not None:
            return self.layers[index]
        by_name = {layer.name: layer for layer in self.layers}
        if name not in by_name:
            raise UnknownNameError("layer", name, by_name, where=self.where)
        return by_name[name]

    # ---- fit, evaluate, predict -------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        ledger: bool | int = False,
        checkpoint: Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> History:
        """Train for some epochs. An epoch shows every sample once; each batch of them is one step (iteration).

        Args:
            x: inputs, (N, …). Integers such as uint8 images are cast batch by batch, never scaled.
            y: targets, as the loss takes them.
            batch_size: samples in a step, 32 unless given; 1 is online learning, "full" is full-batch learning.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 one line for each epoch; "auto" is 1 on a terminal, else 2.
            callbacks: one :class:`omomi.callbacks.Callback` or several.
            validation_split: the share of the samples, taken from the end, that is only judged.
            validation_data: (x, y) or (x, y, sample_weight) to judge after each epoch.
            shuffle: a new order of the samples in every epoch.
            class_weight: class → weight of its samples.
            sample_weight: one weight for each sample, (N,).
            initial_epoch: the epoch to start from.
            validation_freq: judge after every so many epochs.
            ledger: watch the deltas of every so many steps (True: a period that costs little) into ``History.ledger``.
            checkpoint: a folder, or an :class:`omomi.Checkpoints`: where the state of training is kept, each epoch
                or as it says.
            resume: go on exactly from the latest checkpoint there; begin anew if there is none. The other arguments are
                those of the run before; ``epochs`` may be more.

        Returns:
            The :class:`omomi.History` of loss and metrics.

        Raises:
            DataError, ShapeError, DtypeError: the data does not fit; said before training starts.
            NonFiniteError: a NaN or an infinity; the last good weights are kept.
            ConfigurationError, FileAccessError, FileFormatError: training cannot go on from this checkpoint.
        """
        shown_by, period = progress_callback(verbose), period_of(ledger)
        data = self.data(x, y, sample_weight, class_weight, batch_size)
        validation: Batches | None = None
        if validation_data is not None:
            if len(validation_data) not in (2, 3):
                raise DataError("validation_data is (x, y) or (x, y, sample_weight).")
            x_val, y_val, *weights = validation_data
            judged_with = weights[0] if weights else None
            validation = self.data(x_val, y_val, judged_with, None, validation_batch_size or batch_size)
        elif validation_split:
            data, validation = split(data, validation_split, validation_batch_size)

        given = listed(callbacks)
        self.history = history_among(given)
        recorder = None if period is None else Recorder(self, period)
        self.history.ledger = None if recorder is None else recorder.ledger
        self.stop_training = False
        params = {
            "epochs": epochs,
            "steps": len(data),
            "batch_size": data.size,
            "samples": data.samples,
            "do_validation": validation is not None,
        }
        run = all_callbacks(given, self.history, shown_by, self, params)
        trainer, options = self.trainer(), {"shuffle": shuffle, "validation_freq": validation_freq}
        with trainer.keeping(checkpoint, resume, data, validation, run, recorder, options, not shown_by) as keeper:
            epochs_left = range(initial_epoch, epochs)
            trainer.fit(data, validation, epochs_left, shuffle, run, validation_freq, recorder, keeper)
        return self.history

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data, dropout and the like switched off. ``verbose`` is accepted and shows nothing.

        Returns:
            The loss; or the list of loss and metrics if there are any; or all by name with ``return_dict``.
        """
        data = self.data(x, y, sample_weight, None, batch_size)
        run = CallbackList(callbacks, self, {"steps": len(data), "batch_size": data.size, "samples": data.samples})
        return as_keras(self.trainer().evaluate(data, run), return_dict)

    def predict(
        self, x: Any, batch_size: int | str | None = None, verbose: int | str = "auto", callbacks: Any = None
    ) -> Array:
        """The outputs for all samples, as a NumPy array. ``verbose`` is accepted and shows nothing."""
        x = as_data(x, "x")
        self.fit_to(x)
        data = Batches(x, None, None, self.batch_length(batch_size, len(x)), self.float_dtype)
        run = CallbackList(callbacks, self, {"steps": len(data), "batch_size": data.size, "samples": data.samples})
        return predict(self, data, self._steps, run)

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on one batch; loss and metrics of that batch, as :meth:`evaluate` returns them."""
        data = self.data(x, y, sample_weight, class_weight, "full")
        trainer = self.trainer()
        trainer.reset()
        for batch in data.epoch():
            trainer.train_on_batch(batch)
        return as_keras(trainer.logs(), return_dict)

    def data(self, x: Any, y: Any, sample_weight: Any, class_weight: Any, batch_size: Any) -> Batches:
        """Inputs and targets, checked against the model and the loss, and ready to be cut into batches."""
        x, y = as_data(x, "x"), as_data(y, "y")
        check_lengths(x=x, y=y)
        self.fit_to(x)
        loss = self.trainer().loss
        y = loss.align(y, self.output_shape, loss.name)
        if not loss.indexed:
            # here and not in the step: a recorded step would take what a cast gives for a constant
            with np.errstate(over="ignore"):  # a step of training names what has become an infinity
                y = y.astype(self.float_dtype, copy=False)
        weights = sample_weights(y, sample_weight, class_weight)
        return Batches(x, y, weights, self.batch_length(batch_size, len(x)), self.float_dtype)

    def batch_length(self, batch_size: Any, samples: int) -> int:
        """The number of samples in a batch; stateful layers make room for the states of that many."""
        length = batch_length(batch_size, samples)
        if carry_states(self, samples, length):
            self._steps.clear()
        return length

    def reset_states(self) -> None:
        """Let the stateful layers start anew, from zeros."""
        for _, layer in self.walk():
            if isinstance(layer, States) and layer.stateful:
                layer.reset_states()

    @property
    def float_dtype(self) -> str:
        """The dtype of the model's arithmetic."""
        return self.dtype or "float32"

    # ---- looking, saving, copying -----------------------------------------------------------------------------

    def summary(self, print_fn: Callable[[str], Any] = print, batch_size: int | None = None) -> None:
        """Print the table of layers: kind, output shape, parameters; with ``batch_size``, the memory it costs."""
        print_fn(summary_text(self, batch_size))

    def rows(self) -> list[LayerRow]:
        """The layers as data."""
        return summary_rows(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write configuration, parameters, buffers and optimiser to one safetensors file, atomically."""
        save_model(self, path)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy in this or in another process gets: what is compiled belongs to the original."""
        return {**vars(self), "_trainer": None, "_steps": Steps()}

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        duplicate = type(self).__new__(type(self))
        memo[id(self)] = duplicate
        for attribute, value in self.__getstate__().items():
            object.__setattr__(duplicate, attribute, copy.deepcopy(value, memo))
        return duplicate

    def __repr__(self) -> str:
        state = f"{self.count_params():,} parameters" if self._output_shape is not None else "not built"
        return f"<{type(self).__name__} {self.name!r}: {len(self.layers)} layers, {state}>"


def as_list(names: Sequence[str] | str | None) -> list[str]:
    """One name or several."""
    return [names] if isinstance(names, str) else list(names or [])


def check_metric(name: Any, loss: losses.Loss) -> None:
    """Raise for an unknown metric when the model is compiled, not when it is trained."""
    metrics.resolve(name, loss, (None, 2))


def as_keras(logs: Logs, return_dict: bool) -> Any:
    """Loss and metrics as Keras returns them: one number, a list, or by name."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]


def input_fix(received: tuple[int, ...], given: Shape) -> str | None:
    """The likely reason why data does not fit the input_shape."""
    sample = received[1:]
    if tuple(given[1:]) == sample:
        return f"input_shape seems to include the number of samples; leave it out: input_shape={sample}"
    if tuple(given) == received:
        return "one sample is a batch of one: x[None]"
    if (*sample, 1) == tuple(given):
        return "gray images have one channel: x[..., None]"
    known = [d for d in given if d is not None]
    size, wanted = 1, 1
    for d in sample:
        size *= d
    for d in known:
        wanted *= d
    if size == wanted and len(known) == len(given):
        return f"x = x.reshape(len(x), {', '.join(map(str, known))})"
    return None

"""Model: a layer with Keras's grammar: compile, fit, evaluate, predict, summary, save."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omomi.errors import ConfigurationError, NotBuiltError
from omomi.layers.recurrence import States
from omomi.models.compiling import as_given, as_keras, check_names, check_weights, get_losses, metrics_of, objective_of
from omomi.models.connected import Connected
from omomi.models.feeding import about, feed, feed_fit, feed_inputs, from_arrays, whole
from omomi.models.saving import save_model
from omomi.models.summary import LayerRow, summary_rows
from omomi.models.table import summary_text
from omomi.models.weights import load_weights, save_weights
from omomi.training import optimizers
from omomi.training.backup import backup_among
from omomi.training.batches import Batches
from omomi.training.callbacks import CallbackList, listed
from omomi.training.checkpoints import Checkpoints
from omomi.training.history import History
from omomi.training.ledger import period_of
from omomi.training.loop import Steps, Trainer, predict
from omomi.training.progress import all_callbacks, history_among, progress_callback
from omomi.training.recorder import Recorder


class Model(Connected):
    """A network that can be trained: what lies between symbolic inputs and outputs, or a subclass with a ``call``.

    Args:
        inputs, outputs: what :func:`omomi.Input` gave and what layers made of it; one tensor, or several as a list or a
            dictionary. Layers that are called several times are shared: they have one set of weights.
        name, seed, dtype, precision, trainable: as of a layer.

    Example:
        >>> import numpy as np, omomi
        >>> x = omomi.Input((4,))
        >>> h = omomi.layers.Dense(4, activation="relu")(x)
        >>> model = omomi.Model(x, omomi.layers.Dense(3)(x + h), seed=0)
        >>> model.predict(np.eye(4)).shape
        (4, 3)

    Or with a ``call`` of one's own:
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

    bookkeeping = Connected.bookkeeping | {
        "optimizer",
        "loss",
        "loss_weights",
        "history",
        "stop_training",
        "metric_names",
        "seed_given",
    }

    def __init__(self, inputs: Any = None, outputs: Any = None, **options: Any) -> None:
        super().__init__(inputs, outputs, **options)
        self.seed_given = options.get("seed") is not None  # else training that resumes takes that of its checkpoint
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None  # a Loss; or, with several outputs, a list or dictionary of them
        self.loss_weights: Any = None
        self.history: History | None = None
        self.stop_training = False  # a callback sets it to end training after this epoch
        self.metric_names: tuple[Any, Any] = ([], [])  # without and with sample weights
        self._steps = Steps()
        self._group: int | None = None  # steps in a call, where an engine can take several
        self._trainer: Trainer | None = None

    # ---- compile ----------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        steps_per_execution: int | str = "auto",
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a name ("sgd", "adam", …) or an :class:`omomi.optimizers.Optimizer`.
            loss: a name ("categorical_crossentropy", …), an :class:`omomi.losses.Loss`, or a function
                (y_true, y_pred) → Variable. With several outputs: one for all of them, or a list, or a dictionary by
                output; an output whose loss is ``None`` is not trained.
            loss_weights: with several outputs, how much the loss of each counts: a list, or a dictionary by output.
            metrics: names ("accuracy", …) of what to count besides the loss, every sample with weight 1. With several
                outputs: a dictionary by output, or a list with one entry for each.
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
        self.optimizer, self.loss, self.loss_weights = (
            optimizers.get(optimizer),
            get_losses(loss),
            check_weights(loss_weights),
        )
        self.optimizer.scale_losses(self.precision == "mixed_float16")
        self.metric_names = (as_given(metrics), as_given(weighted_metrics))
        if steps_per_execution != "auto" and (not isinstance(steps_per_execution, int) or steps_per_execution < 1):
            raise ConfigurationError(
                "steps_per_execution is a number of steps.",
                where="compile",
                expected='a positive whole number, or "auto"',
                received=f"steps_per_execution={steps_per_execution!r}",
            )
        self._group = None if steps_per_execution == "auto" else int(steps_per_execution)
        check_names(self.loss, self.metric_names)
        self._trainer = None
        self._steps.clear()

    def check_compiled(self) -> None:
        """Raise a :class:`NotBuiltError` if the model was not compiled."""
        if self.loss is None or self.optimizer is None:
            raise NotBuiltError(
                "the model has not been compiled.", where=self.where, fix="model.compile(optimizer, loss) comes first"
            )

    def trainer(self) -> Trainer:
        """What trains this model the way it was compiled.

        Raises:
            NotBuiltError: it was not compiled, or not built.
        """
        self.check_compiled()
        assert self.optimizer is not None
        if self._trainer is None:
            objective = objective_of(self.loss, self.loss_weights, self.model_outputs)
            counted = metrics_of(self.metric_names, objective, self.float_dtype)
            self.state()  # a model has its seed from here on
            assert self.seed is not None
            self._trainer = Trainer(self, objective, counted, self.optimizer, self.seed, self._steps, self._group)
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

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Build the model if this is its first call, then compute. A list or dictionary of arrays is several inputs."""
        return super().__call__(self.taken(inputs), *args, training=training, **kwargs)

    # ---- fit, evaluate, predict -------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        prefetch: int = 2,
        ledger: bool | int = False,
        checkpoint: Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> History:
        """Train for some epochs. An epoch shows every sample once; each batch of them is one step (iteration).

        Args:
            x: inputs, (N, …). Integers such as uint8 images are cast batch by batch, never scaled. Several inputs: a
                list of arrays, or a dictionary of them. Or, without y, a source of batches (x, y) or
                (x, y, sample_weight): a generator, an iterable such as a DataLoader, an :class:`omomi.utils.PyDataset`,
                an :class:`omomi.datasets.ImageFolder`, or a function that gives an iterable.
            y: targets, as the loss takes them. Several outputs: a list, or a dictionary by output.
            batch_size: samples in a step, 32 unless given; 1 is online learning, "full" is full-batch learning.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 one line for each epoch; "auto" is 1 on a terminal, else 2.
            callbacks: one :class:`omomi.callbacks.Callback` or several.
            validation_split: the share of the samples, taken from the end, that is only judged.
            validation_data: (x, y) or (x, y, sample_weight), or a source, to judge after each epoch.
            shuffle: a new order in every epoch, of the samples or of a source's batches; "batch" keeps the samples of a
                batch together, so that a large file is read in long pieces. Generators come as they come.
            class_weight: class → weight of its samples. Several outputs: a dictionary of these by output.
            sample_weight: one weight for each sample, (N,). Several outputs: one array for all of them, or a list, or a
                dictionary by output.
            initial_epoch: the epoch to start from.
            steps_per_epoch: batches in an epoch, if not all of them; a generator needs it for several epochs.
            validation_steps: batches to judge by, if not all of them.
            validation_freq: judge after every so many epochs.
            prefetch: batches that a thread makes ready while the step before runs, for sources and for arrays that lie
                in a file; 0: none.
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
        validating = validation_split, validation_data, validation_batch_size, validation_steps
        given = x, y, sample_weight, class_weight
        whole(epochs, "epochs", 0)
        many = epochs - initial_epoch
        data, validation = feed_fit(self, *given, batch_size, steps_per_epoch, prefetch, many, validating)
        own = listed(callbacks)
        backup, checkpoint, resume = backup_among(own, checkpoint, resume)
        self.history = history_among(own)
        recorder = None if period is None else Recorder(self, period)
        self.history.ledger = None if recorder is None else recorder.ledger
        self.stop_training = False
        params = about(data, epochs=epochs, do_validation=validation is not None)
        run = all_callbacks(own, self.history, shown_by, self, params)
        trainer, options = self.trainer(), {"shuffle": shuffle, "validation_freq": validation_freq}
        with trainer.keeping(checkpoint, resume, data, validation, run, recorder, options, not shown_by) as keeper:
            epochs_left = range(initial_epoch, epochs)
            trainer.fit(data, validation, epochs_left, shuffle, run, validation_freq, recorder, keeper)
        if backup is not None:
            backup.finished()
        return self.history

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data, or on a source as :meth:`fit` takes it, dropout and the like switched off.

        Args:
            steps: how many batches, if not all of them.
            verbose: is accepted and shows nothing.

        Returns:
            The loss; or the list of loss and metrics if there are any; or all by name with ``return_dict``.
        """
        data = feed(self, x, y, sample_weight, None, batch_size, steps, argument="steps", judged=True)
        run = CallbackList(callbacks, self, about(data))
        return as_keras(self.trainer().evaluate(data, run), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for all samples, or for those of ``steps`` batches, as a NumPy array; of several outputs, a list
        or dictionary. ``verbose`` is accepted and shows nothing."""
        data = feed_inputs(self, x, batch_size, steps)
        return predict(self, data, self._steps, CallbackList(callbacks, self, about(data)))

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

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as :meth:`evaluate` returns them."""
        return self.evaluate(x, y, "full", sample_weight=sample_weight, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as :meth:`predict` returns them."""
        return self.predict(x, batch_size="full")

    def data(self, x: Any, y: Any, sample_weight: Any, class_weight: Any, batch_size: Any) -> Batches:
        """Arrays, checked against the model and the loss, and ready to be cut into batches."""
        return from_arrays(self, x, y, sample_weight, class_weight, batch_size)

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

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] = print,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Print the table of layers: kind, output shape, parameters, multiply-accumulates of one sample.

        Args:
            line_length: characters of a line; that of the terminal unless given.
            positions: accepted; the columns are as wide as what stands in them.
            print_fn: what is called with the text.
            expand_nested: show the layers of models inside too.
            show_trainable: show whether each layer is trained.
            layer_range: the names of the first and the last layer to show.
            batch_size: show what a batch of so many samples holds, in each precision, and what its step costs.
        """
        print_fn(summary_text(self, batch_size, line_length, expand_nested, show_trainable, layer_range))

    def rows(self) -> list[LayerRow]:
        """The layers as data."""
        return summary_rows(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write configuration, parameters, buffers and optimiser to one safetensors file, atomically."""
        save_model(self, path)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the parameters and buffers alone; see :func:`omomi.models.weights.save_weights`."""
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Put in the parameters and buffers of a file; see :func:`omomi.models.weights.load_weights`."""
        load_weights(self, filepath, skip_mismatch)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy in this or in another process gets: what is compiled belongs to the original."""
        return {**super().__getstate__(), "_trainer": None, "_steps": Steps(), "_symbols": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        duplicate = type(self).__new__(type(self))
        memo[id(self)] = duplicate
        duplicate.__setstate__({name: copy.deepcopy(value, memo) for name, value in self.__getstate__().items()})
        return duplicate

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.adopt()

    def __repr__(self) -> str:
        state = f"{self.count_params():,} parameters" if self._output_shape is not None else "not built"
        return f"<{type(self).__name__} {self.name!r}: {len(self.layers)} layers, {state}>"

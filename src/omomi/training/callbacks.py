"""Callbacks: what happens at the edges of batches, epochs, and whole runs of training, evaluation and prediction.

What a callback has seen, and decides by, is part of what a checkpoint keeps: :meth:`Callback.get_state` tells it,
:meth:`Callback.set_state` takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from omomi.errors import ConfigurationError, NonFiniteError, UnknownNameError

Logs = dict[str, float]


class Callback:
    """Override what you need. Methods have Keras's names.

    Attributes:
        model: the model that is being trained.
        params: "epochs", "steps" (batches in an epoch), "batch_size" and "samples", each ``None`` where nobody knows it
            before; "seen", how many samples this epoch has had so far, "seen_before" of them before training went on
            inside it; and "waiting", how long training has waited for batches, in ``waiting.seconds``.
        skips_batches: an engine may take several batches in one call. A callback that does something at every batch
            keeps it from that, unless this says that it need not be told of each: it is then told before the first
            and after the last batch of a call.
        remembered: names of the attributes that a checkpoint keeps.
    """

    skips_batches: ClassVar[bool] = False
    remembered: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def get_state(self) -> dict[str, Any]:
        """What it remembers of the training so far, for a checkpoint.

        Plain values: ``None``, bool, numbers (also NaN and infinities), text, NumPy arrays, and lists and mappings
        (text as keys) of these; a tuple comes back as a list. They are the ``remembered`` attributes, unless this is
        overridden.
        """
        return {name: getattr(self, name) for name in self.remembered}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`get_state` told, when training goes on from a checkpoint.

        It comes after :meth:`on_train_begin` and, where training goes on inside an epoch, after that epoch's
        :meth:`on_epoch_begin`: what those have set up is overwritten. The model has its state back by then.
        """
        for name in self.remembered:
            setattr(self, name, state[name])

    # ---- training -------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, also when training was interrupted."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before an epoch; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch and its validation; ``logs`` holds the means over the epoch. What a callback adds to it is
        seen by those that follow, and by the History."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a step."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After a step; ``logs`` holds the means over the epoch so far."""

    def wants_logs(self) -> bool:
        """Whether :meth:`on_train_batch_end` will look at its ``logs`` this time; if nobody will, they are empty. To
        read the counts of a step is not free."""
        return True

    def on_batch_begin(self, batch: int, logs: Logs) -> None:
        """Another name of :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Another name of :meth:`on_train_batch_end`."""

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """A step met a NaN or an infinity, and was not made. Return whether training shall end without an error."""
        return False

    # ---- evaluation, of which validation is a case ----------------------------------------------------------------

    def on_test_begin(self, logs: Logs) -> None:
        """Before an evaluation, or a validation."""

    def on_test_end(self, logs: Logs) -> None:
        """After it; ``logs`` holds loss and metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a batch of it."""

    def on_test_batch_end(self, batch: int, logs: Logs) -> None:
        """After a batch of it; ``logs`` holds the means so far."""

    # ---- prediction -----------------------------------------------------------------------------------------------

    def on_predict_begin(self, logs: Logs) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs) -> None:
        """After it."""

    def on_predict_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a batch of it."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """After a batch of it; ``logs`` holds its "outputs"."""


MOMENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """A callback from functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))``.

    Raises:
        UnknownNameError: there is no such moment; the message names the nearest.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **functions: Any,
    ) -> None:
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in {**named, **functions}.items():
            if name not in MOMENTS:
                raise UnknownNameError("moment", name, MOMENTS, where="LambdaCallback")
            if function is not None:
                setattr(self, name, function)


class CallbackList(Callback):
    """Several callbacks as one, called in this order. A loop of one's own may use it as ``fit`` does."""

    def __init__(
        self,
        callbacks: Any = None,
        model: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.callbacks = listed(callbacks)
        self.begun: list[Callback] = []
        self.set_params({} if params is None else params)
        if model is not None:
            self.set_model(model)
        self._sort()

    def _sort(self) -> None:
        # Most callbacks look at epochs only: a step should not pay for reports that nobody reads.
        self.at: dict[str, list[Callback]] = {
            moment: [c for c in self.callbacks if overrides(c, moment)] for moment in MOMENTS
        }
        at_batches = (*self.at["on_train_batch_begin"], *self.at["on_train_batch_end"])
        self.at_every_batch = any(not c.skips_batches for c in at_batches)
        self.at_batch_end = bool(self.at["on_train_batch_end"])
        self.at_predict_batches = bool(self.at["on_predict_batch_begin"] or self.at["on_predict_batch_end"])
        self.at_test_batches = bool(self.at["on_test_batch_begin"] or self.at["on_test_batch_end"])

    def append(self, callback: Callback) -> None:
        """Add one at the end."""
        self.callbacks += listed(callback)
        self._sort()

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def _run(self, moment: str, *arguments: Any) -> None:
        """The logs are one mapping for all: what one adds, the next ones see."""
        for callback in self.at[moment]:
            getattr(callback, moment)(*arguments)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        logs, self.begun = dict(logs or {}), []
        for callback in self.callbacks:
            callback.on_train_begin(logs)
            self.begun.append(callback)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Every callback that has begun is told, also if one of them fails: files are closed, signals handed back."""
        logs = dict(logs or {})
        failed: BaseException | None = None
        for callback in self.begun:
            try:
                callback.on_train_end(logs)
            except BaseException as error:  # an interrupt, too, waits until all are told
                failed = failed or error
        if failed is not None:
            raise failed

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._run("on_epoch_begin", epoch, dict(logs or {}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._run("on_epoch_end", epoch, dict(logs or {}))

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._run("on_train_batch_begin", batch, dict(logs or {}))

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._run("on_train_batch_end", batch, dict(logs or {}))

    def batch_over(self, batch: int, logs: Callable[[], Logs]) -> None:
        """The same, where the logs are read only if somebody wants them."""
        if self.at_batch_end:
            wanted = any(callback.wants_logs() for callback in self.at["on_train_batch_end"])
            self._run("on_train_batch_end", batch, logs() if wanted else {})

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_end(batch, logs)

    def on_non_finite(self, error: NonFiniteError) -> bool:
        answers = [callback.on_non_finite(error) for callback in self.at["on_non_finite"]]  # each of them is told
        return any(answers)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._run("on_test_begin", dict(logs or {}))

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._run("on_test_end", dict(logs or {}))

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._run("on_test_batch_begin", batch, dict(logs or {}))

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._run("on_test_batch_end", batch, dict(logs or {}))

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._run("on_predict_begin", dict(logs or {}))

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._run("on_predict_end", dict(logs or {}))

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._run("on_predict_batch_begin", batch, dict(logs or {}))

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._run("on_predict_batch_end", batch, dict(logs or {}))


OTHER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def listed(callbacks: Any) -> list[Callback]:
    """None, one callback, several, or a :class:`CallbackList`, as a list.

    Raises:
        ConfigurationError: something in it is no callback.
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    several = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in several:
        if isinstance(callback, Callback):
            for moment, other in OTHER_NAMES.items():
                if overrides(callback, other) and not overrides(callback, moment):
                    setattr(callback, moment, getattr(callback, other))
            continue
        is_class = isinstance(callback, type) and issubclass(callback, Callback)
        raise ConfigurationError(
            "this is no callback.",
            where="callbacks",
            expected="an omomi.callbacks.Callback, or a list of them",
            received=f"the class {callback.__name__}" if is_class else repr(callback),
            fix=f"make one: {callback.__name__}(…)" if is_class else None,
        )
    return several


def overrides(callback: Callback, method: str) -> bool:
    """Whether a callback does something at this moment."""
    return method in vars(callback) or getattr(type(callback), method) is not getattr(Callback, method)

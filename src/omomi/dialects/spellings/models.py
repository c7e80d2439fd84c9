"""Sequential and Model with the methods and arguments of each version of Keras."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

import omomi
from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.images import Batches as ImageBatches
from omomi.dialects.spellings.versions import CHOSEN, KERAS3, Version
from omomi.layers.registry import deserialize
from omomi.layers.state import Parameter
from omomi.training.callbacks import listed

ACCURACY = {"acc": "accuracy", "accuracy": "acc", "val_acc": "val_accuracy", "val_accuracy": "val_acc"}
# Arguments of compile and fit that choose how a program is made, not what it computes.
OF_COMPILE = ("run_eagerly", "jit_compile", "auto_scale_loss", "sample_weight_mode", "experimental_run_tf_function")
OF_FIT = ("max_queue_size", "max_q_size", "workers", "nb_worker", "use_multiprocessing", "pickle_safe", "wait_time")


class Numbers(dict[str, list[float]]):
    """What a History holds, by "acc" as well as by "accuracy"."""

    def __missing__(self, key: str) -> list[float]:
        if key in ACCURACY and ACCURACY[key] in self:
            return self[ACCURACY[key]]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or super().__contains__(ACCURACY.get(str(key), ""))


class Spoken(omomi.Model):
    """A model that understands how its version of Keras calls arguments and methods."""

    version: ClassVar[Version] = KERAS3
    optimizers: ClassVar[Mapping[str, Any]] = {}
    _moved: frozenset[str] | None = None  # the paths of what training moved when the model was compiled

    # ---- compile ------------------------------------------------------------------------------------------------

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        names = ("metrics", "loss_weights") if self.version.name != "keras3" else ("loss_weights", "metrics")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for name in OF_COMPILE:
            given.pop(name, None)
        for name in ("metrics", "weighted_metrics"):
            if given.get(name) is not None:
                given[name] = self.counted(given[name])
        if isinstance(optimizer, str):
            by_name = {key.lower(): made for key, made in self.optimizers.items()}
            optimizer = by_name[optimizer.lower()]() if optimizer.lower() in by_name else optimizer
        super().compile(optimizer, loss, **given)
        self._moved = frozenset(self.parameters()) if self.built and self.version.name != "keras3" else None

    def counted(self, metrics: Any) -> Any:
        """The accuracy by the name that this version gives it."""
        if isinstance(metrics, Mapping):
            return {key: self.counted(one) for key, one in metrics.items()}
        if isinstance(metrics, (list, tuple)):
            return [self.counted(one) for one in metrics]
        if isinstance(metrics, str) and metrics in ("acc", "accuracy"):
            return (CHOSEN.accuracy if self.version.name != "keras1" else None) or self.version.accuracy or metrics
        return metrics

    # ---- training -----------------------------------------------------------------------------------------------

    def fit(self, x: Any = None, y: Any = None, batch_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        names = ("epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        if "nb_epoch" in given:
            given["epochs"] = given.pop("nb_epoch")
        if given.pop("show_accuracy", False):
            raise UnsupportedError(
                "show_accuracy was left behind in Keras 1.", where="fit", fix='compile(…, metrics=["accuracy"])'
            )
        for name in OF_FIT:
            given.pop(name, None)
        given.setdefault("epochs", self.version.epochs)
        if isinstance(given.get("verbose"), str) and given["verbose"] != "auto":
            raise UnsupportedError("verbose is 0, 1, 2 or 'auto'.", where="fit", received=repr(given["verbose"]))
        given["callbacks"] = self.told(given.get("callbacks"))
        for source, steps in ((x, "steps_per_epoch"), (given.get("validation_data"), "validation_steps")):
            if isinstance(source, ImageBatches) and given.get(steps) is None:
                given[steps] = len(source)
        with self.as_compiled():
            history = super().fit(x, y, batch_size, **given)
        history.history = Numbers(history.history)
        return history

    def train_on_batch(self, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        with self.as_compiled():
            return super().train_on_batch(x, y, *args, **kwargs)

    @contextmanager
    def as_compiled(self) -> Iterator[None]:
        """Before Keras 3, what training moves was settled by ``compile``; what was frozen or freed later does not
        count. Two networks that train one another's parts live by that."""
        moved = self._moved
        parameters = {} if moved is None else {p: e for p, e in self.entries().items() if isinstance(e, Parameter)}
        before = {path: entry.trainable for path, entry in parameters.items()}
        try:
            for path, entry in parameters.items():
                entry.trainable = moved is not None and path in moved
            yield
        finally:
            for path, entry in parameters.items():
                entry.trainable = before[path]

    def told(self, callbacks: Any) -> Any:
        """Callbacks that watch the accuracy, told how it is called here."""
        found = listed(callbacks)
        trained = [m for m in flat(self.metric_names) if m in ("acc", "accuracy")]
        for callback in found:
            monitor = getattr(callback, "monitor", None)
            if trained and monitor in ACCURACY and monitor.removeprefix("val_") != trained[0]:
                vars(callback)["monitor"] = ACCURACY[monitor]
        return found

    def fit_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        if self.version.name == "keras1":
            names = ("samples_per_epoch", "nb_epoch", "verbose", "callbacks", "validation_data", "nb_val_samples")
        else:
            names = ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        samples, judged = given.pop("samples_per_epoch", None), given.pop("nb_val_samples", None)
        if samples is not None:
            generator, size = peeked(generator)
            given["steps_per_epoch"] = -(-int(samples) // size)
        data = given.get("validation_data")
        if judged is not None and data is not None and not isinstance(data, (tuple, list)):
            given["validation_data"], size = peeked(data)
            given["validation_steps"] = -(-int(judged) // size)
        return self.fit(generator, **given)

    def evaluate_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        generator, steps = self.counted_batches(generator, args, kwargs)
        return self.evaluate(generator, steps=steps)

    def predict_generator(self, generator: Any, *args: Any, **kwargs: Any) -> Any:
        generator, steps = self.counted_batches(generator, args, kwargs)
        return self.predict(generator, steps=steps)

    def counted_batches(self, generator: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, int | None]:
        """How many batches ``steps``, or ``val_samples`` of Keras 1, are."""
        given = dict(kwargs)
        if args:
            given["val_samples" if self.version.name == "keras1" else "steps"] = args[0]
        samples = given.get("val_samples")
        if samples is None:
            steps = given.get("steps")
            return generator, len(generator) if steps is None and isinstance(generator, ImageBatches) else steps
        generator, size = peeked(generator)
        return generator, -(-int(samples) // size)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        for name in OF_FIT:
            kwargs.pop(name, None)
        return super().evaluate(x, y, batch_size, *args, **kwargs)

    def predict(self, x: Any, batch_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        for name in OF_FIT:
            kwargs.pop(name, None)
        return super().predict(x, batch_size, *args, **kwargs)

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """The class of each sample: the largest output, or the side of ½ of a single one."""
        y = self.predict(x, batch_size)
        return np.asarray(y.argmax(axis=-1) if y.shape[-1] > 1 else y > 0.5, np.int64)

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The outputs, as :meth:`predict` gives them."""
        return self.predict(x, batch_size)

    @property
    def metrics_names(self) -> list[str]:
        """How :meth:`evaluate` orders what it returns."""
        return [metric.name for metric in self.trainer().metrics]

    @property
    def trainable_weights(self) -> list[Any]:
        """The parameters that training moves."""
        return list(self.parameters().values())

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Frozen parameters, and statistics."""
        moved = {id(entry) for entry in self.trainable_weights}
        return [entry for entry in self.weights if id(entry) not in moved]

    # ---- files --------------------------------------------------------------------------------------------------

    def save(  # type: ignore[override]  # the name of the argument is Keras's
        self, filepath: str | os.PathLike[str], overwrite: bool = True, *args: Any, **kwargs: Any
    ) -> None:
        if not overwrite and os.path.exists(filepath):
            raise UnsupportedError("the file exists.", where=os.fspath(filepath), fix="overwrite=True, or another name")
        super().save(filepath)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True, *args: Any, **kwargs: Any) -> None:
        super().save_weights(filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        super().load_weights(filepath, kwargs.get("skip_mismatch", False))

    def to_json(self, **options: Any) -> str:
        """The architecture as JSON, to be read by ``model_from_json``."""
        kind = "Sequential" if isinstance(self, omomi.Sequential) else "Functional"
        return json.dumps({"class_name": kind, "config": self.get_config(), "keras_version": "omomi"}, **options)

    def summary(self, *args: Any, **kwargs: Any) -> None:
        shown = kwargs.get("print_fn") or print
        super().summary(print_fn=shown)


def flat(names: Any) -> list[str]:
    """All names of metrics in whatever they were given as."""
    if isinstance(names, str):
        return [names]
    if isinstance(names, Mapping):
        names = names.values()
    return [name for part in names for name in flat(part)] if isinstance(names, Iterable) else []


def peeked(generator: Any) -> tuple[Any, int]:
    """A generator as it was, and the size of its batches, which Keras 1 did not ask for."""
    size = getattr(generator, "batch_size", None)
    if size is not None:
        return generator, int(size)
    first = next(generator)
    size = len(first[0][0] if isinstance(first[0], (list, tuple)) else first[0])

    def again() -> Any:
        yield first
        yield from generator

    return again(), int(size)


def spoken_classes(version: Version, optimizers: Mapping[str, Any]) -> tuple[type[Any], type[Any]]:
    """Sequential and Model for one version."""
    shared = {"version": version, "optimizers": optimizers, "__module__": f"omomi.dialects.{version.name}"}

    def begun(self: Any, *args: Any, **kwargs: Any) -> None:
        for old, new in (("input", "inputs"), ("output", "outputs")):
            if old in kwargs:
                kwargs[new] = kwargs.pop(old)
        tensors = [one_of_one(a) for a in args]
        Spoken.__init__(self, *tensors, **{k: one_of_one(v) for k, v in kwargs.items()})

    def begun_empty(self: Any, layers: Any = None, name: str | None = None, **kwargs: Any) -> None:
        omomi.Sequential.__init__(self, layers or (), name=name, **kwargs)

    sequential = type("Sequential", (Spoken, omomi.Sequential), {**shared, "__init__": begun_empty})
    model = type("Model", (Spoken,), {**shared, "__init__": begun})
    return sequential, model


def one_of_one(given: Any) -> Any:
    """Keras takes a list with one tensor for that tensor."""
    return given[0] if isinstance(given, list) and len(given) == 1 else given


def spoken(model: Any, classes: tuple[type[Any], type[Any]]) -> Any:
    """A model of Omomi's, with the methods of a version."""
    if isinstance(model, Spoken):
        return model
    if type(model) is omomi.Sequential:
        model.__class__ = classes[0]
    elif type(model) is omomi.Model:
        model.__class__ = classes[1]
    return model


def from_json(text: str, custom_objects: Any, classes: tuple[type[Any], type[Any]]) -> Any:
    """The model that :meth:`Spoken.to_json` described, or Keras itself."""
    try:
        described = json.loads(text)
    except ValueError as error:
        raise UnsupportedError("this is no JSON.", where="model_from_json", received=str(error)) from None
    if described.get("keras_version") != "omomi":
        from_keras = getattr(omomi, "model_from_keras_config", None)
        if from_keras is None:
            raise UnsupportedError("this describes a model of Keras's own.", where="model_from_json")
        return spoken(from_keras(described, custom_objects), classes)
    kind = classes[0] if described["class_name"] == "Sequential" else classes[1]
    config = described["config"]
    if kind is classes[0]:
        options = {key: value for key, value in config.items() if key != "layers"}
        return kind([deserialize(entry, custom_objects) for entry in config["layers"]], **options)
    return kind.from_config(config, custom_objects)

"""Where a model's batches come from: arrays, or a source of batches; checked against the model and its losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError
from omomi.graph.structure import first, places
from omomi.layers.recurrence import carry_states
from omomi.models.matching import in_places, targets_of, weights_of
from omomi.training.batches import Batch, Batches, batch_length, check_lengths, split
from omomi.training.objective import Objective
from omomi.training.sources.kinds import ARRAYS, kind_of, parts
from omomi.training.sources.stream import Prepare, Stream, check_epochs

Data = Batches | Stream


def feed(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    batch_size: int | str | None = None,
    steps: int | None = None,
    prefetch: int = 2,
    epochs: int = 1,
    what: str = "x",
    argument: str = "steps_per_epoch",
    judged: bool = False,
) -> Data:
    """Inputs and targets as batches for a step of training or of evaluation. The model is built if it was not.

    Args:
        steps: batches in an epoch, if not all of them.
        prefetch: how many batches are made ready in the background, unless arrays are in memory.
        what, argument: how messages call ``x`` and ``steps``.
        judged: begin anew in every epoch.

    Raises:
        DataError, ShapeError, DtypeError: the data does not fit; of a source, its first batch.
        ConfigurationError: an argument does not go with this kind of data.
    """
    steps, prefetch = whole(steps, argument, 1), whole(prefetch, "prefetch", 0) or 0
    if kind_of(x) == ARRAYS:
        return limited(from_arrays(model, x, y, sample_weight, class_weight, batch_size), steps, argument, prefetch)
    check_alone(x, what, y=y, sample_weight=sample_weight, batch_size=batch_size)
    stream = Stream(x, lambda *_: {}, what, steps, prefetch, restart=judged)
    check_epochs(stream, epochs, argument)
    first_x, first_y, first_w = parts(stream.first())
    begin(model, given(first_x, first_y, what)[0])
    stream.prepare = preparing(model, class_weight, what)
    stream.prepare(first_x, first_y, first_w)  # what does not fit is said before training
    return stream


def feed_inputs(model: Any, x: Any, batch_size: int | str | None, steps: int | None, prefetch: int = 2) -> Data:
    """Inputs as batches for prediction; targets and weights that come with them are left out.

    Raises:
        DataError, ShapeError, DtypeError: the data does not fit; of a source, its first batch.
        ConfigurationError: an argument does not go with this kind of data.
    """
    steps = whole(steps, "steps", 1)
    if kind_of(x) == ARRAYS:
        x = checked_inputs(model, x)
        size = length_of_batch(model, batch_size, len(first(x)))
        return Batches(x, None, None, size, model.float_dtype, steps, prefetch)
    check_alone(x, "x", batch_size=batch_size)

    def prepare(x: Any, *_: Any) -> Batch:
        x = checked_inputs(model, x)
        return Batches(x, None, None, len(first(x)), model.float_dtype).whole()

    stream = Stream(x, prepare, "x", steps, prefetch, restart=True)
    begin(model, parts(stream.first())[0])
    return stream


def from_arrays(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any, batch_size: Any) -> Batches:
    """Arrays as batches."""
    x, y = given(x, y, "x")
    x = checked_inputs(model, x)
    samples = len(first(x))
    matched = match(model, model.trainer().objective, x, y, sample_weight, class_weight)
    return Batches(*matched, length_of_batch(model, batch_size, samples), model.float_dtype)


def match(
    model: Any, objective: Objective, x: Any, y: Any, sample_weight: Any, class_weight: Any
) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights as a step takes them."""
    targets = targets_of(y, objective, len(first(x)), model.float_dtype)
    weights = weights_of(targets, objective, sample_weight, class_weight)
    return x, in_places([part.output for part in objective.parts], list(targets.values())), weights


def preparing(model: Any, class_weight: Any, what: str) -> Prepare:
    """What makes a batch that a source gives the batch of a step, for a model that is built. It changes nothing in the
    model, so that a thread may call it while the model trains."""
    objective = model.trainer().objective

    def prepare(x: Any, y: Any, w: Any) -> Batch:
        x, y = given(x, y, what)
        x = checked_inputs(model, x)
        return Batches(*match(model, objective, x, y, w, class_weight), len(first(x)), model.float_dtype).whole()

    return prepare


def given(x: Any, y: Any, what: str) -> tuple[Any, Any]:
    """Inputs and targets, both there.

    Raises:
        DataError: there are no targets.
    """
    if y is None:
        raise DataError(
            "there are no targets.",
            where="y" if what == "x" else what,
            expected="x and y; from a source of batches (x, y) or (x, y, sample_weight), as a tuple",
        )
    return x, y


def checked_inputs(model: Any, x: Any) -> Any:
    """Inputs as arrays, in the structure that the model takes, of the shape that it takes."""
    x = model.given_inputs(x)
    check_lengths(**{f"x{place}": array for place, array in places(x).items()})
    model.fit_to(x)
    return x


def begin(model: Any, x: Any) -> None:
    """Build the model for batches like this first one, and make room for the states that outlive a batch."""
    x = checked_inputs(model, x)
    length_of_batch(model, "full", len(first(x)))


def length_of_batch(model: Any, batch_size: Any, samples: int) -> int:
    """The number of samples in a batch; stateful layers make room for the states of that many."""
    length = batch_length(batch_size, samples)
    if carry_states(model, samples, length):
        model._steps.clear()
    return length


def check_alone(source: Any, what: str, **others: Any) -> None:
    """Raise if something is given that a source of batches brings itself.

    Raises:
        ConfigurationError: as it says.
    """
    for name, value in others.items():
        if value is not None:
            raise ConfigurationError(
                f"{name} does not go with a source of batches, which brings its own.",
                where=what,
                received=f"{type(source).__name__}, and {name}",
                fix=f"leave {name} out",
            )


def feed_fit(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    batch_size: Any,
    steps: int | None,
    prefetch: int,
    epochs: int,
    validation: tuple[float, Any, int | None, int | None],
) -> tuple[Data, Data | None]:
    """What ``fit`` trains on, and what it judges by.

    Args:
        validation: ``validation_split``, ``validation_data``, ``validation_batch_size`` and ``validation_steps``.

    Raises:
        DataError, ShapeError, DtypeError: something does not fit.
        ConfigurationError: an argument does not go with this kind of data.
    """
    share, judged, judged_size, judged_steps = validation
    judged_size = judged_size or batch_size
    if judged is None and share:
        if kind_of(x) != ARRAYS:
            raise ConfigurationError(
                "validation_split needs arrays: of a source of batches nobody can say which are its last.",
                where="validation_split",
                received=type(x).__name__,
                fix="validation_data=another source",
            )
        every = from_arrays(model, x, y, sample_weight, class_weight, batch_size)
        parts = split(every, share, judged_size)
        return limited(parts[0], steps, "steps_per_epoch", prefetch), limited(
            parts[1], judged_steps, "validation_steps", prefetch
        )
    data = feed(model, x, y, sample_weight, class_weight, batch_size, steps, prefetch, epochs)
    if judged is None:
        return data, None
    what, argument = "validation_data", "validation_steps"
    if kind_of(judged) != ARRAYS:
        return data, feed(
            model, judged, steps=judged_steps, prefetch=prefetch, epochs=2, what=what, argument=argument, judged=True
        )
    if not isinstance(judged, (tuple, list)) or len(judged) not in (2, 3):
        raise DataError("validation_data is (x, y) or (x, y, sample_weight), or a source of batches.")
    inputs, targets, *weights = judged
    w = weights[0] if weights else None
    return data, feed(
        model, inputs, targets, w, None, judged_size, judged_steps, prefetch, what=what, argument=argument, judged=True
    )


def limited(data: Batches, steps: int | None, argument: str, prefetch: int) -> Batches:
    """The same data, of which an epoch has so many batches."""
    steps, ahead = whole(steps, argument, 1), whole(prefetch, "prefetch", 0) or 0
    return Batches(data.x, data.y, data.weights, data.size, data.dtype, steps, ahead)


def about(data: Data, **others: Any) -> dict[str, Any]:
    """What callbacks are told of data."""
    known = {"steps": data.steps, "batch_size": data.size, "samples": data.samples}
    return {**known, "seen": 0, "waiting": data.waiting, **others}


def whole(value: Any, name: str, least: int) -> int | None:
    """A whole number, or ``None``.

    Raises:
        ConfigurationError: it is neither, or too small.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigurationError(
            f"{name} is a whole number, {least} or more.", where=name, received=f"{name}={value!r}"
        )
    return int(value)

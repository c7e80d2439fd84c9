"""A classifier of points in the plane: its decision regions, and its hidden layer becoming linearly separable."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from omomi.errors import ConfigurationError, DataError, ShapeError, UnknownNameError
from omomi.graph.context import no_grad
from omomi.inspect.canvas import (
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    SERIES,
    SMALL,
    TINY,
    Sheet,
    blend,
    round_ticks,
    save_animation,
    style,
)
from omomi.inspect.outputs import class_probabilities, layer_outputs
from omomi.inspect.picture_data import class_indices, same_length
from omomi.training.callbacks import Callback, Logs

__all__ = ["Snapshots", "draw_regions", "hue", "plot_decision_regions", "plot_learning", "window_of"]

FilePath = str | os.PathLike[str]
Range = tuple[float, float]

_FINENESS = 90  # points of the grid along each side
_STRIP = 4  # epochs in a still picture
_FRAMES = 32  # in an animation


class Snapshots(Callback):
    """Keeps the weights of some epochs during ``fit``, for :func:`plot_learning`. Epoch 0 is before training.

    Args:
        every: keep each epoch whose number is a multiple of this; the last one is always kept.

    Attributes:
        weights: epoch → the arrays of ``model.get_weights()``.
    """

    def __init__(self, every: int = 1) -> None:
        super().__init__()
        if every < 1:
            raise ConfigurationError("epochs are counted from 1.", where="Snapshots(every=)", received=every)
        self.every = every
        self.weights: dict[int, list[Any]] = {}
        self._epoch = 0

    def on_train_begin(self, logs: Logs) -> None:
        if not self.weights:
            self._keep()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._epoch += 1
        if self._epoch % self.every == 0:
            self._keep()

    def on_train_end(self, logs: Logs) -> None:
        self._keep()

    def _keep(self) -> None:
        self.weights[self._epoch] = [np.array(values) for values in self.model.get_weights()]


@style()
def plot_decision_regions(model: Any, x: Any, labels: Any, path: FilePath, *, title: str = "Decision regions") -> Path:
    """Draw which class a classifier gives to each point of the plane, and the samples.

    The stronger the colour, the surer the classifier; the line is where the two likeliest classes are equally likely.
    Samples that are read wrongly have a dark edge.

    Args:
        model: a classifier with two inputs, or a function from points (N, 2) to probabilities (N, classes) or (N,).
        x: the samples, (N, 2).
        labels: their classes, (N,), (N, 1) or one-hot.
        path: the file to write, .png or .svg.
        title: written above.
    """
    points, classes = _plane(x, labels)
    read = _reader(model)
    side = PAGE - 2 * MARGIN - 14
    window = window_of(points)
    height = side * min(1.0, max(0.5, _span(window[1]) / _span(window[0])))
    page = Sheet(PAGE, HEADING + height + 34, title)
    right = float(np.mean(read(points).argmax(axis=1) == classes))
    page.heading(title, f"{len(points)} samples, {100 * right:.1f} % of them read right")
    draw_regions(page.panel(MARGIN + 14, HEADING, side, height), read, points, classes, window)
    return page.save(path)


@style()
def plot_learning(
    model: Any,
    snapshots: Snapshots,
    x: Any,
    labels: Any,
    path: FilePath,
    *,
    layer: str | None = None,
    title: str = "Learning to separate",
) -> Path:
    """Draw epoch by epoch how a network comes to separate points of the plane: an animation, or a strip of epochs.

    On the left stand the decision regions; on the right the same samples as the hidden layer sees them, where the
    output layer has only to draw a straight line. A layer of more than two units is shown in the plane of the two
    directions in which its values vary most after training (their principal components).

    The model's weights are as before afterwards.

    Args:
        model: a Sequential with two inputs.
        snapshots: what :class:`Snapshots` kept during ``fit``.
        x: the samples, (N, 2).
        labels: their classes, (N,), (N, 1) or one-hot.
        path: the file to write: .gif for the animation, .png or .svg for four epochs, one below the other.
        layer: the name of the hidden layer; the one before the output unless given.
        title: written above.
    """
    points, classes = _plane(x, labels)
    if not snapshots.weights:
        raise DataError("nothing was kept.", where="snapshots", fix="model.fit(..., callbacks=[snapshots]) first.")
    if getattr(model, "layers", None) is None or len(model.layers) < 2:
        raise ConfigurationError("there is no hidden layer to look at.", where="plot_learning", received=repr(model))
    names = [found.name for found in model.layers]
    name = names[-2] if layer is None else layer
    if name not in names[:-1]:
        raise UnknownNameError("hidden layer", name, names[:-1])
    kept = model.get_weights()
    animated = Path(path).suffix.lower() == ".gif"
    epochs = _spread(sorted(snapshots.weights), _FRAMES if animated else _STRIP)
    try:
        model.set_weights(snapshots.weights[epochs[-1]])
        view = _View.of(layer_outputs(model, points)[name])
        sheets = [] if animated else [Sheet(PAGE, HEADING + 10 + len(epochs) * _PITCH, title)]
        seen = []
        for epoch in epochs:  # the hidden layer's window holds every epoch
            model.set_weights(snapshots.weights[epoch])
            seen.append(view.project(layer_outputs(model, points)[name]))
        window = window_of(np.concatenate(seen))
        for k, epoch in enumerate(epochs):
            model.set_weights(snapshots.weights[epoch])
            if animated:
                sheets.append(Sheet(PAGE, HEADING + 10 + _PITCH, title))
            sheet, top = sheets[-1], HEADING + 10 + (0 if animated else k * _PITCH)
            if animated or k == 0:
                sheet.heading(title, f"left: the plane; right: {name}{view.words}")
            _draw_epoch(sheet, top, model, name, epoch, (points, classes), (seen[k], window, view))
    finally:
        model.set_weights(kept)
    return save_animation(sheets, path) if animated else sheets[0].save(path)


_GAP = 30.0
_CELL = (PAGE - 2 * MARGIN - 14 - _GAP) / 2
_PITCH = _CELL + 46.0


def _draw_epoch(
    sheet: Sheet,
    top: float,
    model: Any,
    name: str,
    epoch: int,
    samples: tuple[np.ndarray, np.ndarray],
    hidden: tuple[np.ndarray, tuple[Range, Range], _View],
) -> None:
    (points, classes), (z, window, view) = samples, hidden
    read = _reader(model)
    right = 100 * float(np.mean(read(points).argmax(axis=1) == classes))
    left = MARGIN + 14
    sheet.text(left, top + 8, f"epoch {epoch}", weight="bold")
    sheet.text(left + _CELL, top + 8, f"{right:.0f} % right", size=SMALL, color=MUTED, ha="right")
    draw_regions(sheet.panel(left, top + 16, _CELL, _CELL), read, points, classes, window_of(points))
    axes = sheet.panel(left + _CELL + _GAP, top + 16, _CELL, _CELL)
    if view.whole:
        draw_regions(axes, _reader(_rest(model, name)), z, classes, window, right=read(points).argmax(1) == classes)
    else:
        _draw_samples(axes, z, classes, read(points).argmax(axis=1) == classes)
        finish_plane(axes, window)


class _View(NamedTuple):
    """How the values of a layer become points of the plane: z ↦ (z − centre) · directions."""

    centre: np.ndarray
    directions: np.ndarray
    whole: bool  # nothing is lost: the layer has two units

    @classmethod
    def of(cls, z: np.ndarray) -> _View:
        flat = z.reshape(len(z), -1).astype(np.float64)
        if flat.shape[1] <= 2:
            return cls(np.zeros(flat.shape[1]), np.eye(flat.shape[1], 2), flat.shape[1] == 2)
        centre = flat.mean(axis=0)
        return cls(centre, np.linalg.svd(flat - centre, full_matrices=False)[2][:2].T, False)

    @property
    def words(self) -> str:
        units = len(self.centre)
        return f", {units} units, 2 principal components" if units > 2 else ""

    def project(self, z: np.ndarray) -> np.ndarray:
        moved: np.ndarray = (z.reshape(len(z), -1) - self.centre) @ self.directions
        return np.pad(moved, ((0, 0), (0, 2 - moved.shape[1])))


def _rest(model: Any, name: str) -> Callable[[np.ndarray], np.ndarray]:
    """What the layers after ``name`` make of its output, as probabilities."""
    after = model.layers[[found.name for found in model.layers].index(name) + 1 :]

    def through(z: np.ndarray) -> np.ndarray:
        with no_grad():
            value: Any = z.astype(model.float_dtype)
            for layer in after:
                value = layer(value, training=False)
        y = value.numpy()
        if model.loss is not None and model.loss.from_logits:
            y = 1 / (1 + np.exp(-y)) if y.shape[1] == 1 else np.exp(y - y.max(axis=1, keepdims=True))
        return np.asarray(y / y.sum(axis=1, keepdims=True) if y.shape[1] > 1 else y)

    return through


def _reader(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A function from points to probabilities (N, classes), with two classes at least."""

    def read(points: np.ndarray) -> np.ndarray:
        if hasattr(model, "predict"):
            return class_probabilities(model, points.astype(np.float32), batch_size=len(points))
        p = np.asarray(model(points), dtype=np.float64).reshape(len(points), -1)
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p

    return read


def _plane(x: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    points, classes = np.asarray(x, dtype=np.float64), class_indices(labels)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError("these are no points of the plane.", where="x", expected="(N, 2)", received=points.shape)
    same_length(x=points, labels=classes)
    if not len(points) or not np.isfinite(points).all():
        raise DataError("samples are finite numbers, one at least.", where="x", received=points.shape)
    return points, classes


def window_of(points: np.ndarray) -> tuple[Range, Range]:
    """The range of each coordinate, with some room around the points."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = np.maximum(0.12 * (high - low), 0.06 * float((high - low).max()) or 0.5)
    (left, bottom), (right, top) = low - pad, high + pad
    return (float(left), float(right)), (float(bottom), float(top))


def _span(limits: Range) -> float:
    return limits[1] - limits[0]


def _spread(epochs: Sequence[int], count: int) -> list[int]:
    """At most ``count`` epochs, the first and the last among them, closer together at the start, where most happens."""
    if len(epochs) <= count:
        return list(epochs)
    places = np.unique(np.round((len(epochs) - 1) * np.linspace(0, 1, count) ** 2).astype(int))
    return [epochs[k] for k in places]


def draw_regions(
    axes: Any,
    read: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    classes: np.ndarray,
    window: tuple[Range, Range],
    *,
    right: np.ndarray | None = None,
) -> None:
    """Draw decision regions and samples into axes.

    Args:
        axes: matplotlib's.
        read: a function from points (N, 2) to probabilities (N, classes).
        points, classes: the samples, (N, 2) and (N,).
        window: the range of each coordinate.
        right: which samples are read rightly; found by reading them unless given.
    """
    grid = np.meshgrid(*(np.linspace(*limits, _FINENESS) for limits in window))
    p = read(np.stack([g.ravel() for g in grid], axis=1)).astype(np.float64)
    best = p.argmax(axis=1)
    ordered = np.sort(p, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]  # 0 on the border between two classes
    colours = np.stack([blend(PAPER, hue(k), 0.12 + 0.4 * lead) for k in range(p.shape[1])])
    image = colours[best, np.arange(len(best))].reshape(_FINENESS, _FINENESS, 3)
    axes.imshow(image, extent=(*window[0], *window[1]), origin="lower", aspect="auto", interpolation="bilinear")
    for k in range(p.shape[1] if p.shape[1] > 2 else 1):
        margin = p[:, k] - np.delete(p, k, axis=1).max(axis=1)
        if margin.min() < 0 < margin.max():
            axes.contour(*grid, margin.reshape(_FINENESS, _FINENESS), levels=[0.0], colors=INK, linewidths=1.1)
    _draw_samples(axes, points, classes, read(points).argmax(axis=1) == classes if right is None else right)
    finish_plane(axes, window)


def _draw_samples(axes: Any, points: np.ndarray, classes: np.ndarray, right: np.ndarray) -> None:
    size = 7.0 if len(points) <= 20 else 4.5 if len(points) <= 400 else 2.5
    for k in np.unique(classes):
        for chosen, edge in ((right, PAPER), (~right, INK)):
            found = points[(classes == k) & chosen]
            axes.plot(found[:, 0], found[:, 1], "o", mfc=hue(int(k)), mec=edge, mew=0.12 * size, ms=size)


def finish_plane(axes: Any, window: tuple[Range, Range]) -> None:
    axes.set(xlim=window[0], ylim=window[1])
    for which, limits in zip("xy", window, strict=True):
        ticks, labels = round_ticks(*limits, 5)
        getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
    axes.tick_params(labelsize=TINY, length=2.5, pad=2)


def hue(k: int) -> str:
    """The colour of class k."""
    return SERIES[k % len(SERIES)]

"""Before training: the data, the network, and how it will be trained."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omomi.cli.judge import check_classifier
from omomi.cli.networks import NETWORKS, Recipe, recipe
from omomi.cli.screen import usage
from omomi.cli.user_model import build_user_model
from omomi.datasets import Dataset, catalogue, load, stratified_split
from omomi.errors import UnknownNameError
from omomi.files import to_json
from omomi.models.model import Model
from omomi.models.saving import header_of
from omomi.training import optimizers

Part = tuple[np.ndarray, np.ndarray]
HELD_OUT, MOST = 0.1, 2000  # of the training samples, the share and number that only judge, epoch by epoch
FEWEST = 10  # training samples of a class from which one is held out


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``omomi train``; ``None`` where the network's recipe decides."""

    data: str
    model: str | None
    epochs: int | None
    batch_size: int | str | None
    optimizer: str | None
    learning_rate: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What is going to be trained, and how.

    Args:
        data: the data set.
        folder: the user's own that it was read from, or ``None``.
        training, validation: samples to learn from, and samples that judge every epoch, if there are enough.
        network: the name of the network, or the path of the file that defines it.
        model: the network, compiled.
        epochs, batch_size: how long, in which steps.
        seed: of the weights, masks and shuffles.
    """

    data: Dataset
    folder: Path | None
    training: Part
    validation: Part | None
    network: str
    model: Model
    epochs: int
    batch_size: int | str
    seed: int


def set_up(options: Options) -> Setup:
    """Load the data, build and compile the network. Nothing is written.

    Raises:
        click.UsageError: an option names what does not exist.
        OmomiError: the data or the network cannot be used.
    """
    check_names(options)
    with usage("--data", UnknownNameError):
        data = load(options.data)
    published = data.name in {entry.name for entry in catalogue()}
    folder = None if published else Path(options.data).resolve()
    network = options.model or ("cnn" if len(data.shape) in (2, 3) else "mlp")
    chosen = recipe(network, data)
    model = build(network, data, options.seed)
    compile_model(model, options, chosen)
    to_json(header_of(model))  # a model that cannot be saved says so now, and not after training
    training, validation = hold_out(data)
    return Setup(
        data,
        folder,
        training,
        validation,
        network,
        model,
        options.epochs or chosen.epochs,
        options.batch_size or chosen.batch_size,
        options.seed,
    )


def check_names(options: Options) -> None:
    """Raise a usage error for a network or an optimiser that does not exist, before data is loaded."""
    with usage("--model"):
        if options.model is not None and not is_file(options.model) and options.model not in NETWORKS:
            raise UnknownNameError("network", options.model, [*NETWORKS, "FILE.py"])
    with usage("--optimizer"):
        optimizers.get(options.optimizer or "adam")
    with usage("--learning-rate"):
        make_optimizer(options.optimizer or "adam", options.learning_rate)


def is_file(network: str) -> bool:
    """Whether ``--model`` names a Python file."""
    return network.endswith(".py") or os.sep in network


def build(network: str, data: Dataset, seed: int) -> Model:
    """The network, built for this data."""
    if is_file(network):
        model = build_user_model(network, data.shape, len(data.classes), seed)
    else:
        model = NETWORKS[network](data.shape, len(data.classes), data.scale, seed)
    model.fit_to(data.train[0][:1])
    check_classifier(model, len(data.classes), network)
    return model


def compile_model(model: Model, options: Options, chosen: Recipe) -> None:
    """Compile the network; one that its file has compiled keeps what no option changes."""
    optimizer = model.optimizer
    if options.optimizer is not None or optimizer is None:
        rate = chosen.learning_rate if options.optimizer in (None, chosen.optimizer) else None
        optimizer = make_optimizer(options.optimizer or chosen.optimizer, rate)
    if options.learning_rate is not None:
        optimizer.learning_rate = options.learning_rate
    one_unit = model.output_shape[-1] == 1
    loss = model.loss or ("binary_crossentropy" if one_unit else "sparse_categorical_crossentropy")
    names, weighted = model.metric_names
    counted = names if "accuracy" in names else [*names, "accuracy"]
    model.compile(optimizer, loss, metrics=counted, weighted_metrics=weighted)


def make_optimizer(name: str, learning_rate: float | None) -> optimizers.Optimizer:
    """An optimiser by name, with its own rate unless one is given."""
    found = optimizers.get(name)
    return found if learning_rate is None else type(found)(learning_rate=learning_rate)  # type: ignore[call-arg]


def hold_out(data: Dataset) -> tuple[Part, Part | None]:
    """Training samples, and up to a tenth of them for validation, where every class has enough of them.

    The test samples are for the last judgement only: nothing is chosen by them.
    """
    x, y = data.train
    if np.unique(y, return_counts=True)[1].min() < FEWEST:
        return (x, y), None
    share = min(HELD_OUT, MOST / len(y))
    return stratified_split(x, y, name=f"{data.name}/validation", test_fraction=share)

"""The ledger of deltas: what the sampled steps of a training run showed, layer by layer, as numbers.

``fit(ledger=True)`` fills one and keeps it in ``History.ledger``. A row belongs to one step; a column to a layer or a
parameter, and one of its quantities. A norm is the root of the sum of squares over an array, for the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, FileFormatError, UnknownNameError
from omomi.files import read_json, write_json
from omomi.training import ledger_words

PERIOD = 500  # steps from one watched step to the next, unless told: a watched step costs ten to fifteen others

OF_LAYERS = {
    "delta": "‖δ‖ = ‖∂E/∂u‖, at the pre-activation",
    "output_delta": "‖∂E/∂z‖, at the layer's output",
    "input_delta": "‖∂E/∂x‖, what the layer passes on to the one before it",
    "saturated": "share of activations where the slope f′ is below a twentieth of its largest",
    "dead": "share of units that are 0 for the whole batch",
    "input_size": "root of the mean square of what the weights are multiplied with",
    "output_mean": "mean of the layer's output",
    "output_deviation": "standard deviation of the layer's output over the samples, mean over its units",
    "batch_mean": "root of the mean over channels of the squared mean of the batch",
    "batch_deviation": "mean over channels of the standard deviation of the batch",
    "running_mean": "the same of the running mean",
    "running_deviation": "the same of the running variance",
}
OF_PARAMETERS = {
    "gradient": "‖∂E/∂W‖",
    "weight": "‖W‖",
    "update": "‖ΔW‖ / ‖W‖ of this step",
}

Array = Any
Columns = dict[str, list[float]]  # a quantity and its numbers, one for each row


@dataclass
class LayerFacts:
    """What a ledger knows of a layer beside its numbers.

    Attributes:
        kind: its class, e.g. "Dense".
        activation: the rule of its activation; "" if it has none.
        units: the length of the last axis of its output: units of a dense layer, channels of a convolution.
        last_active: for activations that can die (ReLU): of each unit, the last watched step in which it was not 0 for
            the whole batch; −1 if there was none. Empty for all others.
    """

    kind: str
    activation: str = ""
    units: int = 0
    last_active: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Explosion:
    """The step at which the loss first was more than twenty times what the mean of the losses had been before."""

    step: int
    loss: float
    before: float


@dataclass(frozen=True)
class Failure:
    """The step that met a number that is not finite, and where that number came from."""

    step: int
    culprit: str


class Ledger:
    """What the watched steps of a training run showed. Numbers that a step does not have are NaN.

    Args:
        period: in every epoch the steps 0, period, 2 · period, … are watched.

    Attributes:
        steps, epochs, loss: of each row: the step's number, its epoch (both from 0), and the loss of its batch.
        layers: path to :class:`LayerFacts`, in the order of the forward pass.
        explosion, failure: what went wrong, if it did.
        softmax_twice: who applied softmax to probabilities (a layer, or the loss); "" if nobody did.

    Example:
        >>> import numpy as np, omomi
        >>> dense = omomi.layers.Dense
        >>> model = omomi.Sequential([dense(8, activation="tanh", input_shape=(4,)), dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.eye(4), np.ones((4, 1)), batch_size=2, epochs=3, verbose=0, ledger=1)
        >>> history.ledger
        <Ledger of 6 steps, 2 layers, 4 parameters>
        >>> history.ledger.get("delta", "dense").shape
        (6,)
    """

    def __init__(self, period: int = PERIOD) -> None:
        self.period = period
        self.steps: list[int] = []
        self.epochs: list[int] = []
        self.loss: list[float] = []
        self.layers: dict[str, LayerFacts] = {}
        self.of_layers: dict[str, Columns] = {}
        self.of_parameters: dict[str, Columns] = {}
        self.explosion: Explosion | None = None
        self.failure: Failure | None = None
        self.softmax_twice = ""

    def __len__(self) -> int:
        """The number of rows: of watched steps."""
        return len(self.steps)

    @property
    def parameters(self) -> list[str]:
        """The paths of the parameters, in order."""
        return list(self.of_parameters)

    def append(
        self,
        step: int,
        epoch: int,
        loss: float,
        layers: Mapping[str, Mapping[str, float]],
        parameters: Mapping[str, Mapping[str, float]],
    ) -> None:
        """One more row: the quantities of each layer and of each parameter."""
        for table, values in ((self.of_layers, layers), (self.of_parameters, parameters)):
            for path, quantities in values.items():
                columns = table.setdefault(path, {})
                for quantity, value in quantities.items():
                    columns.setdefault(quantity, [np.nan] * len(self)).append(float(value))
            for columns in table.values():
                for column in columns.values():
                    column.extend([np.nan] * (len(self) + 1 - len(column)))
        self.steps.append(int(step))
        self.epochs.append(int(epoch))
        self.loss.append(float(loss))

    def get(self, quantity: str, path: str) -> Array:
        """One number for each row, float64 (rows,); NaN where a step had none.

        Args:
            quantity: of a layer: "delta", "output_delta", "input_delta", "saturated", "dead", …
                (:data:`OF_LAYERS`); of a parameter: "gradient", "weight", "update" (:data:`OF_PARAMETERS`).
            path: of a layer ("dense_1") or of a parameter ("dense_1/kernel").

        Raises:
            UnknownNameError: there is no such quantity, layer or parameter; the message names the nearest.
        """
        table = self.table_of(quantity)
        if path not in table:
            kind = "layer" if quantity in OF_LAYERS else "parameter"
            raise UnknownNameError(f"{kind} in this ledger", path, table)
        return np.array(table[path].get(quantity, [np.nan] * len(self)), np.float64)

    def table(self, quantity: str) -> tuple[list[str], Array]:
        """All layers (or parameters) that have a quantity: their paths, and float64 (paths, rows).

        Raises:
            UnknownNameError: there is no such quantity.
        """
        paths = [path for path, columns in self.table_of(quantity).items() if quantity in columns]
        return paths, np.array([self.get(quantity, path) for path in paths], np.float64).reshape(len(paths), len(self))

    def table_of(self, quantity: str) -> dict[str, Columns]:
        """The columns that a quantity belongs to."""
        if quantity not in OF_LAYERS and quantity not in OF_PARAMETERS:
            raise UnknownNameError("quantity in a ledger", quantity, [*OF_LAYERS, *OF_PARAMETERS])
        return self.of_layers if quantity in OF_LAYERS else self.of_parameters

    def passed_on(self, path: str) -> Array:
        """By how much a layer multiplies the norm of the delta: ‖∂E/∂x‖ / ‖∂E/∂z‖, float64 (rows,).

        Where the loss takes the pre-activation directly (softmax with cross-entropy), ∂E/∂u stands for ∂E/∂z. NaN for
        a layer that passes nothing on (the first one) or receives nothing.
        """
        z = self.get("output_delta", path)
        arriving: Array = np.where(np.isnan(z), self.get("delta", path), z)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.get("input_delta", path) / np.where(arriving == 0, np.nan, arriving)

    # ---- as data, as text, as a file --------------------------------------------------------------------------

    def sentence(self) -> str:
        """The latest watched epoch in one sentence, e.g. "delta shrinks 40× through layer dense_2, sigmoid saturated at
        83%"."""
        return ledger_words.sentence(self)

    def to_text(self, row: int = -1) -> str:
        """One watched step as a table: a line for each layer and for each parameter; the last step unless told."""
        return ledger_words.table(self, row)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, as :meth:`from_dict` takes them."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "period": self.period,
            "steps": list(self.steps),
            "epochs": list(self.epochs),
            "loss": list(self.loss),
            "layers": {
                path: {**asdict(facts), "quantities": {q: list(v) for q, v in self.of_layers.get(path, {}).items()}}
                for path, facts in self.layers.items()
            },
            "parameters": {
                path: {q: list(v) for q, v in columns.items()} for path, columns in self.of_parameters.items()
            },
            "explosion": self.explosion and asdict(self.explosion),
            "failure": self.failure and asdict(self.failure),
            "softmax_twice": self.softmax_twice,
        }

    @classmethod
    def from_dict(cls, data: Any, where: str = "ledger") -> Ledger:
        """The ledger that :meth:`to_dict` described.

        Raises:
            FileFormatError: something is missing, or columns are not as long as there are steps.
        """
        try:
            if data["format"] != FORMAT or data["version"] != VERSION:
                raise ValueError(f"format {data['format']!r}, version {data['version']!r}")
            ledger = cls(int(data["period"]))
            ledger.steps = [int(s) for s in data["steps"]]
            ledger.epochs = [int(e) for e in data["epochs"]]
            ledger.loss = [float(e) for e in data["loss"]]
            rows = len(ledger.steps)
            if len(ledger.epochs) != rows or len(ledger.loss) != rows:
                raise ValueError(f"{rows} steps, {len(ledger.epochs)} epochs, {len(ledger.loss)} losses")
            for path, entry in data["layers"].items():
                facts = {key: entry[key] for key in ("kind", "activation", "units", "last_active")}
                ledger.layers[path] = LayerFacts(
                    str(facts["kind"]),
                    str(facts["activation"]),
                    int(facts["units"]),
                    [int(s) for s in facts["last_active"]],
                )
                ledger.of_layers[path] = columns_from(entry["quantities"], OF_LAYERS, rows)
            for path, quantities in data["parameters"].items():
                ledger.of_parameters[path] = columns_from(quantities, OF_PARAMETERS, rows)
            ledger.softmax_twice = str(data["softmax_twice"])
            if data["explosion"]:
                e = data["explosion"]
                ledger.explosion = Explosion(int(e["step"]), float(e["loss"]), float(e["before"]))
            if data["failure"]:
                ledger.failure = Failure(int(data["failure"]["step"]), str(data["failure"]["culprit"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            problem = f"no entry {error}" if isinstance(error, KeyError) else str(error)
            raise FileFormatError(
                "this is no ledger, or a damaged one.",
                where=where,
                expected=f"{FORMAT}, version {VERSION}",
                received=problem,
            ) from error
        return ledger

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ledger:
        """Read what :meth:`save` wrote.

        Raises:
            FileAccessError: the file cannot be read.
            FileFormatError: it holds no ledger.
        """
        return cls.from_dict(read_json(path), os.fspath(path))

    def __repr__(self) -> str:
        return f"<Ledger of {len(self)} steps, {len(self.layers)} layers, {len(self.of_parameters)} parameters>"


FORMAT, VERSION = "omomi ledger", 1


def columns_from(quantities: Any, known: Mapping[str, str], rows: int) -> Columns:
    """The columns of one layer or parameter, checked; a quantity of a later version is left out."""
    columns = {str(q): [float(v) for v in values] for q, values in quantities.items() if q in known}
    for quantity, values in columns.items():
        if len(values) != rows:
            raise ValueError(f"{len(values)} numbers of {quantity} for {rows} steps")
    return columns


def period_of(ledger: bool | int | None) -> int | None:
    """The period that ``fit(ledger=…)`` asks for; ``None`` for no ledger.

    Raises:
        ConfigurationError: it is neither a bool nor a positive whole number.
    """
    if ledger is None or ledger is False:
        return None
    if ledger is True:
        return PERIOD
    if not isinstance(ledger, (int, np.integer)) or ledger < 1:
        raise ConfigurationError(
            "ledger says which steps are watched.",
            expected=f"True (one in {PERIOD}), False, or a period in steps",
            received=f"ledger={ledger!r}",
        )
    return int(ledger)

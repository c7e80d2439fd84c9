"""Optimisers under the names and defaults of Keras 1 and 2: ``lr`` and ``decay``, and the rates of that time."""

from __future__ import annotations

from typing import Any

from omomi import optimizers
from omomi.dialects.spellings.spelling import Arguments, Row, Spelling
from omomi.optimizers import schedules

# The rate of each optimiser unless told, before tf.keras and Keras 3 made them alike.
RATES = {
    "SGD": 0.01,
    "RMSprop": 0.001,
    "Adagrad": 0.01,
    "Adadelta": 1.0,
    "Adam": 0.001,
    "Adamax": 0.002,
    "Nadam": 0.002,
}
ORDERS = {
    "SGD": ("lr", "momentum", "decay", "nesterov"),
    "RMSprop": ("lr", "rho", "epsilon", "decay"),
    "Adagrad": ("lr", "epsilon", "decay"),
    "Adadelta": ("lr", "rho", "epsilon", "decay"),
    "Adam": ("lr", "beta_1", "beta_2", "epsilon", "decay", "amsgrad"),
    "Adamax": ("lr", "beta_1", "beta_2", "epsilon", "decay"),
    "Nadam": ("lr", "beta_1", "beta_2", "epsilon", "schedule_decay"),
}
EPSILON = {"keras1": 1e-8, "keras2": 1e-7}


class Rate(float):
    """A learning rate: a number that can be put anew, as ``K.set_value(model.optimizer.lr, 0.1)`` and ``assign`` do."""

    optimizer: optimizers.Optimizer

    def assign(self, value: float) -> None:
        """The rate of the coming steps."""
        self.optimizer.learning_rate = float(value)

    def numpy(self) -> float:
        """The number."""
        return float(self)


def rated(kind: type[Any]) -> type[Any]:
    """An optimiser whose rate is a :class:`Rate`, as ``lr`` too."""

    def get(self: Any) -> Any:
        found = super(made, self).learning_rate
        if not isinstance(found, float):
            return found
        rate = Rate(found)
        rate.optimizer = self
        return rate

    def put(self: Any, value: Any) -> None:
        kind.learning_rate.__set__(self, value)

    rate = property(get, put)
    place = {"learning_rate": rate, "lr": rate, "__doc__": kind.__doc__, "__init__": kind.__init__}
    made: Any = type(kind.__name__, (kind,), place)
    return made


def decayed(given: Arguments) -> Arguments:
    """``decay``: the rate of step t is lr / (1 + decay t)."""
    decay = given.pop("decay", 0.0)
    given.pop("schedule_decay", None)
    if given.get("epsilon", 0) is None:
        del given["epsilon"]
    if decay:
        given["learning_rate"] = schedules.InverseTimeDecay(given.get("learning_rate", 0.01), 1, decay)
    return given


def old_optimizers(version: str) -> dict[str, Any]:
    """Those of Keras 1 or 2."""
    found = {}
    for name, rate in RATES.items():
        defaults: Arguments = {"learning_rate": rate}
        if name != "SGD":
            defaults["epsilon"] = EPSILON[version]
        if name == "Adagrad":
            defaults["initial_accumulator_value"] = 0.0
        row = Row(rated(getattr(optimizers, name)), ORDERS[name], {"lr": "learning_rate"}, defaults, decayed)
        found[name] = Spelling(name, row)
    return found


def tf_optimizers() -> dict[str, Any]:
    """Those of tf.keras 2: today's names and defaults, with ``lr`` and ``decay`` understood."""
    return {
        name: Spelling(name, Row(rated(getattr(optimizers, name)), says={"lr": "learning_rate"}, then=decayed))
        for name in (*RATES, "AdamW", "Lion")
        if hasattr(optimizers, name)
    }

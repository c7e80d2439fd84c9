"""The named optimisers, as ``compile(optimizer=…)`` takes them: a rule of omomi.ops.update and its numbers.

Names and defaults are Keras 3's. What all of them share stands in :mod:`omomi.training.optimizer`, and so do the
``options`` that each of them takes: decay of weights, clipping, accumulation and averages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.ops import update, update_with_norms
from omomi.ops.rule import UpdateRule
from omomi.training.optimizer import Optimizer as Optimizer
from omomi.training.optimizer import Rate
from omomi.training.optimizer_options import CommonOptions, Options, OptionsGiven


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's look ahead if asked.

    p ← p − η g; with momentum α: v ← α v − η g, p ← p + v.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptionsGiven],
    ) -> None:
        shared = Options.of(type(self).__name__, options)
        if not 0 <= momentum <= 1:
            raise ConfigurationError("momentum lies between 0 and 1.", where="SGD", received=momentum)
        if momentum == 0:
            super().__init__(update.sgd, learning_rate, shared)
        else:
            rule = update.nesterov if nesterov else update.momentum
            super().__init__(rule, learning_rate, shared, momentum=float(momentum))
        self.momentum, self.nesterov = float(momentum), bool(nesterov)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "nesterov": self.nesterov}


class Momentum(SGD):
    """SGD with momentum: v ← α v − η g, p ← p + v."""

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.9, **options: Unpack[OptionsGiven]) -> None:
        super().__init__(learning_rate, momentum, **options)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class Nesterov(SGD):
    """Nesterov's accelerated gradient."""

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.9, **options: Unpack[OptionsGiven]) -> None:
        super().__init__(learning_rate, momentum, nesterov=True, **options)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum}


class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients. Source: Duchi et al. 2011."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[OptionsGiven],
    ) -> None:
        self.initial_accumulator_value = float(initial_accumulator_value)
        super().__init__(update.adagrad, learning_rate, Options.of("Adagrad", options), epsilon=float(epsilon))

    def slot_starts(self) -> dict[str, float]:
        return {self.rule.slots[0][0]: self.initial_accumulator_value}

    def config(self) -> dict[str, Any]:
        return {"initial_accumulator_value": self.initial_accumulator_value, **self.attributes}


class RMSprop(Optimizer):
    """Divides by the root of a running mean of squared gradients. Source: Tieleman and Hinton 2012."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptionsGiven],
    ) -> None:
        super().__init__(
            update.rmsprop,
            learning_rate,
            Options.of("RMSprop", options),
            rho=float(rho),
            momentum=float(momentum),
            epsilon=float(epsilon),
            centered=bool(centered),
        )


class Adadelta(Optimizer):
    """Steps in the units of the parameter. Source: Zeiler 2012, arXiv:1212.5701."""

    def __init__(
        self, learning_rate: Rate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Unpack[OptionsGiven]
    ) -> None:
        super().__init__(
            update.adadelta, learning_rate, Options.of("Adadelta", options), rho=float(rho), epsilon=float(epsilon)
        )


class Adam(Optimizer):
    """Running means of gradient and squared gradient, corrected for their start. Source: Kingma and Ba 2014.

    ``amsgrad`` keeps the largest second moment. Source: Reddi et al. 2018.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptionsGiven],
    ) -> None:
        shared = Options.of("Adam", options)
        self.amsgrad = bool(amsgrad)
        super().__init__(
            update.amsgrad if amsgrad else update.adam,
            learning_rate,
            shared,
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(epsilon),
        )

    def config(self) -> dict[str, Any]:
        return {**self.attributes, "amsgrad": self.amsgrad}


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient. Source: Loshchilov and Hutter 2017, arXiv:1711.05101."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[CommonOptions],
    ) -> None:
        super().__init__(
            update.adamw,
            learning_rate,
            Options.of("AdamW", options),
            weight_decay=float(weight_decay),
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(epsilon),
        )


class _OfTwoMoments(Optimizer):
    """A rule with Adam's arguments: running means of the gradient and of its size, β₁ and β₂, and ε."""

    moving: ClassVar[UpdateRule]

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[OptionsGiven],
    ) -> None:
        super().__init__(
            self.moving,
            learning_rate,
            Options.of(type(self).__name__, options),
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(epsilon),
        )


class Nadam(_OfTwoMoments):
    """Adam with Nesterov momentum. Source: Dozat 2016."""

    moving = update.nadam


class Adamax(_OfTwoMoments):
    """Adam with the largest instead of the mean squared gradient. Source: Kingma and Ba 2014, section 7.1."""

    moving = update.adamax


class Lion(Optimizer):
    """Steps of equal size along the sign of a running mean. Source: Chen et al. 2023, arXiv:2302.06675."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float = 0.0,
        **options: Unpack[CommonOptions],
    ) -> None:
        super().__init__(
            update.lion,
            learning_rate,
            Options.of("Lion", options),
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            weight_decay=float(weight_decay),
        )


class Ftrl(Optimizer):
    """Follows the regularised leader: L1 gives exact zeros. Source: McMahan et al. 2013, "Ad click prediction".

    Args:
        learning_rate_power: the power of the rate's decay, not positive.
        initial_accumulator_value: where the sum of squared gradients starts from.
        l1_regularization_strength, l2_regularization_strength: λ₁ and λ₂ of the penalties.
        l2_shrinkage_regularization_strength: an L2 penalty on the parameter, through the gradient.
        beta: β of the paper.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[OptionsGiven],
    ) -> None:
        strengths = {
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        numbers = {"initial_accumulator_value": initial_accumulator_value, "beta": beta, **strengths}
        for name, number in {**numbers, "-learning_rate_power": -learning_rate_power}.items():
            if not 0 <= number < float("inf"):
                raise ConfigurationError(f"{name} is not negative.", where="Ftrl", received=number)
        self.numbers = {"learning_rate_power": float(learning_rate_power)} | {k: float(v) for k, v in numbers.items()}
        super().__init__(
            update_with_norms.ftrl,
            learning_rate,
            Options.of("Ftrl", options),
            learning_rate_power=float(learning_rate_power),
            l1=float(l1_regularization_strength),
            l2=float(l2_regularization_strength),
            shrinkage=float(l2_shrinkage_regularization_strength),
            beta=float(beta),
        )

    def slot_starts(self) -> dict[str, float]:
        return {self.rule.slots[0][0]: self.numbers["initial_accumulator_value"]}

    def config(self) -> dict[str, Any]:
        return dict(self.numbers)


class Lamb(_OfTwoMoments):
    """Adam's direction, as long as the parameter: for very large batches. Source: You et al. 2020, arXiv:1904.00962."""

    moving = update_with_norms.lamb


class Adafactor(Optimizer):
    """Squared gradients kept for rows and columns only. Source: Shazeer and Stern 2018, arXiv:1804.04235."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[OptionsGiven],
    ) -> None:
        super().__init__(
            update_with_norms.adafactor,
            learning_rate,
            Options.of("Adafactor", options),
            beta_2_decay=float(beta_2_decay),
            epsilon_1=float(epsilon_1),
            epsilon_2=float(epsilon_2),
            clip_threshold=float(clip_threshold),
            relative_step=bool(relative_step),
        )


BY_NAME: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "adamax": Adamax,
    "lion": Lion,
    "ftrl": Ftrl,
    "lamb": Lamb,
    "adafactor": Adafactor,
}


def get(identifier: Any) -> Optimizer:
    """An optimiser from its name, class, configuration, or itself.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        name = str(identifier.get("class_name", "")).lower()
        if name not in BY_NAME:
            raise UnknownNameError("optimizer", name, BY_NAME)
        config = dict(identifier.get("config", {}))
        undecayed = config.pop("undecayed", ())
        found = BY_NAME[name](**config)
        found.exclude_from_weight_decay(var_names=undecayed)
        return found
    if isinstance(identifier, str):
        if identifier.lower() not in BY_NAME:
            raise UnknownNameError("optimizer", identifier, BY_NAME)
        return BY_NAME[identifier.lower()]()
    if identifier in BY_NAME.values():
        return identifier()  # type: ignore[no-any-return]
    raise UnknownNameError("optimizer", identifier, BY_NAME)

"""``chainer.optimizers``: Omomi's rules with Chainer's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np

from omomi import optimizers
from omomi.dialects.chainer.link import Link
from omomi.dialects.chainer.variable import Parameter
from omomi.dialects.hook import missing
from omomi.errors import NotBuiltError
from omomi.training.optimizer import Optimizer as Moving


class Optimizer:
    """Moves the parameters of a link along their gradients.

    Attributes:
        target: the link.
        t, epoch: updates and epochs so far.
    """

    rate: ClassVar[str] = "lr"  # what Chainer calls the learning rate here

    def __init__(self, inner: Moving) -> None:
        self.inner = inner
        self.target: Link | None = None
        self.epoch = 0
        self.hooks: dict[str, Callable[[Any], None]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def __getattr__(self, name: str) -> Any:
        if name == type(self).rate and "inner" in vars(self):
            return self.inner.learning_rate
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == type(self).rate:
            self.inner.learning_rate = float(value)
        else:
            super().__setattr__(name, value)

    @property
    def t(self) -> int:
        return int(self.inner.iterations.array)

    def setup(self, link: Link) -> Self:
        """Choose the link whose parameters move."""
        self.target = link
        return self

    def add_hook(self, hook: Callable[[Any], None], name: str | None = None, timing: str = "auto") -> None:
        """Call this with the optimiser before each update."""
        self.hooks[name or str(getattr(hook, "name", type(hook).__name__))] = hook

    def remove_hook(self, name: str) -> None:
        del self.hooks[name]

    def call_hooks(self, timing: str = "pre") -> None:
        for hook in self.hooks.values():
            hook(self)

    def moving(self) -> Iterator[Parameter]:
        """The parameters that have a gradient."""
        for _, parameter in self._moving():
            yield parameter

    def _moving(self) -> list[tuple[str, Parameter]]:
        if self.target is None:
            raise NotBuiltError("the optimiser has no link.", where="update", fix="optimizer.setup(model) once, first")
        return [(path, p) for path, p in self.target.namedparams(False) if p.grad is not None and p.requires_grad]

    def update(self, lossfun: Callable[..., Any] | None = None, *args: Any, **kwargs: Any) -> None:
        """Move the parameters; with a function, after computing its loss and gradients."""
        if lossfun is not None:
            self._moving()  # is there a link?
            loss = lossfun(*args, **kwargs)
            self.target.cleargrads()  # type: ignore[union-attr]
            loss.backward()
        self.call_hooks()
        parameters = dict(self._moving())
        if not parameters:
            raise NotBuiltError(
                "no parameter has a gradient.", where="update", fix="model.cleargrads(), then loss.backward(), before"
            )
        shapes = {path: p.shape for path, p in self.target.namedparams(False)}  # type: ignore[union-attr]
        if shapes != self._shapes:
            self.inner.build(dict(self.target.namedparams(False)))  # type: ignore[union-attr, arg-type]
            self._shapes = shapes
        new = self.inner.moved({path: p.grad for path, p in parameters.items()})
        for path, entry in {**parameters, **self.inner.entries()}.items():
            if path in new:
                entry._array = new[path]

    def new_epoch(self, auto: bool = False) -> None:
        self.epoch += 1

    def use_cleargrads(self, use: bool = True) -> None:
        """Gradients are always cleared."""

    def serialize(self, serializer: Any) -> None:
        """Give what the optimiser keeps to a serializer, or take it from it."""
        self.inner.iterations.assign(serializer("t", np.asarray(self.t)))
        self.epoch = int(serializer("epoch", np.asarray(self.epoch)))
        if self.target is None:
            return
        parameters = dict(self.target.namedparams(False))
        self.inner.build(parameters)  # type: ignore[arg-type]
        self._shapes = {path: p.shape for path, p in parameters.items()}
        for path, entry in self.inner.entries().items():
            if path not in ("optimizer/iterations", "optimizer/learning_rate"):
                entry.assign(serializer(path.removeprefix("optimizer/").replace("//", "/"), np.asarray(entry.array)))


class SGD(Optimizer):
    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(optimizers.SGD(lr))


class MomentumSGD(Optimizer):
    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(optimizers.SGD(lr, momentum))


class NesterovAG(Optimizer):
    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(optimizers.SGD(lr, momentum, nesterov=True))


class AdaGrad(Optimizer):
    def __init__(self, lr: float = 0.001, eps: float = 1e-8) -> None:
        super().__init__(optimizers.Adagrad(lr, 0.0, eps))


class RMSprop(Optimizer):
    def __init__(self, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(optimizers.RMSprop(lr, alpha, epsilon=eps))


class AdaDelta(Optimizer):
    rate = "learning_rate"

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__(optimizers.Adadelta(1.0, rho, eps))


class Adam(Optimizer):
    rate = "alpha"

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eta: float = 1.0,
        weight_decay_rate: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            optimizers.Adam(alpha * eta, beta1, beta2, eps, amsgrad, weight_decay=weight_decay_rate or None)
        )

    @property
    def lr(self) -> float:
        """The rate after Adam's correction for its start."""
        t = max(self.t, 1)
        attributes = self.inner.attributes
        return float(self.alpha * np.sqrt(1 - attributes["beta_2"] ** t) / (1 - attributes["beta_1"] ** t))


__getattr__ = missing(
    "chainer.optimizers",
    {"RMSpropGraves": "RMSprop", "SMORMS3": "Adam", "MSVAG": "Adam", "AdaBound": "Adam", "CorrectedMomentumSGD": "SGD"},
)

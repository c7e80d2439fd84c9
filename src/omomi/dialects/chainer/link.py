"""Links: what holds parameters, and chains of them, as Chainer has them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from omomi.dialects.chainer.variable import Parameter
from omomi.errors import ConfigurationError, EngineError, UnknownNameError


class Link:
    """Parameters, and what is computed with them in ``forward`` (or ``__call__``).

    Parameters are registered by assigning them inside ``with self.init_scope():``.
    """

    def __init__(self, **shapes: Any) -> None:
        self._params: list[str] = []
        self._persistent: list[str] = []
        self._scope = False
        self.name: str | None = None
        for name, shape in shapes.items():
            self.add_param(name, shape)

    @contextmanager
    def init_scope(self) -> Iterator[None]:
        """Inside, parameters (and in a chain links) that are assigned to attributes become this link's."""
        if "_params" not in vars(self):
            raise ConfigurationError(
                "the link is not ready.", where=type(self).__name__, fix="call super().__init__() first"
            )
        before, self._scope = self._scope, True
        try:
            yield
        finally:
            self._scope = before

    def __setattr__(self, name: str, value: Any) -> None:
        if vars(self).get("_scope") and isinstance(value, Parameter):
            value.name = name
            if name not in self._params:
                self._params.append(name)
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        forward = getattr(self, "forward", None)
        if forward is None:
            raise ConfigurationError("the link has neither forward() nor __call__().", where=type(self).__name__)
        return forward(*args, **kwargs)

    def add_param(self, name: str, shape: Any = None, dtype: Any = np.float32, initializer: Any = None) -> None:
        """A new parameter of this name."""
        with self.init_scope():
            setattr(self, name, Parameter(initializer, shape))

    def add_persistent(self, name: str, value: Any) -> None:
        """A value that is saved with the link, but not learned."""
        self._persistent.append(name)
        super().__setattr__(name, value)

    register_persistent = add_persistent

    # ---- what is inside -------------------------------------------------------------------------------------------

    def params(self, include_uninit: bool = True) -> Iterator[Parameter]:
        """The parameters of this link and of those inside it."""
        for _, parameter in self.namedparams(include_uninit):
            yield parameter

    def namedparams(self, include_uninit: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The same with their paths: ("/l1/W", …)."""
        for name in sorted(self._params):
            parameter = getattr(self, name)
            if include_uninit or parameter.is_initialized:
                yield f"/{name}", parameter
        for key, child in self.namedchildren():
            for path, parameter in child.namedparams(include_uninit):
                yield f"/{key}{path}", parameter

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        """The links directly inside."""
        yield from ()

    def children(self) -> Iterator[Link]:
        for _, child in self.namedchildren():
            yield child

    def namedlinks(self, skipself: bool = False) -> Iterator[tuple[str, Link]]:
        """This link ("/") and all inside it."""
        if not skipself:
            yield "/", self
        for key, child in self.namedchildren():
            yield f"/{key}", child
            for path, link in child.namedlinks(skipself=True):
                yield f"/{key}{path}", link

    def links(self, skipself: bool = False) -> Iterator[Link]:
        for _, link in self.namedlinks(skipself):
            yield link

    def count_params(self) -> int:
        """How many numbers the parameters hold."""
        return sum(p.size for p in self.params(include_uninit=False))

    def cleargrads(self) -> None:
        """Forget all gradients."""
        for parameter in self.params():
            parameter.grad = None

    def zerograds(self) -> None:
        """All gradients to zeros."""
        for parameter in self.params(include_uninit=False):
            parameter.zerograd()

    def copyparams(self, link: Link, copy_persistent: bool = True) -> None:
        """Take over the numbers of a link that is built alike."""
        others = dict(link.namedparams())
        for path, parameter in self.namedparams():
            parameter.array = None if others[path].array is None else others[path].array.copy()

    def copy(self, mode: str = "share") -> Self:
        """A copy: "share" keeps the parameters, "copy" has its own, "init" draws anew."""
        twin = copy.deepcopy(self) if mode in ("copy", "init") else copy.copy(self)
        if mode == "init":
            for parameter in twin.params(include_uninit=False):
                parameter.initialize(parameter.shape)
        return twin

    def serialize(self, serializer: Any) -> None:
        """Give the parameters and persistent values to a serializer, or take them from it."""
        for name in self._params:
            parameter = getattr(self, name)
            values = serializer(name, parameter.array)
            if values is not None and parameter.array is None:
                parameter.array = np.array(values)
        for name in self._persistent:
            super().__setattr__(name, serializer(name, getattr(self, name)))

    # ---- devices ----------------------------------------------------------------------------------------------------

    @property
    def xp(self) -> Any:
        """NumPy: arrays are the host's."""
        return np

    def to_cpu(self) -> Self:
        """Nothing to do."""
        return self

    def to_gpu(self, device: Any = None) -> Self:
        raise EngineError(
            "the dialect computes on the processor.",
            where=f"{type(self).__name__}.to_gpu",
            fix="gpu=-1; for a GPU write the model with omomi.layers and omomi.use('jax')",
        )

    def to_device(self, device: Any) -> Self:
        return self if str(device) in ("-1", "@numpy", "cpu", "native") else self.to_gpu()


class Chain(Link):
    """Links as attributes, assigned inside ``init_scope`` or given by name."""

    def __init__(self, **links: Link) -> None:
        super().__init__()
        self._children: list[str] = []
        for name, link in links.items():
            self.add_link(name, link)

    def __setattr__(self, name: str, value: Any) -> None:
        if vars(self).get("_scope") and isinstance(value, Link):
            value.name = name
            if name not in self._children:
                self._children.append(name)
        super().__setattr__(name, value)

    def __getitem__(self, name: str) -> Link:
        if name not in self._children:
            raise UnknownNameError("link", name, self._children, where=type(self).__name__)
        return getattr(self, name)

    def add_link(self, name: str, link: Link) -> None:
        """A link under this name."""
        with self.init_scope():
            setattr(self, name, link)

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        for name in sorted(self._children):
            yield name, getattr(self, name)

    def serialize(self, serializer: Any) -> None:
        super().serialize(serializer)
        for name in self._children:
            getattr(self, name).serialize(serializer[name])


class ChainList(Link):
    """Links in a row, by number."""

    def __init__(self, *links: Link) -> None:
        super().__init__()
        self._links: list[Link] = []
        for link in links:
            self.add_link(link)

    def add_link(self, link: Link) -> None:
        link.name = str(len(self._links))
        self._links.append(link)

    append = add_link

    def __getitem__(self, index: Any) -> Any:
        return self._links[index]

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        for number, link in enumerate(self._links):
            yield str(number), link

    def serialize(self, serializer: Any) -> None:
        super().serialize(serializer)
        for name, link in self.namedchildren():
            link.serialize(serializer[name])


class Sequential(ChainList):
    """Links and functions, one after another."""

    def __init__(self, *layers: Callable[..., Any]) -> None:
        super().__init__()
        self._layers: list[Callable[..., Any]] = []
        for layer in layers:
            self.append(layer)

    def append(self, layer: Callable[..., Any]) -> None:
        """One more."""
        self._layers.append(layer)
        if isinstance(layer, Link):
            self.add_link(layer)

    def __getitem__(self, index: Any) -> Any:
        return self._layers[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def forward(self, *x: Any) -> Any:
        for layer in self._layers:
            x = layer(*x) if isinstance(x, tuple) else layer(x)
        return x

    def namedchildren(self) -> Iterator[tuple[str, Link]]:
        for number, layer in enumerate(self._layers):
            if isinstance(layer, Link):
                yield str(number), layer

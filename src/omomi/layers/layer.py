"""Layer: a function with parameters, and a place in a tree.

A layer holds its parameters, buffers and sublayers in the order in which they were assigned to attributes. The
outermost layer of a call is the *root*: it owns the seed and the step number, and paths count from it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph.context import context, no_grad, training_mode
from omomi.graph.randomness import seed_number
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.drawing import Drawn, symbol_among
from omomi.layers.inputs import cast, check_one, shape_of, single, trial
from omomi.layers.masks import hand_on, mask_of, mask_position
from omomi.layers.naming import is_default, sample_shape, snake_case
from omomi.layers.precision import checked, computed_in, default_precision, parameters_in
from omomi.layers.root import Root
from omomi.layers.state import Buffer, Parameter, StateEntry, changes, put_in_order

DTYPES = {name: np.dtype(name) for name in ("float16", "float32", "float64")}
Shape = tuple[int | None, ...]  # the batch comes first and may be None: any number of samples


class Layer(Drawn, Root):
    """Base of all layers. Subclass it, make parameters in ``build`` (or ``__init__``), compute in ``call``.

    Args:
        name: unique among the layers of one model; made from the class unless given.
        trainable: whether training moves the parameters of this layer and of those inside it.
        dtype: of parameters and arithmetic; that of the layer around it unless given, float32 at the root.
        input_shape: the shape of one sample, without the batch, so that a model can be built before it sees data.
        input_dim: the same for a vector: ``input_dim=784`` is ``input_shape=(784,)``.
        seed: of a root; where there is none, it is drawn when the root is first built.
        precision: of a root: "float32", "mixed_bfloat16" or "mixed_float16"; that of :func:`omomi.set_precision` unless
            given.
        activity_regularizer: what the size of the output, per sample, adds to the loss.

    Example:
        >>> import numpy as np, omomi
        >>> class Scale(omomi.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(np.array([[1.0, 2.0]], np.float32))
        Variable([[1., 2.]])
    """

    # Whether an engine may record one call and replay it: what call() does follows from shapes, attributes and the
    # training mode alone, and all arithmetic is done by functions on Variables. Omomi's own layers do; a subclass that
    # writes a call() of its own says so by setting this.
    replayable: ClassVar[bool] = False
    # Assigning any other attribute of a built layer discards recorded steps: they may have used the old value.
    bookkeeping: ClassVar[frozenset[str]] = frozenset({"built", "built_for", "seed", "dtype"})
    # Computes in float32 whatever the precision of the model: means and variances need the digits.
    full_precision: ClassVar[bool] = False
    # Integer inputs (uint8 images) become this layer's dtype. Layers that index with integers switch it off.
    casts_integers: ClassVar[bool] = False
    # Is called with several inputs, always: a list of arrays is then that many inputs, not one. Where there are
    # several, build(), check_input() and compute_output_shape() get a list of shapes.
    several_inputs: ClassVar[bool] = False
    # Whether masks of sequences pass through: the output carries what compute_mask() makes of the input's mask. A
    # call() with an argument ``mask`` is handed the input's mask in any case.
    supports_masking: bool = False
    _takes_training: ClassVar[bool] = False
    _mask_position: ClassVar[int | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._takes_training = "training" in inspect.signature(cls.call).parameters
        cls._mask_position = mask_position(cls.call)
        if "call" in vars(cls) and "replayable" not in vars(cls):
            cls.replayable = cls.__module__.startswith("omomi.")

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | None = None,
        input_shape: tuple[int | None, ...] | None = None,
        input_dim: int | None = None,
        seed: int | None = None,
        activity_regularizer: Any = None,
        precision: str | None = None,
    ) -> None:
        self._entries: dict[str, StateEntry] = {}
        self._children: dict[str, Layer] = {}
        self.carried: dict[str, Buffer] = {}  # what one batch hands to the next; no part of a saved model
        self._key: str | None = None  # its name inside the layer around it
        self._calls: list[Any] = []
        self._around: Any = None
        self._provisional = False
        self._explicit_name = name
        self._seed: Buffer | None = None
        self._step: Buffer | None = None
        self.seed: int | None = seed
        self._trainable = trainable
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if dtype is not None and dtype not in DTYPES:
            raise UnknownNameError("dtype of a layer", dtype, DTYPES)
        self.dtype = self._explicit_dtype = dtype
        self.precision = default_precision() if precision is None else checked(precision)
        self.built = False
        self.built_for: Any = None  # the input shape it was built for, batch first
        if name is not None and (not name or "/" in name):
            raise ConfigurationError("a layer's name is not empty and has no slash.", received=repr(name))
        if input_dim is not None:
            input_shape = (int(input_dim),)
        self.given_input_shape = sample_shape(input_shape, self.where)

    # ---- to override ------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the parameters; called once, before the first call, with the shape of the input (batch first)."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the output from the input, with functions on Variables."""
        raise NotImplementedError(f"{type(self).__name__} has no call()")

    def check_input(self, shape: Shape) -> None:
        """Raise a :class:`ShapeError` if an input of this shape (batch first) does not fit."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the output (batch first) for an input of ``input_shape``.

        Unless overridden, the layer tries itself on one sample of zeros.
        """
        with no_grad(), training_mode(False), np.errstate(all="ignore"):  # only the shape counts
            out = self.call(trial(input_shape, self.dtype or context.dtype))
        return (None, *out.shape[1:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output, where :attr:`supports_masking`: that of the input, unless overridden."""
        return mask

    def multiply_accumulates(self, input_shape: Any) -> int:
        """How many multiply-accumulates one sample costs, forward. An axis of unknown size counts as 1."""
        return 0

    def backward_accumulates(self, input_shape: Any, moved: bool, learns: bool) -> int:
        """How many backward: as many for weights that are ``moved``, as many for the input if layers before learn."""
        return self.multiply_accumulates(input_shape) * (moved + learns)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values that JSON can hold."""
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable}
        if self._explicit_dtype is not None:
            config["dtype"] = self._explicit_dtype
        if self.given_input_shape is not None:
            config["input_shape"] = list(self.given_input_shape)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that :meth:`get_config` described."""
        return cls(**config)

    # ---- the tree ---------------------------------------------------------------------------------------------

    def __setattr__(self, attribute: str, value: Any) -> None:
        if isinstance(value, (StateEntry, Layer)) and not attribute.startswith("_"):
            self.register(attribute, value)
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Layer) for item in value):
            for position, item in enumerate(value):
                if isinstance(item, Layer):
                    self.register(f"{attribute}_{position}", item)
        object.__setattr__(self, attribute, value)
        if attribute[0] != "_" and attribute not in self.bookkeeping and vars(self).get("built"):
            changes.count += 1

    def register(self, key: str, member: StateEntry | Layer) -> None:
        """Take a parameter, buffer or layer into this layer under ``key``."""
        if isinstance(member, Layer):
            self._children[key] = member
            member._key = key
        elif not any(member is known for known in self._entries.values()):
            self._entries[key] = member

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "glorot_uniform",
        *,
        name: str | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Parameter:
        """A new parameter; assign it to an attribute (its name) or give ``name``.

        Its numbers are drawn when the layer has its place in a model: they depend on (seed, path) alone. What a
        ``regularizer`` makes of them is added to the loss while training moves them; a ``constraint`` says what they
        may be after each step.
        """
        size = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(d is None or d < 0 for d in size):
            raise ShapeError("a parameter's shape has known sizes.", where=self.where, received=f"shape {size}")
        parameter = Parameter(size, initializers.get(initializer), dtype or self.dtype or context.dtype, trainable)
        parameter.regularizer = regularizers.get(regularizer)
        parameter.constraint = constraints.get(constraint)
        if name is not None:
            self.register(name, parameter)
        return parameter

    def add_buffer(self, shape: Any = (), initializer: Any = "zeros", *, dtype: str | None = None) -> Buffer:
        """A new buffer: an array that training changes without a gradient. Assign it to an attribute."""
        return Buffer(tuple(shape), initializers.get(initializer), dtype or self.dtype or context.dtype)

    def add_loss(self, penalty: Variable) -> None:
        """In ``call``: add a scalar to the loss of this step; in prediction, where there is none, nothing happens."""
        if context.penalties is not None:
            context.penalties.append(penalty)

    @property
    def children(self) -> dict[str, Layer]:
        """The layers inside this one, by key."""
        return dict(self._children)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """This layer and all inside it, with their paths ("" is this layer)."""
        yield prefix, self
        for key, child in self._children.items():
            yield from child.walk(f"{prefix}/{key}" if prefix else key)

    def entries(self) -> dict[str, StateEntry]:
        """Parameters and buffers of this layer and of all inside it, by path. A shared one appears once."""
        found: dict[str, StateEntry] = {}
        seen: set[int] = set()
        for path, layer in self.walk():
            for key, entry in layer._entries.items():
                if id(entry) not in seen:
                    seen.add(id(entry))
                    found[f"{path}/{key}" if path else key] = entry
        return found

    def state(self, *, carried: bool = True) -> dict[str, StateEntry]:
        """The state tree of a root: its entries, its ``seed`` and ``step``, and what one batch hands to the next."""
        handed = {f"{path}/{key}": b for path, layer in self.walk() for key, b in layer.carried.items()}
        return {"seed": self._own_seed(), "step": self._own_step(), **self.entries(), **(handed if carried else {})}

    def parameters(self) -> dict[str, Parameter]:
        """The parameters that training moves, by path."""
        found: dict[str, Parameter] = {}
        for path, layer in self.walk():
            for key, entry in layer._entries.items():
                if isinstance(entry, Parameter) and entry.trainable and not any(entry is p for p in found.values()):
                    found[f"{path}/{key}" if path else key] = entry
        return found

    @property
    def trainable(self) -> bool:
        """Whether training moves the parameters inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        changes.count += 1
        self._trainable = bool(value)
        for _, layer in self.walk():
            layer._trainable = bool(value)
            for entry in layer._entries.values():
                if isinstance(entry, Parameter):
                    entry.trainable = bool(value)

    @property
    def weights(self) -> list[StateEntry]:
        """Parameters and buffers, in order."""
        return list(self.entries().values())

    def get_weights(self) -> list[Any]:
        """Copies of all parameters and buffers, in order, as NumPy arrays."""
        return [np.array(current().to_host(entry.array)) for entry in self.weights]

    def set_weights(self, values: Any) -> None:
        """Put in what :meth:`get_weights` gave.

        Raises:
            ShapeError: the number of arrays or one of the shapes differs; nothing is changed then.
        """
        put_in_order(self.entries(), values, self.where)

    def count_params(self) -> int:
        """How many numbers the parameters and buffers hold."""
        return sum(entry.size for entry in self.entries().values())

    def cleargrads(self) -> None:
        """Forget the gradients of all parameters."""
        for entry in self.entries().values():
            entry.grad = None

    # ---- names ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name given, else the one it has inside its model, else its kind."""
        return self._explicit_name or self._key or self.default_name()

    def default_name(self) -> str:
        """The name of a layer that has no other: its kind."""
        return snake_case(type(self).__name__)

    @property
    def where(self) -> str:
        """How messages call this layer."""
        kind = type(self).__name__
        return kind if self.name == self.default_name() and self._key is None else f"{self.name} ({kind})"

    def __repr__(self) -> str:
        defaults = {k: p.default for k, p in inspect.signature(type(self).__init__).parameters.items()}
        try:
            config = self.get_config()
        except ConfigurationError:  # it holds a function of the user's own
            config = {}
        told = {k: v for k, v in config.items() if k in defaults and k != "name" and not is_default(v, defaults[k])}
        return f"{type(self).__name__}({', '.join([*(f'{k}={v!r}' for k, v in told.items()), f'name={self.name!r}'])})"

    # ---- calling ----------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Build the layer if this is its first call, then compute."""
        symbol = symbol_among(inputs, args, kwargs)
        if symbol is not None:
            return symbol.through(self, inputs, args, kwargs, training)
        name, context.key = context.key or self._key, None
        outside = context.path, context.training, context.draws, context.dtype, context.half
        mask = kwargs.get("mask", mask_of(inputs))
        try:
            if context.draws is None:  # the outermost layer: paths, draws and precision count from here
                context.path, context.draws = "", self.own_draws()
                context.half = computed_in(self.precision, self.where)
            else:
                key = name or self.name
                context.path = f"{context.path}/{key}" if context.path else key
            if training is not None:
                context.training = training
            if self.dtype is not None:
                context.dtype = self.dtype
            inputs = self._cast(inputs)
            if not self.built:
                self.build_at(context.path, shape_of(inputs), seed_number(context.draws))
            else:
                self._check(shape_of(inputs))
            if self._provisional and not context.sketching:
                self.draw_numbers(context.path, seed_number(context.draws))
            if self._takes_training:
                kwargs["training"] = context.training
            if mask is not None and self._mask_position is not None and len(args) <= self._mask_position:
                kwargs["mask"] = mask
            if context.half is None or self.full_precision:
                outputs = self.call(inputs, *args, **kwargs)
            else:
                with parameters_in(self, context.half):
                    outputs = self.call(inputs, *args, **kwargs)
            if self.activity_regularizer is not None:
                self.add_loss(self.activity_regularizer(outputs) / outputs.shape[0])
            hand_on(self, inputs, outputs, mask)
            return outputs
        finally:
            context.path, context.training, context.draws, context.dtype, context.half = outside

    def build_at(self, path: str, input_shape: Any, seed: int) -> None:
        """Build this layer at its place in a model and draw its initial numbers."""
        if self.dtype is None:
            self.dtype = context.dtype
        if not self.built:
            self._check(input_shape)
            self.build(input_shape)
            self.built, self.built_for = True, input_shape
        for key, entry in self._entries.items():
            if isinstance(entry, Parameter) and not self._trainable:
                entry.trainable = False
            if entry._array is None:
                entry.initialize(seed, f"{path}/{key}" if path else key)

    def _check(self, shape: Any) -> None:
        if self.several_inputs or single(shape):
            self.check_input(shape)
        elif type(self).check_input is not Layer.check_input:  # it reads one input
            check_one(shape, self.where)

    def _cast(self, inputs: Any) -> Any:
        """Inputs as Variables of this layer's dtype; integers only where the layer computes with them."""
        wanted: Any = DTYPES[self.dtype or context.dtype]
        if context.half is not None and wanted == "float32" and not self.full_precision:
            wanted = context.half
        return cast(inputs, wanted, self.casts_integers, self.several_inputs)

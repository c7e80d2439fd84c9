"""Attention as layers. The mathematics: omomi.ops.attention.

Arguments and weights are Keras's: the kernels of MultiHeadAttention are (features, heads, key_dim) and, on the way out,
(heads, value_dim, features).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable, as_variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.recurrence import ones_dropped, share
from omomi.layers.state import Parameter


class _Attention(Layer):
    """What the attention layers share: two or three inputs, their masks, and dropout of the probabilities."""

    several_inputs = True
    supports_masking = True
    casts_integers = True

    def __init__(self, dropout: float, **options: Any) -> None:
        super().__init__(**options)
        self.dropout = share(dropout, "dropout", self.where)

    def check_input(self, shape: Any) -> None:
        shapes = [tuple(s) for s in shape] if isinstance(shape, list) else [shape]
        if len(shapes) not in (2, 3) or any(len(s) != 3 for s in shapes):
            raise ShapeError(
                "attention has queries and values, and keys where they are not the values.",
                where=self.where,
                expected="two or three inputs of shape (batch, steps, features)",
                received=f"shapes {shapes}",
                fix="a sequence that looks at itself is given twice",
            )
        values, keys = shapes[1], shapes[-1]
        if values[1] != keys[1]:
            raise ShapeError(
                "there is one key for each value.",
                where=self.where,
                expected=f"{values[1]} keys",
                received=f"{keys[1]} keys",
            )

    def looked(
        self,
        q: Variable,
        k: Variable,
        v: Variable,
        masks: list[Any],
        attention_mask: Any,
        causal: bool,
        training: bool,
        scale: float | None = None,
    ) -> tuple[Variable, Variable]:
        """The rule, with everything that a query may not look at put into one mask."""
        heads = (None,) * (q.ndim - 3)
        parts = [as_variable(m)[:, *heads, None] for m in masks[1:] if m is not None]
        if attention_mask is not None:
            m = as_variable(attention_mask)
            parts.append(m[:, *heads] if m.ndim == 3 else m)
        mask = None
        for part in parts:
            exist = part if part.dtype == bool else functions.cast(part, "bool")
            mask = exist if mask is None else mask * exist
        kept = None
        if training and self.dropout > 0:
            kept = ones_dropped((*q.shape[:-1], k.shape[-2]), q._array.dtype, self.dropout)
        return functions.scaled_dot_product_attention(q, k, v, mask, kept, causal=causal, scale=scale)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the queries."""
        return None if mask is None else mask[0]


class Attention(_Attention):
    """Dot-product attention without weights: called with [query, value] or [query, value, key].

    Shapes: query (N, T, D), value (N, S, E), key (N, S, D) → (N, T, E); keys are the values unless given. The scores
    are q·k, not divided by √D, times one learned number with ``use_scale``. Source: Luong et al. 2015,
    arXiv:1508.04025.

    Args:
        use_scale: whether the scores are multiplied by a number that is learned, 1 at first.
        score_mode: "dot".
        dropout: the share of the probabilities left out in training.
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(dropout, seed=seed, **options)
        if score_mode != "dot":
            raise ConfigurationError(
                "scores are products.", where=self.where, expected='score_mode="dot"', received=repr(score_mode)
            )
        self.use_scale = bool(use_scale)
        self.scale: Parameter | None = None

    def build(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((), "ones")

    def call(
        self,
        inputs: Sequence[Variable],
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Let every query look at the values.

        Args:
            mask: which steps of query and value exist, [(N, T), (N, S)], each may be ``None``.
            return_attention_scores: the probabilities (N, T, S) too.
            use_causal_mask: no query looks at values that come after it.
        """
        q, v = inputs[0], inputs[1]
        masks = [None, None] if mask is None else list(mask)[:2]
        given = q if self.scale is None else q * self.scale
        y, p = self.looked(given, inputs[-1], v, masks, None, use_causal_mask, training, scale=1.0)
        if masks[0] is not None:
            y = y * functions.cast(masks[0], y._array.dtype).reshape((*y.shape[:2], 1))
        return [y, p] if return_attention_scores else y

    def multiply_accumulates(self, input_shape: Any) -> int:
        (_, targets, features), (_, sources, values) = input_shape[0], input_shape[1]
        return int((targets or 1) * (sources or 1) * (features + values))

    def backward_accumulates(self, input_shape: Any, moved: bool, learns: bool) -> int:
        return 2 * learns * self.multiply_accumulates(input_shape)  # deltas of both factors

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "use_scale": self.use_scale, "score_mode": "dot", "dropout": self.dropout}


class MultiHeadAttention(_Attention):
    """Attention in several heads, each with queries, keys and values of its own. Source: Vaswani et al. 2017,
    arXiv:1706.03762, section 3.2.2.

    Called as ``layer(query, value)`` or ``layer(query, value, key)``; a sequence that looks at itself is given twice.
    Shapes: query (N, T, C), value (N, S, C'), key (N, S, C″) → (N, T, C), or ``output_shape`` for C.

    Args:
        num_heads: how many heads.
        key_dim: D, the length of a query and of a key in each head; scores are divided by √D.
        value_dim: the length of a value in each head; ``key_dim`` unless given.
        dropout: the share of the probabilities left out in training.
        use_bias: whether the four products have biases.
        output_shape: the number of features that come out; those of the query unless given.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint:
            of all four.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(dropout, activity_regularizer=activity_regularizer, seed=seed, **options)
        self.num_heads = positive(num_heads, "num_heads", self.where)
        self.key_dim = positive(key_dim, "key_dim", self.where)
        self.value_dim = self.key_dim if value_dim is None else positive(value_dim, "value_dim", self.where)
        self.use_bias = bool(use_bias)
        single = output_shape[0] if isinstance(output_shape, (tuple, list)) and len(output_shape) == 1 else output_shape
        self.features = None if single is None else positive(single, "output_shape", self.where)
        self.kernel_initializer, self.bias_initializer = (
            initializers.get(kernel_initializer),
            initializers.get(bias_initializer),
        )
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        (*_, query), (*_, value), (*_, key) = input_shape[0], input_shape[1], input_shape[-1]
        out = self.features or query
        heads = self.num_heads
        for name, read, shape in (
            ("query", query, (heads, self.key_dim)),
            ("key", key, (heads, self.key_dim)),
            ("value", value, (heads, self.value_dim)),
        ):
            self.make(name, (read, *shape), shape)
        self.make("output", (heads, self.value_dim, out), (out,))

    def make(self, name: str, kernel: tuple[int, ...], bias: tuple[int, ...]) -> None:
        """Kernel and bias of one of the four products."""
        made = self.add_weight(
            kernel, self.kernel_initializer, regularizer=self.kernel_regularizer, constraint=self.kernel_constraint
        )
        setattr(self, f"{name}_kernel", made)
        if self.use_bias:
            made = self.add_weight(
                bias, self.bias_initializer, regularizer=self.bias_regularizer, constraint=self.bias_constraint
            )
            setattr(self, f"{name}_bias", made)

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
        **options: Any,
    ) -> Any:
        """Let every query look at the values.

        Args:
            query, value, key: as above; or one list of two or three.
            query_mask, value_mask, key_mask: which steps exist, (N, T) and (N, S), where the inputs carry no masks.
            attention_mask: (N, T, S), true where a query may look at a value.
            return_attention_scores: the probabilities (N, heads, T, S) too.
            use_causal_mask: no query looks at values that come after it.
        """
        inputs = list(query) if isinstance(query, (list, tuple)) and value is None else [query, value]
        inputs += [] if key is None else [key]
        told = [query_mask, value_mask, key_mask][: max(len(inputs), 2)]
        if any(m is not None for m in told):
            options["mask"] = told
        for name, given in (
            ("attention_mask", attention_mask),
            ("return_attention_scores", return_attention_scores or None),
            ("use_causal_mask", use_causal_mask or None),
        ):
            if given is not None:
                options[name] = given
        return super().__call__([x for x in inputs if x is not None], training=training, **options)

    def call(
        self,
        inputs: Sequence[Variable],
        mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        training: bool = False,
    ) -> Any:
        query, value, key = inputs[0], inputs[1], inputs[-1]
        q, k, v = self.heads(query, "query"), self.heads(key, "key"), self.heads(value, "value")
        masks = [None] if mask is None else list(mask)
        y, p = self.looked(q, k, v, masks, attention_mask, use_causal_mask, training)
        samples, _, steps, _ = y.shape
        rows = y.transpose(0, 2, 1, 3).reshape((samples, steps, self.num_heads * self.value_dim))
        kernel = self.output_kernel  # type: ignore[attr-defined]
        bias = self.output_bias if self.use_bias else None  # type: ignore[attr-defined]
        y = functions.affine(rows, kernel.reshape((-1, kernel.shape[-1])), bias)
        return [y, p] if return_attention_scores else y

    def heads(self, x: Variable, name: str) -> Variable:
        """Queries, keys or values of all heads: (N, T, C) → (N, heads, T, D)."""
        kernel = getattr(self, f"{name}_kernel")
        size = kernel.shape[1:]
        bias = getattr(self, f"{name}_bias").reshape((prod(size),)) if self.use_bias else None
        u = functions.affine(x, kernel.reshape((kernel.shape[0], prod(size))), bias)
        return u.reshape((*x.shape[:2], *size)).transpose(0, 2, 1, 3)

    def products(self, input_shape: Any) -> tuple[int, int, int]:
        """Multiply-accumulates of the products that read the inputs, of scores and weighted sums, and of the last."""
        (_, targets, _), (_, sources, _) = input_shape[0], input_shape[1]
        targets, sources = targets or 1, sources or 1
        size = {name: vars(self)[f"{name}_kernel"].size for name in ("query", "key", "value", "output")}
        reading = targets * size["query"] + sources * (size["key"] + size["value"])
        looking = targets * sources * self.num_heads * (self.key_dim + self.value_dim)
        return reading, looking, targets * size["output"]

    def multiply_accumulates(self, input_shape: Any) -> int:
        return sum(self.products(input_shape))

    def backward_accumulates(self, input_shape: Any, moved: bool, learns: bool) -> int:
        reading, looking, last = self.products(input_shape)
        return moved * (reading + last) + (moved or learns) * (2 * looking + last) + learns * reading

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return (*input_shape[0][:-1], self.features or input_shape[0][-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "output_shape": self.features,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

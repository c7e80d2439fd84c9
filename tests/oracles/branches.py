"""A model with two inputs, two outputs, a shared layer and a model inside: the same lines make it in Keras and here."""

from __future__ import annotations


def network(k, layers):
    """The model; the test builds the same one from omomi's layers."""
    left, right = k.Input((3,), name="left"), k.Input((5,), name="right")
    shared = layers.Dense(4, activation="tanh", name="shared")
    one = shared(left)
    other = shared(layers.Dense(3, name="narrow")(right))
    inner_input = k.Input((4,), name="inner_input")
    inner = k.Model(inner_input, layers.Dense(2, activation="sigmoid", name="squeezed")(inner_input), name="inner")
    together = layers.Concatenate(name="together")([one, other, inner(one)])
    number = layers.Dense(1, name="number")(together)
    skip = layers.Add(name="skip")([layers.Dense(4, name="mixed")(together), one])
    kind = layers.Dense(3, activation="softmax", name="kind")(skip)
    return k.Model([left, right], [number, kind], name="branches")

"""Every layer that a saved model may have, on the engine jax against NumPy: outputs, gradients, statistics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi.engines import selection
from omomi.graph.backpropagation import backward
from omomi.graph.context import training_mode
from omomi.layers.registry import LAYERS
from omomi.layers.state import arrays, holding

# How to make a layer that needs more than its class, and the shape of one sample where it is not an image.
MADE = {
    "Bidirectional": lambda kind: kind(LAYERS["LSTM"](3, return_sequences=True)),
    "TimeDistributed": lambda kind: kind(LAYERS["Dense"](3, activation="tanh")),
    "Activation": lambda kind: kind("gelu"),
    "Conv1D": lambda kind: kind(4, 3, padding="causal", groups=2),
    "Conv2D": lambda kind: kind(4, 3, strides=2, padding="same"),
    "Conv3D": lambda kind: kind(4, 2, strides=(1, 2, 1), padding="same", groups=2),
    "Conv1DTranspose": lambda kind: kind(3, 4, strides=2),
    "Conv2DTranspose": lambda kind: kind(3, 3, strides=(2, 1), padding="same"),
    "Conv3DTranspose": lambda kind: kind(3, 2, strides=2, output_padding=1),
    "DepthwiseConv1D": lambda kind: kind(3, depth_multiplier=2),
    "DepthwiseConv2D": lambda kind: kind(3, strides=2, padding="same"),
    "SeparableConv1D": lambda kind: kind(5, 3, padding="same"),
    "SeparableConv2D": lambda kind: kind(5, 2, dilation_rate=2, depth_multiplier=2),
    "Dense": lambda kind: kind(5, activation="sigmoid"),
    "Dropout": lambda kind: kind(0.4),
    "Embedding": lambda kind: kind(8, 3),
    "GroupNormalization": lambda kind: kind(3),
    "AlphaDropout": lambda kind: kind(0.3, noise_shape=(None, 1, 7, None)),
    "GaussianDropout": lambda kind: kind(0.3),
    "GaussianNoise": lambda kind: kind(0.3),
    "GRU": lambda kind: kind(3, return_sequences=True),
    "InputLayer": lambda kind: kind((6, 7, 3)),
    "LSTM": lambda kind: kind(3, return_sequences=True),
    "Permute": lambda kind: kind((3, 1, 2)),
    "RepeatVector": lambda kind: kind(4),
    "Reshape": lambda kind: kind((7, -1)),
    "Rescaling": lambda kind: kind(0.5, 1.0),
    "SimpleRNN": lambda kind: kind(3, return_sequences=True),
}


class Merged(omomi.Layer):
    """A layer of several inputs, as one of a single input."""

    replayable = True

    def __init__(self, merge):
        super().__init__()
        self.merge = merge

    def call(self, x):
        return self.merge([x, x * 0.5 + 0.1])


MADE |= {name: lambda kind: kind(4, 5) for name in ("CenterCrop", "RandomCrop", "Resizing")}
MADE |= {name: lambda kind: kind(0.2) for name in ("RandomRotation", "RandomZoom")}
MADE |= {
    "Normalization": lambda kind: kind(mean=0.5, variance=4.0),
    "RandomBrightness": lambda kind: kind(0.2, (-1, 1)),
    "RandomContrast": lambda kind: kind(0.2, (-1, 1)),
    "RandomTranslation": lambda kind: kind(0.2, 0.3, fill_mode="wrap"),
}


class Step(omomi.Layer):
    """One step of a cell from states that follow from its input."""

    replayable = True

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def call(self, x):
        sizes = self.cell.state_size if isinstance(self.cell.state_size, list) else [self.cell.state_size]
        return self.cell(x, [x[:, :size] for size in sizes])[0]


MADE |= {name: lambda kind: Merged(kind()) for name, kind in LAYERS.items() if kind.several_inputs}
MADE["Dot"] = lambda kind: Merged(kind(-1, normalize=True))
MADE["MultiHeadAttention"] = lambda kind: Merged(kind(2, 3, value_dim=2, dropout=0.3))
MADE["Attention"] = lambda kind: Merged(kind(use_scale=True, dropout=0.3))
MADE["RNN"] = lambda kind: kind([LAYERS["LSTMCell"](3), LAYERS["GRUCell"](2)], return_sequences=True)
MADE["StackedRNNCells"] = lambda kind: Step(kind([LAYERS["LSTMCell"](3), LAYERS["GRUCell"](2)]))
MADE |= {name: lambda kind: Step(kind(3)) for name in ("SimpleRNNCell", "LSTMCell", "GRUCell")}
MADE["PositionEmbedding"] = lambda kind: kind(9)
MADE |= {name: lambda kind: kind(0.4) for name in LAYERS if name.startswith("SpatialDropout")}
MADE["Operation"] = lambda kind: Merged(kind("add", operands=[None, None]))
SHAPES = {"Dense": (8,), "Softmax": (8,), "Embedding": (6,), "RepeatVector": (8,)}
OVER_SEQUENCES = ("SimpleRNN", "RNN", "LSTM", "GRU", "Masking", "Bidirectional", "TimeDistributed")
SHAPES |= dict.fromkeys(OVER_SEQUENCES, (6, 4))
SHAPES |= {name: (4,) for name in LAYERS if "Cell" in name}
SHAPES |= {name: (6, 4) for name in LAYERS if "Attention" in name or "Position" in name}
SHAPES |= {name: (9, 4) for name in LAYERS if name.endswith(("1D", "1DTranspose"))}
SHAPES |= {name: (4, 3, 5, 2) for name in LAYERS if name.endswith(("3D", "3DTranspose"))}


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer(name):
    rng = np.random.default_rng(0)
    shape = (5, *SHAPES.get(name, (6, 7, 3)))
    x = rng.integers(0, 8, shape) if name == "Embedding" else rng.normal(size=shape)
    try:
        layer = MADE.get(name, lambda kind: kind())(LAYERS[name])
        model = omomi.Sequential([omomi.layers.Input(x.shape[1:]), layer], seed=3, dtype="float64")
    except (TypeError, omomi.errors.OmomiError) as reason:
        pytest.fail(f"MADE or SHAPES should say how to try a {name}: {reason}")
    with omomi.use("numpy"):
        gy = rng.normal(size=model(x).shape)
        entries = dict(model.state())
        state = arrays(entries)

    def step(state, batch):
        """Forward and backward, with the gradients of input and parameters in the report."""
        inputs = omomi.Variable(batch["x"])
        with holding(entries, state), training_mode():
            y = model(inputs, training=True)
            backward([y], [batch["gy"]])
            report = {path: p.grad for path, p in model.parameters().items()}
            for p in model.parameters().values():
                p.grad = None
            new = arrays(entries)
        if inputs.grad is not None:  # whole numbers have no gradient
            report["gx"] = inputs.grad
        return new, {"y": y._array, **report}

    with omomi.use("numpy"):
        expected_state, expected = step(state, {"x": x, "gy": gy})
    with omomi.use("jax"):
        compiled = selection.current().compile(step)
        found_state, found = compiled(state, {"x": x, "gy": gy})
        assert not compiled.refused
    assert set(found) == set(expected)
    for part, wanted in ((found, expected), (found_state, expected_state)):
        for path, value in wanted.items():
            assert part[path].dtype == value.dtype, path
            assert_allclose(np.asarray(part[path]), value, rtol=1e-10, atol=1e-10, err_msg=path)

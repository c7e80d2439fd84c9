"""Shapes, operations, the forward pass and the change of layout, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
from benchmarks.networks import (
    CNN,
    MLP,
    WIDE,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Network,
    channels_first,
    cross_entropy,
    data,
    expected_outputs,
    flops,
    initial_weights,
    products,
)
from benchmarks.works import WORKS
from numpy.testing import assert_allclose, assert_array_equal


def test_shapes_of_the_cnn():
    assert [after for _, _, after in CNN.shapes()] == [
        (26, 26, 32),
        (24, 24, 32),
        (12, 12, 32),
        (12, 12, 32),
        (4608,),
        (128,),
        (128,),
        (10,),
    ]


def test_operations_are_two_for_each_multiply_accumulate():
    # 784·400 + 400·200 + 200·10 = 395,600 multiply-accumulates forward
    assert flops(MLP, training=False) == 2 * 395_600
    # in training three times that, without the input gradient of the first layer: 3 · 395,600 − 313,600
    assert flops(MLP, training=True) == 2 * (3 * 395_600 - 313_600)
    # 26²·9·32 + 24²·288·32 + 4608·128 + 128·10 = 194,688 + 5,308,416 + 589,824 + 1,280
    assert flops(CNN, training=False) == 2 * 6_094_208
    assert flops(CNN, training=True) == 2 * (3 * 6_094_208 - 194_688)
    assert [p.channels for p in products(WIDE)] == [3, 64, 128, 4096]


def test_an_epoch_counts_all_samples_a_step_one_batch():
    assert WORKS["cnn-32"].flops == 32 * flops(CNN, True)
    assert WORKS["predict-256"].flops == 256 * flops(CNN, False)
    assert WORKS["epoch"].flops == 60_000 * flops(CNN, True)


def test_the_expected_outputs_of_a_network_worked_by_hand():
    network = Network("", (3, 3, 1), (Conv(1, "relu", size=2), MaxPool(), Flatten(), Dense(2, "softmax")), "sgd", 1.0)
    weights = [
        {"kernel": np.ones((2, 2, 1, 1)), "bias": np.array([-11.0])},
        {},
        {},
        {"kernel": np.array([[1.0, 0.0]]), "bias": np.array([0.0, 3.0])},
    ]
    x = np.arange(9.0).reshape(1, 3, 3, 1)
    # windows: 0+1+3+4 = 8, 12, 20, 24; minus 11 and ReLU: 0, 1, 9, 13; the largest 13; logits 13 and 3
    p = 1 / (1 + np.exp(3.0 - 13.0))
    assert_allclose(expected_outputs(network, weights, x), [[p, 1 - p]], rtol=1e-12)
    assert_allclose(cross_entropy(np.array([[p, 1 - p]]), np.array([[1.0, 0.0]])), -np.log(p))


def test_channels_first_puts_the_rows_after_flatten_in_the_other_order():
    network = Network("", (1, 2, 3), (Flatten(), Dense(1, "softmax")), "sgd", 1.0)
    kernel = np.arange(6.0)[:, None]  # row = pixel · 3 + channel
    (_, turned) = channels_first(network, [{}, {"kernel": kernel, "bias": np.zeros(1)}])
    assert_array_equal(turned["kernel"], [[0, 3, 1, 4, 2, 5]])  # channel · 2 + pixel, and (out, in)


def test_weights_and_data_are_the_same_every_time_and_can_be_learned():
    for a, b in zip(initial_weights(CNN), initial_weights(CNN), strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert_array_equal(a[name], b[name])
    x, y = data(MLP, 50)
    assert x.dtype == y.dtype == np.float32
    assert 0 <= x.min() <= x.max() <= 1
    assert_array_equal(y.sum(1), 1)
    assert len(np.unique(y.argmax(1))) == 10

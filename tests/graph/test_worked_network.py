"""A network of 2-3-2 units, worked by hand: every u, z, δ, ∂W and ∂b.

    x = (1, 2)                      hidden units: sigmoid, output units: identity, E = ½ Σⱼ (fⱼ − yⱼ)²

    W1 = ( 1    2   −2)             b1 = (ln 3, −ln 3, 0)          W2 = ( 1   2)        b2 = (¼, −½)
         (−½   −1    1)                                                 ( 0  −2)
                                                                        (−1   1)
Forward
    x W1 = (1·1 − 2·½, 1·2 − 2·1, −1·2 + 2·1) = (0, 0, 0)           so   u1 = b1 = (ln 3, −ln 3, 0)
    σ(ln 3) = 1/(1 + ⅓) = ¾,  σ(−ln 3) = ¼,  σ(0) = ½               so   z1 = (¾, ¼, ½)
    z1 W2 = (¾ + 0 − ½, 2·¾ − 2·¼ + ½) = (¼, 3/2)                   so   u2 = f = (½, 1)
    y = (0, 2)                                                      E = ½ (½² + 1²) = 5/8
Backward
    δ2 = f − y = (½, −1)
    ∂W2 = z1ᵀ δ2 = ( 3/8  −3/4)                                     ∂b2 = δ2
                   ( 1/8  −1/4)
                   ( 1/4  −1/2)
    W2 δ2 = (½ − 2, 2, −½ − 1) = (−3/2, 2, −3/2)                    the deltas that come back
    σ'(u1) = z1 (1 − z1) = (3/16, 3/16, 1/4)
    δ1 = σ'(u1) ⊙ W2 δ2 = (−9/32, 3/8, −3/8)
    ∂W1 = xᵀ δ1 = (−9/32  3/8  −3/8)                                ∂b1 = δ1
                  (−9/16  3/4  −3/4)
"""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from omomi import Sequential, Variable
from omomi import functions as F
from omomi.layers import Dense

LN3 = np.log(3.0)
X = np.array([[1.0, 2.0]])
Y = np.array([[0.0, 2.0]])
W1, B1 = np.array([[1.0, 2.0, -2.0], [-0.5, -1.0, 1.0]]), np.array([LN3, -LN3, 0.0])
W2, B2 = np.array([[1.0, 2.0], [0.0, -2.0], [-1.0, 1.0]]), np.array([0.25, -0.5])

DELTA2 = np.array([[1 / 2, -1.0]])
DELTA1 = np.array([[-9 / 32, 3 / 8, -3 / 8]])
GRAD_W2 = np.array([[3 / 8, -3 / 4], [1 / 8, -1 / 4], [1 / 4, -1 / 2]])
GRAD_W1 = np.array([[-9 / 32, 3 / 8, -3 / 8], [-9 / 16, 3 / 4, -3 / 4]])


def same(actual, expected):
    assert_allclose(actual, expected, rtol=0, atol=1e-15)


def test_every_number_of_the_free_style():
    w1, b1, w2, b2 = (Variable(a) for a in (W1, B1, W2, B2))
    x = Variable(X)
    u1 = F.affine(x, w1, b1)
    z1 = F.sigmoid(u1)
    u2 = F.affine(z1, w2, b2)
    E = F.squared_error(u2, Y)
    same(u1.array, [[LN3, -LN3, 0]])
    same(z1.array, [[3 / 4, 1 / 4, 1 / 2]])
    same(u2.array, [[1 / 2, 1]])
    same(E.array, 5 / 8)

    E.backward(retain_grad=True)
    same(u2.grad, DELTA2)
    same(z1.grad, [[-3 / 2, 2, -3 / 2]])
    same(u1.grad, DELTA1)
    same(w2.grad, GRAD_W2)
    same(b2.grad, DELTA2[0])
    same(w1.grad, GRAD_W1)
    same(b1.grad, DELTA1[0])
    same(x.grad, DELTA1 @ W1.T)


def test_one_step_of_the_same_network_as_a_model():
    model = Sequential([Dense(3, activation="sigmoid", input_shape=(2,)), Dense(2)], dtype="float64", seed=0)
    model.set_weights([W1, B1, W2, B2])
    model.compile("sgd", "squared_error")
    model.optimizer.learning_rate = 0.1
    assert model.train_on_batch(X, Y) == 5 / 8
    expected = [W1 - 0.1 * GRAD_W1, B1 - 0.1 * DELTA1[0], W2 - 0.1 * GRAD_W2, B2 - 0.1 * DELTA2[0]]
    for actual, wanted in zip(model.get_weights(), expected, strict=True):
        assert_allclose(actual, wanted, rtol=0, atol=1e-8)  # the rate 0.1 was given while its dtype was float32

"""Hebb's rule, and Oja's: units that learn without being told what is right, or by what they are shown together.

Sources: Hebb 1949, "The organization of behavior"; Oja 1982, "A simplified neuron model as a principal component
analyzer"; Sanger 1989, "Optimal unsupervised learning in a single-layer linear feedforward neural network".

A connection grows where both its ends are active at the same time. A sample at a time:

    forward    y = x W
    Hebb       W ← W + η xᵀ y               ΔW is −η times the gradient of affine for δ = −y
    Oja        W ← W + η (xᵀ y − W U)       U = y² for one unit; for several, the upper triangle of yᵀ y (Sanger)

On centred samples of covariance Σ, Hebb's rule does W ← (I + η Σ) W on average. So W turns into the direction of the
first principal component, a₁ with Σ a₁ = λ₁ a₁, and grows as (1 + η λ₁)^steps, without end. Oja's second term is the
brake: it takes away of W what would make it longer than 1, and W converges to ±a₁. Sanger's triangle lets unit k
learn only from what the units before it leave unexplained, so that it finds the k-th component.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from omomi.classic.checks import check_count, check_positive, check_samples, check_targets, check_variation
from omomi.classic.estimator import Transformer
from omomi.classic.units import backward, forward
from omomi.engines.random import address, normal, permutation
from omomi.errors import ConfigurationError

__all__ = ["HebbianLayer", "OjaPCA"]

HUGE = 1e100


class HebbianLayer(Transformer):
    """Linear units that learn by Hebb's rule, W ← W + η xᵀ y.

    With targets it is an associative memory: y is the pattern shown together with x, W is Σₙ η xₙᵀ yₙ, and
    ``transform`` recalls; exactly, where the x are orthogonal and of length 1. Without targets y is what the units
    say themselves, x W, from small random weights on; then ‖W‖ grows without end (see the module).

    Args:
        units: how many, where there are no targets.
        learning_rate: η.
        epochs: how often every sample is seen.
        random_state: the seed of the initial weights and of the order of the samples.

    Attributes:
        weights_: W, (d, units).
        norms_: ‖W‖ after each epoch.
        n_features_in_: d.
    """

    def __init__(self, units: int = 1, learning_rate: float = 1.0, epochs: int = 1, random_state: int = 0) -> None:
        self.units, self.learning_rate, self.epochs, self.random_state = units, learning_rate, epochs, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d), and from the patterns y (n, units) shown with them, if there are any.

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their patterns.
            ConfigurationError: the weights have grown beyond all numbers.
        """
        X = check_samples(X, "HebbianLayer.fit")
        check_positive("HebbianLayer", learning_rate=self.learning_rate)
        check_count("HebbianLayer", units=self.units, epochs=self.epochs)
        shown = None if y is None else check_targets(y, len(X), "HebbianLayer.fit")
        self.n_features_in_ = d = X.shape[1]
        if shown is None:
            W = 0.01 * normal(address(self.random_state, "hebb/weights"), d * self.units).reshape(d, self.units)
        else:
            W = np.zeros((d, shown.shape[1]))
        b = np.zeros(W.shape[1])
        self.norms_: list[float] = []
        for epoch in range(self.epochs):
            with np.errstate(over="ignore", invalid="ignore"):
                for k in permutation(address(self.random_state, "hebb/order", step=epoch), len(X)):
                    u, saved = forward(X[k : k + 1], W, b)
                    activity = u if shown is None else shown[k : k + 1]
                    gW, _ = backward(saved, -activity)
                    W = W - self.learning_rate * gW
            if not np.abs(W).max() < HUGE:
                raise ConfigurationError(
                    f"the weights have grown beyond all numbers in epoch {epoch + 1}: Hebb's rule has no brake.",
                    where="HebbianLayer",
                    received=f"learning_rate={self.learning_rate:g}",
                    fix="a smaller rate or fewer epochs; or OjaPCA, which has a brake",
                )
            self.norms_.append(float(np.linalg.norm(W)))
        self.weights_ = W
        return self

    def transform(self, X: Any) -> np.ndarray:
        """y = x W: (n, units)."""
        return np.asarray(self._new_samples(X, "transform") @ self.weights_)


class OjaPCA(Transformer):
    """Principal components as units learn them, a sample at a time, by Oja's rule (and Sanger's, for several).

    The weights of unit k converge to ± the k-th principal component. No covariance is ever computed.

    Args:
        n_components: how many units.
        learning_rate: η₀ of η = η₀/(1 + epoch/patience); ``None`` takes 1/(2 max ‖x‖²), at which no step runs away.
        patience: after how many epochs the rate is halved for the first time.
        epochs: how often every sample is seen.
        random_state: the seed of the initial weights and of the order of the samples.

    Attributes:
        components_: (n_components, d), the weights of each unit as a row.
        mean_: (d,), what was subtracted.
        explained_variance_: (n_components,), the variance of each unit's output (divided by n − 1).
        history_: the weights after each epoch, (epochs + 1, n_components, d), the initial ones first.
        n_features_in_: d.
    """

    def __init__(
        self,
        n_components: int = 1,
        learning_rate: float | None = None,
        patience: float = 5.0,
        epochs: int = 100,
        random_state: int = 0,
    ) -> None:
        self.n_components, self.learning_rate, self.patience = n_components, learning_rate, patience
        self.epochs, self.random_state = epochs, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d); y is not looked at.

        Raises:
            ShapeError, DtypeError, DataError: X are no samples, or all of them are equal.
            ConfigurationError: the learning rate is so large that the weights run away.
        """
        X = check_samples(X, "OjaPCA.fit", fewest=2)
        check_variation(X, "OjaPCA.fit")
        check_positive("OjaPCA", learning_rate=self.learning_rate, patience=self.patience)
        check_count("OjaPCA", epochs=self.epochs)
        check_count("OjaPCA", min(X.shape), n_components=self.n_components)
        self.n_features_in_, self.mean_ = X.shape[1], X.mean(axis=0)
        centred = X - self.mean_
        longest = float(np.square(centred).sum(axis=1).max())
        first_rate = 0.5 / longest if self.learning_rate is None else float(self.learning_rate)

        W = self._initial_weights()
        b = np.zeros(self.n_components)
        path = [W]
        for epoch in range(self.epochs):
            rate = first_rate / (1 + epoch / self.patience)
            with np.errstate(over="ignore", invalid="ignore"):
                for k in permutation(address(self.random_state, "oja/order", step=epoch), len(X)):
                    y_k, saved = forward(centred[k : k + 1], W, b)
                    gW, _ = backward(saved, -y_k)
                    W = W + rate * (-gW - W @ np.triu(y_k.T @ y_k))
            if not np.abs(W).max() < HUGE:
                raise ConfigurationError(
                    f"the weights ran away in epoch {epoch + 1}: every step goes too far.",
                    where="OjaPCA",
                    expected=f"a learning rate of about {0.5 / longest:.3g} for these samples",
                    received=f"learning_rate={first_rate:g}",
                    fix="learning_rate=None chooses one",
                )
            path.append(W)
        self.components_ = W.T.copy()
        self.history_ = np.stack([weights.T for weights in path])
        self.explained_variance_ = np.square(centred @ W).sum(axis=0) / (len(X) - 1)
        return self

    def _initial_weights(self) -> np.ndarray:
        """Random directions of length 1: (d, n_components)."""
        d, m = self.n_features_in_, self.n_components
        W = normal(address(self.random_state, "oja/weights"), d * m).reshape(d, m)
        return np.asarray(W / np.linalg.norm(W, axis=0))

    def transform(self, X: Any) -> np.ndarray:
        """The outputs of the units for centred samples: (n, n_components)."""
        return np.asarray((self._new_samples(X, "transform") - self.mean_) @ self.components_.T)

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """From outputs (n, n_components) back to samples (n, d), as far as these components tell."""
        self._check_fitted("inverse_transform")
        Z = check_samples(Z, "OjaPCA.inverse_transform", features=len(self.components_))
        return np.asarray(Z @ self.components_ + self.mean_)

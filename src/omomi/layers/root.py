"""What a layer keeps where it is the outermost one: the seed and the number of the step."""

from __future__ import annotations

import numpy as np

from omomi.graph.randomness import Draws, fresh_seed, seed_words
from omomi.layers import initializers
from omomi.layers.state import Buffer


class Root:
    """The part of a layer that is a root's."""

    seed: int | None
    _seed: Buffer | None
    _step: Buffer | None

    def _own_seed(self) -> Buffer:
        if self._seed is None:
            self.seed = fresh_seed() if self.seed is None else int(self.seed)
            self._seed = Buffer((2,), initializers.get("zeros"), "uint32")
            self._seed.assign(seed_words(self.seed))
        return self._seed

    def _own_step(self) -> Buffer:
        if self._step is None:
            self._step = Buffer((), initializers.get("zeros"), "uint32")
            self._step.assign(np.zeros((), np.uint32))
        return self._step

    def own_draws(self) -> Draws:
        """The random draws of this layer as a root, in the step that it is in."""
        return Draws(self._own_seed()._array, self._own_step()._array)

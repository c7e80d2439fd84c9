"""Samples of the optimisers' rules that look at more than one number of a parameter."""

from __future__ import annotations

from omomi.ops.update_with_norms import adafactor, ftrl, lamb
from tests.samples.update import LIKE_ADAM, of_rule

SAMPLES = {
    "ftrl": of_rule(ftrl, {"l1": 0.5, "l2": 0.1}, {"learning_rate_power": -0.3, "shrinkage": 0.1, "beta": 0.5}),
    "lamb": of_rule(lamb, *LIKE_ADAM),
    "adafactor": of_rule(
        adafactor, {"relative_step": False, "clip_threshold": 0.5}, {"beta_2_decay": -0.5}, smallest=1
    ),
}

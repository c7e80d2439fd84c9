"""Metrics, as ``compile(metrics=…)`` takes them."""

from omomi.training.metrics import Metric as Metric
from omomi.training.metrics import resolve as resolve

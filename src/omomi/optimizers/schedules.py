"""Schedules of the learning rate, as optimisers take them."""

from omomi.training.schedules import CosineDecay as CosineDecay
from omomi.training.schedules import CosineDecayRestarts as CosineDecayRestarts
from omomi.training.schedules import ExponentialDecay as ExponentialDecay
from omomi.training.schedules import InverseTimeDecay as InverseTimeDecay
from omomi.training.schedules import LearningRateSchedule as LearningRateSchedule
from omomi.training.schedules import OneCycle as OneCycle
from omomi.training.schedules import PiecewiseConstantDecay as PiecewiseConstantDecay
from omomi.training.schedules import PolynomialDecay as PolynomialDecay
from omomi.training.schedules import StepDecay as StepDecay
from omomi.training.schedules import Warmup as Warmup

"""Losses, as ``compile(loss=…)`` takes them."""

from omomi.training.loss import Custom as Custom
from omomi.training.loss import Loss as Loss
from omomi.training.losses import BinaryCrossentropy as BinaryCrossentropy
from omomi.training.losses import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from omomi.training.losses import CategoricalCrossentropy as CategoricalCrossentropy
from omomi.training.losses import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from omomi.training.losses import CategoricalHinge as CategoricalHinge
from omomi.training.losses import CosineSimilarity as CosineSimilarity
from omomi.training.losses import Hinge as Hinge
from omomi.training.losses import Huber as Huber
from omomi.training.losses import KLDivergence as KLDivergence
from omomi.training.losses import LogCosh as LogCosh
from omomi.training.losses import MeanAbsoluteError as MeanAbsoluteError
from omomi.training.losses import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from omomi.training.losses import MeanSquaredError as MeanSquaredError
from omomi.training.losses import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from omomi.training.losses import Poisson as Poisson
from omomi.training.losses import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from omomi.training.losses import SquaredError as SquaredError
from omomi.training.losses import SquaredHinge as SquaredHinge
from omomi.training.losses import get as get

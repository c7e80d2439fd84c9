"""Optimisers, as ``compile(optimizer=…)`` and the free style take them."""

from omomi.optimizers import schedules as schedules
from omomi.training.optimizer import Optimizer as Optimizer
from omomi.training.optimizers import SGD as SGD
from omomi.training.optimizers import Adadelta as Adadelta
from omomi.training.optimizers import Adafactor as Adafactor
from omomi.training.optimizers import Adagrad as Adagrad
from omomi.training.optimizers import Adam as Adam
from omomi.training.optimizers import Adamax as Adamax
from omomi.training.optimizers import AdamW as AdamW
from omomi.training.optimizers import Ftrl as Ftrl
from omomi.training.optimizers import Lamb as Lamb
from omomi.training.optimizers import Lion as Lion
from omomi.training.optimizers import Momentum as Momentum
from omomi.training.optimizers import Nadam as Nadam
from omomi.training.optimizers import Nesterov as Nesterov
from omomi.training.optimizers import RMSprop as RMSprop
from omomi.training.optimizers import get as get

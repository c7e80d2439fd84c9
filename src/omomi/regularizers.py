"""Regularisers, as layers take them."""

from omomi.layers.regularizers import L1 as L1
from omomi.layers.regularizers import L1L2 as L1L2
from omomi.layers.regularizers import L2 as L2
from omomi.layers.regularizers import Regularizer as Regularizer
from omomi.layers.regularizers import get as get
from omomi.layers.regularizers import serialize as serialize

"""Constraints, as layers take them."""

from omomi.layers.constraints import Constraint as Constraint
from omomi.layers.constraints import MaxNorm as MaxNorm
from omomi.layers.constraints import MinMaxNorm as MinMaxNorm
from omomi.layers.constraints import NonNeg as NonNeg
from omomi.layers.constraints import UnitNorm as UnitNorm
from omomi.layers.constraints import get as get
from omomi.layers.constraints import serialize as serialize

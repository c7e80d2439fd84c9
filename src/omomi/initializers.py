"""Initialisers, as layers take them."""

from omomi.layers.initializers import Constant as Constant
from omomi.layers.initializers import Custom as Custom
from omomi.layers.initializers import GlorotNormal as GlorotNormal
from omomi.layers.initializers import GlorotUniform as GlorotUniform
from omomi.layers.initializers import HeNormal as HeNormal
from omomi.layers.initializers import HeUniform as HeUniform
from omomi.layers.initializers import Initializer as Initializer
from omomi.layers.initializers import LecunNormal as LecunNormal
from omomi.layers.initializers import LecunUniform as LecunUniform
from omomi.layers.initializers import Ones as Ones
from omomi.layers.initializers import Orthogonal as Orthogonal
from omomi.layers.initializers import RandomNormal as RandomNormal
from omomi.layers.initializers import RandomUniform as RandomUniform
from omomi.layers.initializers import TruncatedNormal as TruncatedNormal
from omomi.layers.initializers import VarianceScaling as VarianceScaling
from omomi.layers.initializers import Zeros as Zeros
from omomi.layers.initializers import get as get

"""Activations by name."""

from omomi.graph.functions import elu as elu
from omomi.graph.functions import gelu as gelu
from omomi.graph.functions import hard_sigmoid as hard_sigmoid
from omomi.graph.functions import leaky_relu as leaky_relu
from omomi.graph.functions import log_softmax as log_softmax
from omomi.graph.functions import mish as mish
from omomi.graph.functions import relu as relu
from omomi.graph.functions import relu6 as relu6
from omomi.graph.functions import selu as selu
from omomi.graph.functions import sigmoid as sigmoid
from omomi.graph.functions import softmax as softmax
from omomi.graph.functions import softplus as softplus
from omomi.graph.functions import softsign as softsign
from omomi.graph.functions import step as step
from omomi.graph.functions import swish as swish
from omomi.graph.functions import tanh as tanh
from omomi.layers.activations import get as get
from omomi.layers.activations import serialize as serialize

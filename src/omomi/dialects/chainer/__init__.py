"""Chainer's grammar, as its versions 2 to 7 have it, over Omomi's rules: old books run again.

Images are (N, C, H, W) here, kernels (out, in, KH, KW) and dense kernels (out, in), as the books print them. Names and
defaults are Chainer's; what computes is Omomi. ``omomi run SCRIPT.py`` serves this package under the name ``chainer``.

Example:
    >>> import numpy as np
    >>> import omomi.dialects.chainer as chainer
    >>> import omomi.dialects.chainer.functions as F
    >>> x = chainer.Variable(np.array([[1.0, -2.0]], np.float32))
    >>> y = F.sum(F.relu(x) * 3)
    >>> y.backward()
    >>> x.grad
    array([[3., 0.]], dtype=float32)
"""

from omomi.dialects.chainer import backends as backends
from omomi.dialects.chainer import computational_graph as computational_graph
from omomi.dialects.chainer import cuda as cuda
from omomi.dialects.chainer import dataset as dataset
from omomi.dialects.chainer import datasets as datasets
from omomi.dialects.chainer import functions as functions
from omomi.dialects.chainer import initializers as initializers
from omomi.dialects.chainer import iterators as iterators
from omomi.dialects.chainer import links as links
from omomi.dialects.chainer import optimizer as optimizer
from omomi.dialects.chainer import optimizer_hooks as optimizer_hooks
from omomi.dialects.chainer import optimizers as optimizers
from omomi.dialects.chainer import serializers as serializers
from omomi.dialects.chainer import training as training
from omomi.dialects.chainer.configuration import config as config
from omomi.dialects.chainer.configuration import force_backprop_mode as force_backprop_mode
from omomi.dialects.chainer.configuration import global_config as global_config
from omomi.dialects.chainer.configuration import no_backprop_mode as no_backprop_mode
from omomi.dialects.chainer.configuration import using_config as using_config
from omomi.dialects.chainer.cuda import get_device as get_device
from omomi.dialects.chainer.link import Chain as Chain
from omomi.dialects.chainer.link import ChainList as ChainList
from omomi.dialects.chainer.link import Link as Link
from omomi.dialects.chainer.link import Sequential as Sequential
from omomi.dialects.chainer.optimizers import Optimizer as Optimizer
from omomi.dialects.chainer.reporter import DictSummary as DictSummary
from omomi.dialects.chainer.reporter import Reporter as Reporter
from omomi.dialects.chainer.reporter import Summary as Summary
from omomi.dialects.chainer.reporter import get_current_reporter as get_current_reporter
from omomi.dialects.chainer.reporter import report as report
from omomi.dialects.chainer.reporter import report_scope as report_scope
from omomi.dialects.chainer.variable import Parameter as Parameter
from omomi.dialects.chainer.variable import Variable as Variable
from omomi.dialects.chainer.variable import as_variable as as_variable
from omomi.dialects.hook import missing

__version__ = "7.8.1"  # the last there was, for scripts that look

__getattr__ = missing(
    "chainer",
    {
        "grad": "loss.backward() and the grad of each Variable; gradients of gradients are not offered",
        "FunctionNode": "omomi.ops.rule.Rule, a forward and a backward function",
        "Function": "omomi.ops.rule.Rule, a forward and a backward function",
        "function_hooks": "omomi.inspect.trace",
        "distributions": "scipy.stats",
    },
)

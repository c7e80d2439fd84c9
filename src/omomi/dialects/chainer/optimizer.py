"""``chainer.optimizer``: the hooks, where Chainer 2 to 4 had them."""

from omomi.dialects.chainer.optimizer_hooks import GradientClipping as GradientClipping
from omomi.dialects.chainer.optimizer_hooks import GradientHardClipping as GradientHardClipping
from omomi.dialects.chainer.optimizer_hooks import Lasso as Lasso
from omomi.dialects.chainer.optimizer_hooks import WeightDecay as WeightDecay
from omomi.dialects.chainer.optimizers import Optimizer as Optimizer

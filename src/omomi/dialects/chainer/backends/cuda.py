"""``chainer.backends.cuda``: what ``chainer.cuda`` is."""

from omomi.dialects.chainer.cuda import *  # noqa: F403
from omomi.dialects.chainer.cuda import __getattr__ as __getattr__

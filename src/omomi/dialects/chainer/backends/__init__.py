"""``chainer.backends``: the processor alone."""

from omomi.dialects.chainer import cuda as cuda

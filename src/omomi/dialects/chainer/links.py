"""``chainer.links``: the links that learn, with Chainer's shapes, names and defaults."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.dialects.chainer import functions as F
from omomi.dialects.chainer import initializers
from omomi.dialects.chainer.configuration import config
from omomi.dialects.chainer.images import pair
from omomi.dialects.chainer.link import Chain, Link
from omomi.dialects.chainer.reporter import report
from omomi.dialects.chainer.variable import Parameter, Variable, as_variable
from omomi.dialects.hook import missing
from omomi.errors import ConfigurationError

Input = Any


def starting(value: Any, otherwise: float) -> Any:
    """An initialiser for a vector: what is given, else a constant."""
    return otherwise if value is None else value


class Linear(Link):
    """x Wᵀ + b, W (out, in): LeCun's normal numbers, b zeros. ``Linear(out)`` learns in from its first input."""

    def __init__(
        self,
        in_size: int | None,
        out_size: int | None = None,
        nobias: bool = False,
        initialW: Any = None,
        initial_bias: Any = None,
    ) -> None:
        super().__init__()
        if out_size is None:
            in_size, out_size = None, in_size
        if out_size is None:
            raise ConfigurationError("Linear needs the number of its units.", where="L.Linear")
        self.in_size, self.out_size = in_size, out_size
        with self.init_scope():
            self.W = Parameter(initializers.get(initialW), None if in_size is None else (out_size, in_size))
            self.b = None if nobias else Parameter(starting(initial_bias, 0.0), (out_size,))

    def forward(self, x: Input, n_batch_axes: int = 1) -> Variable:
        x = as_variable(x)
        if not self.W.is_initialized:
            self.in_size = int(np.prod(x.shape[n_batch_axes:]))
            self.W.initialize((self.out_size, self.in_size))
        return F.linear(x, self.W, self.b, n_batch_axes)


class Convolution2D(Link):
    """A convolution of images (N, C, H, W), W (out, C / groups, KH, KW)."""

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Any = None,
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        initialW: Any = None,
        initial_bias: Any = None,
        *,
        dilate: Any = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        if ksize is None:  # Convolution2D(out, ksize): the channels are learned from the first input
            in_channels, out_channels, ksize = None, in_channels, out_channels  # type: ignore[assignment]
        self.ksize, self.stride, self.pad, self.dilate, self.groups = pair(ksize), stride, pad, dilate, groups
        self.out_channels = out_channels
        with self.init_scope():
            shape = None if in_channels is None else self.kernel_shape(in_channels)
            self.W = Parameter(initializers.get(initialW), shape)
            self.b = None if nobias else Parameter(starting(initial_bias, 0.0), (out_channels,))

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        """The shape of W for images of so many channels."""
        return (self.out_channels, channels // self.groups, *self.ksize)

    def forward(self, x: Input) -> Variable:
        x = as_variable(x)
        if not self.W.is_initialized:
            self.W.initialize(self.kernel_shape(x.shape[1]))
        return F.convolution_2d(x, self.W, self.b, self.stride, self.pad, dilate=self.dilate, groups=self.groups)


class Deconvolution2D(Convolution2D):
    """The way back of a convolution, W (C, out, KH, KW)."""

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Any = None,
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        outsize: Any = None,
        initialW: Any = None,
        initial_bias: Any = None,
    ) -> None:
        self.outsize = outsize
        super().__init__(in_channels, out_channels, ksize, stride, pad, nobias, initialW, initial_bias)

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (channels, self.out_channels, *self.ksize)

    def forward(self, x: Input) -> Variable:
        x = as_variable(x)
        if not self.W.is_initialized:
            self.W.initialize(self.kernel_shape(x.shape[1]))
        return F.deconvolution_2d(x, self.W, self.b, self.stride, self.pad, self.outsize)


class BatchNormalization(Link):
    """Batch normalisation per channel (axis 1); the running statistics are ``avg_mean`` and ``avg_var``."""

    def __init__(
        self,
        size: int | None = None,
        decay: float = 0.9,
        eps: float = 2e-5,
        dtype: Any = np.float32,
        use_gamma: bool = True,
        use_beta: bool = True,
        initial_gamma: Any = None,
        initial_beta: Any = None,
    ) -> None:
        super().__init__()
        self.decay, self.eps, self.use_gamma, self.use_beta = decay, eps, use_gamma, use_beta
        with self.init_scope():
            self.gamma = Parameter(starting(initial_gamma, 1.0)) if use_gamma else None
            self.beta = Parameter(starting(initial_beta, 0.0)) if use_beta else None
        for name in ("avg_mean", "avg_var"):
            self.add_persistent(name, None)
        self.N = 0
        self.add_persistent("N", 0)
        if size is not None:
            self.initialize(size)

    def initialize(self, size: int) -> None:
        """Make the vectors for so many channels."""
        for parameter in (self.gamma, self.beta):
            if parameter is not None and not parameter.is_initialized:
                parameter.initialize((size,))
        self.avg_mean, self.avg_var = np.zeros(size, np.float32), np.ones(size, np.float32)

    def forward(self, x: Input, finetune: bool = False) -> Variable:
        x = as_variable(x)
        if self.avg_mean is None:
            self.initialize(x.shape[1])
        gamma = np.ones(x.shape[1], x.dtype) if self.gamma is None else self.gamma
        beta = np.zeros(x.shape[1], x.dtype) if self.beta is None else self.beta
        if not config.train:
            return F.fixed_batch_normalization(x, gamma, beta, self.avg_mean, self.avg_var, self.eps)
        self.N = self.N + 1 if finetune else 0
        decay = 1 - 1 / self.N if finetune else self.decay
        return F.batch_normalization(x, gamma, beta, self.eps, self.avg_mean, self.avg_var, decay)


class EmbedID(Link):
    """A vector for each word: W (words, units)."""

    def __init__(self, in_size: int, out_size: int, initialW: Any = None, ignore_label: int | None = None) -> None:
        super().__init__()
        self.ignore_label = ignore_label
        with self.init_scope():
            self.W = Parameter(initializers.Normal(1.0) if initialW is None else initialW, (in_size, out_size))

    def forward(self, x: Input) -> Variable:
        return F.embed_id(x, self.W, self.ignore_label)


class LSTM(Chain):
    """A layer of LSTM cells that remembers its state from call to call; ``reset_state`` forgets it."""

    def __init__(
        self,
        in_size: int | None,
        out_size: int | None = None,
        lateral_init: Any = None,
        upward_init: Any = None,
        bias_init: Any = None,
        forget_bias_init: Any = 1,
    ) -> None:
        super().__init__()
        if out_size is None:
            in_size, out_size = None, in_size
        if out_size is None:
            raise ConfigurationError("LSTM needs the number of its units.", where="L.LSTM")
        self.state_size = out_size
        bias = np.zeros((out_size, 4), np.float32)  # of a, i, f, o
        bias[:] = 0 if bias_init is None else bias_init
        bias[:, 2] = forget_bias_init
        with self.init_scope():
            self.upward = Linear(in_size, 4 * out_size, initialW=upward_init, initial_bias=bias.reshape(-1))
            self.lateral = Linear(out_size, 4 * out_size, nobias=True, initialW=lateral_init)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the state."""
        self.c: Variable | None = None
        self.h: Variable | None = None

    def set_state(self, c: Variable, h: Variable) -> None:
        """Go on from this state."""
        self.c, self.h = c, h

    def forward(self, x: Input) -> Variable:
        x = as_variable(x)
        gates = self.upward(x)
        if self.h is not None:
            gates = gates + self.lateral(self.h)
        if self.c is None:
            self.c = Variable(np.zeros((len(x), self.state_size), x.dtype), requires_grad=False)
        self.c, self.h = F.lstm(self.c, gates)
        return self.h


class Classifier(Chain):
    """A predictor with its loss and accuracy, which it reports; calls are ``model(x, t)``."""

    compute_accuracy = True

    def __init__(
        self,
        predictor: Any,
        lossfun: Any = F.softmax_cross_entropy,
        accfun: Any = F.accuracy,
        label_key: Any = -1,
    ) -> None:
        super().__init__()
        self.lossfun, self.accfun, self.label_key = lossfun, accfun, label_key
        self.y: Any = None
        self.loss: Any = None
        self.accuracy: Any = None
        with self.init_scope():
            self.predictor = predictor

    def forward(self, *args: Any, **kwargs: Any) -> Variable:
        if isinstance(self.label_key, str):
            t = kwargs.pop(self.label_key)
        else:
            position = self.label_key % len(args)
            t = args[position]
            args = (*args[:position], *args[position + 1 :])
        self.y = self.predictor(*args, **kwargs)
        self.loss = self.lossfun(self.y, t)
        report({"loss": self.loss}, self)
        if self.compute_accuracy and self.accfun is not None:
            self.accuracy = self.accfun(self.y, t)
            report({"accuracy": self.accuracy}, self)
        return self.loss


__getattr__ = missing(
    "chainer.links",
    {
        "NStepLSTM": "omomi.layers.LSTM, over whole sequences with masks",
        "NStepGRU": "omomi.layers.GRU, over whole sequences with masks",
        "GRU": "omomi.layers.GRU",
        "StatefulGRU": "omomi.layers.GRU(stateful=True)",
        "LayerNormalization": "omomi.layers.LayerNormalization",
        "VGG16Layers": "weights of your own; no pretrained model is downloaded",
        "ResNet50Layers": "weights of your own; no pretrained model is downloaded",
    },
)

"""``chainer.backends.cuda``: what ``chainer.cuda`` is."""

from omomi.dialects.chainer.cuda import Device as Device
from omomi.dialects.chainer.cuda import __getattr__ as __getattr__
from omomi.dialects.chainer.cuda import available as available
from omomi.dialects.chainer.cuda import check_cuda_available as check_cuda_available
from omomi.dialects.chainer.cuda import cudnn_enabled as cudnn_enabled
from omomi.dialects.chainer.cuda import get_array_module as get_array_module
from omomi.dialects.chainer.cuda import get_device as get_device
from omomi.dialects.chainer.cuda import get_device_from_id as get_device_from_id
from omomi.dialects.chainer.cuda import ndarray as ndarray
from omomi.dialects.chainer.cuda import to_cpu as to_cpu
from omomi.dialects.chainer.cuda import to_gpu as to_gpu

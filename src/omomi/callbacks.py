"""Callbacks, as ``fit(callbacks=…)`` takes them."""

from omomi.interop.tensorboard import TensorBoard as TensorBoard
from omomi.training.callbacks import Callback as Callback
from omomi.training.callbacks import LambdaCallback as LambdaCallback
from omomi.training.early_stopping import EarlyStopping as EarlyStopping

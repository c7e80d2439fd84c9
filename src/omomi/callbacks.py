"""Callbacks, as ``fit(callbacks=…)`` takes them."""

from omomi.interop.tensorboard import TensorBoard as TensorBoard
from omomi.training.backup import BackupAndRestore as BackupAndRestore
from omomi.training.callbacks import Callback as Callback
from omomi.training.callbacks import CallbackList as CallbackList
from omomi.training.callbacks import LambdaCallback as LambdaCallback
from omomi.training.early_stopping import EarlyStopping as EarlyStopping
from omomi.training.history import History as History
from omomi.training.logfiles import CSVLogger as CSVLogger
from omomi.training.logfiles import JSONLogger as JSONLogger
from omomi.training.model_checkpoint import ModelCheckpoint as ModelCheckpoint
from omomi.training.progress import ProgbarLogger as ProgbarLogger
from omomi.training.rates import LearningRateScheduler as LearningRateScheduler
from omomi.training.rates import ReduceLROnPlateau as ReduceLROnPlateau
from omomi.training.terminate import TerminateOnNaN as TerminateOnNaN
from omomi.training.weight_averaging import StochasticWeightAveraging as StochasticWeightAveraging
from omomi.training.weight_averaging import SwapEMAWeights as SwapEMAWeights

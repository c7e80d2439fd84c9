"""L3: functions with parameters, and the tree that holds what training changes."""

from omomi.layers.activation_layers import ELU as ELU
from omomi.layers.activation_layers import LeakyReLU as LeakyReLU
from omomi.layers.activation_layers import PReLU as PReLU
from omomi.layers.activation_layers import ReLU as ReLU
from omomi.layers.activation_layers import Softmax as Softmax
from omomi.layers.convolution import AveragePooling2D as AveragePooling2D
from omomi.layers.convolution import Conv2D as Conv2D
from omomi.layers.convolution import GlobalAveragePooling2D as GlobalAveragePooling2D
from omomi.layers.convolution import GlobalMaxPooling2D as GlobalMaxPooling2D
from omomi.layers.convolution import MaxPooling2D as MaxPooling2D
from omomi.layers.core import Activation as Activation
from omomi.layers.core import Dense as Dense
from omomi.layers.core import Dropout as Dropout
from omomi.layers.core import Flatten as Flatten
from omomi.layers.core import Input as Input
from omomi.layers.core import Rescaling as Rescaling
from omomi.layers.core import Reshape as Reshape
from omomi.layers.layer import Layer as Layer
from omomi.layers.normalization import BatchNormalization as BatchNormalization

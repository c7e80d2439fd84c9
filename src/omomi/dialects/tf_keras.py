"""tf.keras of TensorFlow 2.0 to 2.15 as a dialect: ``import omomi.dialects.tf_keras as keras``, or ``omomi run``."""

from omomi.dialects.spellings.modules import lay_out
from omomi.dialects.spellings.versions import VERSIONS

lay_out(__name__, VERSIONS["tf_keras"])

"""Keras as a dialect, in the newest spelling: that of :mod:`omomi.dialects.keras3`."""

from omomi.dialects.spellings.modules import lay_out
from omomi.dialects.spellings.versions import VERSIONS

lay_out(__name__, VERSIONS["keras3"])

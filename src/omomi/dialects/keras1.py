"""Keras 1 as a dialect: ``import omomi.dialects.keras1 as keras``, or ``omomi run SCRIPT.py``."""

from omomi.dialects.spellings.modules import lay_out
from omomi.dialects.spellings.versions import VERSIONS

lay_out(__name__, VERSIONS["keras1"])

"""Omomi (重み, "weight"): deep learning whose mathematics can be read end to end."""

__version__ = "0.1.0"

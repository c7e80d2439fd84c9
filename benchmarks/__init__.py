"""Omomi beside other frameworks: the same works, side by side, in one run. ``python -m benchmarks --help``."""

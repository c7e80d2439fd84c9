"""How Sphinx builds these pages: `make docs`. Every code cell is executed in the build, so every number is computed."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent / "src")]

from omomi import __version__  # noqa: E402  (the path above leads to it)

project = "Omomi"
author = "The Omomi developers"
copyright = author
version = release = __version__

extensions = ["myst_nb", "mathml"]
exclude_patterns = ["_extensions"]
templates_path: list[str] = []

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"  # a cache would keep numbers that the code no longer gives
nb_execution_raise_on_error = True
nb_execution_in_temp = True  # what a page writes does not stay in docs/
nb_execution_timeout = 300  # seconds for one cell
nb_merge_streams = True

html_theme = "furo"
html_title = "Omomi"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False

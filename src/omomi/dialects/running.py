"""A script, run as it is, with the dialect that it is written in."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omomi.dialects.hook import serving
from omomi.dialects.spellings.data import SMALL
from omomi.dialects.spellings.versions import CHOSEN, accuracy_in, recognised
from omomi.files import read_bytes

LARGEST = 4 << 20  # bytes of a script


def run_script(
    script: str | os.PathLike[str],
    arguments: Sequence[str] = (),
    dialect: str = "auto",
    small_data: bool = False,
) -> dict[str, Any]:
    """Run a script that imports keras, tensorflow.keras or another name of :data:`omomi.dialects.hook.DIALECTS`.

    Args:
        script: the file.
        arguments: what it finds in ``sys.argv`` after its name.
        dialect: "keras1", "keras2", "tf_keras" or "keras3" for ``import keras``; "auto" looks at its spellings.
        small_data: small digits, which need no download, in place of MNIST.

    Returns:
        The script's global names.

    Raises:
        FileAccessError, FileFormatError: it cannot be read.
    """
    source = read_bytes(script, LARGEST).decode("utf-8", errors="replace")
    served = {"keras": f"omomi.dialects.{recognised(source) if dialect == 'auto' else dialect}"}
    if dialect == "keras3":
        served["tensorflow.keras"] = served["keras"]
    argv, path, chosen = list(sys.argv), list(sys.path), (SMALL.small, CHOSEN.accuracy)
    sys.argv = [os.fspath(script), *arguments]
    sys.path.insert(0, os.fspath(Path(script).resolve().parent))
    SMALL.small, CHOSEN.accuracy = small_data, accuracy_in(source)
    try:
        with serving(served):
            return runpy.run_path(os.fspath(script), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
        SMALL.small, CHOSEN.accuracy = chosen

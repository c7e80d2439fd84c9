"""``omomi run``: a script, its arguments, its errors."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.conftest import run

SCRIPT = """
import sys
import keras
from keras.layers import Dense
model = keras.models.Sequential([Dense(2, input_dim=3)])
print(keras.__version__, sys.argv[1:], __name__)
"""


def test_a_script_gets_its_arguments_and_its_dialect(tmp_path):
    Path("old.py").write_text(SCRIPT)
    result = run("run", "--dialect", "keras1", "old.py", "--epochs", "3")
    assert result.exit_code == 0
    assert result.stdout.strip() == "1.2.2 ['--epochs', '3'] __main__"
    assert not [name for name in sys.modules if name.startswith("keras.")]


def test_an_error_says_in_which_line():
    Path("old.py").write_text("import keras\n\nkeras.layers.Highway(3)\n")
    result = run("run", "old.py")
    assert result.exit_code == 1
    assert "old.py, line 3" in result.stderr
    assert "keras.layers.Highway" in result.stderr


def test_a_script_that_is_not_there():
    result = run("run", "nowhere.py")
    assert result.exit_code == 1
    assert "nowhere.py: cannot be read" in result.stderr


def test_a_script_may_end_with_a_code():
    Path("old.py").write_text("import sys\nsys.exit(3)\n")
    assert run("run", "old.py").exit_code == 3

"""The numbers of every epoch as a file: comma-separated values, or lines of JSON."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omomi.errors import ConfigurationError, FileFormatError
from omomi.files import check_writable, read_bytes, to_json, write_text
from omomi.files.writing import access_error
from omomi.training.callbacks import Callback, Logs

LIMIT = 256 << 20  # bytes of a log


class LogFile(Callback):
    """A text file that gets a line after every epoch. A line is on the disk before the next epoch begins.

    Args:
        filename: of the file. Its folder is made if it is missing.
        append: go on in the file that is there, instead of beginning it anew.

    Raises:
        FileAccessError: the file cannot be written; said when training begins.
    """

    def __init__(self, filename: str | os.PathLike[str], append: bool = False) -> None:
        super().__init__()
        self.filename, self.append = os.fspath(filename), bool(append)
        self.text = ""  # all of the file

    def on_train_begin(self, logs: Logs) -> None:
        check_writable(Path(self.filename).parent)
        there = self.append and os.path.exists(self.filename)
        self.text = read_text(self.filename) if there else ""
        if self.text and not self.text.endswith("\n"):  # whoever wrote the last line did not come to its end
            self.text += "\n"
        write_text(self.filename, self.text)

    def add(self, line: str) -> None:
        """One more line."""
        self.text += line
        try:
            with open(self.filename, "a", encoding="utf-8", newline="") as file:
                file.write(line)
        except OSError as error:
            raise access_error(error, self.filename, "written") from error

    def get_state(self) -> dict[str, Any]:
        return {"text": self.text}

    def set_state(self, state: dict[str, Any]) -> None:
        """What was written after the state was taken belongs to epochs that will be trained again: it goes."""
        self.text = state["text"]
        write_text(self.filename, self.text)


class CSVLogger(LogFile):
    """Writes the numbers of every epoch as comma-separated values: a head, then a line for each epoch.

    Columns are "epoch" (from 0) and the numbers of the logs in alphabetical order. A number that comes only after some
    epochs, as those of a validation may, is "NA" in the others.

    Args:
        filename: of the file.
        separator: between values, one character.
        append: go on in the file that is there. Its columns stay.

    Raises:
        ConfigurationError: the separator is longer.
        FileAccessError: the file cannot be written; said when training begins.
        FileFormatError: the file to append to has other columns; said after the first epoch, the file is left alone.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__(filename, append)
        if len(separator) != 1 or separator in '"\r\n':
            raise ConfigurationError("a separator is one character.", where="CSVLogger", received=repr(separator))
        self.separator = separator
        self.columns: list[str] = []

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self.columns = self.head(self.text)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        numbers = {"epoch": epoch, **logs}
        if not self.columns:
            names = set(logs)
            if self.params.get("do_validation"):  # which may not have happened after this epoch
                names |= {f"val_{name}" for name in logs if not name.startswith("val_") and name != "learning_rate"}
            self.columns = ["epoch", *sorted(names)]
            self.add(self.line(self.columns))
        unknown = [name for name in numbers if name not in self.columns]
        if unknown:
            raise FileFormatError(
                "the file has other columns than this run.",
                where=self.filename,
                expected=f"columns {', '.join(self.columns)}",
                received=f"numbers that have none: {', '.join(unknown)}",
                fix="choose another file, or append=False",
            )
        self.add(self.line([spelled(numbers.get(name, "NA")) for name in self.columns]))

    def line(self, values: Sequence[str]) -> str:
        """Values as one line of the file."""
        out = io.StringIO()
        csv.writer(out, delimiter=self.separator, lineterminator="\n").writerow(values)
        return out.getvalue()

    def head(self, text: str) -> list[str]:
        """The columns of a file; none if it is empty."""
        return next(csv.reader(io.StringIO(text), delimiter=self.separator), [])

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.columns = self.head(self.text)


class JSONLogger(LogFile):
    """Writes the numbers of every epoch as one line of JSON: "epoch" (from 0), "seconds" it took, and the logs.

    A number that is not finite, which JSON has no word for, is the text "NaN", "Infinity" or "-Infinity".

    Args:
        filename: of the file.
        append: go on in the file that is there.

    Raises:
        FileAccessError: the file cannot be written; said when training begins.
    """

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        seconds = round(time.perf_counter() - self.began, 3)
        self.add(to_json({"epoch": epoch, "seconds": seconds, **logs}, name_non_finite=True) + "\n")


def read_text(path: str) -> str:
    """A text file.

    Raises:
        FileAccessError: it cannot be read.
        FileFormatError: it is no text.
    """
    try:
        return read_bytes(path, LIMIT).decode()
    except UnicodeDecodeError as error:
        raise FileFormatError("this is no text file.", where=path, fix="choose another file") from error


def spelled(value: Any) -> str:
    """A number as text that gives the same number when it is read."""
    return repr(float(value)) if isinstance(value, float) else str(value)

"""CSV and Parquet files as tables: the one module that loads pandas and pyarrow. Memory is bounded before reading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from omomi.comparison.table import listed
from omomi.errors import ConfigurationError, DataError, FileFormatError
from omomi.files.writing import access_error

Frame = Any  # pandas.DataFrame: pandas has no types of its own

LARGEST = 256 << 20  # bytes of a file that is read whole; as a table of text it takes several times as much
HEAD = 1 << 20  # bytes that are looked at first; a header line is shorter
CHUNK = 50_000  # rows that are read at a time from a larger file
SEPARATORS = (",", ";", "\t", "|")
ENDINGS = (".csv", ".tsv", ".txt", ".parquet")


def read_table(path: str | os.PathLike[str], *, samples: int | None = None, seed: int = 0) -> Frame:
    """A CSV or Parquet file as a DataFrame; the cells of a CSV file are text, and what is missing is NaN.

    A file of more than 256 MB is read in chunks of 50,000 rows, of which ``samples`` rows are kept at random; without
    ``samples`` it is refused.

    Raises:
        FileAccessError: it cannot be read.
        FileFormatError: it is no table.
        DataError: it is empty, or too large.
        ConfigurationError: pandas or pyarrow is not installed.
    """
    where = os.fspath(path)
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise access_error(error, path, "read") from error
    if size == 0:
        raise DataError("the file is empty.", where=where, expected="a first line with names, and a row per sample")
    parquet = head.startswith(b"PAR1")
    if not parquet:
        check_text(head, where, whole=size <= HEAD)
    if parquet:
        size = unpacked_size(path)
    if size > LARGEST and samples is None:
        raise DataError(
            "the file is too large to be read whole.",
            where=where,
            expected=f"at most {LARGEST >> 20} MB" + (" unpacked" if parquet else ""),
            received=f"{size / (1 << 20):,.0f} MB",
            fix="--samples 20000 reads it in chunks and keeps so many rows, drawn at random",
        )
    chunks = parquet_chunks(path) if parquet else csv_chunks(path, separator_of(head), where)
    if samples is None:
        return joined(chunks, where)
    return reservoir(chunks, samples, seed, where)


def check_text(head: bytes, where: str, *, whole: bool) -> None:
    """Refuse what is no table of text, before a parser tries to make sense of it."""
    if b"\0" in head:
        raise FileFormatError(
            "this is no table.", where=where, expected="a CSV file (text) or a Parquet file", received="binary data"
        )
    line = head.split(b"\n", 1)[0]
    if not whole and len(line) == len(head):
        raise FileFormatError(
            "this is no table: its first line does not end.", where=where, received=f"more than {len(head):,} bytes"
        )
    try:
        names = line.decode("utf-8-sig").strip().split(separator_of(head))
    except UnicodeDecodeError as error:
        raise FileFormatError(
            "the file is not written in UTF-8.", where=where, received=str(error), fix="save it as CSV in UTF-8"
        ) from error
    if len(names) < 2:
        raise FileFormatError(
            "this is no table: its first line has one column.",
            where=where,
            expected="names of at least two columns, separated by comma, semicolon, tab or |",
            received=repr(names[0][:80]),
        )
    if all(is_number(name) for name in names):
        raise FileFormatError(
            "the columns have no names: the first line holds numbers.",
            where=where,
            received=listed(names),
            fix="add a first line with the names of the columns",
        )


def is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True


def separator_of(head: bytes) -> str:
    """What separates the columns: the candidate that the first line has most often."""
    line = head.split(b"\n", 1)[0]
    return max(SEPARATORS, key=lambda separator: line.count(separator.encode()))


def csv_chunks(path: str | os.PathLike[str], separator: str, where: str) -> Iterator[Frame]:
    """The rows of a CSV file, a chunk at a time, every cell as text."""
    pandas = load_pandas()
    try:
        yield from pandas.read_csv(
            path, sep=separator, dtype=str, chunksize=CHUNK, encoding="utf-8-sig", skipinitialspace=True
        )
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise FileFormatError(f"this is no table: {str(error).strip()}.", where=where) from error
    except UnicodeDecodeError as error:
        raise FileFormatError(
            "the file is not written in UTF-8.", where=where, received=str(error), fix="save it as CSV in UTF-8"
        ) from error


def parquet_chunks(path: str | os.PathLike[str]) -> Iterator[Frame]:
    """The rows of a Parquet file, a chunk at a time."""
    load_pandas()
    with parquet_file(path) as file:
        for batch in file.iter_batches(CHUNK):
            yield batch.to_pandas()


def unpacked_size(path: str | os.PathLike[str]) -> int:
    """The bytes of all columns of a Parquet file, unpacked, as its last lines state them."""
    with parquet_file(path) as file:
        groups = range(file.metadata.num_row_groups)
        return sum(int(file.metadata.row_group(group).total_byte_size) for group in groups)


@contextmanager
def parquet_file(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A Parquet file, opened; its errors become one message."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise missing("pyarrow") from error
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        raise FileFormatError(f"this is no Parquet file: {error}.", where=os.fspath(path)) from error


def joined(chunks: Iterator[Frame], where: str) -> Frame:
    """All rows."""
    parts = list(chunks)
    if sum(map(len, parts)) == 0:
        raise no_rows(where)
    return load_pandas().concat(parts, ignore_index=True)


def no_rows(where: str) -> DataError:
    return DataError("the file has names of columns but no rows.", where=where)


def reservoir(chunks: Iterator[Frame], samples: int, seed: int, where: str) -> Frame:
    """A uniform sample of the rows: each draws a number, and the rows with the smallest numbers stay.

    In the order of the file; no more than one chunk and twice the sample is in memory.
    """
    pandas = load_pandas()
    generator = np.random.default_rng(seed)
    kept, numbers, start = None, np.empty(0), 0
    for chunk in chunks:
        chunk.index = range(start, start + len(chunk))
        start += len(chunk)
        kept = chunk if kept is None else pandas.concat([kept, chunk])
        numbers = np.concatenate([numbers, generator.random(len(chunk))])
        if len(kept) > samples:
            rows = np.sort(np.argpartition(numbers, samples)[:samples])
            kept, numbers = kept.iloc[rows], numbers[rows]
    if kept is None or len(kept) == 0:
        raise no_rows(where)
    kept.attrs["rows"] = start
    return kept.reset_index(drop=True)


def load_pandas() -> Any:
    """pandas, which reads the tables.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise missing("pandas") from error
    return pandas


def missing(package: str) -> ConfigurationError:
    return ConfigurationError(
        f"{package} reads tables and is not installed.", fix="install the extra: pip install 'omomi[tables]'"
    )


def is_table_file(path: str | os.PathLike[str]) -> bool:
    """Whether this path names a table rather than a data set or a folder."""
    return Path(path).is_file() or Path(path).suffix.lower() in ENDINGS

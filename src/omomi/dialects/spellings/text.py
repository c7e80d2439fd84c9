"""Text and sequences as Keras 1 and 2 prepared them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from omomi.datasets.py_dataset import PyDataset
from omomi.errors import ConfigurationError, DataError

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def pad_sequences(
    sequences: Sequence[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Lists of different lengths as one array (N, maxlen).

    Args:
        maxlen: the length of the longest unless given.
        padding: where ``value`` fills short ones up: "pre" or "post".
        truncating: which end of long ones is cut.

    Raises:
        ConfigurationError, DataError: no such side; something that is no sequence.
    """
    for what, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ConfigurationError(f"{what} is a side.", expected='"pre" or "post"', received=repr(side))
    rows = list(sequences)
    if any(not hasattr(row, "__len__") for row in rows):
        raise DataError("sequences is a list of lists.", where="pad_sequences")
    length = max((len(row) for row in rows), default=0) if maxlen is None else int(maxlen)
    inner = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    out = np.full((len(rows), length, *inner), value, dtype)
    for place, row in zip(out, rows, strict=True):
        kept = np.asarray((row[-length:] if truncating == "pre" else row[:length]) if length else [], dtype)
        if len(kept):
            place[slice(-len(kept), None) if padding == "pre" else slice(0, len(kept))] = kept
    return out


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text, without the characters of ``filters``."""
    text = text.lower() if lower else text
    return [word for word in text.translate(dict.fromkeys(map(ord, filters), split)).split(split) if word]


def hashing_trick(text: str, n: int, hash_function: Any = None, **options: Any) -> list[int]:
    """Words as numbers from 1 to n − 1 by a hash (MD5: Python's own changes from run to run); two words may meet."""
    return [
        int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16) % (n - 1) + 1
        for word in text_to_word_sequence(text, **options)
    ]


class Tokenizer:
    """Words as numbers, by how often they occur: the most frequent is 1, and 0 is free for padding.

    Args:
        num_words: only the numbers below this are used.
        filters, lower, split: see :func:`text_to_word_sequence`.
        char_level: characters in place of words.
        oov_token: what stands for words that were not seen; it gets the number 1.
        nb_words: ``num_words``, as Keras 1 called it.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        nb_words: int | None = None,
        **_: Any,
    ) -> None:
        self.num_words = nb_words if num_words is None else num_words
        self.filters, self.lower, self.split, self.char_level = filters, lower, split, char_level
        self.oov_token = oov_token
        self.word_counts: Counter[str] = Counter()
        self.word_docs: Counter[str] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.document_count = 0

    def words(self, text: Any) -> list[str]:
        """The parts of one text."""
        if self.char_level:
            return list(text.lower() if self.lower else text)
        if isinstance(text, str):
            return text_to_word_sequence(text, self.filters, self.lower, self.split)
        return [word.lower() if self.lower else word for word in text]

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of these texts, and number them."""
        for text in texts:
            words = self.words(text)
            self.document_count += 1
            self.word_counts.update(words)
            self.word_docs.update(set(words))
        order = sorted(self.word_counts, key=lambda word: -self.word_counts[word])  # equals stay as they were met
        named = ([self.oov_token] if self.oov_token else []) + order
        self.word_index = {word: number for number, word in enumerate(named, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of each text's words; those that have none are left out, unless there is an ``oov_token``."""
        unseen = self.word_index.get(self.oov_token or "")
        limit = self.num_words or len(self.word_index) + 1
        rows = []
        for text in texts:
            numbers = (self.word_index.get(word, limit) for word in self.words(text))
            rows.append([n if n < limit else unseen for n in numbers if n < limit or unseen is not None])
        return rows  # type: ignore[return-value]

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """Words for numbers again."""
        return [" ".join(self.index_word[n] for n in row if n in self.index_word) for row in sequences]

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """One row for each text: whether ("binary"), how often ("count", "freq", "tfidf") each word occurs."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> np.ndarray:
        """The same for numbers."""
        width = self.num_words or len(self.word_index) + 1
        counts = np.zeros((len(sequences), width))
        for row, numbers in zip(counts, sequences, strict=True):
            np.add.at(row, np.asarray(numbers, int), 1)
        if mode == "binary":
            return np.asarray(counts > 0, float)
        if mode == "count":
            return counts
        if mode == "freq":
            return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
        if mode == "tfidf":
            documents = np.array([self.word_docs.get(self.index_word.get(n, ""), 0) for n in range(width)])
            weight = np.log(1 + self.document_count / (1 + documents))
            return np.asarray(np.where(counts > 0, (1 + np.log(np.maximum(counts, 1))) * weight, 0.0))
        raise ConfigurationError("no such mode.", expected="binary, count, freq or tfidf", received=repr(mode))


class TimeseriesGenerator(PyDataset):
    """Windows of a series, batch by batch: ``data[i : i + length]`` with the target ``targets[i + length]``."""

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, batch_size: int = 128
    ) -> None:
        super().__init__()
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        self.length, self.sampling_rate, self.batch_size = length, sampling_rate, batch_size
        self.ends = np.arange(length, len(self.data), stride)

    def __len__(self) -> int:
        return -(-len(self.ends) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        ends = self.ends[index * self.batch_size : (index + 1) * self.batch_size]
        return np.stack([self.data[end - self.length : end : self.sampling_rate] for end in ends]), self.targets[ends]

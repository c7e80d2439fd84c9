"""What users read when something is wrong.

Every message says where, what was expected, what came, and the likely fix. Each class also derives from the
built-in exception that a caller would naturally catch (``ValueError`` for bad values, ``OSError`` for files).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class OmomiError(Exception):
    """Base of every error that Omomi raises on purpose.

    Args:
        problem: one sentence that says what is wrong.
        where: the layer (with its name), file or argument it happened in.
        expected: what would have been right.
        received: what came instead.
        fix: the likely remedy, as an instruction.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str | None = None,
        expected: object = None,
        received: object = None,
        fix: str | None = None,
    ) -> None:
        self.problem, self.where, self.expected, self.received, self.fix = (
            problem,
            where,
            expected,
            received,
            fix,
        )
        lines = [f"{where}: {problem}" if where else problem]
        lines += [
            f"  {label}: {text}"
            for label, text in (("expected", expected), ("received", received), ("fix", fix))
            if text is not None
        ]
        super().__init__("\n".join(lines))


class ShapeError(OmomiError, ValueError):
    """An array has the wrong rank, length or number of channels."""


class DtypeError(OmomiError, TypeError):
    """An array holds the wrong kind of numbers."""


class DataError(OmomiError, ValueError):
    """A data set cannot be trained on: empty, unequal lengths, labels out of range, not finite."""


class ConfigurationError(OmomiError, ValueError):
    """Options contradict each other or lie outside their range."""


class NotBuiltError(OmomiError, RuntimeError):
    """Something was asked of a layer or model before its parameters exist."""


class EngineError(OmomiError, RuntimeError):
    """An engine is unknown, not installed, or cannot run here."""


class NonFiniteError(OmomiError, ArithmeticError):
    """Training met a NaN or an infinity; the last good weights were kept.

    Attributes:
        step: the number of the step that met it.
        culprit: where the first such number came from: a rule, its layer and direction; a parameter; or the data.
    """

    def __init__(
        self, problem: str, *, step: int = -1, culprit: str = "", where: str | None = None, fix: str | None = None
    ) -> None:
        self.step, self.culprit = step, culprit
        super().__init__(problem, where=where, received=f"the first such number: {culprit}", fix=fix)


class FileFormatError(OmomiError, ValueError):
    """A file is truncated, corrupt, too large, or not of the kind it should be."""


class FileAccessError(OmomiError, OSError):
    """A file or folder cannot be read or written."""


class DownloadError(OmomiError, OSError):
    """A data set is neither on this machine nor could it be fetched."""


class UnknownNameError(OmomiError, ValueError):
    """A name (of a layer, loss, optimiser, …) that nobody registered; the message names the nearest one."""

    def __init__(
        self, kind: str, name: object, known: Iterable[str], *, where: str | None = None, fix: str | None = None
    ) -> None:
        self.name = name
        names = sorted(known)
        close = get_close_matches(str(name).lower(), [n.lower() for n in names], n=1, cutoff=0.5)
        nearest = next((n for n in names if close and n.lower() == close[0]), None)
        super().__init__(
            f"there is no {kind} named {name!r}.",
            where=where,
            expected="one of " + ", ".join(names),
            fix=fix or (f"did you mean {nearest!r}?" if nearest else None),
        )

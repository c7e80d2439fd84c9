"""Processes of contenders as the driver sees them: started one by one, stopped while another one is timed."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections import deque
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.messages import Failed

ROOT = Path(__file__).resolve().parent.parent
# Every library's own name for the number of threads.
THREAD_VARIABLES = (
    "OMOMI_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def environment(name: str, threads: int, **more: str) -> dict[str, str]:
    """The variables of a contender's process."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
        **CONTENDERS[name].environment,
        **more,
    }


def use_cores(threads: int) -> None:
    """Let this process, and those it starts, run on no more cores than they have threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class WorkerError(Exception):
    """A worker ended without an answer."""


class Worker:
    """A contender's process. It is stopped (SIGSTOP) from the start of one answer to the next question.

    A stopped process takes no time from the one that is measured: libraries whose idle threads spin for work do not
    disturb the others, and nobody has to be told to sleep in a way that would slow it down.

    Args:
        name: of the contender.
        threads: for its libraries.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.connection, theirs = Pipe()
        # A terminal, so that progress bars are drawn; what they draw is read and thrown away but for the end.
        master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(theirs.fileno())],
            env=environment(name, threads),
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
        )
        theirs.close()
        os.close(terminal)
        self._said: deque[bytes] = deque(maxlen=64)
        threading.Thread(target=self._listen, args=(master,), daemon=True).start()

    def _listen(self, master: int) -> None:
        try:
            while text := os.read(master, 4096):
                self._said.append(text)
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(master)

    def ask(self, order: Any) -> Any:
        """Wake the process, send an order, wait for the answer, stop the process again.

        Raises:
            WorkerError: it ended instead.
        """
        try:
            self.process.send_signal(signal.SIGCONT)
            self.connection.send(order)
            answer = self.connection.recv()
            self.process.send_signal(signal.SIGSTOP)
        except (EOFError, OSError):
            said = b"".join(self._said).decode(errors="replace")
            raise WorkerError(f"{self.name} ended with code {self.process.wait()}: {said[-2000:]}") from None
        return answer

    def run(self, count: int) -> float:
        """Let it do the work so many times; returns the seconds of doing it once.

        Raises:
            WorkerError: it failed.
        """
        answer = self.ask(count)
        if isinstance(answer, Failed):
            raise WorkerError(f"{self.name} failed: {answer.reason}")
        return float(answer) / count

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.kill()
        self.process.wait()

"""Who runs the chunks: the calling thread, and helpers that take chunks off it.

The caller publishes a job (machine code, block, number of chunks) and starts on its chunks itself. Helpers that are
awake claim chunks too, one by one. At the end the caller waits only for chunks that somebody has begun. So nobody ever
waits for a helper to wake up, and without helpers the caller simply does everything: in a forked child, which has no
other threads, and in a second Python thread that launches while the first one's job is running.

Which thread does a chunk makes no difference to its result, but it does to its speed: what a core has worked on is
still in its own cache. So each thread has a range of chunks of its own, the same share of every job, and takes from it
first; then it helps the others, from the far ends of their ranges. A range is one word, the *ticket*:

    ticket = workers · 2⁴⁰ + end · 2²⁰ + next          own chunk: next → next + 1, another's: end → end − 1

A claim is one indivisible operation: if the ticket is still what I read, write the changed one. What the job is, is
read after that: the caller puts the next job in its place only when every claimed chunk is done. *workers* is how many
threads may take part in the job; thread 5 takes nothing from a job for four.

Helpers are Python threads that spend their life inside compiled code, without the interpreter's lock. Between jobs they
look at the tickets for a short time and then sleep; the next run wakes them.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omomi.engines.cpu import library
from omomi.engines.cpu.kernel import helper, routine, share
from omomi.engines.cpu.primitives import (
    add_word,
    call,
    exchange_word,
    flush_denormals,
    give_way,
    load_word,
    relax,
    set_rounding,
    store_word,
)
from omomi.errors import ConfigurationError

VARIABLE = "OMOMI_NUM_THREADS"
WORKERS_VARIABLE = "NUMBA_NUM_THREADS"
MOST_THREADS = 64
SPIN_SECONDS = 0.5e-3  # how long a helper looks for work before it sleeps: longer than the pause between two steps

# The state that the threads share: 64-bit words, those that different threads write on cache lines of their own.
DONE, JOB, STOP = 0, 8, 16  # JOB: function, block, chunks
TICKETS = 24  # a line for each thread: its ticket, and whether it sleeps
_LINE = 8
_ASLEEP = 1
_FIELD = 2**20  # the numbers in a ticket are smaller
MOST_CHUNKS = _FIELD - 1


@helper
def claim(state: int, own: int, threads: int) -> int:
    """A chunk for thread ``own``: from its own range, else from another's; −1 if nothing is left."""
    for i in range(threads):
        place = state + 8 * (TICKETS + _LINE * ((own + i) % threads))
        while True:
            ticket = load_word(place)
            first, end, workers = ticket % _FIELD, ticket // _FIELD % _FIELD, ticket // _FIELD // _FIELD
            if first >= end or own >= workers:
                break
            if i == 0:
                if exchange_word(place, ticket, ticket + 1):
                    return first
            elif exchange_word(place, ticket, ticket - _FIELD):
                return end - 1
    return -1


@routine(generic=False)
def run_program(state: int, program: int, launches: int, threads: int) -> int:
    """Run a table of launches, one after the other; each row is function, block, chunks, workers.

    ``threads``: how many there are. A row's workers says how many of them may take part in it.

    Meanwhile numbers too small to be normal are 0. Running means of gradients that stay 0 sink to such numbers, and the
    processor takes a hundred times as long for them.
    """
    mode = flush_denormals()
    for i in range(launches):
        row = program + 32 * i
        function, block, chunks = load_word(row), load_word(row + 8), load_word(row + 16)
        workers = min(threads, load_word(row + 24))
        if chunks == 1 or workers == 1:
            for chunk in range(chunks):
                call(function, block, chunk, chunks, 0)
        else:
            store_word(state + 8 * JOB, function)
            store_word(state + 8 * (JOB + 1), block)
            store_word(state + 8 * (JOB + 2), chunks)
            store_word(state + 8 * DONE, 0)
            for worker in range(workers):
                first, end = share(chunks, worker, workers)
                store_word(state + 8 * (TICKETS + _LINE * worker), (workers * _FIELD + end) * _FIELD + first)
            mine = 0
            chunk = claim(state, 0, threads)
            while chunk >= 0:
                call(function, block, chunk, chunks, 0)
                mine += 1
                chunk = claim(state, 0, threads)
            waited = 0
            while load_word(state + 8 * DONE) + mine < chunks:  # helpers are still at work
                waited += 1
                relax()
                if waited > 10000:
                    give_way()
    set_rounding(mode)
    return 0


@routine(generic=False)
def help_out(state: int, worker: int, threads: int, patience: int, polite: int) -> int:
    """A helper's life: claim chunks, until there is nothing to do for ``patience`` looks, or until STOP."""
    mode = flush_denormals()
    idle = 0
    while load_word(state + 8 * STOP) == 0:
        chunk = claim(state, worker, threads)
        if chunk >= 0:
            function, block = load_word(state + 8 * JOB), load_word(state + 8 * (JOB + 1))
            call(function, block, chunk, load_word(state + 8 * (JOB + 2)), worker)
            add_word(state + 8 * DONE, 1)
            idle = 0
        else:
            idle += 1
            relax()
            if polite:
                give_way()
            if idle > patience:
                store_word(state + 8 * (TICKETS + _LINE * worker + _ASLEEP), 1)
                set_rounding(mode)
                return 1
    set_rounding(mode)
    return 0


def _function(declared: Any, count: int) -> Any:
    """A routine as a function of ctypes, which releases the interpreter's lock while it runs."""
    address = library.current().address(declared, "float32")
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(address)


class Pool:
    """The caller and its helpers.

    Args:
        threads: how many in all; more than there are cores is allowed.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        words = np.zeros(TICKETS + _LINE * (threads + 1), np.int64)
        self._state = words[-words.ctypes.data % 64 // 8 :]  # cut at the start of a cache line
        self._address = int(self._state.ctypes.data)
        self._run, self._help = _function(run_program, 4), _function(help_out, 5)
        self._busy = threading.Lock()
        self._beds = [threading.Lock() for _ in range(1, threads)]
        # With more threads than cores a helper that only looks for work must not keep one that works off its core.
        self._polite = threads > cores()
        self._patience = self._looks_in(SPIN_SECONDS) if threads > 1 else 0
        self._helpers: list[threading.Thread] = []
        self._process = os.getpid()
        for worker, bed in enumerate(self._beds, start=1):
            bed.acquire()
            helper = threading.Thread(target=self._live, args=(worker, bed), name=f"omomi-{worker}", daemon=True)
            helper.start()
            self._helpers.append(helper)

    def __repr__(self) -> str:
        return f"<pool of {self.threads} threads>"

    def run(self, table: NDArray[np.int64], parallel: bool = True) -> None:
        """Run launches in order, one per row: function, block, chunks, workers. Returns when all of them are done.

        Unless one of them is ``parallel``, no helper is woken.
        """
        if not parallel or not self._helpers or self._process != os.getpid() or not self._busy.acquire(blocking=False):
            self._run(self._address, table.ctypes.data, len(table), 1)
            return
        try:
            for worker in range(1, self.threads):
                self._wake(worker)
            self._run(self._address, table.ctypes.data, len(table), self.threads)
        finally:
            self._busy.release()

    def close(self) -> None:
        """Send the helpers home. A later run is the caller's alone."""
        helpers, self._helpers = self._helpers, []
        if self._process != os.getpid():
            return
        with self._busy:
            self._state[STOP] = 1
            for worker, helper in enumerate(helpers, start=1):
                while helper.is_alive():
                    self._wake(worker)
                    helper.join(timeout=1e-3)

    def _live(self, worker: int, bed: threading.Lock) -> None:
        while self._help(self._address, worker, self.threads, self._patience, self._polite):
            bed.acquire()

    def _wake(self, worker: int) -> None:
        """Wake a helper if it sleeps."""
        asleep = TICKETS + _LINE * worker + _ASLEEP
        if self._state[asleep]:
            self._state[asleep] = 0
            self._beds[worker - 1].release()

    def _looks_in(self, seconds: float) -> int:
        """How many looks at the tickets a helper takes in that time."""
        probe, looks = np.zeros(TICKETS + _LINE * (self.threads + 1), np.int64), 1000
        start = time.perf_counter()
        self._help(int(probe.ctypes.data), 1, self.threads, looks, False)
        return max(1, int(looks * seconds / (time.perf_counter() - start)))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wanted_threads() -> int:
    """How many threads are asked for, or as many as there are cores.

    OMOMI_NUM_THREADS says it; without it NUMBA_NUM_THREADS does, which joblib sets in its workers (scikit-learn's
    ``n_jobs``), so that together they do not start more threads than there are cores.
    """
    for variable in (VARIABLE, WORKERS_VARIABLE):
        text = os.environ.get(variable, "")
        if not text:
            continue
        if not text.isdecimal() or not 1 <= int(text) <= MOST_THREADS:
            raise ConfigurationError(
                "the number of threads is not usable.",
                where=variable,
                expected=f"a whole number from 1 to {MOST_THREADS}",
                received=text,
            )
        return int(text)
    return min(cores(), MOST_THREADS)


_pool: Pool | None = None
_making = threading.Lock()


def pool() -> Pool:
    """The process's pool, made with its first launch."""
    global _pool
    if _pool is None:
        with _making:
            if _pool is None:
                _pool = Pool(wanted_threads())
    return _pool


def set_threads(count: int) -> None:
    """Let that many threads take part from now on. Launches made before keep to the number they were made for."""
    global _pool
    with _making:
        if _pool is not None:
            _pool.close()
        _pool = Pool(count)


@atexit.register
def _close() -> None:
    if _pool is not None:
        _pool.close()


def _forked() -> None:
    """In a forked child: no helpers, no lock that another thread held, and nothing left of a job."""
    global _making, _pool
    _making = threading.Lock()
    if _pool is not None:
        _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

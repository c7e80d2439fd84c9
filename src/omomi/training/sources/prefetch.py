"""Batches that are made ready in the background while the step before runs.

One thread makes them, in the order in which they are wanted: what comes out does not depend on who was faster.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any

logger = logging.getLogger("omomi")

PATIENCE = 5.0  # seconds that a thread in the middle of a batch is waited for
LOOK = 0.05  # seconds after which a thread that waits for a place looks whether it is still wanted


@dataclass
class Waiting:
    """How long training has waited for its data.

    Attributes:
        seconds: all together.
        batches: how many it got.
    """

    seconds: float = 0.0
    batches: int = 0


def ahead(items: Iterator[Any], depth: int, waiting: Waiting | None = None) -> Generator[Any, None, None]:
    """The same items in the same order, up to ``depth`` of them made before they are asked for.

    What fails in the thread is raised here, with the traceback from there. Closing this generator ends the thread:
    close it (``contextlib.closing``), since the traceback of an error may keep it alive.

    Args:
        items: made in the thread; 0 makes them here, when asked.
        depth: how many may wait.
        waiting: what is counted in it, if it is given.
    """
    waiting = Waiting() if waiting is None else waiting
    took = _here(items) if depth == 0 else _there(items, depth)
    try:
        while True:
            began = time.perf_counter()
            item = next(took, END)
            if item is END:
                return
            waiting.seconds += time.perf_counter() - began
            waiting.batches += 1
            yield item
    finally:
        took.close()


END = object()


def _here(items: Iterator[Any]) -> Generator[Any, None, None]:
    yield from items


def _there(items: Iterator[Any], depth: int) -> Generator[Any, None, None]:
    ready: Queue[tuple[Any, BaseException | None]] = Queue(depth)
    unwanted = threading.Event()

    def put(item: Any, error: BaseException | None = None) -> bool:
        while not unwanted.is_set():
            try:
                ready.put((item, error), timeout=LOOK)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(END)
        except BaseException as error:  # also what is no Exception: whoever waits must hear of it
            put(END, error)
        finally:
            if isinstance(items, Generator):
                items.close()  # where it ran; its "finally" may close files

    thread = threading.Thread(target=work, name="omomi prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is END:
                return
            yield item
    finally:
        unwanted.set()
        try:
            while True:  # batches that nobody wants need not live as long as the thread
                ready.get_nowait()
        except Empty:
            pass
        thread.join(PATIENCE)
        if thread.is_alive():
            logger.warning("the thread that prepares batches is still busy with one; it ends after it")

"""One life of a training run, in a process of its own.

``python -m tests.training.life RUN ENGINE FOLDER [PLACE AFTER]`` goes on from the checkpoints in the folder, says
"ready" when training begins, and at its end prints the hashes of everything that training has made. With PLACE it kills
itself there (SIGKILL: nothing is cleaned up, no file is closed), when it has been there AFTER times before.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omomi
from omomi.callbacks import Callback
from omomi.engines.cpu.launch import Program
from omomi.engines.selection import current
from omomi.files import tensors
from omomi.files.writing import writing
from omomi.training import loop
from tests.training import lives

EVERY = 3  # steps


class Ready(Callback):
    """Says that training begins, for whoever counts the time from there."""

    def on_train_begin(self, logs: Any = None) -> None:
        print("ready", flush=True)


class Death:
    """Comes at a place, when it was called there so many times before."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def before(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """This function, but it may be the last thing that was to happen."""

        def function(*arguments: Any, **options: Any) -> Any:
            self()
            return original(*arguments, **options)

        return function

    def after(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """This function, but it may be the last thing that happened."""

        def function(*arguments: Any, **options: Any) -> Any:
            found = original(*arguments, **options)
            self()
            return found

        return function


def half_written(death: Death) -> None:
    """Some bytes of a checkpoint are in its temporary file, the others not yet."""

    def write_bytes(path: Path, data: bytes) -> None:
        with writing(path) as file:
            file.write(data[: len(data) // 2])
            file.flush()
            death()
            file.write(data[len(data) // 2 :])

    tensors.write_bytes = write_bytes


def not_renamed(death: Death) -> None:
    """A checkpoint is written, and does not have its name yet."""
    os.replace = death.before(os.replace)


def not_counted(death: Death) -> None:
    """A checkpoint is there, the oldest one is not yet removed."""
    os.replace = death.after(os.replace)


def counted(death: Death) -> None:
    """The oldest checkpoint has just been removed."""
    original, with_death = Path.unlink, death.after(Path.unlink)
    Path.unlink = lambda path, *a, **o: (with_death if "checkpoint" in path.name else original)(path, *a, **o)


def within(death: Death) -> None:
    """A step is half computed: between two rules, or two pieces of a plan."""
    engine = current()
    engine.forward = death.before(engine.forward)
    Program.run = death.before(Program.run)


def computed(death: Death) -> None:
    """A step is computed, and the model does not have its new state yet."""
    loop.put = death.before(loop.put)


# Each place, and how often it is passed at most before the end comes.
PLACES = {half_written: 6, not_renamed: 6, not_counted: 6, counted: 6, within: 150, computed: 40}
BY_NAME = {place.__name__: place for place in PLACES}

if __name__ == "__main__":
    run, engine, folder, *where = sys.argv[1:]
    omomi.use(engine)
    if where:
        BY_NAME[where[0]](Death(int(where[1])))
    checkpoints = omomi.Checkpoints(folder, every=EVERY)
    print(json.dumps(lives.live(run, Ready(), checkpoint=checkpoints, resume=True)), flush=True)

"""Checkpoints that are not as they were written, and disks that have no room: noticed, said, and survived.

OMOMI_DAMAGES says how many damaged checkpoints are tried; ``make kills`` asks for 1,000.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

import omomi
from omomi import Checkpoints, errors
from tests.training import lives

DAMAGES = int(os.environ.get("OMOMI_DAMAGES", "100"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint with everything in it: slots, history, ledger, what callbacks remember."""
    folder = tmp_path_factory.mktemp("whole")
    with omomi.use("numpy"):
        lives.live("lstm", checkpoint=folder, resume=True, epochs=2)
    return Checkpoints(folder).files()[0]


def cut_short(content, choose):
    return content[: choose.randrange(len(content))]


def bit_flipped(content, choose):
    damaged = bytearray(content)
    damaged[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(damaged)


def half_written(content, choose):
    """The length is right, but from somewhere on, or in a block of 512 bytes, nothing has reached the disk."""
    start = choose.randrange(len(content) - 1)
    end = len(content) if choose.random() < 0.5 else min(start + 512, len(content))
    damaged = content[:start] + bytes(end - start) + content[end:]
    return damaged if damaged != content else bit_flipped(content, choose)


def grown(content, choose):
    return content + bytes(choose.randrange(1, 600))


@pytest.mark.parametrize("make", [cut_short, bit_flipped, half_written, grown])
def test_every_damage_is_noticed(checkpoint, make, tmp_path):
    whole, choose, noticed = checkpoint.read_bytes(), random.Random(make.__name__), Counter()
    folder = Checkpoints(tmp_path)
    path = tmp_path / checkpoint.name
    path.write_bytes(whole)
    assert folder.latest().arrays  # this one is read
    for _ in range(DAMAGES // 4):
        path.write_bytes(make(whole, choose))
        try:
            folder.latest()
        except errors.FileFormatError:
            noticed[True] += 1
        else:
            noticed[False] += 1
    print(f"{make.__name__}: {noticed[True]} of {sum(noticed.values())} damaged checkpoints noticed")
    assert noticed[False] == 0


LITTLE_ROOM = """
import resource, sys
import omomi
from omomi.callbacks import LambdaCallback
from tests.training import lives

def full(epoch, logs):
    if epoch == 2:  # from here on no file may be larger than this, as if the disk had no room for it
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))

omomi.use("numpy")
print(lives.live("cnn", LambdaCallback(on_epoch_begin=full), checkpoint=sys.argv[1], resume=True)["weights"])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets a limit of Linux")
def test_a_disk_without_room_is_said_and_the_older_checkpoints_stay(tmp_path):
    command = [sys.executable, "-c", LITTLE_ROOM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "no checkpoint of step 24, training goes on without it" in done.stderr
    assert "file too large" in done.stderr
    folder = Checkpoints(tmp_path)
    assert [path.name for path in folder.files()] == [
        "checkpoint-000000016.safetensors",
        "checkpoint-000000008.safetensors",
    ]
    assert folder.latest().header["cursor"]["epoch"] == 2
    assert not list(tmp_path.glob(".omomi-*"))
    with omomi.use("numpy"):
        expected = lives.live("cnn")
        assert done.stdout.strip() == expected["weights"]  # training went on
        assert lives.live("cnn", checkpoint=folder, resume=True) == expected  # and so it does from what was kept

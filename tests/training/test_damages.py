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
import errno, resource, sys
import omomi
from omomi.callbacks import LambdaCallback
from tests.training import lives

def full(epoch, logs):
    if epoch == 2 and sys.argv[2] == "limit":  # from here on no file may be larger than this
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    if epoch == 2 and sys.argv[2] == "disk":  # from here on something else has taken all the room
        with open(sys.argv[1] + "/else", "wb", buffering=0) as file:
            try:
                while file.write(bytes(512)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC

omomi.use("numpy")
print(lives.live("cnn", LambdaCallback(on_epoch_begin=full), checkpoint=sys.argv[1], resume=True)["weights"])
"""


@pytest.fixture(params=["limit", "disk"])
def little_room(request, tmp_path):
    """A folder without room for a third checkpoint, and why: a limit on files, or a disk of 64 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path]
    if request.param == "disk" and subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk of one's own needs the rights to mount it")
    yield tmp_path, request.param
    if request.param == "disk":
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets a limit of Linux, mounts a file system of Linux")
def test_a_disk_without_room_is_said_and_the_older_checkpoints_stay(little_room):
    where, why = little_room
    command = [sys.executable, "-c", LITTLE_ROOM, str(where), why]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "no checkpoint of step 24, training goes on without it" in done.stderr
    assert {"limit": "file too large", "disk": "no space left"}[why] in done.stderr
    assert done.stderr.count("no checkpoint of step") == 5  # after each of four epochs, and at the end
    folder = Checkpoints(where)
    assert [path.name for path in folder.files()] == [
        "checkpoint-000000016.safetensors",
        "checkpoint-000000008.safetensors",
    ]
    assert folder.latest().header["cursor"]["epoch"] == 2
    assert not list(where.glob(".omomi-*"))
    (where / "else").unlink(missing_ok=True)
    with omomi.use("numpy"):
        expected = lives.live("cnn")
        assert done.stdout.strip() == expected["weights"]  # training went on
        assert lives.live("cnn", checkpoint=folder, resume=True) == expected  # and so it does from what was kept

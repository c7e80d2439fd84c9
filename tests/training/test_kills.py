"""Killed at random, again and again, and resumed: the end is that of a run that nobody killed.

OMOMI_KILLS says how many kills there are; ``make kills`` asks for 200, and shows how many went where.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

import omomi
from omomi import Checkpoints
from tests.training import lives
from tests.training.life import PLACES

KILLS = int(os.environ.get("OMOMI_KILLS", "0"))
LONG = [(run, engine) for run in lives.RUNS for engine in ("numpy", "numba")]
SHORT = [("mlp", "numba"), ("cnn", "numpy")]
LONGEST = 0.15  # seconds from the beginning of training to a kill from outside
ANYWHERE = "anywhere"


def one_life(run, engine, folder, choose):
    """Let it live; the place of its death, or ``None``, and what it has printed at its end."""
    places = [ANYWHERE, ANYWHERE, *PLACES]
    place = choose.choice(places)
    where = [] if place is ANYWHERE else [place.__name__, str(choose.randrange(PLACES[place]))]
    command = [sys.executable, "-m", "tests.training.life", run, engine, str(folder), *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if place is ANYWHERE:
            process.stdout.readline()  # "ready"
            try:
                process.wait(choose.uniform(0, LONGEST))
            except subprocess.TimeoutExpired:
                process.kill()
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode in (0, -9), err
    if process.returncode == 0:
        return None, json.loads(out.splitlines()[-1])
    return place if place is ANYWHERE else place.__name__, None


@pytest.mark.parametrize(("run", "engine"), LONG if KILLS else SHORT)
def test_random_kills_change_nothing(run, engine, tmp_path):
    wanted = -(-KILLS // len(LONG)) if KILLS else 3
    with omomi.use(engine):
        expected = lives.live(run)
    choose = random.Random(f"{run} {engine}")
    killed, ends, folder = Counter(), 0, tmp_path / "0"
    while sum(killed.values()) < wanted:
        place, found = one_life(run, engine, folder, choose)
        if place is not None:
            killed[place] += 1
            continue
        assert found == expected
        assert not list(folder.glob("*.damaged"))  # no kill leaves half a file under the name of a whole one
        ends += 1
        folder = tmp_path / str(ends)
    with omomi.use(engine):  # the last run comes to its end in peace
        assert lives.live(run, checkpoint=Checkpoints(folder), resume=True) == expected
    places = ", ".join(f"{place} {count}" for place, count in sorted(killed.items()))
    print(f"{run} on {engine}: {sum(killed.values())} kills ({places}), {ends + 1} runs ended, 0 differences")

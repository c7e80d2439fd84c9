"""The harness from end to end, with Omomi's two engines and toys: processes, checks, rounds, JSON."""

from __future__ import annotations

import json
import os
import signal
import time

import numpy as np
import pytest
from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.contender import Steps, Task, UnsupportedError
from benchmarks.contenders.numpy_by_hand import ByHand
from benchmarks.messages import Failed, Prepare
from benchmarks.networks import data, initial_weights
from benchmarks.processes import Worker, WorkerError
from benchmarks.side_by_side import Plan, agree, measure, rounds
from benchmarks.worker import answer, check_learning, check_outputs, choose

import omomi
from benchmarks import profile, results
from tests.benchmarks.toys import EPOCH, PREDICT, TRAIN_CNN, TRAIN_DEEPER, TRAIN_MLP

PLAN = Plan(rounds=2, seconds=0.01, threads=2, warm_seconds=0.01)
ENGINES = ("omomi-numba", "omomi-numpy")


def task(work):
    x, y = data(work.network, work.samples)
    return Task(work, initial_weights(work.network), x, y, 2)


@pytest.mark.parametrize("work", [TRAIN_CNN, TRAIN_MLP, PREDICT, EPOCH], ids=lambda work: work.name)
def test_a_work_is_measured_side_by_side(work):
    found = measure(work, [*ENGINES, "numpy"], PLAN, say=lambda line: None)
    found = json.loads(json.dumps(found))  # plain data
    by_hand = work is TRAIN_MLP
    assert set(found["contenders"]) == {*ENGINES, *(["numpy"] if by_hand else [])}
    for numbers in found["contenders"].values():
        assert len(numbers["seconds"]) == 2
        assert 0 < numbers["min"] <= numbers["median"] <= numbers["max"]
        assert numbers["gflops"] == pytest.approx(work.flops / numbers["median"] / 1e9)
        assert numbers["versions"]
    assert found["fastest_peer"] == ("numpy" if by_hand else None)
    if by_hand:
        ours, theirs = (found["contenders"][name]["seconds"] for name in ("omomi-numba", "numpy"))
        per_round = sorted(b / a for a, b in zip(ours, theirs, strict=True))
        ratio = found["ratios"]["omomi-numba"]["numpy"]
        assert [ratio["min"], ratio["max"]] == pytest.approx(per_round)
    else:
        assert "numpy" in found["left_out"]


def test_a_worker_is_stopped_unless_it_is_asked():
    worker = Worker("numpy", 1)
    try:
        worker.ask(Prepare(TRAIN_MLP, 1, 0.01))
        state = os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED | os.WNOWAIT)
        assert state is not None
        assert state.si_status == signal.SIGSTOP
        assert worker.run(3) > 0
    finally:
        worker.close()
    assert worker.process.returncode is not None


def test_a_worker_that_dies_says_what_it_printed():
    worker = Worker("numpy", 1)
    try:
        with pytest.raises(WorkerError, match="to prepare"):
            worker.run(1)  # before it was told what
        worker.process.send_signal(signal.SIGKILL)
        with pytest.raises(WorkerError, match="ended with code"):
            worker.run(1)
    finally:
        worker.close()


def test_everybody_s_turn_comes_in_every_round_and_each_round_begins_with_another():
    turns = []

    class Told:
        def __init__(self, name):
            self.name = name

        def run(self, count):
            turns.append((self.name, count))
            return 0.5

    seconds = rounds({"a": Told("a"), "b": Told("b")}, {"a": 0.1, "b": 5.0}, Plan(rounds=2, seconds=1.0))
    # a does it 10 times a turn after a run-up of 1; b once, without a run-up
    assert turns == [("a", 1), ("a", 10), ("b", 1), ("b", 1), ("a", 1), ("a", 10)]
    assert seconds == {"a": [0.5, 0.5], "b": [0.5, 0.5]}


def test_the_fastest_variant_is_chosen():
    def sleeping(seconds):
        return lambda: Steps(lambda: time.sleep(seconds), [()], lambda x: x)

    label, tried = choose({"slow": sleeping(0.004), "fast": sleeping(0.001)}, 0.02)
    assert label == "fast"
    assert tried["fast"] < tried["slow"]


def test_wrong_outputs_are_found():
    right = ByHand().build(task(TRAIN_MLP))
    check_outputs(task(TRAIN_MLP), right)
    wrong = Steps(right.step, [()], lambda x: right.outputs(x) + 0.001)
    with pytest.raises(AssertionError, match="differ from the formulas"):
        check_outputs(task(TRAIN_MLP), wrong)


def test_training_that_does_not_learn_is_found():
    right = ByHand().build(task(TRAIN_MLP))
    idle = Steps(lambda: None, [()], right.outputs)
    with pytest.raises(AssertionError, match="does not learn"):
        check_learning(task(TRAIN_MLP), idle)
    assert check_learning(task(TRAIN_MLP), right) is not None


def test_contenders_that_train_differently_are_found():
    p = np.full((4, 3), 1 / 3)
    agree({"a": p, "b": p + 0.001})
    with pytest.raises(AssertionError, match="b and a differ"):
        agree({"a": p, "b": p + 0.1})


def test_a_contender_that_fails_or_does_not_fit_is_an_answer():
    class Broken:
        def variants(self, task):
            raise RuntimeError("no such operator")

    class Unfit:
        def variants(self, task):
            raise UnsupportedError("inference only")

    order = Prepare(TRAIN_MLP, 1, 0.01)
    _, failed = answer(Broken(), None, order)
    assert isinstance(failed, Failed)
    assert not failed.unsupported
    assert "no such operator" in failed.reason
    _, unfit = answer(Unfit(), None, order)
    assert unfit == Failed("inference only", True)


@pytest.mark.parametrize(
    ("work", "channels"), [(TRAIN_CNN, {0, 1, 4}), (TRAIN_DEEPER, {0, 1, 16, 32})], ids=lambda value: str(value)[:12]
)
def test_a_profile_s_launches_hold_all_operations_that_are_counted_from_the_shapes(work, channels):
    with omomi.use("numba"):
        found = profile.measure(work, 2, repeats=3)
    assert sum(part["flops"] for part in found["parts"]) == found["flops"] == work.flops
    assert {part["channels"] for part in found["parts"]} == channels
    assert all(part["executed"] <= part["flops"] for part in found["parts"])
    assert found["peak_gflops"] > 0
    assert all(part["seconds"] > 0 for part in found["parts"])


def test_every_contender_can_be_found():
    for name, entry in CONTENDERS.items():
        assert entry.installed in (True, False), name
    assert CONTENDERS["omomi-numba"].installed
    assert [name for name, entry in CONTENDERS.items() if entry.ours] == [*ENGINES, "omomi-jax"]


def test_results_are_kept_between_runs_and_not_mixed_between_machines(tmp_path):
    path = tmp_path / "runs" / "results.json"
    found = results.read(path)
    machine = {"processor": "a", "cores": 2, "threads": 2, "python": "3.11", "versions": {"numpy": "2.4"}}
    results.check_machine(found, machine)
    found["machine"] = machine
    found["works"]["cnn-32"] = {"seconds": [0.123456789]}
    results.write(path, found)
    again = results.read(path)
    assert again["works"] == {"cnn-32": {"seconds": [0.12346]}}
    results.check_machine(again, machine)
    with pytest.raises(ValueError, match="threads"):
        results.check_machine(again, machine | {"threads": 1})

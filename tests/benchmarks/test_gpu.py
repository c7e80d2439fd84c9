"""The comparison on a GPU, as far as a processor can try it: its works, its schedule, its table, Omomi's part of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.contender import Task
from benchmarks.networks import data, initial_weights

import omomi
from benchmarks import gpu, time_to_99


def test_the_works_and_contenders_are_those_that_are_asked_for():
    assert list(gpu.works(False)) == ["cnn-32", "cnn-128", "cnn-1024", "wider-cnn-256", "mlp-128"]
    assert set(gpu.NAMES) <= set(CONTENDERS)


def test_rates_in_stairs_are_those_of_the_first_steps():
    rates = {}
    for cls in (time_to_99.OneCycle, gpu.OneCycleInStairs):
        cycle = cls(time_to_99.CHOSEN, 60_000)
        cycle.model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.0))
        cycle.params = {"steps": 469}
        cycle.on_epoch_begin(0, {})
        seen = rates[cls] = {}
        for batch in range(469):
            if cls is time_to_99.OneCycle or batch % 23 == 0:
                cycle.on_train_batch_begin(batch, {})
                seen[batch] = cycle.model.optimizer.learning_rate
    stairs = rates[gpu.OneCycleInStairs]
    assert stairs == {batch: rates[time_to_99.OneCycle][batch] for batch in stairs}


def test_the_table():
    work = {"title": "CNN", "contenders": {"omomi-jax": {"median": 0.001}, "torch-gpu": {"median": 0.0025}}}
    assert gpu.table({"works": {"cnn": work}}).splitlines() == [
        "| | Omomi, JAX engine | PyTorch |",
        "| --- | ---: | ---: |",
        "| CNN | 1.000 ms | 2.500 ms |",
    ]


def test_omomi_s_steps_learn():
    with omomi.use("jax"):
        work = gpu.works(True)["mlp-8"]
        x, y = data(work.network, work.samples)
        contender = CONTENDERS["omomi-jax"].load()
        (build,) = contender.variants(Task(work, initial_weights(work.network), x, y, 1)).values()
        runner = build()
        before = runner.outputs(x)
        runner.run(19)  # two groups of eight, and three single steps
        assert int(runner.model.optimizer.iterations.array) == 19
        right = y.argmax(1)
        rows = np.arange(len(y))
        assert runner.outputs(x)[rows, right].mean() > before[rows, right].mean()
        assert contender.versions()["device"].startswith("cpu")

"""The comparison on a GPU, as far as a processor can try it: its works, its schedule, its table, Omomi's part of it."""

from __future__ import annotations

import numpy as np
from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.contender import Task
from benchmarks.networks import data, initial_weights

import omomi
from benchmarks import gpu, gpu_to_99, time_to_99


def test_the_works_and_contenders_are_those_that_are_asked_for():
    assert list(gpu.works(False)) == ["cnn-32", "cnn-128", "cnn-1024", "wider-cnn-256", "mlp-128"]
    assert set(gpu.NAMES) <= set(CONTENDERS)


def test_the_table():
    work = {"title": "CNN", "contenders": {"omomi-jax": {"median": 0.001}, "torch-gpu": {"median": 0.0025}}}
    assert gpu.table({"works": {"cnn": work}}).splitlines() == [
        "| | Omomi, JAX engine | PyTorch |",
        "| --- | ---: | ---: |",
        "| CNN | 1.000 ms | 2.500 ms |",
    ]


def test_the_recipe_is_trained_by_omomi():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    x = np.zeros((64, 28, 28, 1), np.uint8)
    x[labels == 1, 8:20, 8:20] = 255  # a square, or nothing
    recipe = time_to_99.Recipe(((2, 5), (3, 3)), "adam", 0.02, 8, 4)
    seconds, outputs = gpu_to_99.by_omomi(recipe, x, np.eye(10, dtype=np.float32)[labels], x, seed=0)
    assert seconds > 0
    assert (outputs.argmax(1) == labels).mean() > 0.9


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

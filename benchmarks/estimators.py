"""The scikit-learn estimators beside scikit-learn's own network: ``python -m benchmarks.estimators``.

``NeuralClassifier`` and ``MLPClassifier`` are fitted in turn on the same data in the same dtype, with the same
architecture, batch, number of epochs, Adam and its rate, without a penalty, on as many threads. Each round has a seed
of its own; accuracy is the mean on data held out. Then a grid search over the digits runs in one process and in two,
every process on one thread.

``OMOMI_DATA`` names the folder with MNIST; without it the digits are measured alone.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from benchmarks import mnist
from benchmarks.machine import Noise, describe
from benchmarks.statistics import speedup, summary
from omomi.datasets import mnist as mnist_data
from omomi.engines.cpu import threads
from omomi.interop.sklearn import NeuralClassifier

IMAGES = 20_000


@dataclass(frozen=True)
class Fit:
    """One comparison.

    Attributes:
        data: x and y to train on, x and y to judge by.
    """

    name: str
    data: tuple[Any, Any, Any, Any]
    hidden: tuple[int, ...]
    batch: int
    epochs: int


def fits(quick: bool) -> list[Fit]:
    """What is fitted: the batch that networks are usually trained with, and scikit-learn's."""
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.25, random_state=0)
    found = []
    for dtype in ("float32", "float64"):
        data = (x_train.astype(dtype), y_train, x_test.astype(dtype), y_test)
        found += [Fit(f"digits, {dtype}", data, (100,), batch, 4 if quick else 30) for batch in (32, 200)]
    if mnist.folder() is not None and not quick:
        (x_train, y_train), (x_test, y_test) = mnist_data.load_data()
        data = (as_rows(x_train[:IMAGES]), y_train[:IMAGES], as_rows(x_test), y_test)
        found += [Fit(f"{IMAGES:,} MNIST images, float32", data, (400, 200), batch, 2) for batch in (32, 200)]
    return found


def as_rows(images: Any) -> Any:
    """Images as rows of numbers from 0 to 1."""
    return images.reshape(len(images), -1) / np.float32(255)


def compare(fit: Fit, rounds: int) -> str:
    """Fit both in turn, and say how long each took and how well it reads what was held out."""
    x, y, x_test, y_test = fit.data

    def ours(seed: int, epochs: int) -> Any:
        return NeuralClassifier(
            fit.hidden, batch_size=fit.batch, epochs=epochs, n_iter_no_change=None, random_state=seed
        ).fit(x, y)

    def theirs(seed: int, epochs: int) -> Any:
        return MLPClassifier(
            fit.hidden,
            batch_size=fit.batch,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            alpha=0.0,
            random_state=seed,
        ).fit(x, y)

    seconds: tuple[list[float], list[float]] = ([], [])
    right: tuple[list[float], list[float]] = ([], [])
    for make in (ours, theirs):
        make(0, 1)  # everything is loaded
    for seed in range(rounds):
        for make, taken, share in zip((ours, theirs), seconds, right, strict=True):
            start = time.perf_counter()
            fitted = make(seed, fit.epochs)
            taken.append(time.perf_counter() - start)
            share.append(float(fitted.score(x_test, y_test)))
    ratio = speedup(*seconds)
    layers = "–".join(map(str, (x.shape[1], *fit.hidden, 10)))
    return (
        f"| {fit.name}, {layers}, batch {fit.batch}, {fit.epochs} epochs | {summary(seconds[0]).median:.3f} s, "
        f"{np.mean(right[0]):.1%} | {summary(seconds[1]).median:.3f} s, {np.mean(right[1]):.1%} | "
        f"{ratio.median:.2f}× ({ratio.min:.2f}–{ratio.max:.2f}) |"
    )


def timed(work: Callable[[], Any]) -> float:
    """How many seconds it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def threads_here() -> tuple[int, int]:
    """In a worker: its process, and how many threads its pool has."""
    return os.getpid(), threads.pool().threads


def search(quick: bool, rounds: int) -> list[str]:
    """A grid search in one process and in two, every process on one thread."""
    x, y = load_digits(return_X_y=True)
    grid = {"neuralclassifier__l2": [0.0, 1e-4, 1e-3, 1e-2], "neuralclassifier__hidden_layers": [(100,), (50, 50)]}
    epochs = 4 if quick else 60
    model = make_pipeline(MinMaxScaler(), NeuralClassifier(batch_size=32, epochs=epochs, random_state=0))

    def run(jobs: int) -> Any:
        return GridSearchCV(model, grid, cv=3, n_jobs=jobs, refit=False).fit(x, y)

    threads.set_threads(1)
    start = timed(lambda: run(2))  # starts the workers, which stay
    taken = dict(Parallel(n_jobs=2)(delayed(threads_here)() for _ in range(8)))
    seconds: tuple[list[float], list[float]] = ([], [])
    scores = []
    for _ in range(rounds):
        for jobs, found in zip((2, 1), seconds, strict=True):
            found.append(timed(lambda jobs=jobs: scores.append(run(jobs).cv_results_["mean_test_score"])))  # type: ignore[misc]
    same = all(np.array_equal(scores[0], other) for other in scores)
    ratio = speedup(*seconds)
    return [
        f"| n_jobs=1 | {summary(seconds[1]).median:.2f} s | |",
        f"| n_jobs=2 | {summary(seconds[0]).median:.2f} s | {ratio.median:.2f}× ({ratio.min:.2f}–{ratio.max:.2f}) |",
        f"| n_jobs=2, the first, which starts the workers | {start:.2f} s | |",
        "",
        f"Threads in the workers: {', '.join(map(str, taken.values()))}. Scores are {'' if same else 'NOT '}the same.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few epochs on the digits, to see that it runs")
    parser.add_argument("--threads", type=int, default=threads.cores(), help="of each fit; all cores unless given")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the comparison
    machine, noise = describe(arguments.threads), Noise()
    threads.set_threads(arguments.threads)
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, {machine['versions']}\n")
    print("| fit | Omomi | scikit-learn | Omomi is faster by |\n| --- | ---: | ---: | ---: |")
    with threadpool_limits(arguments.threads):  # scikit-learn's products are BLAS's
        for fit in fits(arguments.quick):
            print(compare(fit, arguments.rounds), flush=True)
    print("\n| grid search of 8 settings, 3 folds | | faster by |\n| --- | ---: | ---: |")
    print("\n".join(search(arguments.quick, arguments.rounds)))
    print(f"\nOther processes took {noise.share():.0%} of the processor.")


if __name__ == "__main__":
    main()

# The few verbs of every day. Each sets up what it needs: a machine with Python 3.11 or newer (with venv) and
# make is enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: train test lint types floors unit variants steady agreement jax kills format docs bench estimator-checks clean

train: $(VENV)/.installed    ## train a digit classifier from end to end
	$(BIN)/omomi train

test: lint types floors unit variants    ## everything that must hold before a commit

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

floors: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

# Two test processes on two cores: a BLAS that starts threads in each would make them wait for one another.
unit variants: export OPENBLAS_NUM_THREADS = 1

unit: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

variants: $(VENV)/.dev    ## the rules themselves under training, and narrower vectors under the kernels
	OMOMI_ENGINE=numpy $(BIN)/python -m pytest -n 2 tests/graph tests/layers tests/training tests/models tests/interop/test_sklearn_checks.py
	if OMOMI_VECTORS=avx2 $(BIN)/python -c "from omomi.engines.cpu.features import host; host()" 2>/dev/null; \
	then OMOMI_VECTORS=avx2 $(BIN)/python -m pytest -n 2 tests/engines/cpu; fi

agreement: $(VENV)/.dev    ## the CNN of 28×28 images on three engines: the losses of 100 steps
	OMOMI_AGREEMENT=1 $(BIN)/python -m pytest -q tests/engines/xla/test_agreement.py

jax: $(VENV)/.dev    ## the tests of training on the engine jax; takes some minutes, most of them spent compiling
	OMOMI_ENGINE=jax OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/graph tests/layers tests/training tests/models

steady: $(VENV)/.dev    ## the memory of a process that trains for 10,000 steps; takes about a minute
	OMOMI_STEADY_STEPS=10000 $(BIN)/python -m pytest -q -s tests/training/test_steady.py

kills: $(VENV)/.dev    ## 200 random kills of training, each resumed; and 1,000 damaged checkpoints; takes about five minutes
	OMOMI_KILLS=200 OMOMI_DAMAGES=1000 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -s tests/training/test_kills.py tests/training/test_damages.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev    ## the pages of docs/, their code executed, as build/docs/index.html
	OPENBLAS_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going -q docs build/docs

estimator-checks: $(VENV)/.dev    ## scikit-learn's own checks of the estimators, listed and counted
	$(BIN)/python -m benchmarks.estimator_checks

bench: .venv-bench/.installed    ## measure Omomi beside other frameworks; takes about an hour
	.venv-bench/bin/python -m benchmarks run

clean:
	rm -rf $(VENV) .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Omomi needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.installed

.venv-bench/bin/python:
	$(PYTHON) -m venv .venv-bench

.venv-bench/.installed: .venv-bench/bin/python pyproject.toml
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	touch $@

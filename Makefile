# make demo   the origin's network with and without its penalties, then a strength chosen by cross-validation
# make test   ruff, mypy, the floors' contract, pytest: what takes longer than ten seconds is left out
# make test-long  the tests that make test leaves out
# make faults the long forms of tests/faults (kills, changed files, wrecks, hostile inputs); all with MANY=1, in hours
# make docs   the documentation as a site, build/docs/index.html: every example runs, every warning is an error
# make bench  every workload against its peers (PyTorch too with EXTRA=torch): tables, a file, a picture, README's table
# make wheel  dist/*.whl, which a machine without a network can install; THERE is its Python, 3.12 for example
# make gpu    a GPU's tests and benchmarks by PYTHON as it is (it has CuPy, torch, JAX) and the wheel; figures go to OUT
# Set PYTHON to another interpreter, EXTRA to further packages for tests and benchmarks (EXTRA="torch jax"), WORKERS to
# the processes that share the tests (0: none but pytest's own).

PYTHON ?= python3
VENV ?= .venv
EXTRA ?=
EPOCHS ?= 2000
OUT ?= benchmarks/results
WORKERS ?= 2
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What is in dist registers the backends and brings packages; the rest is the tree's and the machine's.
ON_GPU = PYTHONPATH=$(CURDIR)/backends:$(CURDIR)/build/gpu$${PYTHONPATH:+:$$PYTHONPATH} $(PYTHON)
CARRIED = array-api-compat array-api-extra array-api-strict duckdb python-calamine openpyxl et-xmlfile nvmath-python
THERE ?= $(shell $(PYTHON) -c 'import platform; print(platform.python_version())')

.PHONY: demo test test-long faults docs bench lint types floors unit wheel gpu gpu-test gpu-bench clean

demo: $(VENV)/.demo
	@mkdir -p demo
	@echo "== 1 of 4: without a penalty"
	$(BIN)/regnet fit spiral --epochs $(EPOCHS) --weight-l2 0 --bias-l2 0 --plot demo/no_penalty.png --json demo/no_penalty.json
	@echo "== 2 of 4: with the origin's L2 of 5e-4"
	$(BIN)/regnet fit spiral --epochs $(EPOCHS) --plot demo/l2.png --json demo/l2.json
	@echo "== 3 of 4: with L1 on all weights, by proximal steps: exact zeros"
	$(BIN)/regnet fit spiral --epochs $(EPOCHS) --weight-l2 0 --bias-l2 0 --weight-l1 1e-5 --plot demo/l1.png --json demo/l1.json
	@echo "== 4 of 4: which inputs does diabetes need? 50 strengths, 5 folds"
	$(BIN)/regnet select diabetes --test-size 0.2 --report demo/select
	@echo "The pictures are demo/no_penalty.png, demo/l2.png and demo/l1.png; demo/select/report.html is a page to read."

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "regnet needs Python 3.11 or newer: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(INSTALL) -e '.[report]'
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml
	$(INSTALL) -e '.[dev]' $(EXTRA)
	@touch $@

test: lint types floors unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

floors: $(VENV)/.test
	$(BIN)/lint-imports

# A library that started threads in every worker would have more of them than there are cores.
PYTEST = JAX_ENABLE_X64=1 OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

unit: $(VENV)/.test
	$(PYTEST) -m "not slow"

test-long: $(VENV)/.test
	$(PYTEST) -m slow

# How often each, divided by MANY.
MANY ?= 10
FAULTS = checkpoints:1000 divergence:1500 full_disk:1000 growth:5000 hostile_inputs:10000 killed_sweeps:200 \
         memory_mapped:20000 model_files:1000000 records:100000 saved_searches:20000 signals:200 \
         signals_of_select:200 signals_of_study:200 two_sweeps:200 workers:200

faults: $(VENV)/.test
	@failed=; for one in $(FAULTS); do name=$${one%:*}; count=$$(($${one#*:} / $(MANY))); \
	  echo "== $$name, $$count times"; \
	  PYTHONPATH=tests JAX_ENABLE_X64=1 OMP_NUM_THREADS=1 $(BIN)/python -W ignore tests/faults/test_$$name.py $$count \
	    || failed="$$failed $$name"; \
	done; test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

$(VENV)/.docs: $(VENV)/bin/python pyproject.toml
	$(INSTALL) -e '.[docs]' $(EXTRA)
	@touch $@

# What Sphinx generates beside the sources is made anew, so that nothing of a name that is gone stays.
GENERATED = docs/gallery docs/reference/names docs/reference/examples

docs: $(VENV)/.docs
	rm -rf build/docs $(GENERATED)
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -b html -n -W --keep-going -q docs build/docs
	@echo "The site is build/docs/index.html."

$(VENV)/.bench: $(VENV)/bin/python pyproject.toml
	$(INSTALL) -e '.[bench]' $(EXTRA)
	@touch $@

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks --readme

wheel: $(VENV)/bin/python
	$(INSTALL) build
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist
	$(BIN)/python -m pip download --quiet --no-deps --only-binary=:all: --python-version $(THERE) --dest dist $(CARRIED)

gpu: gpu-test gpu-bench

build/gpu: $(wildcard dist/*.whl)
	@test -e "$$(ls dist/regnet_xp-*.whl 2>/dev/null)" || { echo "No wheel in dist: run make wheel where there is a network."; exit 1; }
	rm -rf build/gpu
	$(PYTHON) -m pip install --quiet --no-deps --no-index --no-compile --target build/gpu dist/*.whl
	@touch build/gpu

gpu-test: build/gpu
	$(ON_GPU) -m benchmarks.gpu_machine
	$(ON_GPU) -m regnet backends
	REGNET_BACKEND=cupy $(ON_GPU) -m regnet fit spiral --epochs 200
	JAX_ENABLE_X64=1 $(ON_GPU) -m pytest -m gpu

gpu-bench: build/gpu
	$(ON_GPU) -m benchmarks --gpu --out $(OUT)

clean:
	rm -rf $(VENV) $(GENERATED) demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

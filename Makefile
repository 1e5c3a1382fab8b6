# The two commands of the README: `make demo` and `make test`. Both set up what they need, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/degradation

.PHONY: demo test site dist extras setup lint types contracts unit clean

demo: setup
	$(BIN)/reslab study degradation --data digits --out $(OUT)

test: lint types contracts unit

setup: $(VENV)/.ready

# Made anew whenever what is to be installed changes.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "reslab needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

unit: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

# The documentation, into build/site/index.html; a warning is an error.
site: setup
	$(BIN)/sphinx-build -W --keep-going --quiet --builder html docs build/site

# Wheel and sdist, into dist; the tests build and try them too.
dist: setup
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

# Each extra alone, in an environment of its own, and tried; needs a network and 20 minutes.
extras: dist
	$(BIN)/python benchmarks/extras.py dist/*.whl

clean:
	rm -rf $(VENV) out .mypy_cache .pytest_cache .ruff_cache

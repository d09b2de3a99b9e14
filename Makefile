# `make demo` shows what Residency does, `make test` proves it. Either sets up all it
# needs in .venv, with the versions of constraints.txt, and again only after a change.

PYTHON ?= python3
BIN := .venv/bin
SETUP := pyproject.toml constraints.txt Makefile
SOURCES := $(shell find src -type f -not -name '*.pyc')

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet \
	--no-build-isolation --constraint constraints.txt

# Threads sleep while they wait. Spinning, the default, made the demo twenty times
# slower on two cores with other work on them: 15 images a second instead of 300.
export OMP_WAIT_POLICY ?= PASSIVE

.DELETE_ON_ERROR:
.PHONY: help demo test check clean

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /make \1 \t/p' Makefile | expand -t 14

demo: .venv/package.stamp  ## Train on handwritten digits, look at the result
	$(BIN)/python examples/demo.py

test: .venv/package.stamp .venv/test.stamp  ## Run all tests on the installed package
	@scripts/test

check: .venv/package.stamp .venv/check.stamp  ## Check style, types and spelling
	@scripts/check

clean:  ## Remove what make and the tools made; runs/ stays
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Residency needs Python 3.11 or newer; $(PYTHON) is" \
		"$$($(PYTHON) --version 2>/dev/null || echo not there)." \
		"Name another one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

# A local folder is always built and installed anew; what it needs is left as it is.
.venv/package.stamp: .venv/python.stamp $(SETUP) $(SOURCES)
	@echo "Installing Residency into .venv"
	@$(PIP) hatchling
	@$(PIP) .
	@touch $@

.venv/test.stamp: $(SETUP) | .venv/package.stamp
	@echo "Installing what the tests need"
	@$(PIP) ".[test]"
	@touch $@

.venv/check.stamp: $(SETUP) | .venv/package.stamp
	@echo "Installing what the checks need"
	@$(PIP) ".[dev]"
	@touch $@

# Each target works alone on a fresh Debian or Ubuntu machine with git, make and Python 3.11.

SHELL = /bin/sh
BIN = .venv/bin

.PHONY: help run test soak lint lab lab-down bench screenshots reference probe.pyz wheel requirements clean

help:  ## Show these targets
	@sed -n 's/^\([a-z.-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: export TIGHTSHIP_DATA ?= $(CURDIR)/var
run:  ## Show what runs on this server: gather, serve on loopback, print the link that logs you in
	@tools/environment run
	@exec $(BIN)/tightship serve --first-look $(ARGS)

test:  ## Run the tests; installs what they need (as root Debian's packages too)
	@tools/debian-packages
	@tools/environment test
	@$(BIN)/python -m pytest $(ARGS)

soak:  ## Run what takes too long for each change
	@tools/debian-packages
	@tools/environment test
	@$(BIN)/python -m pytest -m soak $(ARGS)

# mypy follows what the tests are made with, too.
lint:  ## Check format, types, imports and the Python that runs on servers
	@tools/environment test
	@tools/environment lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src $(wildcard benchmarks tools/*.py)
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vermin --no-tips -q -t=3.6- --violations src/tightship_probe src/tightship_agent src/tightship_installer packages/tightship-buildout/src

N ?= 3

# SUITE="bullseye trixie" boots servers of these releases, by turns.
lab:  ## Boot real servers on this machine, as root: make lab N=10; they stay until make lab-down
	@tools/debian-packages lab
	@tools/environment run
	@$(BIN)/python -m tightship.lab up $(N) $(SUITE:%=--suite=%) $(ARGS)

lab-down:  ## End the servers of make lab, and take away all that they were
	@tools/environment run
	@$(BIN)/python -m tightship.lab down

bench:  ## Measure beside peers, write benchmarks/RESULTS.md
	@tools/debian-packages
	@tools/environment bench
	@$(BIN)/python -m benchmarks

screenshots:  ## Renew docs/screenshots from a real service in a real browser
	@tools/debian-packages
	@tools/environment test
	@$(BIN)/python -m tools.screenshots

reference:  ## Renew the reference pages that are made from code
	@tools/environment run
	@$(BIN)/python -m tightship.fleet.schema
	@$(BIN)/python -m tightship.cli.reference
	@$(BIN)/python -m tightship.cli.findings_reference
	@DJANGO_SETTINGS_MODULE=tightship.web.settings $(BIN)/python -m tightship.web.api

probe.pyz:  ## Build the probe as one file: dist/probe.pyz
	@tools/environment run
	@mkdir -p dist
	@$(BIN)/python -m tightship.remote.program tightship_probe --output dist/probe.pyz

wheel:  ## Build dist/tightship-VERSION-py3-none-any.whl, with everything inside
	@tools/environment run
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

requirements:  ## Renew the pins in requirements/ from pyproject.toml
	@tools/environment bench
	@tools/pins --upgrade

clean:  ## Remove what was installed and built; var/ (your data) stays
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Two commands on a fresh machine with Python 3.11+ (pip, venv), node 20+ and npm: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WEB    := governance/web_dist/api-docs/swagger-ui-bundle.js

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench schemas clean

help: ## show these lines
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/.installed $(WEB) ## play a whole quarter; then leave it running (ONCE=1: exit; DATA=DIR: keep everything there)
	@$(BIN)/althing demo $(if $(ONCE),--once) $(if $(DATA),--data "$(DATA)") $(if $(PORT),--port $(PORT))

test: $(VENV)/.tested $(WEB) lint ## everything that must hold: lint, types, import contracts, tests, coverage
	@$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.tested ## style, types, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(VENV)/.tested ## measure every figure beside its ceiling, in one run
	@$(BIN)/python -m tests.bench $(ARGS)

schemas: $(VENV)/.tested ## write schemas/*.json and docs/commands.md anew from the code
	@$(BIN)/python -m governance.cli.schemas && $(BIN)/python -m governance.describe

clean: ## remove what these commands made
	rm -rf $(VENV) governance/web_dist governance/web/node_modules .pytest_cache .mypy_cache .ruff_cache .coverage*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Althing needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml hatch_build.py | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: pyproject.toml hatch_build.py | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(WEB): governance/web/package-lock.json governance/web/package.json
	@command -v npm >/dev/null || { echo "npm is needed once (node 20 or newer): it brings the API documentation viewer"; exit 1; }
	@cd governance/web && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run build --silent
	@touch $@

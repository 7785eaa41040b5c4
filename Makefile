# `make` alone lists the commands.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
export PYTHONPATH := plugins:.
# Trust the system's certificates, as pip and curl do. A proxy with its own certificate requires this.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help demo up stop clean secrets wheel sbom test test-slow test-all test-browser test-distributed test-rest chaos model bench lint audit lock upgrade release-check

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-24s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is required. Choose one with: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/install.txt

.venv/.%-installed: requirements/%.txt | $(UV)
	@echo "Installing $< into .venv"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r $<
	@touch $@

# Install this checkout as an editable package, because Airflow finds the plugin through the package's entry points.
%/.agora-installed: pyproject.toml plugins/agora/__init__.py requirements/install.txt | $(UV)
	@$(UV) pip install --quiet --python $*/bin/python --no-deps --build-constraints requirements/install.txt \
	  --reinstall-package agora-bandwidth --editable .
	@touch $@

.venv-distributed/.agora-installed: .venv-distributed/.installed

.venv-%/.installed: requirements/%.txt | $(UV)
	@echo "Installing $< into .venv-$*"
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-$*
	@$(UV) pip install --quiet --python .venv-$*/bin/python --require-hashes --compile-bytecode -r $<
	@touch $@

LOCAL := .venv/.local-installed .venv/.agora-installed
DEV := .venv/.dev-installed .venv/.agora-installed
BENCH := .venv/.bench-installed .venv/.agora-installed
BROWSER := .venv/.browser-installed .venv/.agora-installed
COMPETITORS := .venv-competitors/.installed
DISTRIBUTED := .venv-distributed/.agora-installed
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links
# An entry that the database always has, to test whether the database can be reached.
KNOWN_HOLE := https://api.osv.dev/v1/vulns/OSV-2020-111

demo: $(LOCAL) ## collect a month from the sandbox through Airflow and show the result
	@$(BIN)/python -m deploy.local demo

up: $(LOCAL) ## start the same stack with the real API (see .env.example)
	@$(BIN)/python -m deploy.local up

stop: ## stop the stack that demo or up started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local stop; else echo "Nothing is installed, so nothing is running."; fi

clean: ## stop the local stack and remove its state
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local clean; else echo "Nothing is installed, so there is nothing to remove."; fi

secrets: ## add missing passwords and keys for docker-compose.yaml to .env
	@sh deploy/compose/secrets.sh

wheel: $(UV) ## build the package for your own Airflow in dist/
	@$(UV) build --quiet --wheel --build-constraints requirements/install.txt && ls dist/*.whl

# The list is not validated against the CycloneDX schema here, because that takes thirty times as long.
sbom: wheel $(DEV) ## list the wheel's locked packages in dist/agora-bandwidth.cdx.json (CycloneDX)
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-sbom
	@$(UV) pip install --quiet --python .venv-sbom/bin/python --require-hashes -r requirements.txt
	@$(UV) pip install --quiet --python .venv-sbom/bin/python --no-deps dist/*.whl
	@$(BIN)/cyclonedx-py environment .venv-sbom/bin/python --pyproject pyproject.toml --output-reproducible \
	  --no-validate --output-file dist/agora-bandwidth.cdx.json
	@rm -rf .venv-sbom
	@ls dist/*.cdx.json

upgrade: $(LOCAL) ## upgrade the warehouse to this release's schema
	@$(BIN)/python -m deploy.local upgrade

# Two processes, unless T names a folder or file. Chromium, containers and Celery have their own targets.
TESTS = $(BIN)/python -m pytest $(or $(T),tests --numprocesses 2 --dist loadscope) \
  --ignore tests/browser --ignore tests/distributed

test: $(DEV) ## run the tests that take a few minutes (T=tests/client runs one folder or file)
	@$(TESTS) -m "not slow" -p no:schemathesis

# Without FULL=1, a marker leaves out tests that take minutes and repeat a shorter test with more cases or services.
SLOW = "slow$(if $(FULL),, and not full)"

# Three processes: two of them start a stack and mostly wait for it.
test-slow: $(DEV) ## run the slow tests that `make test` leaves out (FULL=1 adds thousands of generated cases)
	@$(TESTS) -m $(SLOW) $(if $(T),,--numprocesses 3)

test-all: $(DEV) ## run the tests of `make test` and `make test-slow FULL=1` together
	@$(TESTS)

test-browser: $(BROWSER) ## test the page in headless Chromium (PICTURES=directory saves the pictures for the documents)
	@$(BIN)/python -m tests.browser.chromium
	@$(if $(PICTURES),AGORA_PICTURES_DIR=$(PICTURES)) $(BIN)/python -m pytest tests/browser

test-distributed: $(DEV) $(DISTRIBUTED) ## test Celery workers, and containers if possible (FULL=1 adds restarts and secret rotation)
	@$(BIN)/python -m pytest tests/distributed -m $(SLOW) -rs --numprocesses 2 --dist loadscope

# One after another: each of them keeps two cores busy.
test-rest: test-slow test-distributed test-browser ## run everything that `make test` leaves out

chaos: $(DEV) ## kill processes at random moments and check the data (FULL=1, SEED=n, PARTS="collector server airflow")
	@$(BIN)/python -m tests.chaos $(PARTS) $(if $(FULL),--full) $(if $(SEED),--seed $(SEED))

model: $(DEV) ## check the rules in simulated nights, then break the rules (NIGHTS=10000, SEED=n)
	@$(BIN)/python -m tests.model $(if $(NIGHTS),--nights $(NIGHTS)) $(if $(SEED),--seed $(SEED))

bench: $(BENCH) $(COMPETITORS) ## run the benchmarks side by side (PARTS="loading page", RECORD=1 updates the documents)
	@$(BIN)/python -m tests.bench $(PARTS) $(if $(RECORD),--record)

lint: $(DEV) ## run ruff, mypy and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy plugins/agora dags sandbox deploy tests
	@$(BIN)/sqlfluff lint --disable-progress-bar sql

audit: $(DEV) ## check the locked packages for known vulnerabilities (osv.dev)
	@if $(BIN)/python -c 'from urllib.request import urlopen; urlopen("$(KNOWN_HOLE)", timeout=20)' 2>/dev/null; then \
	  $(BIN)/pip-audit --vulnerability-service osv --disable-pip --progress-spinner off \
	    $(foreach name,dev distributed bench install competitors,-r requirements/$(name).txt); \
	else echo "Nothing was audited, because the vulnerability database at api.osv.dev cannot be reached from here."; fi

release-check: test ## check all claims in the README on a clean checkout
	@bin/release-check

lock: $(UV) ## regenerate requirements.txt and requirements/*.txt from pyproject.toml and requirements/*.in
	@$(LOCK) pyproject.toml -o requirements.txt
	@$(LOCK) -c requirements.txt requirements/install.in -o requirements/install.txt
	@$(LOCK) requirements/competitors.in -o requirements/competitors.txt
	@for name in distributed local dev bench browser; do \
	  $(LOCK) -c requirements.txt pyproject.toml requirements/$$name.in -o requirements/$$name.txt || exit 1; done

# Everything runs in .venv, which `make setup` makes; nothing is installed outside this folder.
# make PYTHON=python3.12 … picks the Python, at the first time or after `make clean`.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
SAM_VENV := .venv-sam
SAM_READY := $(SAM_VENV)/.ready
NOETL_VENV := .venv-noetl
NOETL_READY := $(NOETL_VENV)/.ready
AUDIT_VENV := .venv-audit
AUDIT_READY := $(AUDIT_VENV)/.ready

export PYTHONPATH := layers/control_plane

.DEFAULT_GOAL := help
.PHONY: help setup setup-sam setup-noetl setup-audit demo serve send follow test faults lint format openapi bench bench-document bench-cold bench-recovery lock sbom audit verify-deployed clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install what the stack and the tests need, once

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
	  echo "Python 3.11 to 3.14 is needed, and \"$(PYTHON)\" is none: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

setup-sam: $(SAM_READY) ## install the SAM CLI into a place of its own, once

# --no-deps: the file has them all, and pip takes extras in a file with hashes for something else.
$(SAM_READY): requirements-sam.txt
	@echo "Setting up $(SAM_VENV) (once) …"
	@$(PYTHON) -m venv --clear $(SAM_VENV)
	@$(SAM_VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

setup-noetl: $(NOETL_READY) ## install NoETL's command line into a place of its own, once

$(NOETL_READY): requirements-noetl.txt
	@echo "Setting up $(NOETL_VENV) (once) …"
	@$(PYTHON) -m venv --clear $(NOETL_VENV)
	@$(NOETL_VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

setup-audit: $(AUDIT_READY) ## install checkov and pip-audit into a place of their own, once

# Most of their modules are never loaded, so none is compiled beforehand.
$(AUDIT_READY): requirements-audit.txt
	@echo "Setting up $(AUDIT_VENV) (once) …"
	@$(PYTHON) -m venv --clear $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps \
	  --require-hashes -r $<
	@touch $@

demo: $(READY) ## start an execution and show what came of it, from end to end
	@$(RUN) -m local demo --with-parent

serve: $(READY) ## run the stack on port 8082 until Ctrl-C; ARGS=--free-ports and others
	@$(RUN) -m local serve --with-parent $(ARGS)

send: $(READY) ## send messages to the running stack as its queue does: make send EVENT=events/sqs_batch.json
	@test -n "$(EVENT)" || { echo "Which one? For example: make send EVENT=events/sqs_batch.json" >&2; exit 1; }
	@$(RUN) -m local send --event "$(EVENT)" $(ARGS)

follow: $(READY) ## follow an execution's events in the running stack: make follow ID=…
	@$(RUN) -m local follow $(ID) $(ARGS)

test: $(READY) $(SAM_READY) $(NOETL_READY) $(AUDIT_READY) ## run every suite that this machine can run
	@$(RUN) -m pytest -n 2 --no-loadscope-reorder $(ARGS)

faults: $(READY) ## break everything on purpose: SEEDS=200 histories, or the one of SEED=17
	@SEEDS=$(or $(SEEDS),200) SEED=$(SEED) $(RUN) -m pytest tests/faults$(if $(SEED),/test_histories.py::test_a_history) $(ARGS)

lint: $(READY) ## check style and types
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

format: $(READY) ## put the code into shape
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

openapi: $(READY) ## write docs/openapi.json from the code
	@PYTHONPATH=.:$(PYTHONPATH) $(RUN) docs/openapi.py

LOCK = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
  --python-version 3.11 --custom-compile-command "make lock"

lock: ## pin what pyproject.toml and the requirements-*.in ask for, as new as it comes; needs uv
	$(LOCK) --upgrade pyproject.toml --group dev -o requirements.lock
	$(LOCK) --upgrade pyproject.toml --constraint requirements.lock -o layers/control_plane/requirements.txt
	$(LOCK) --upgrade requirements-sam.in -o requirements-sam.txt
	$(LOCK) --upgrade requirements-noetl.in -o requirements-noetl.txt
	$(LOCK) --upgrade requirements-audit.in -o requirements-audit.txt

sbom: $(READY) ## write docs/sbom.json, the bill of materials of the layer
	@$(RUN) -m supply_chain.sbom

audit: $(READY) $(AUDIT_READY) ## ask what weaknesses are known of the layer's packages
	@$(RUN) -m supply_chain.vulnerabilities $(ARGS)

bench: $(READY) ## measure starts beside the least they could cost; ARGS=--full, ARGS='--only growth'
	@PYTHONPATH=.:$(PYTHONPATH) $(RUN) -m bench $(ARGS)

bench-cold: $(READY) $(SAM_READY) ## measure cold starts in the runtime emulator; writes bench/cold.json
	@PYTHONPATH=.:$(PYTHONPATH) $(RUN) -m bench.cold_start $(ARGS)

bench-document: $(READY) ## write the figures of bench/results.json into docs/performance.md
	@PYTHONPATH=.:$(PYTHONPATH) $(RUN) -m bench.document

bench-recovery: $(READY) ## measure thaws, the relay and its cost; writes bench/recovery.json
	@PYTHONPATH=.:$(PYTHONPATH) $(RUN) -m bench.recovery $(ARGS)

verify-deployed: ## ask a deployed stack whether it works; STACK=… PLAYBOOK=…
	@sh verify_deployed.sh $(STACK) $(PLAYBOOK)

clean: ## remove all that was made here, the stack's data included
	rm -rf $(VENV) $(SAM_VENV) $(NOETL_VENV) $(AUDIT_VENV) .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis

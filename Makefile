# Every target sets itself up. Variables are set with := so that a LANGUAGE of the desktop's own
# does not reach them; give yours on the command line: make call LANGUAGE=ta-IN
PYTHON := python3
PY := .venv/bin/python
LANGUAGE := hi-IN
SCENARIO :=
AGENT :=
JSON :=
LEADS := 2000
SEED := 1
TESTS := tests

.DEFAULT_GOAL := help
.PHONY: help run call livekit test test-all check format docs lock chaos bench bench-leads test-n8n setup setup-dev clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@$(PYTHON) deploy/bootstrap.py run

setup-dev:
	@$(PYTHON) deploy/bootstrap.py dev

run: setup ## everything in the foreground; what .env does not name is simulated
	@exec $(PY) -m services.sandbox.run

call: setup ## a simulated caller rings: LANGUAGE=hi-IN SCENARIO=real-estate | AGENT=ID, JSON=FILE
	@exec $(PY) -m services.sandbox.caller --language '$(LANGUAGE)' \
	  $(if $(SCENARIO),--scenario '$(SCENARIO)') $(if $(AGENT),--agent '$(AGENT)') \
	  $(if $(JSON),--json '$(JSON)')

livekit: setup ## the development LiveKit server alone, for other LiveKit clients
	@exec $(PY) -m services.sandbox.livekit

test: setup-dev ## the exact tests, under 8 minutes on 2 cores: TESTS=tests/bus
	@exec $(PY) -m pytest -m "not full" $(TESTS)

test-all: setup-dev ## all tests: every width, long recordings, several calls at once, two versions
	@exec $(PY) -m pytest --hypothesis-profile=full $(TESTS)

check: setup-dev ## ruff, mypy, import and house rules, generated files
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c "from importlinter.cli import lint_imports_command as main; main()"
	@$(PY) -m pytest -q tests/architecture
	@$(PY) deploy/docs.py --check

format: setup-dev ## formats the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

docs: setup-dev ## renews what follows from the code: .env.example, tables in README.md, compose, docs/schemas
	@$(PY) deploy/docs.py

chaos: setup-dev ## kills processes while leads are on their way: LEADS=2000 SEED=1
	@exec $(PY) -m tests.chaos --leads '$(LEADS)' --seed '$(SEED)'

bench-leads: setup-dev ## throughput of lead delivery beside a bare loop
	@exec $(PY) -m tests.bench.leads

test-n8n: setup-dev ## installs a real n8n (5 minutes, 2.9 GB) and runs config and leads against it
	@TEST_N8N=1 exec $(PY) -m pytest tests/n8n

lock: setup-dev ## renews requirements/ from pyproject.toml
	@$(PY) deploy/lock.py

clean: ## removes what the other targets made, your .env and .data excepted
	rm -rf .venv node_modules .cache services/gateway/static/vendor

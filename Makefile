# Two commands for a fresh machine: `make demo` and `make test`. Everything they need is set up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# What was compiled is kept, whatever the shell says: each test that starts a command would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo own test check lint types imports fmt engines slow crash fuzz browser bench docs words lock clean campaign mutants

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -c "from marketofone.models.bandit import kernel; kernel.load()"  # compiled once, here and now
	touch $(STAMP)

setup: $(STAMP)  ## create .venv with the command in .venv/bin/marketofone

demo: setup  ## a synthetic bank, end to end, then its pages (ARGS="--no-serve --json")
	$(BIN)/marketofone demo $(ARGS)

own: setup  ## your own money: a statement of your bank, then its pages (FILE=~/statement.csv)
	$(BIN)/marketofone own $(if $(FILE),"$(subst ~/,$(HOME)/,$(FILE))") $(ARGS)

test: setup  ## the quick suite
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not crash and not fuzz and not slow and not server"

engines: setup  ## PostgreSQL: its own tests, the contract of stores, and every test that opens a bank
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "server and not slow"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not crash and not fuzz" --engine postgresql tests/journeys tests/faults

slow: setup  ## what takes too long for the quick suite
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not server"

crash: setup  ## kill -9 a running ingest at random moments and check that nothing was lost
	$(BIN)/python -m pytest -m crash

fuzz: setup  ## attack the HTTP interface and the parsers of files
	$(BIN)/python -m pytest -m fuzz

campaign: setup  ## histories, races, kills, power cuts, damaged files (ARGS="--histories 5000" RACES="--races 1000000" CUTS="--cuts 200" GATE="--random 860000" READERS="--minutes 10")
	$(BIN)/python tests/model/campaign.py --record docs/campaign $(ARGS)
	$(BIN)/python tests/model/gate_histories.py --record docs/campaign $(GATE)
	$(BIN)/python tests/model/interleaving_campaign.py --record docs/campaign $(RACES)
	$(BIN)/python tests/model/power_cuts.py --record docs/campaign $(CUTS)
	$(BIN)/python tests/model/reader_campaign.py --record docs/campaign $(READERS)

mutants: setup  ## small bugs in gate and ledger: which of them do the checks find?
	$(BIN)/python tests/model/gate_mutants.py

browser: setup  ## the pages in headless Chromium, with an accessibility check
	$(BIN)/python -m pytest -m browser

check: lint types imports  ## what must hold of the code itself

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

fmt: setup  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup  ## write the generated parts of the documentation again
	$(BIN)/python -m docs.generate

words: setup  ## write what customers read into the catalogs of other languages
	$(BIN)/python -m marketofone.web.extraction

bench: $(VENV)/.bench  ## measure, each figure beside its yardstick
	$(BIN)/python -m bench $(ARGS)

$(VENV)/.bench: $(STAMP) requirements-bench.lock
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock \
	  && touch $@ || echo "the libraries to compare with cannot be installed here: the table names them as absent"

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

lock:  ## resolve the locked requirements again (needs uv)
	$(LOCK) --upgrade pyproject.toml --extra web --extra compiled --extra evaluate --extra postgres --extra statements --group dev -o requirements.lock
	$(LOCK) --upgrade --group bench -o requirements-bench.lock

clean:  ## remove what the commands above made
	rm -rf $(VENV) demo-bank .mypy_cache .pytest_cache .ruff_cache

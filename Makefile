# The commands of the project; each makes the environment it needs. Another Python: make PYTHON=python3.13 run
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test search check bench schema docs

run: $(VENV)/run.stamp
	$(BIN)/sendgate serve

# Each test brings its own ports and folders, so the cores share them
test: $(VENV)/dev.stamp
	$(BIN)/pytest -n auto

# The properties once more, with examples that nobody has seen yet: for a spare hour, again and again
search: $(VENV)/dev.stamp
	$(BIN)/pytest -n auto -m hypothesis --hypothesis-profile=search

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

# config.schema.json and the documents' tables are made from the code; a test says when they are old
schema: $(VENV)/dev.stamp
	$(BIN)/sendgate schema > config.schema.new
	mv config.schema.new config.schema.json

docs: $(VENV)/dev.stamp
	$(BIN)/python -m tests.test_docs
	$(BIN)/python -m tests.test_policy_docs
	$(BIN)/python -m tests.test_webhook_docs
	$(BIN)/python -m tests.test_provider_docs

# An environment that is made by halves is none: the next make would take it for a whole one.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "sendgate needs Python 3.11 or newer: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/run.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

$(VENV)/dev.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/run.stamp

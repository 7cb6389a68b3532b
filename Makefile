# Two commands on a fresh machine with Python 3.11: `make run` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: run test test-fast clean
.DEFAULT_GOAL := run

# The dashboard on the bundled studies.
run: $(VENV)/.run-ready
	$(BIN)/streamlit run app.py --server.port $(PORT)

# Every test, those in a real browser included.
test: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

# Without the browser and the slow ones.
test-fast: $(VENV)/.test-ready
	$(BIN)/python -m pytest -m "not browser and not slow"

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "ldviz needs Python 3.11: set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m tests.e2e.browser --install
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

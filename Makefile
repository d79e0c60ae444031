PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo web test lint test-web

demo: $(BIN)/lstm-suite
	$(BIN)/lstm-suite demo -o samples/

$(BIN)/lstm-suite:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check .

web: # the page, in tflite/web/dist
	cd tflite/web && npm ci --no-audit --no-fund && npm run build

test: lint
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 notebooks
	@if command -v npm >/dev/null; then $(MAKE) test-web; else echo "no Node: the page is not tested"; fi

test-web:
	cd tflite/web && npm ci --no-audit --no-fund && npm test

lint: $(VENV)/.test-installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

$(VENV)/.test-installed: setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[test,notebooks]"
	touch $@

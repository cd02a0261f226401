# Two commands matter: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready

.PHONY: demo test lint bench assets browser database clean

demo: assets
	@$(BIN)/harness gate quickstart --policy quickstart --model support-assistant; \
	code=$$?; [ $$code -le 2 ] || exit $$code

# Two processes, each with one thread for its sums; `pytest FILE` alone runs in one.
test: assets browser database
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: assets database
	for script in tests/bench/*.py; do $(BIN)/python $$script || exit 1; done

assets: $(SETUP)
	@$(BIN)/harness assets pull quickstart >/dev/null

# A real browser for the report's tests: Debian's, where this may install it.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } \
	  || echo "no chromium: the browser tests will say that they are skipped"

# A real PostgreSQL for the ledger's tests, which start and stop a server of their own.
database:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update \
	  && apt-get -qq install -y postgresql >/dev/null; } \
	  || echo "no PostgreSQL: its tests will say that they are skipped, and fail where CI is set"

# The constraints pin torch's CPU build and every other version that was tested.
$(SETUP): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt torch
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist runs mlruns mlartifacts mlflow.db

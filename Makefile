# Two commands: `make run` (the demo, end to end) and `make test`. Both set up .venv first.
PY := .venv/bin/python
# Two processes, a core each, take the next test as they come free; the long ones come first (tests/conftest.py).
PYTEST := POLARS_MAX_THREADS=1 $(PY) -m pytest -n 2 --maxschedchunk 1
# A folder of tests/ for `make test-slow`: engine, tick, inbox, … All of them if it isn't given.
PART :=
export DO_NOT_TRACK = 1
export TZ = UTC
# Images often forbid writing bytecode, and each of the hundreds of commands that tests start would compile Onward anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run check test test-slow test-prefect test-all lint types bench coverage constraints clean

.venv/.ready: pyproject.toml constraints.txt
	@test -x $(PY) || python3 -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@.venv/bin/uv pip install --quiet --compile-bytecode --python $(PY) --constraints constraints.txt --editable '.[demo,dev]'
	@touch $@

run: .venv/.ready
	@$(PY) -m demo

# Lint, types and the tests that start no process and no store.
QUICK := house definitions semantics oracle signals program engine
check: .venv/.ready
	@began=$$(date +%s); $(MAKE) --no-print-directory lint types \
	&& $(PYTEST) -m 'not slow and not prefect' --hypothesis-profile=quick $(addprefix tests/,$(QUICK)); ended=$$?; \
	echo "make check: $$(($$(date +%s) - began)) s"; exit $$ended

test: .venv/.ready
	@$(PYTEST) -m 'not slow and not prefect'
	@$(PY) -m pytest -m 'prefect and not slow'

test-slow: .venv/.ready
	@$(PYTEST) -m 'not prefect' --hypothesis-profile=thorough tests/$(PART)

test-prefect: .venv/.ready
	@$(PY) -m pytest -m prefect

test-all: test-prefect test-slow

# Of the processes that run tests: what tests start as commands of their own isn't counted.
coverage: .venv/.ready
	@$(PYTEST) -m 'not slow and not prefect' --hypothesis-profile=quick --cov=flows --cov=transforms --cov-branch --cov-report=term:skip-covered

lint: .venv/.ready
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types: .venv/.ready
	@.venv/bin/ty check --no-progress
	@.venv/bin/mypy

bench: .venv/.ready
	@$(PY) -m tests.benchmarks

constraints: .venv/.ready
	@.venv/bin/uv pip compile --quiet --universal --no-header --no-annotate --extra demo --extra dev pyproject.toml --output-file constraints.txt

clean:
	rm -rf .venv data/state data/published data/outbox data/inbox

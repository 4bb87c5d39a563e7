# Two commands: `make run` (the demo, end to end) and `make test`. Both set up .venv first.
PY := .venv/bin/python
export DO_NOT_TRACK = 1
export TZ = UTC

.PHONY: run test test-all lint types bench constraints clean

.venv/.ready: pyproject.toml constraints.txt
	@test -x $(PY) || python3 -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@.venv/bin/uv pip install --quiet --python $(PY) --constraints constraints.txt --editable '.[demo,dev]'
	@touch $@

run: .venv/.ready
	@$(PY) -m demo

test: .venv/.ready
	@$(PY) -m pytest -n 2 -m 'not slow and not prefect'
	@$(PY) -m pytest -m 'prefect and not slow'

test-all: .venv/.ready
	@$(PY) -m pytest -n 2 -m 'not prefect' --hypothesis-profile=thorough
	@$(PY) -m pytest -m prefect

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

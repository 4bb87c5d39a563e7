"""Every case lies whole, and runs as a user would run it."""

from pathlib import Path

import pytest

from tests.cases.runs import CASES, case, ran

NAMES = sorted(path.name for path in CASES.iterdir() if path.name[:1].isdigit())


@pytest.mark.parametrize("name", NAMES)
def test_a_case_has_a_delivery_for_each_run(name: str, tmp_path: Path) -> None:
    found = case(name, tmp_path)
    there = {path.name for path in (CASES / name).iterdir()}
    assert {f"tick-{number}" for number, _ in enumerate(found.nows, start=1)} <= there
    assert list((found.root / "data/workflows").glob("*.yaml"))


def test_a_case_runs_as_its_user_would(tmp_path: Path) -> None:
    found, ended = ran("07-compact-date-as-epoch", tmp_path)
    assert [(one.code, one.err) for one in ended] == [(0, "")]
    assert ended[0].out.startswith("Tick 1 until 2026-01-05T10:00:00+00:00")
    assert found.rows("select count(*) from customers") == [(2,)]

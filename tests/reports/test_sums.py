"""Sums against literal rows: what each counts, how changes add up, what reconciling says, how near quantiles are."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import example, given
from hypothesis import strategies as st

from flows.reports.reconcile import differences
from flows.store.sums import count_sums
from flows.warehouse import append
from tests.effort import few_cases
from tests.reports.sums import columns_of, count_anew, counted_tables, kept, tick
from transforms.tables.frames import SUMS
from transforms.tables.sums import added

T = datetime(2026, 3, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENTRY = {"workflow_id": "w", "version": "v1", "customer_id": "c", "entered_at": T, "branch": "default"}


@pytest.fixture
def con() -> Generator[DuckDBPyConnection]:
    with counted_tables() as found:
        yield found


def rows(con: DuckDBPyConnection, table: str, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table; columns that aren't given are null."""
    none = columns_of(con, table)
    return pl.DataFrame([dict.fromkeys(none.columns) | one for one in given], schema=none.schema)


def execution(name: str, status: str = "running", **more: Any) -> dict[str, Any]:
    return {**ENTRY, "execution_id": name, "status": status, **more}


def step(name: str, outcome: str, action: str = "send_email", **more: Any) -> dict[str, Any]:
    entry = {**ENTRY, "execution_id": name, "step": "0", "action_type": action, "outcome": outcome, "at": T}
    return {**entry, "tick_id": 1, **more}


def message(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {**ENTRY, "message_id": name, "execution_id": name, "at": T, "status": status} | more


def store(con: DuckDBPyConnection, **tables: list[dict[str, Any]]) -> None:
    """A tick with these executions, steps and messages."""
    named = ("executions", "steps", "messages")
    tick(con, *(rows(con, table, *tables.get(table, [])) for table in named))


def counted(con: DuckDBPyConnection, name: str) -> dict[str, int]:
    """A sum over everything: parts → n."""
    return {parts: n for one, parts, n, *_ in count_sums(con).rows() if one == name}


def test_executions_are_counted_where_they_stand(con: DuckDBPyConnection) -> None:
    held = {"held_by": "1", "step": "2"}
    store(
        con,
        executions=[
            execution("a", step="0", phase="due"),
            execution("b", "paused", step="0", phase="due"),
            execution("c", phase="due", **held),
            execution("d", phase="delayed", **held),
            execution("e", "failed", phase="delayed", **held),
            execution("f", step="0", phase="waiting"),
            execution("g", "completed", step=None, phase="due", held_by="1"),
            execution("h", "held_out", branch=None),
            execution("i", "exited"),
        ],
    )
    assert counted(con, "executions") == {
        '["w","v1","default","running","0","false"]': 2,
        '["w","v1","default","running","1","true"]': 1,
        '["w","v1","default","running","2","false"]': 1,
        '["w","v1","default","failed","1","true"]': 1,
        '["w","v1","default","running","0","true"]': 1,
        '["w","v1","default","completed",null,null]': 1,
        '["w","v1",null,"held_out",null,null]': 1,
        '["w","v1","default","exited",null,"false"]': 1,
    }
    assert differences(con).filter(pl.col("name") != "held_by").is_empty()  # the steps aren't there


def test_entries_say_the_first_and_the_last_that_werent_held_out(con: DuckDBPyConnection) -> None:
    store(
        con,
        executions=[
            execution("a", "held_out", entered_at=T - SECOND),
            execution("b"),
            execution("c", entered_at=T + SECOND),
        ],
    )
    (row,) = count_sums(con).filter(name="entries").rows()
    assert row == ("entries", '["w"]', 2, Decimal(0), T, T + SECOND)


@pytest.mark.parametrize(
    ("microseconds", "least"),
    [
        *((0, 0), (1, 1), (127, 127), (128, 128), (129, 128), (130, 130), (255, 254), (256, 256), (259, 256)),
        *((172_800_000_000, 80 * 2**31), (2**50 - 1, 127 * 2**43), (2**50, 2**50), (2**58 - 1, 127 * 2**51)),
    ],
)  # fmt: skip
def test_a_bin_is_named_by_seven_binary_digits(
    con: DuckDBPyConnection, microseconds: int, least: int
) -> None:
    entered = datetime(1, 1, 1, tzinfo=UTC)
    ended = entered + timedelta(microseconds=microseconds)
    store(con, executions=[execution("a", "completed", entered_at=entered, ended_at=ended)])
    (row,) = count_sums(con).filter(name="durations").rows()
    assert row == ("durations", f'["w","completion","{least}"]', 1, Decimal(microseconds - least), None, None)


def test_durations_are_those_of_completions_and_of_goals(con: DuckDBPyConnection) -> None:
    later = {"ended_at": T + 100 * SECOND / 10**6}
    goal = {"converted_at": T + 50 * SECOND / 10**6}
    store(
        con,
        executions=[
            execution("a", "completed", **later, **goal),
            execution("b", "completed", **later),
            execution("c", "converted", **later, **goal),
            execution("d", "exited", **later),
            execution("e", **goal),
        ],
    )
    assert counted(con, "durations") == {'["w","completion","100"]': 2, '["w","conversion","50"]': 3}


def test_a_refused_send_is_one_of_its_step_in_the_version_of_then(con: DuckDBPyConnection) -> None:
    place = {"workflow_id": "w", "branch": "default", "step": "0", "action_type": "send_email"}
    labels = [{**place, "version": "v1", "label": "hello"}, {**place, "version": "v2", "label": "welcome"}]
    append(con, "program_steps", rows(con, "program_steps", *labels))
    store(
        con,
        executions=[execution("a", version="v2"), execution("b", version="v2")],
        steps=[
            step("a", "suppressed:consent"),
            step("a", "deferred:quiet_hours", version="v2"),
            step("b", "done", version="v2"),
            step("b", "suppressed:consent", "trigger_webhook"),
        ],
        messages=[
            message("m", "sent", template_id="hello"),
            message("n", "pending", at=datetime(2026, 3, 2, tzinfo=UTC) - SECOND / 10**6),
            message("o", "pending", at=datetime(2026, 3, 2, tzinfo=UTC)),
        ],
    )
    assert counted(con, "sends") == {
        '["2026-03-01","w","hello","suppressed:consent"]': 1,
        '["2026-03-01","w","welcome","deferred:quiet_hours"]': 1,
        '["2026-03-01","w","hello","sent"]': 1,
        '["2026-03-01","w",null,"pending"]': 1,
        '["2026-03-02","w",null,"pending"]': 1,
    }
    assert differences(con).is_empty()


def test_the_day_is_utc_whatever_the_session_says(con: DuckDBPyConnection) -> None:
    con.execute("set TimeZone = 'Asia/Tokyo'")
    store(con, messages=[message("m", "sent", at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))])
    assert list(counted(con, "sends")) == ['["2026-03-01","w",null,"sent"]']


def test_steps_are_counted_by_what_became_of_them(con: DuckDBPyConnection) -> None:
    store(con, steps=[step("a", "done"), step("b", "done"), step("c", "skipped"), step("a", "x", "wait")])
    assert counted(con, "steps") == {
        '["w","v1","default","0","send_email","done"]': 2,
        '["w","v1","default","0","send_email","skipped"]': 1,
        '["w","v1","default","0","wait","x"]': 1,
    }


@pytest.mark.parametrize("odd", ['quote " and comma,', "line\nbreak", "back\\slash", "ü→", "", "null", "[1]"])
def test_any_name_comes_back_from_parts(con: DuckDBPyConnection, odd: str) -> None:
    store(con, executions=[execution("a", workflow_id=odd)], messages=[message("m", "sent", template_id=odd)])
    assert con.sql("select workflow_id from report_workflow_summary").fetchall() == [(odd,)]
    assert con.sql("select template_id from report_messages_daily").fetchall() == [(odd,)]
    assert differences(con).is_empty()


# Adding up


def sums(*given: tuple[str, int, int, datetime | None]) -> pl.DataFrame:
    """Sums of one name: parts, n, total, first and last."""
    full = [("s", parts, n, Decimal(total), at, at) for parts, n, total, at in given]
    return pl.DataFrame(full, schema=SUMS, orient="row")


def test_counts_and_totals_add_up_and_extremes_stay() -> None:
    found = added(
        sums(("a", 2, 10**30, T), ("b", 1, 5, None), ("c", 1, 0, None)),
        sums(
            ("a", 1, 1, T + SECOND),
            ("b", -1, -5, None),
            ("c", -1, 3, None),
            ("d", 1, 1, T),
            ("d", 1, 1, None),
        ),
    )
    assert found.rows() == [
        ("s", "a", 3, Decimal(10**30 + 1), T, T + SECOND),
        ("s", "c", 0, Decimal(3), None, None),
        ("s", "d", 2, Decimal(2), T, T),
    ]
    assert dict(found.schema) == SUMS


def test_what_moves_on_is_counted_once(con: DuckDBPyConnection) -> None:
    store(con, executions=[execution("a", step="0", phase="due"), execution("b", step="0", phase="due")])
    store(con, executions=[execution("a", step="1", phase="due"), execution("b", step="0", phase="due")])
    store(con, executions=[execution("a", "completed", ended_at=T + SECOND)])
    assert kept(con).select("name", "n").rows() == [
        ("durations", 1),
        ("entries", 2),
        ("entries_daily", 2),
        ("executions", 1),
        ("executions", 1),
    ]


def test_sums_that_are_nothing_may_be_kept(con: DuckDBPyConnection) -> None:
    store(con, executions=[execution("a")], messages=[message("m", "sent")])
    nothing = [
        ("executions", '["gone","v1","default","running","0","false"]'),
        ("entries", '["gone"]'),
        ("sends", '["2026-01-01","gone",null,"pending"]'),
        ("durations", '["w","completion","128"]'),
        ("steps", '["gone","v1","default","0","wait","done"]'),
    ]
    append(con, "sums", pl.DataFrame([(*one, 0, 0) for one in nothing], schema=[*SUMS][:4], orient="row"))
    assert differences(con).is_empty()


# Reconciling


def stored(con: DuckDBPyConnection) -> None:
    """A little of everything, in the sums too."""
    steps = [("0", "send_email", "hello"), ("1", "wait", "2d"), ("2", "add_tag", "vip")]
    places = [
        {"workflow_id": "w", "version": "v1", "branch": "default", "position": place}
        | {"step": name, "action_type": action, "label": label}
        for place, (name, action, label) in enumerate(steps)
    ]
    append(con, "program_steps", rows(con, "program_steps", *places))
    versions = {"workflow_id": "w", "version": "v1", "number": 1, "workflow_name": "W"}
    append(con, "workflow_versions", rows(con, "workflow_versions", versions))
    store(
        con,
        executions=[
            execution("a", step="2", phase="due", held_by="1"),
            execution("b", "completed", ended_at=T + SECOND),
        ],
        steps=[step("a", "done"), step("a", "done", "wait", step="1"), step("b", "suppressed:consent")],
        messages=[message("a", "sent", template_id="hello")],
    )


def told(con: DuckDBPyConnection) -> set[tuple[str, str, str | None, str | None]]:
    """What differs: name, measure, kept, counted."""
    return set(differences(con).select("name", "measure", "kept", "counted").rows())


def test_nothing_differs_after_what_was_counted(con: DuckDBPyConnection) -> None:
    stored(con)
    assert differences(con).is_empty()
    count_anew(con)
    assert differences(con).is_empty()


def test_a_sum_that_is_off_is_told_with_the_reports_it_spoils(con: DuckDBPyConnection) -> None:
    stored(con)
    con.execute("update sums set n = n + 1 where name = 'executions' and parts like '%completed%'")
    assert {one for one in told(con) if "rate" not in one[1] and "pct" not in one[1]} == {
        ("executions", "n", "2", "1"),
        ("report_workflow_summary", "completed", "2", "1"),
        ("report_workflow_summary", "total_executions", "3", "2"),
    }


def test_a_sum_that_is_missing_and_one_too_many_are_told(con: DuckDBPyConnection) -> None:
    stored(con)
    con.execute("update sums set parts = replace(parts, 'hello', 'bye') where parts like '%\"sent\"%'")
    of_sends = differences(con).filter(name="sends", measure="n").select("parts", "kept", "counted").rows()
    assert sorted(of_sends) == [
        ('["2026-03-01","w","bye","sent"]', "1", None),
        ('["2026-03-01","w","hello","sent"]', None, "1"),
    ]
    day = differences(con).filter(name="report_messages_daily", measure="sent")
    assert day.select("parts", "kept", "counted").rows() == [
        ('{"day":"2026-03-01","workflow_id":"w","template_id":"bye"}', "1", None),
        ('{"day":"2026-03-01","workflow_id":"w","template_id":"hello"}', "0", "1"),
    ]


@pytest.mark.parametrize(
    ("change", "measure"),
    [
        ("update sums set first = first - interval 1 second where name = 'entries'", "first"),
        ("update sums set last = null where name = 'entries'", "last"),
        ("update sums set total = total + 1 where name = 'durations'", "total"),
    ],
)
def test_every_column_of_a_sum_is_compared(con: DuckDBPyConnection, change: str, measure: str) -> None:
    stored(con)
    con.execute(change)
    assert measure in differences(con).filter(pl.col("name").is_in(["entries", "durations"]))["measure"]


@pytest.mark.parametrize("held_by", [None, "0"])
def test_an_execution_held_elsewhere_than_its_steps_say_is_told(
    con: DuckDBPyConnection, held_by: str | None
) -> None:
    stored(con)
    con.execute("update executions set held_by = $1 where execution_id = 'a'", [held_by])
    count_anew(con)
    assert told(con) == {("held_by", "held_by", held_by, "1")}


def test_whoever_was_migrated_may_have_been_let_go(con: DuckDBPyConnection) -> None:
    stored(con)
    moved = {"after_tick": 1, "number": 1, "workflow_id": "w", "version": "v1"}
    append(con, "migrations", rows(con, "migrations", moved))
    con.execute("update executions set held_by = null where execution_id = 'a'")
    count_anew(con)
    assert differences(con).is_empty()
    con.execute("update executions set held_by = '0' where execution_id = 'a'")
    count_anew(con)
    assert told(con) == {("held_by", "held_by", "0", "1")}


# Quantiles


@pytest.fixture(scope="module")
def shared() -> Generator[DuckDBPyConnection]:
    with counted_tables() as found:
        yield found


YEAR = 365 * 86_400 * 10**6
durations = st.lists(
    st.one_of(st.integers(0, 300), st.integers(0, 60 * 10**6), st.integers(0, 10 * YEAR)),
    min_size=1,
    max_size=80,
)


@few_cases
@given(completions=durations, conversions=durations)
@example(completions=[172_800_000_000] * 7, conversions=[127, 128, 129])
def test_quantiles_are_within_a_64th(
    shared: DuckDBPyConnection, completions: list[int], conversions: list[int]
) -> None:
    for table in ("executions", "sums"):
        shared.execute(f"delete from {table}")
    ended = [
        execution(f"a{number}", "completed", ended_at=T + timedelta(microseconds=one))
        for number, one in enumerate(completions)
    ]
    reached = [
        execution(f"b{number}", converted_at=T + timedelta(microseconds=one))
        for number, one in enumerate(conversions)
    ]
    store(shared, executions=[*ended, *reached])
    (row,) = shared.sql("from report_workflow_summary").pl().rows(named=True)
    for values, what in ((completions, "execution"), (conversions, "conversion")):
        for percent, which in ((50, "median"), (95, "p95")):
            exact = sorted(values)[-(-len(values) * percent // 100) - 1] / 1e6
            assert row[f"{which}_{what}_seconds"] == pytest.approx(exact, rel=1 / 64, abs=0), (which, what)
    assert differences(shared).is_empty()


def test_a_duration_that_all_have_is_exact(con: DuckDBPyConnection) -> None:
    ends = [execution(str(one), "completed", ended_at=T + timedelta(days=2)) for one in range(9)]
    store(con, executions=ends)
    query = "select median_execution_seconds, p95_execution_seconds from report_workflow_summary"
    assert con.sql(query).fetchall() == [(172_800.0, 172_800.0)]

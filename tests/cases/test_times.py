"""Cases of times: spellings of one grammar (semantics.md §2), wherever they stand."""

from pathlib import Path

from tests.cases.runs import ran


def test_07_eight_digits_are_a_date_and_no_number_is_one_before_2000(tmp_path: Path) -> None:
    found, ended = ran("07-compact-date-as-epoch", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id, ts::varchar from events") == [("ann", "2026-01-05 00:00:00+00")]
    assert found.rows("select line, reason from quarantine") == [(3, "bad_time: 46027.375")]
    assert found.subjects() == ["Hi Ann"]


def test_08_times_as_a_warehouse_exports_them(tmp_path: Path) -> None:
    found, ended = ran("08-bigquery-utc", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select entered_at::varchar from executions order by all") == [
        ("2026-01-05 09:00:00+00",),
        ("2026-01-05 09:00:00.123456+00",),
    ]
    assert found.subjects() == ["Hi Ann", "Hi Bob"]


def test_14_a_time_of_an_attribute_is_spelt_as_one_of_an_event(tmp_path: Path) -> None:
    found, ended = ran("14-attribute-time-spellings", tmp_path)
    assert [one.code for one in ended] == [0, 0]
    assert found.rows("select customer_id, entered_at::varchar from executions order by all") == [
        ("colon", "2026-01-09 09:00:00+00"),
        ("lower", "2026-01-09 09:00:00+00"),
        ("nanos", "2026-01-09 09:00:00.123456+00"),
        ("nocolon", "2026-01-09 09:00:00+00"),
    ]

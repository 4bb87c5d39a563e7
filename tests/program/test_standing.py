"""Which step holds an execution: what was logged last decides, before and after a migration."""

import polars as pl
import pytest

from transforms.program.standing import with_held_by, with_held_by_moved

Logged = tuple[str, str, str, str]
WAITED, SENT = ("1", "wait", "done"), ("2", "send_email", "done")


def held(before: dict[str, str | None], *logged: Logged) -> dict[str, str | None]:
    """Execution → the step that holds it after a tick that logged (execution, step, action, outcome)."""
    executions = pl.DataFrame(
        list(before.items()), schema={"execution_id": pl.String, "held_by": pl.String}, orient="row"
    )
    columns = dict.fromkeys(["execution_id", "step", "action_type", "outcome"], pl.String)
    found = with_held_by(executions, pl.DataFrame(logged, schema=columns, orient="row"))
    assert found.columns == executions.columns
    assert found["execution_id"].to_list() == list(before)
    return dict(found.rows())


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ([WAITED], "1"),
        ([WAITED, SENT], None),
        ([SENT, WAITED], "1"),
        ([("1", "wait", "skipped")], None),
        ([("1", "wait", "failed:out_of_range")], "1"),
        ([("2", "send_email", "failed:out_of_range")], "2"),
        ([("1", "wait_for_event", "waiting")], None),
        ([("1", "wait_for_event", "waiting"), ("1", "wait_for_event", "timeout")], None),
        ([("1", "add_tag", "done")], None),
        ([WAITED, ("2", "send_email", "deferred:quiet_hours")], "1"),
        ([WAITED, ("2", "send_email", "deferred:quiet_hours"), ("2", "send_email", "suppressed:consent")], None),
        ([WAITED, ("2", "branch_decision", "default"), ("2.default.0", "wait", "done")], "2.default.0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [None, "0"])
def test_the_last_logged_step_holds_if_it_is_a_wait_or_failed(
    before: str | None, logged: list[tuple[str, str, str]], expected: str | None
) -> None:
    assert held({"a": before}, *(("a", *one) for one in logged)) == {"a": expected}


def test_where_nothing_or_a_deferral_was_logged_the_step_of_before_holds() -> None:
    deferral = ("b", "2", "send_email", "deferred:send_window")
    assert held({"a": "1", "b": "1", "c": None}, deferral) == {"a": "1", "b": "1", "c": None}
    assert held({"a": "1"}) == {"a": "1"}
    assert held({}, ("a", *WAITED)) == {}


def test_executions_are_told_apart() -> None:
    logged = [("a", *WAITED), ("b", *WAITED), ("a", *SENT), ("c", *SENT)]
    assert held({"c": "1", "b": None, "a": "0", "d": "1"}, *logged) == {
        "c": None,
        "b": "1",
        "a": None,
        "d": "1",
    }


@pytest.mark.parametrize(
    ("from_branch", "branch", "held_by", "expected"),
    [
        ("default", "default", "1", "1"),
        ("default", "default", "7", None),
        ("default", "default", None, None),
        ("default", "vip", "1", None),
        ("vip", "vip", "2", None),
    ],
)
def test_after_a_migration_a_step_holds_only_where_it_still_is(
    from_branch: str, branch: str, held_by: str | None, expected: str | None
) -> None:
    row = {"execution_id": "a", "from_branch": from_branch, "branch": branch, "held_by": held_by}
    executions = pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    places = pl.DataFrame({"branch": ["default", "default", "vip", "default"], "step": ["0", "1", "1", "2"]})
    (after,) = with_held_by_moved(executions, places).rows(named=True)
    assert after == {**row, "held_by": expected}

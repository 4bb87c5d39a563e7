"""The random cases are worth their time: what they reach, counted."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.cases import Case, Result
from tests.oracle import decide
from tests.strategies import cases

CASES = 300
EXPECTED = {
    "status": ["running", "completed", "converted", "exited", "failed", "held_out"],
    "action": [
        *("send_email", "wait", "add_tag", "remove_tag", "update_attribute", "trigger_webhook"),
        *("branch_decision", "random_split", "wait_for_event", "end_workflow"),
    ],
    "outcome": [
        *("done", "skipped", "suppressed:consent", "suppressed:frequency_cap", "failed:out_of_range"),
        *("waiting", "event", "timeout", "yes", "no", "default", "left", "right"),
    ],
    "refusal": ["running", "same_instant", "reentry_once", "reentry_after"],
}


def reached(result: Result) -> set[tuple[str, str]]:
    """Everything of `EXPECTED` that the result has."""
    found = {("status", row["status"]) for row in result.executions}
    found |= {("action", row["action_type"]) for row in result.steps}
    found |= {("outcome", row["outcome"]) for row in result.steps}
    return found | {("refusal", row["reason"]) for row in result.refusals}


@pytest.mark.slow
def test_cases_reach_everything() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    executions = 0

    @settings(
        max_examples=CASES, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(cases())
    def count(case: Case) -> None:
        nonlocal executions
        result = decide(case)
        executions += bool(result.executions)
        seen.update(reached(result))

    count()
    rare = {
        (kind, name): seen[kind, name]
        for kind, names in EXPECTED.items()
        for name in names
        if seen[kind, name] < CASES * 0.02
    }
    assert not rare, f"in less than 2 of 100 cases: {rare}"
    assert executions > CASES * 0.7

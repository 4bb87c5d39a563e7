"""The random cases are worth their time: what they reach, counted."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.engine.strategies import cases
from tests.oracle import interpreter, matching, values
from tests.oracle.interpreter import decide
from tests.oracle.patterns import Pattern
from tests.semantics.cases import Case, Result, Row

SEEDS, CASES = range(40), 600
"""Cases of one seed are much alike; so many seeds share them."""
OPERATORS = [
    *("equals", "not_equals", "greater_than", "less_than", "contains", "in_list", "exists"),
    *("not_in_list", "not_exists", "starts_with", "ends_with", "matches"),
    *("before", "after", "between", "within_last", "at_least", "at_most"),
]
HOURS = ["deferred:quiet_hours", "deferred:send_window", "suppressed:send_window"]
RARER = ["entry", "operator", "pattern", "hours", "reference", "inside"]
PATTERNS = ["sequence", "weighted_score", "cumulative", "ordered"]
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
    "hours": HOURS,
    "entry": ["pattern", "cron", "date", "crossing"],
    "operator": [f"{name} {held}" for name in OPERATORS for held in (True, False)],
    "reference": ["True", "False"],
    "inside": ["attribute", "property"],
    "pattern": [f"{kind} {true}" for kind in PATTERNS for true in (True, False)],
}


def reached(result: Result) -> set[tuple[str, str]]:
    """Everything of `EXPECTED` that the result has."""
    found = {("status", row["status"]) for row in result.executions}
    found |= {("action", row["action_type"]) for row in result.steps}
    found |= {("outcome", row["outcome"]) for row in result.steps}
    found |= {("hours", row["outcome"]) for row in result.steps}
    found |= {("entry", entry_of(row)) for row in result.executions}
    return found | {("refusal", row["reason"]) for row in result.refusals}


def entry_of(execution: Row) -> str:
    """By what kind of fact it was entered; schedules' names tell which kind they are."""
    name = execution["trigger_name"]
    if execution["trigger_type"] == "time_based" and " " in name:
        return "date" if name.startswith(("renews", "created_at", "stay")) else "cron"
    return str(execution["trigger_type"])


def listen(monkeypatch: pytest.MonkeyPatch, seen: set[tuple[str, str]]) -> None:
    """Notes how each operator and each kind of pattern is answered, and each crossing."""
    holds, is_true, crosses, matches = values.holds, Pattern.is_true, matching.crosses, matching.matches

    def noted_holds(operator: str, *given: Any) -> bool:
        seen.add(("operator", f"{operator} {holds(operator, *given)}"))
        return holds(operator, *given)

    def noted_is_true(self: Pattern, *given: Any) -> bool:
        seen.add(("pattern", f"{self.given['pattern']} {is_true(self, *given)}"))
        return is_true(self, *given)

    def noted_crosses(*given: Any) -> bool:
        seen.update([("entry", "crossing")] * crosses(*given))
        return crosses(*given)

    def noted_matches(trigger: Row, *given: Any) -> bool:
        found = matches(trigger, *given)
        if any(map(matching.refers, trigger.get("config", {}).values())):
            seen.add(("reference", str(found)))
        return found

    def noting(kind: str) -> Callable[..., Any]:
        def look_up(name: str, whole: Callable[[str], Any]) -> Any:
            found = values.look_up(name, whole)
            seen.update([("inside", kind)] * (found is not None and whole(name) is None))
            return found

        return look_up

    monkeypatch.setattr(interpreter, "matches", noted_matches)
    monkeypatch.setattr(interpreter, "look_up", noting("attribute"))
    monkeypatch.setattr(matching, "look_up", noting("property"))
    monkeypatch.setattr(interpreter, "holds", noted_holds)
    monkeypatch.setattr(Pattern, "is_true", noted_is_true)
    monkeypatch.setattr(matching, "crosses", noted_crosses)


@pytest.mark.slow
def test_cases_reach_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    heard: set[tuple[str, str]] = set()
    listen(monkeypatch, heard)
    executions = 0

    def count(case: Case) -> None:
        nonlocal executions
        heard.clear()
        result = decide(case)
        executions += bool(result.executions)
        seen.update(reached(result) | heard)

    quick = settings(
        max_examples=CASES // len(SEEDS),
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    for number in SEEDS:
        seed(number)(quick(given(cases())(count)))()
    rare = {
        (kind, name): seen[kind, name]
        for kind, names in EXPECTED.items()
        for name in names
        if seen[kind, name] < (1 if kind in RARER else CASES * 0.02)
    }
    assert not rare, f"in too few cases: {rare}"
    assert executions > CASES * 0.7

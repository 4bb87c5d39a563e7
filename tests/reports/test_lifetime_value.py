"""Revenue per customer by entry cohort, beside those who never entered: literal rows, and against plain Python."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.asked import asked_tables
from tests.runs import house, person
from tests.semantics.cases import Row, at, event, wait, workflow

WEEKS = [at(days=7 * number) for number in range(4)]


def order(customer: str, minute: float, value: float, name: str = "Order Completed") -> Row:
    return event(name, at(minute), customer, value=value, event_id=f"{name}-{customer}-{minute}")


def test_who_entered_and_who_did_not(tmp_path: Path) -> None:
    """Ann enters twice, her first week counts; Bob is the control of `v`; Cy only buys, Dee does nothing."""
    home = house(
        tmp_path, workflow(wait("1h"), workflow_id="w"), workflow(holdout=1, workflow_id="v", on="b")
    )
    home.customers("people", *(person(one) for one in ("ann", "bob", "cy", "dee")))
    home.events(
        "1",
        *(
            event("go", at(5)),
            event("b", at(6), "bob"),
            event("go", at(days=8)),
            event("go", at(days=9), "bob"),
        ),
        *(order("ann", 1, 10), order("ann", 90, 2.5), order("ann", 95, 0.75, "Order Refunded")),
        *(order("cy", 7, 3), order("bob", 8, 4)),
    )
    home.tick(at(days=10))
    assert home.rows("from report_lifetime_value") == [
        ("v", "held_out", date(2026, 3, 2), 1, 1, Decimal("4.00"), 4.0),
        ("v", "not_entered", None, 3, 2, Decimal("14.75"), 14.75 / 3),
        ("w", "not_entered", None, 2, 1, Decimal("3.00"), 1.5),
        ("w", "treated", date(2026, 3, 2), 1, 1, Decimal("11.75"), 11.75),
        ("w", "treated", date(2026, 3, 9), 1, 1, Decimal("4.00"), 4.0),
    ]


people = st.integers(0, 5)
entries = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("wv"), st.integers(0, 3), st.booleans()),
    max_size=10,
    unique_by=lambda one: one[:3],
)
orders = st.lists(st.tuples(people, st.integers(-500, 500)), max_size=10)


def test_it_is_that_of_plain_python() -> None:
    with asked_tables() as tables:

        @settings(max_examples=15, deadline=None)
        @given(entries, orders)
        def compare(entered: list[tuple[int, str, int, bool]], paid: list[tuple[int, int]]) -> None:
            found = tables.answer(
                "report_lifetime_value",
                profiles=[{"customer_id": f"c{one}"} for one in range(5)],  # the sixth only buys
                executions=[_execution(*one) for one in entered],
                events=[_order(number, *one) for number, one in enumerate(paid)],
            )
            assert sorted(map(str, found)) == sorted(map(str, _expected(entered, paid)))

        compare()


def _execution(who: int, name: str, week: int, held_out: bool) -> dict[str, Any]:
    status = "held_out" if held_out else "running"
    shared = {"customer_id": f"c{who}", "workflow_id": name, "entered_at": WEEKS[week], "status": status}
    return {"execution_id": f"{name}{who}{week}", **shared}


def _order(number: int, who: int, cents: int) -> dict[str, Any]:
    name = "Order Completed" if cents >= 0 else "Order Refunded"
    shared = {"customer_id": f"c{who}", "ts": datetime(2026, 3, 3, tzinfo=UTC) + timedelta(days=number)}
    return {"event_id": f"e{number}", "name": name, "value": abs(cents) / 100, **shared}


def _expected(
    entered: list[tuple[int, str, int, bool]], paid: list[tuple[int, int]]
) -> list[tuple[Any, ...]]:
    everybody = {*range(5), *(who for who, _ in paid)}
    rows: list[tuple[Any, ...]] = []
    for name in {one[1] for one in entered}:
        first: dict[int, tuple[int, bool]] = {}
        for who, _, week, held_out in sorted(
            (one for one in entered if one[1] == name), key=lambda one: one[2]
        ):
            first.setdefault(who, (week, held_out))
        groups: dict[tuple[str, date | None], set[int]] = defaultdict(set)
        for who in everybody:
            week, held_out = first.get(who, (None, False))
            arm = "not_entered" if week is None else "held_out" if held_out else "treated"
            groups[arm, None if week is None else WEEKS[week].date()].add(who)
        groups.setdefault(("not_entered", None), set())
        for (arm, day), members in groups.items():
            cents = sum(one for who, one in paid if who in members)
            buyers = {who for who, one in paid if one >= 0 and who in members}
            mean = cents / 100 / len(members) if members else None
            rows.append((name, arm, day, len(members), len(buyers), Decimal(cents) / 100, mean))
    return [(*row[:5], row[5].quantize(Decimal("0.01")), row[6]) for row in rows]

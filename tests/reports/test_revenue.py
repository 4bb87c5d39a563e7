"""Revenue attribution: literal rows, and against plain Python; credits sum to what was earned, to the cent."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.warehouse import connect, make_view, run_sql, shown, sql_text
from tests.runs import INSTANT, House, house, person
from tests.semantics.cases import Row, at, event, send, trigger, workflow

MODELS = ("first_touch", "last_touch", "linear", "position_based", "time_decay")


def order(minute: float, value: float, name: str = "Order Completed", **properties: object) -> Row:
    return event(name, at(minute), value=value, properties=properties, event_id=f"{name}-{minute}-{value}")


def started(root: Path, *workflows: Row, **given: object) -> House:
    home = house(root, *workflows, **given)
    home.template("hello.txt.j2", "---\nsubject: Hello\n---\nHello!\n")
    home.customers("people", person("ann", email="ann@example.com"))
    return home


def credited(home: House) -> dict[str, dict[str | None, Decimal]]:
    """Of each model what is credited to each workflow; None: to nobody."""
    return _by_model(home.rows("select model, workflow_id, revenue from report_revenue"))


def _by_model(rows: list[tuple[Any, ...]]) -> dict[str, dict[str | None, Decimal]]:
    found: dict[str, dict[str | None, Decimal]] = defaultdict(dict)
    for model, name, revenue in rows:
        found[model][name] = revenue
    return found


@pytest.fixture
def home(tmp_path: Path) -> House:
    """Three letters at minutes 0, 10 and 20."""
    names = ("a", "b", "c")
    home = started(tmp_path, *(workflow(send(), workflow_id=one, on=one) for one in names))
    home.events("1", *(event(one, at(10 * place)) for place, one in enumerate(names)))
    home.tick(at(25))
    return home


def test_models(home: House) -> None:
    home.events("2", order(30, 100.01))
    home.tick(at(40))
    found = credited(home)
    assert found["last_touch"] == {"a": 0, "b": 0, "c": Decimal("100.01")}
    assert found["first_touch"] == {"a": Decimal("100.01"), "b": 0, "c": 0}
    assert found["linear"] == {"a": Decimal("33.34"), "b": Decimal("33.33"), "c": Decimal("33.34")}
    assert found["position_based"] == {"a": Decimal("40.00"), "b": Decimal("20.01"), "c": Decimal("40.00")}
    assert {sum(one.values()) for one in found.values()} == {Decimal("100.01")}


def test_refunds_go_where_the_order_went(home: House) -> None:
    home.events("2", order(15, 50, order_id="x"), order(30, 20, "Order Refunded", order_id="x"))
    home.tick(at(40))
    assert credited(home)["last_touch"] == {"a": 0, "b": Decimal("30.00")}


def test_orders_beyond_the_window_or_before_are_nobodys(tmp_path: Path) -> None:
    home = started(tmp_path, workflow(send(), goal=trigger("buy") | {"window": "1h"}))
    home.events("1", event("go", at(10)))
    home.tick(at(11))
    home.events("2", order(5, 1), order(70, 2), order(71, 4))
    home.tick(at(100))
    assert credited(home)["linear"] == {None: Decimal("5.00"), "w": Decimal("2.00")}


def test_the_settings_say_what_revenue_is(tmp_path: Path) -> None:
    home = started(tmp_path, workflow(send()), revenue=["paid"], refunds=[])
    home.events("1", event("go", at(10)), order(20, 7, "paid"), order(21, 3), order(22, 1, "Order Refunded"))
    home.tick(at(30))
    assert credited(home)["linear"] == {"w": Decimal("7.00")}


def shares(model: str, ages: list[float]) -> list[float]:
    """What of an order each of its touches gets, the oldest first."""
    count = len(ages)
    weights = {
        "first_touch": [1.0] + [0.0] * (count - 1),
        "last_touch": [0.0] * (count - 1) + [1.0],
        "linear": [1.0] * count,
        "time_decay": [0.5 ** (age / 604_800) for age in ages],
        "position_based": [1.0] * count if count <= 2 else [0.4, *[0.2 / (count - 2)] * (count - 2), 0.4],
    }[model]
    return [one / sum(weights) for one in weights]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=6, unique=True),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 100_000)), min_size=1, max_size=5),
)
def test_credits_are_those_of_plain_python(touches: list[int], orders: list[tuple[int, int]]) -> None:
    days = {one: at(days=one) for one in touches}
    found = counted(days, [(at(1, days=day), cents) for day, cents in orders])
    for model in MODELS:
        expected = _expected(model, days, orders)
        assert sum(found[model].values()) == Decimal(sum(cents for _, cents in orders)) / 100
        for name in {*expected, *found[model]}:
            cents = float(found[model].get(name, Decimal(0)) * 100)
            assert abs(cents - expected.get(name, 0.0)) <= len(orders)


def counted(
    sent: dict[int, datetime], orders: list[tuple[datetime, int]]
) -> dict[str, dict[str | None, Decimal]]:
    """What the view credits, over tables that hold only these."""
    messages = pl.DataFrame(
        [(f"m{one:02}", f"w{one}", when) for one, when in sent.items()],
        schema={"message_id": pl.String, "workflow_id": pl.String, "at": INSTANT}, orient="row",
    ).with_columns(
        customer_id=pl.lit("ann"), version=pl.lit("v"), branch=pl.lit("default"), step=pl.lit("0"),
        template_id=pl.lit("t"), variant=pl.lit(None, pl.String), status=pl.lit("sent"),
    )  # fmt: skip
    events = pl.DataFrame(
        [(f"e{place}", when, cents / 100) for place, (when, cents) in enumerate(orders)],
        schema={"event_id": pl.String, "ts": INSTANT, "value": pl.Float64}, orient="row",
    ).with_columns(customer_id=pl.lit("ann"), name=pl.lit("Order Completed"), properties=pl.lit("{}"))  # fmt: skip
    versions = pl.DataFrame({"version": ["v"], "definition": ["{}"]})
    with connect() as con, shown(con, messages=messages, events=events, workflow_versions=versions):
        con.execute(
            "create schema internal; create table internal.money as select 'Order Completed' as name, 1 as sign"
        )
        run_sql(con, "store/macros/goal_window.sql")
        make_view(con, "orders", sql_text("reports/asked/orders.sql"))
        rows = con.execute(
            f"select model, workflow_id, revenue from ({sql_text('reports/asked/report_revenue.sql')})"
        )
        return _by_model(rows.fetchall())


def _expected(
    model: str, days: dict[int, datetime], orders: list[tuple[int, int]]
) -> dict[str | None, float]:
    found: dict[str | None, float] = defaultdict(float)
    for day, cents in orders:
        when = at(1, days=day)
        touched = sorted(one for one, sent in days.items() if sent <= when <= sent + timedelta(days=30))
        ages = [(when - days[one]).total_seconds() for one in touched]
        for one, share in zip(touched, shares(model, ages) if touched else [], strict=True):
            found[f"w{one}"] += share * cents
        if not touched:
            found[None] += cents
    return found

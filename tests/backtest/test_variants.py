"""A backtest's messages have the variants that a run of the same events sends."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.definitions.folder import read_definitions
from tests.runs import house, person
from tests.semantics.cases import at, event, send, workflow

VARIANTS = [
    {"name": "short", "weight": 3},
    {"name": "long", "content": "Hello, and much more"},
    {"name": "question"},
]
PEOPLE = [f"c{number}" for number in range(60)]


def test_variants_are_those_of_a_run(tmp_path: Path) -> None:
    split = send("hello", subject="Hi", content="Hello", variants=VARIANTS)
    home = house(tmp_path, workflow(split, send("plain", content="Hello")))
    customers = home.customers("people", *map(person, PEOPLE))
    events = home.events("go", *(event("go", at(number), one) for number, one in enumerate(PEOPLE)))
    workflows = read_definitions(home.settings.workflows).workflows
    for tick in (None, timedelta(minutes=7)):
        out = tmp_path / f"out {tick}"
        backtest(Plan(workflows, customers=customers, events=[events], out=out, end=at(100), tick=tick))
        found = pl.read_parquet(out / "messages.parquet").select(
            "message_id", pl.col("variant").cast(pl.String)
        )
        if tick is None:
            home.tick(at(100))
        sent = dict(home.rows("select message_id, variant from messages"))
        assert dict(found.iter_rows()) == sent
    counts = found["variant"].value_counts().sort("count").rows()
    assert [name for name, _ in counts[2:]] == ["short", None]
    assert {name for name, _ in counts[:2]} == {"long", "question"}

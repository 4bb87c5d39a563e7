"""Ticks count what triggers ask: the same after compaction and a rebuild, however facts are cut into buckets."""

from pathlib import Path
from typing import Any

import pytest

from flows.store.compact import compact
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, condition, event, send, trigger, workflow

BUYER = trigger("buy", minimum_total=50, when=[condition("plan", "equals", "pro")])
ROWS = """
select considered.tick_id, place, condition, facts from considered order by all
"""


def bought(minute: int, total: float, who: str = "ann") -> Any:
    return event("buy", at(minute), who, properties={"total": total})


def shop(tmp_path: Path) -> House:
    """Two ticks: one purchase too small, two of somebody on another plan; then one that lets in."""
    home = house(tmp_path, workflow(send(), on=BUYER))
    home.customers("people", person("ann", plan="free"), person("ben", plan="pro"))
    home.events("1", bought(1, 20), bought(2, 60), bought(3, 70))
    home.tick(at(10))
    home.events("2", bought(11, 60, "ben"), event("look", at(12)))
    home.tick(at(20))
    return home


EXPECTED = [
    (1, "triggers[0].conditions[0]", 'plan equals "pro"', 2),
    (1, "triggers[0].config.minimum_total", "event.total at least 50", 1),
    (2, "triggers[0]", None, 1),
]


def test_each_tick_counts_what_refused_first(tmp_path: Path) -> None:
    home = shop(tmp_path)
    assert home.rows(ROWS) == EXPECTED
    report = "select place, facts, facts_last_week from report_considered order by place"
    assert home.rows(report) == [
        ("triggers[0]", 1, 1),
        ("triggers[0].conditions[0]", 2, 2),
        ("triggers[0].config.minimum_total", 1, 1),
    ]


def test_an_idle_tick_counts_nothing(tmp_path: Path) -> None:
    home = shop(tmp_path)
    home.tick(at(30))
    assert home.rows(ROWS) == EXPECTED


def test_compaction_moves_the_rows_and_a_rebuild_counts_them_again(tmp_path: Path) -> None:
    home = shop(tmp_path)
    compact(home.settings)
    assert home.rows(ROWS) == EXPECTED
    home.events("3", bought(21, 10, "ben"))
    home.tick(at(30))
    more = [*EXPECTED, (3, "triggers[0].config.minimum_total", "event.total at least 50", 1)]
    assert home.rows(ROWS) == more
    rebuild(home.settings)
    assert home.rows(ROWS) == more


@pytest.mark.parametrize("buckets", [1, 3])
def test_buckets_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buckets: int) -> None:
    monkeypatch.setattr("flows.decide.pending.how_many", lambda *_: buckets)
    assert shop(tmp_path).rows(ROWS) == EXPECTED

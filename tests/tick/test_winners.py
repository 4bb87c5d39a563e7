"""Winners among variants: made between ticks, archived, read by all that follows, taken back with their ticks."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.store.archive import ArchiveError
from flows.store.winners import archived_winners, read_winners
from flows.tick import winners
from flows.tick.rebuild import Request, rebuild
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, send, trigger, workflow
from transforms.columns.ids import draw

NAMES = [f"c{number:03}" for number in range(240)]
DRAWN = dict(zip(NAMES, draw("variant", "w", "0", customers=pl.Series(NAMES)) < 0.5, strict=True))
FIRST = [name for name in NAMES if DRAWN[name]]
"""Who gets the first variant, `plain`; the others get `bold`."""
OTHERS = [name for name in NAMES if not DRAWN[name]]


def varied(metric: str = "opened", **given: Any) -> Row:
    """A workflow whose only message has two variants."""
    variants = [{"name": "plain"}, {"name": "bold", "subject": "Look!"}]
    winner = {"metric": metric, "settle": "1h", "minimum": 50, "keep": 0}
    return workflow(
        send("hello", subject="Hi", content="Hello", variants=variants, winner=winner),
        goal=trigger("buy"),
        reentry={"policy": "once"},
        **given,
    )


def started(tmp_path: Path, *workflows: Row) -> House:
    """All have got their message, at minute 1."""
    home = house(tmp_path, *(workflows or (varied(),)))
    home.customers("all", *(person(name, email=f"{name}@example.com") for name in NAMES))
    home.events("go", *(event("go", at(1), name) for name in NAMES))
    home.tick(at(2))
    return home


def respond(
    home: House, names: list[str], ts: datetime, name: str = "Email Opened", **properties: Any
) -> None:
    """Events of the messages of some customers come in."""
    ids = dict(home.rows("select customer_id, message_id from messages"))
    rows = [
        event(name, ts, one, event_id=f"{name}-{one}-{ts}", properties={"message_id": ids[one], **properties})
        for one in names
    ]
    home.events(f"{name}-{ts:%H%M%S}", *rows)


def won(home: House) -> list[tuple[str, datetime]]:
    return read_winners(home.settings).select("variant", "from").rows()


def test_a_winner_counts_from_the_end_of_its_tick_on(tmp_path: Path) -> None:
    home = started(tmp_path)
    respond(home, OTHERS, at(30))
    summary = home.tick(at(62))
    assert won(home) == [("bold", at(62) + timedelta(microseconds=1))]
    (told,) = [one for one in summary.warnings if "has won" in one]
    assert told == (
        f"w, branch default, step 0: variant bold has won (bold 100.0% of {len(OTHERS)}, plain 0.0% of {len(FIRST)})"
    )
    ((file, made),) = archived_winners(home.settings)
    assert made.winners[0].counts == {"plain": (len(FIRST), 0), "bold": (len(OTHERS), len(OTHERS))}
    home.tick(at(200))
    assert [one for one, _ in archived_winners(home.settings)] == [file]
    file.write_text(json.dumps({"after_tick": 1}))
    with pytest.raises(ArchiveError, match=r"winners\.json: is damaged"):
        read_winners(home.settings)


@pytest.mark.slow
def test_responses_that_do_not_count(tmp_path: Path) -> None:
    home = started(tmp_path)
    respond(home, OTHERS, at(30), machine=True)
    respond(home, OTHERS, at(30), "Email Delivered")
    respond(home, OTHERS, at(61.5))  # later than the message settles
    home.tick(at(70))
    assert won(home) == []


@pytest.mark.slow
def test_who_clicks_has_opened_but_not_the_other_way_round(tmp_path: Path) -> None:
    opened, clicked = started(tmp_path / "o"), started(tmp_path / "c", varied("clicked"))
    respond(opened, OTHERS, at(30), "Email Link Clicked")
    respond(clicked, OTHERS, at(30), "Email Opened")
    respond(clicked, FIRST[::2], at(31), "Email Link Clicked")
    assert [opened.tick(at(62)) and won(opened), clicked.tick(at(62)) and won(clicked)] == [
        [("bold", at(62) + timedelta(microseconds=1))],
        [("plain", at(62) + timedelta(microseconds=1))],
    ]


@pytest.mark.slow
def test_reaching_the_goal_is_a_response(tmp_path: Path) -> None:
    waiting = {"type": "wait", "config": {"duration": "1d"}}
    declared = varied("converted")
    home = started(tmp_path, {**declared, "actions": [*declared["actions"], waiting]})
    home.events("buy", *(event("buy", at(20), one) for one in FIRST[:40]))
    home.tick(at(62))
    assert [variant for variant, _ in won(home)] == ["plain"]


@pytest.mark.slow
def test_one_looks_once_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = started(tmp_path)
    looked = []

    def look(*_: object) -> list[object]:
        looked.append(1)
        return []

    monkeypatch.setattr(winners, "decide_winners", look)
    for minute in (30, 61, 62, 70, 121, 122):
        home.tick(at(minute))
    assert len(looked) == 2


@pytest.mark.slow
def test_a_rebuilt_state_keeps_winners_and_takes_back_later_ones(tmp_path: Path) -> None:
    home = started(tmp_path)
    respond(home, OTHERS, at(30))
    home.tick(at(62))
    home.tick(at(90))
    found = won(home)
    assert [variant for variant, _ in found] == ["bold"]
    rebuild(home.settings)
    assert won(home) == found
    rebuild(home.settings, request=Request(at(62)))
    assert won(home) == []
    home.tick(at(65))
    assert [variant for variant, _ in won(home)] == ["bold"]

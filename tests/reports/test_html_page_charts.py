"""The page's charts, experiments, versions and messages: what they tell is what the views and the send ledger say."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.delivery.went_out import erase_message
from flows.reports.html.curves import survival_of
from flows.reports.html.page import write_page
from flows.reports.scope import Scope
from tests.reports.html_page import Elements, full_house, rows_of
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, tag, wait, workflow
from transforms.answers.survival import kaplan_meier

STEP_COUNTS = (
    "entered",
    "passed",
    "waiting_here",
    "left_here_converted",
    "left_here_exited",
    "left_here_failed",
)
REMOTE = "https://tracker.example/"
LETTER = (
    f'<html><body style="background:url({REMOTE}b.png)"><img src="{REMOTE}p.gif"><img src="{REMOTE}h.png" alt="A hat">'
    f'<script>alert(1)</script><p>Hello {{{{ customer_id }}}}</p><a href="{REMOTE}go?secret=1">Go</a></body></html>'
)


def text_of(home: House, *workflows: str) -> str:
    file = home.root / "page.html"
    write_page(home.settings, file, Scope(workflows))
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    return full_house(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def found(home: House) -> Elements:
    return Elements(text_of(home))


def test_the_last_two_weeks_are_those_of_the_view(home: House, found: Elements) -> None:
    rows = rows_of(
        home,
        "(select workflow_id, count(*) as entries from executions where status <> 'held_out' group by all)",
    )
    for one in rows:
        shown = found.tables[one["workflow_id"], "weeks"]
        assert len(shown) == 12
        assert int(shown[0]["entries"] or 0) == one["entries"]
        assert shown[0]["until"] == "2026-03-05"
        assert shown[1]["entries"] == "0"


def test_the_experiment_is_that_of_the_command(home: House, found: Elements) -> None:
    shown = {one["group"]: one for one in found.tables["held", "experiment"]}
    counts = home.rows(
        "select if(status = 'held_out', 'held_out', 'treated') as arm, count(*), "
        "count(*) filter (execution_id in (select execution_id from goal_hits)) "
        "from executions where workflow_id = 'held' group by all"
    )
    assert {
        (name, int(one["customers"] or 0), int(one["converted"] or 0)) for name, one in shown.items()
    } == set(counts)
    drawn, *_ = found.having("data-difference")
    rates = [float(shown[name]["rate"] or 0) for name in ("treated", "held_out")]
    assert float(drawn["data-difference"] or 0) == pytest.approx(rates[0] - rates[1])
    assert (
        float(drawn["data-low"] or 0) < float(drawn["data-difference"] or 0) < float(drawn["data-high"] or 0)
    )
    assert "fixed horizon: don't peek" in found.words
    assert "Sample ratio: the groups are as large as was meant" in found.words
    assert (None, "experiment") not in found.tables
    assert ("all", "experiment") not in found.tables


def test_survival_is_of_those_who_were_watched(found: Elements) -> None:
    shown = found.tables["all", "survival"]
    told = [
        (float(one["after"] or 0) / 3600, float(one["share"] or 0), int(one["at_risk"] or 0)) for one in shown
    ]
    # Three of ten ordered almost a day after they had entered; the others were watched for three days.
    assert told == [(12, 1, 10), (24, 0.7, 7), (36, 0.7, 7), (48, 0.7, 7), (60, 0.7, 7)]
    assert {one["arm"] for one in found.tables["held", "survival"]} == {"held out", "treated"}


def test_an_entry_is_watched_until_the_next(tmp_path: Path) -> None:
    goal = {"type": "behavioral", "config": {"action": "buy"}, "window": "4d"}
    again = workflow(wait("1h"), goal=goal)
    home = house(tmp_path, again)
    home.customers("people", *(person(one) for one in ("ann", "bob")))
    home.events(
        "1",
        *(event("go", at(5), one) for one in ("ann", "bob")),
        event("go", at(5, days=2), "ann"),
        event("buy", at(5, days=3), "ann"),
    )
    home.tick(at(days=8))
    # Ann's first entry is watched for 2 days, her second buys after 1; Bob's window is over after 4.
    shown = Elements(text_of(home)).tables["w", "survival"]
    assert [(float(one["after"] or 0) / 86400, int(one["at_risk"] or 0)) for one in shown] == [
        (1, 3),
        (2, 2),
        (3, 1),
        (4, 1),
    ]
    assert {round(float(one["share"] or 0), 6) for one in shown} == {round(2 / 3, 6)}


def test_curves_of_many_are_thinned_and_end_where_they_end() -> None:
    seconds = pl.Series([float(n) for n in range(1, 5001)])
    watched = pl.DataFrame(
        {"arm": ["treated"] * 5000, "seconds": seconds, "reached": seconds.cast(pl.Int64) % 2 == 0}
    )
    (curve,) = survival_of(watched).curves  # ty: ignore[possibly-missing-attribute]
    assert len(re.findall("H", curve.line)) < 90
    whole = kaplan_meier(watched["seconds"], watched["reached"])
    last = 100 * (1 - float(whole["share"][-1]))
    assert curve.line.endswith(f"V{last:.2f}H100.00")


def two_versions(root: Path) -> House:
    fork = action("random_split", weights={"a": 0.5, "b": 0.5}, paths={"a": [tag("a")], "b": [tag("b")]})
    home = house(root, workflow(fork, wait("1h"), send("mail", content="Hi")))
    home.customers("people", *(person(f"c{one}", email=f"c{one}@example.com") for one in range(12)))
    home.events("1", *(event("go", at(5), f"c{one}") for one in range(5)))
    home.tick(at(10))
    home.define(workflow(tag("plain"), wait("3h"), tag("end")))
    home.events("2", *(event("go", at(15), f"c{one}") for one in range(5, 12)))
    home.tick(at(120))
    return home


def numbers_of(text: str) -> list[dict[str, Any]]:
    """What the script draws: of all versions, then of each."""
    (found,) = re.findall(r'data-numbers="([^"]*)"', text)
    return list(json.loads(unescape(found)))


def test_each_version_s_numbers_are_its_own(tmp_path: Path) -> None:
    home = two_versions(tmp_path)
    text = text_of(home)
    together, newest, oldest = numbers_of(text)
    found = Elements(text)
    places = [(one["data-branch"], one["data-step"]) for one in found.having("data-step")]
    rows = {(one["branch"], one["step"]): one for one in rows_of(home, "report_drop_off")}
    assert {place: told[:6] for place, told in zip(places, together["steps"], strict=True)} == {
        place: [row[name] for name in STEP_COUNTS] for place, row in rows.items()
    }
    assert dict(zip(places, newest["steps"], strict=True)) == {
        ("default", "0"): [7, 7, 0, 0, 0, 0, 7],
        ("default", "0.a.0"): None,
        ("default", "0.b.0"): None,
        ("default", "1"): [7, 0, 7, 0, 0, 0, 7],
        ("default", "2"): [0, 0, 0, 0, 0, 0, 7],
    }
    first, *inside, waits, sends = oldest["steps"]
    assert first == [5, 5, 0, 0, 0, 0, 5, "random_split", "a 50%, b 50%"]
    assert sum(one[0] for one in inside) == 5
    assert waits == [5, 5, 0, 0, 0, 0, 5, "wait", "1h"]
    assert sends == [5, 5, 0, 0, 0, 0, 5, "send_email", "mail"]
    assert [one["total"] for one in (together, newest, oldest)] == [12, 7, 5]
    assert newest["ends"] == [7, 0, 0, 0, 0]
    assert oldest["ends"] == [5, 0, 5, 0, 0]
    for all_of, *each in zip(together["lines"], newest["lines"], oldest["lines"], strict=True):
        assert all_of[0] == sum(n for n, _ in each)
    assert "version 2, since 2026-03-02" in found.words


def test_one_version_needs_no_switch(found: Elements) -> None:
    assert not [one for tag, one in found.all if tag == "select"]


def letters_in(text: str) -> list[dict[str, str]]:
    (found,) = re.findall(r'<script type="application/json" id="letters">(.*?)</script>', text, re.DOTALL)
    return list(json.loads(found))


def house_of_letters(root: Path) -> House:
    home = house(root)
    home.template("hello.html.j2", LETTER)
    home.define(
        workflow(
            send("hello", subject="Hi </script><script>x</script>"),
            send("note", content=f"See {REMOTE}me?s=1"),
        )
    )
    home.customers("people", person("ann", email="ann@example.com"))
    home.events("1", event("go", at(5), "ann"))
    home.tick(at(10))
    return home


def test_messages_are_shown_as_they_went_out_and_ask_nobody(tmp_path: Path) -> None:
    text = text_of(house_of_letters(tmp_path))
    hello, note = sorted(letters_in(text), key=lambda one: one.get("text", ""))
    assert hello["subject"] == "Hi </script><script>x</script>"
    assert "<p>Hello ann</p>" in hello["html"]
    assert "A hat" in hello["html"]
    assert note["text"].strip() == "See https://tracker.example/…"
    assert REMOTE + "p" not in text
    assert not re.search("secret|alert|<img|href=", hello["html"])
    found = Elements(text)
    assert sorted(str(one["data-letter"]) for one in found.having("data-letter")) == ["0", "1"]
    assert {one["template_id"] for one in found.tables["w", "report_message_engagement"]} == {"hello", "note"}


def test_what_was_erased_is_said_to_be(tmp_path: Path) -> None:
    home = house_of_letters(tmp_path)
    for (message,) in home.rows("select message_id from messages"):
        erase_message(home.settings, message)
    assert [one["note"] for one in letters_in(text_of(home))] == [
        "What it said isn’t kept, or was erased."
    ] * 2


def test_large_messages_are_left_out(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.template("hello.html.j2", f"<p>{'words ' * 20_000}</p>")
    home.define(workflow(send("hello", subject="Long")))
    home.customers("people", person("ann", email="ann@example.com"))
    home.events("1", event("go", at(5), "ann"))
    home.tick(at(10))
    text = text_of(home)
    (shown,) = letters_in(text)
    assert shown["note"].startswith("It is too large for this page; “onward message ")
    assert len(text) < 100_000

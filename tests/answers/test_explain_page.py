"""The page of `onward explain`: what is in it, that whatever a customer brought is text, and whose clock it shows."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flows.reports.explain import explain_customer
from flows.reports.html.explained import page_of
from flows.reports.html.sentences import LONG, Clock, Span
from flows.reports.timeline import lines
from tests.runs import House, house, onward, person
from tests.semantics.cases import at, changed, condition, event, send, trigger, wait, workflow

HOSTILE = "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
TEMPLATE = "{{ 7 * 7 }}"
TURNED = "abc\u202eevil\u2066"
HUGE = "x<b>" * 25_000
"""An attribute of 100 kB."""
DAY = at(days=1)
Attributes = dict[str, str | None]


class Elements(HTMLParser):
    """What is in a page.

    Attributes:
        all: every element's name and attributes.
        words: all text outside of style and script.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[tuple[str, Attributes]] = []
        self.words = ""
        self._skips = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        self._skips = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag not in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.words += "" if self._skips else data

    def having(self, attribute: str) -> list[Attributes]:
        """The attributes of the elements that have this one."""
        return [given for _, given in self.all if attribute in given]


def hostile_house(root: Path) -> House:
    """A customer whose id, attributes and events are hostile, in Berlin."""
    built = house(
        root,
        workflow(
            send("hello", subject="Hi", content="Hi"),
            wait("1h"),
            workflow_id="bad",
            workflow_name=HOSTILE,
            on=trigger("go", when=[condition("plan", "equals", HOSTILE), condition("bio", "exists")]),
        ),
        workflow(workflow_id="never", on=trigger("go", when=[condition("plan", "equals", "pro")])),
    )
    who = person(HOSTILE, plan=HOSTILE, timezone="Europe/Berlin", bio=HUGE, email="a@example.com")
    built.customers("people", who, person("bob"))
    built.events(
        "first",
        event("go", at(60), HOSTILE, event_id=TURNED, properties={"note": HOSTILE + TEMPLATE}),
        changed("other", "x", at(90), customer_id=HOSTILE, event_id="e2"),
    )
    built.tick(DAY)
    return built


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    return hostile_house(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def page(home: House) -> str:
    return page_of(explain_customer(home.settings, HOSTILE))


def test_nothing_a_customer_brought_is_more_than_text(page: str) -> None:
    found = Elements(page)
    assert not {name for name, _ in found.all} & {"img", "iframe", "object", "link", "base"}
    assert [name for name, _ in found.all].count("script") == 1
    given = [(name, key) for name, attributes in found.all for key in attributes]
    assert not [(name, key) for name, key in given if key.startswith("on") or key in ("src", "href", "style")]
    assert HOSTILE in found.words
    assert TEMPLATE in found.words
    assert "\u202e" not in page
    assert "\u2066" not in page
    assert "abc\\u202eevil\\u2066" in found.words
    (policy,) = [one for one in found.having("http-equiv") if one["http-equiv"] == "Content-Security-Policy"]
    assert str(policy["content"]).startswith("default-src 'none'")
    assert not re.search(r"https?://", page)


def test_long_values_are_folded_and_whole(page: str) -> None:
    found = Elements(page)
    shown, folded = found.words.split("99,", 1)
    assert shown.count("x<b>") + folded.count("x<b>") >= 24_999
    assert folded[3:].startswith(" more characters")
    assert [name for name, _ in found.all].count("details") >= 1
    assert len(page) < 400_000


def test_the_page_says_what_the_terminal_says(home: House) -> None:
    explained = explain_customer(home.settings, HOSTILE)
    words = _words(Elements(page_of(explained)).words)
    assert len(explained.found.timeline) == 5
    for one in explained.found.timeline:
        assert _words(Clock("UTC").sentence(one.said).spans[0].text) in words
    for line in lines(explained):
        if "holds: " in line or "fails: " in line:
            assert _words(Clock("UTC").sentence(line.strip()).spans[0].text) in words
    (missed,) = explained.found.why_not
    assert [len(missed.failed), "fails: plan equals" in words] == [1, True]


def _words(text: str) -> str:
    return " ".join(text.split())


def test_times_are_told_by_the_customer_s_clock_and_in_utc(page: str) -> None:
    times = Elements(page).having("data-local")
    assert {"2026-03-03 01:00:00 +01:00"} <= {one["data-local"] for one in times}
    assert "Europe/Berlin" in page
    assert re.search(r">2026-03-02 02:00:00 \+01:00</time> <small>2026-03-02 01:00:00Z</small>", page)


def test_lines_say_of_which_workflow_and_version_they_are(page: str) -> None:
    shown = [
        (one["data-kind"], one.get("data-of"), one.get("data-version"))
        for one in Elements(page).having("data-kind")
    ]
    # The fact is looked for by both; nobody looks for the change of an attribute.
    assert shown == [
        ("fact", "0 1", None),
        ("entry", "0", "1"),
        ("step", "0", "1"),
        ("step", "0", "1"),
        ("end", "0", "1"),
    ]


def test_of_one_workflow_only(home: House) -> None:
    found = Elements(page_of(explain_customer(home.settings, HOSTILE, "never")))
    assert [one["data-kind"] for one in found.having("data-kind")] == ["fact"]
    assert not [name for name, given in found.all if given.get("id") == "workflow"]


def test_a_customer_to_whom_nothing_happened(home: House) -> None:
    found = Elements(page_of(explain_customer(home.settings, "bob")))
    assert "Nothing happened that a workflow looks for." in found.words
    assert found.having("data-kind") == []


@pytest.mark.parametrize(
    ("timezone", "moment", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 7, 1, 22, tzinfo=UTC), "2026-07-02 00:00:00 +02:00"),
        ("America/St_Johns", datetime(2026, 1, 1, tzinfo=UTC), "2025-12-31 20:30:00 -03:30"),
        ("Asia/Kathmandu", datetime(2026, 1, 1, 0, 0, 0, 5, UTC), "2026-01-01 05:45:00.000005 +05:45"),
        ("UTC", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00 +00:00"),
    ],
)
def test_what_a_clock_says(timezone: str, moment: datetime, expected: str) -> None:
    assert Clock(timezone).says(moment) == expected


def test_what_only_looks_like_an_instant_stays_text() -> None:
    said = Clock("UTC").sentence("at 2026-99-01 00:00:00Z and 2026-01-02 03:04:05Z")
    assert said.spans == (
        Span("at 2026-99-01 00:00:00Z and "),
        Span("2026-01-02 03:04:05Z", "2026-01-02 03:04:05 +00:00"),
        Span(""),
    )
    assert Clock("UTC").sentence("y" * (LONG + 7)).more == 7


def test_the_command_writes_it_and_refuses_what_is_no_file(home: House, tmp_path: Path) -> None:
    file = tmp_path / "why.html"
    given = {"cwd": home.root.parent, **home.environment()}
    done = onward("explain", "bob", "--json", "--html", str(file), **given)
    assert (done.returncode, done.stderr) == (0, f"Written to {file}\n")
    assert json.loads(done.stdout)["customer_id"] == "bob"
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = onward("explain", "bob", "--html", str(tmp_path), **given)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "names a file in a folder that is there" in refused.stderr

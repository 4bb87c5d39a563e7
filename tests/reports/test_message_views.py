"""Views of messages that are counted when asked: costs, ratings, preferences, frequency, caps, what wasn't sent."""

from collections import Counter
from collections.abc import Generator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.settings import FrequencyCap, Settings
from tests.reports.asked import Tables, asked_tables
from tests.runs import house, person
from tests.semantics.cases import at, event, send, workflow

NOW = at(days=40)
TICKS = [{"tick_id": 1, "now": NOW}]
CAPS = [
    FrequencyCap(messages=2, window=timedelta(days=7)),
    FrequencyCap(messages=1, window=timedelta(days=30), channel="email", message_class="offers"),
]
GOAL = '{"goal": {"type": "behavioral", "config": {"action": "buy"}}}'


@pytest.fixture(scope="module")
def tables() -> Generator[Tables]:
    with asked_tables(
        Settings(costs={"email": Decimal("0.002"), "eml": Decimal("0.0005")}, frequency_caps=CAPS)
    ) as opened:
        yield opened


def message(number: int, customer: str = "ann", **more: Any) -> dict[str, Any]:
    shared = {
        "message_id": f"m{number}", "execution_id": f"x{number}", "workflow_id": "w", "customer_id": customer,
        "status": "sent", "template_id": "t", "channel": "email", "at": NOW, "transactional": False,
        "message_class": None, "sender": "ses", "status_reason": None,
    }  # fmt: skip
    return {**shared, **more}


def execution(number: int, status: str = "completed", **more: Any) -> dict[str, Any]:
    shared = {"workflow_id": "w", "customer_id": f"c{number}", "entered_at": at(), "converted_at": None}
    return {"execution_id": f"x{number}", "status": status, **shared, **more}


def test_costs_by_sender_else_by_channel(tables: Tables) -> None:
    """Three letters at a fifth of a cent, one at a twentieth, a text message without a price; one isn't sent."""
    sent = [message(number) for number in range(3)]
    rest = [message(3, sender="eml"), message(4, channel="sms", sender="x"), message(5, status="failed")]
    hit = {"workflow_id": "w", "customer_id": "c", "entered_at": at(), "at": at()}
    hits = [{"execution_id": f"x{one}", **hit} for one in (0, 0, 1, 2)]
    versions = [
        {"workflow_id": "w", "version": "1", "number": 1, "definition": GOAL},
        {"workflow_id": "idle", "version": "2", "number": 1, "definition": "{}"},
    ]
    found = tables.answer(
        "report_costs",
        messages=sent + rest,
        executions=[execution(0, converted_at=at()), execution(1), execution(2, "held_out")],
        goal_hits=hits,
        workflow_versions=versions,
    )
    assert found == [
        ("idle", 0, 0, None, 0, None, None, None, None),
        ("w", 5, 4, Decimal("0.006500"), 1, 2, 0.001625, 0.0065, 0.00325),
    ]


def rated(number: int, message_id: str, **given: Any) -> dict[str, Any]:
    said = ", ".join(f'"{name}": {one}' for name, one in given.items())
    properties = f'{{"message_id": "{message_id}", {said}}}'
    return {
        "event_id": f"e{number}", "customer_id": "ann", "ts": at(number), "type": "behavioral",
        "name": "Feedback Submitted", "properties": properties,
    }  # fmt: skip


def test_the_newest_rating_of_a_message_counts(tables: Tables) -> None:
    told = [
        rated(1, "m0", satisfaction=1, relevance=3), rated(2, "m0", satisfaction=4), rated(3, "m1", satisfaction='"4"'),
        rated(4, "m2", satisfaction=2.5), rated(5, "m3", satisfaction='"good"'), rated(6, "nobody's", relevance=5),
    ]  # fmt: skip
    found = tables.answer("report_ratings", events=told, messages=[message(number) for number in range(4)])
    assert found == [
        ("w", "t", "relevance", 1, 3.0, '{"3":1}'),
        ("w", "t", "satisfaction", 3, 3.5, '{"2.5":1,"4":2}'),
    ]


def attribute(customer: str, name: str, value: str) -> dict[str, Any]:
    return {"customer_id": customer, "attribute": name, "value": value}


def test_what_customers_have_chosen(tables: Tables) -> None:
    chosen = [
        attribute("ann", "preferred_channel", '"Email"'),
        attribute("bob", "preferred_channel", '"sms"'),
        attribute("cy", "preferred_channel", "null"),
        attribute("ann", "consent.email.offers", '"subscribed"'),
        attribute("bob", "consent", '{"email": {"offers": "unsubscribed"}}'),
        attribute("cy", "consent.sms.offers", '"subscribed"'),
    ]
    sent = [
        message(number, one, message_class="offers") for number, one in enumerate(("ann", "ann", "bob", "cy"))
    ]
    found = tables.answer("report_preferences", messages=[*sent, message(9)], attributes=chosen)
    assert found == [
        ("w", "email", "offers", 4, 3, 2, 100 * 2 / 3, 3, 2, 100 * 2 / 3),
        ("w", "email", None, 1, 1, 1, 100.0, 0, 0, None),
    ]


CHOICES = [None, "email", "sms"]
CONSENTS = [None, "subscribed", "unsubscribed", "whatever"]


def test_preferences_are_those_of_plain_python() -> None:
    letters = st.tuples(st.integers(0, 3), st.sampled_from(["email", "sms"]), st.sampled_from(["a", "b"]))
    with asked_tables() as opened:

        @settings(max_examples=15, deadline=None)
        @given(
            st.lists(letters, min_size=1, max_size=12),
            st.lists(st.sampled_from(CHOICES), min_size=4, max_size=4),
            st.lists(st.sampled_from(CONSENTS), min_size=16, max_size=16),
        )
        def compare(
            sent: list[tuple[int, str, str]], channels: list[str | None], consents: list[str | None]
        ) -> None:
            keys = [
                (who, channel, topic) for who in range(4) for channel in ("email", "sms") for topic in "ab"
            ]
            said = dict(zip(keys, consents, strict=True))
            named = [(f"c{who}", "preferred_channel", one) for who, one in enumerate(channels)]
            named += [(f"c{who}", f"consent.{kind}.{topic}", one) for (who, kind, topic), one in said.items()]
            found = opened.answer(
                "report_preferences",
                attributes=[attribute(who, name, f'"{one}"') for who, name, one in named if one],
                messages=[
                    message(number, f"c{who}", channel=channel, message_class=topic)
                    for number, (who, channel, topic) in enumerate(sent)
                ],
            )
            assert found == [
                _alignment(
                    channel, topic, [one[0] for one in sent if one[1:] == (channel, topic)], channels, said
                )
                for channel, topic in sorted({one[1:] for one in sent})
            ]

        compare()


def _alignment(
    channel: str,
    topic: str,
    sent: list[int],
    channels: list[str | None],
    said: dict[tuple[int, str, str], str | None],
) -> tuple[Any, ...]:
    stated = [channels[who] for who in sent if channels[who]]
    known = [one for who in sent if (one := said[who, channel, topic]) in ("subscribed", "unsubscribed")]
    fitting, subscribed = stated.count(channel), known.count("subscribed")
    of_channel = (len(stated), fitting, 100 * fitting / len(stated) if stated else None)
    of_topic = (len(known), subscribed, 100 * subscribed / len(known) if known else None)
    return ("w", channel, topic, len(sent), *of_channel, *of_topic)


def test_who_was_written_to_how_often(tables: Tables) -> None:
    """A window is open at its start: what is exactly 7 days old is in 30 days only."""
    ages = [("ann", 0.0), ("ann", 6.9), ("ann", 7.0), ("bob", 29.0), ("bob", 30.0)]
    sent = [message(number, who, at=NOW - timedelta(days=age)) for number, (who, age) in enumerate(ages)]
    found = tables.answer(
        "report_frequency",
        messages=[*sent, message(9, "cy", status="pending")],
        profiles=[{"customer_id": one} for one in ("ann", "bob", "cy", "dee")],
        ticks=TICKS,
    )
    assert found == [
        *((7, 0, 3, 75.0), (7, 2, 1, 25.0)),
        *((30, 0, 2, 50.0), (30, 1, 1, 25.0), (30, 3, 1, 25.0)),
    ]


def test_who_is_at_a_cap(tables: Tables) -> None:
    """What isn't sent counts too, what is transactional doesn't; Bob has more than the cap allows by now."""
    kinds = [
        ("ann", 1, {}), ("ann", 2, {"status": "suppressed"}), ("ann", 3, {"transactional": True}),
        ("bob", 1, {}), ("bob", 2, {}), ("bob", 3, {"message_class": "offers"}), ("cy", 7, {}),
        ("cy", 29, {"message_class": "offers"}), ("cy", 28, {"message_class": "offers", "channel": "sms"}),
    ]  # fmt: skip
    sent = [
        message(number, who, at=NOW - timedelta(days=age), **more)
        for number, (who, age, more) in enumerate(kinds)
    ]
    assert tables.answer("report_caps", messages=sent, ticks=TICKS) == [
        (1, 2, 7 * 86_400.0, None, None, 2, 1, 1, 3),
        (2, 1, 30 * 86_400.0, "email", "offers", 2, 2, 0, 1),
    ]


def test_frequency_and_caps_are_those_of_plain_python() -> None:
    letters = st.tuples(
        st.integers(0, 4), st.integers(0, 35), st.booleans(), st.sampled_from([None, "offers"])
    )
    with asked_tables(Settings(frequency_caps=CAPS)) as opened:

        @settings(max_examples=15, deadline=None)
        @given(st.lists(letters, max_size=15))
        def compare(given_to: list[tuple[int, int, bool, str | None]]) -> None:
            sent = [
                message(
                    number, f"c{who}", at=NOW - timedelta(days=age), transactional=through, message_class=of
                )
                for number, (who, age, through, of) in enumerate(given_to)
            ]
            shared: dict[str, Any] = {"messages": sent, "ticks": TICKS}
            people = [{"customer_id": f"c{who}"} for who in range(5)]
            found = opened.answer("report_frequency", profiles=people, **shared)
            assert [row[:3] for row in found] == _frequency([one[:2] for one in given_to])
            counts = [
                Counter(
                    who for who, age, through, of in given_to if age < days and not through and of in allowed
                )
                for days, allowed in ((7, (None, "offers")), (30, ("offers",)))
            ]
            assert [row[5:] for row in opened.answer("report_caps", **shared)] == [
                (
                    len(one),
                    sum(n == cap.messages for n in one.values()),
                    sum(n > cap.messages for n in one.values()),
                    max(one.values(), default=0),
                )
                for cap, one in zip(CAPS, counts, strict=True)
            ]

        compare()


def _frequency(given_to: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    rows = []
    for days in (7, 30):
        counts = Counter(who for who, age in given_to if age < days)
        numbers = Counter(counts[who] for who in range(5))
        rows += [(days, number, numbers[number]) for number in sorted({0, *numbers})]
    return rows


def test_what_was_not_sent_and_why(tmp_path: Path) -> None:
    """Ann says no; Bob is written to once, then the cap is reached; Cy has no address."""
    cap = FrequencyCap(messages=1, window=timedelta(days=7))
    home = house(
        tmp_path, workflow(send()), workflow(send(), workflow_id="v", on="again"), frequency_caps=[cap]
    )
    home.template("hello.txt.j2", "---\nsubject: Hello\n---\nHello!\n")
    home.customers("people", person("ann", email_consent=False), person("bob"), person("cy", email=None))
    home.events("1", *(event("go", at(5), one) for one in ("ann", "bob", "cy")), event("again", at(9), "bob"))
    home.tick(at(10))
    day = date(2026, 3, 2)
    assert home.rows("from report_not_sent") == [
        (day, "v", "decision", "suppressed", "frequency_cap", 1),
        (day, "w", "decision", "suppressed", "consent", 1),
        (day, "w", "dispatch", "suppressed", "no e-mail address", 1),
    ]

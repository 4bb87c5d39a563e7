"""Dispatch on the run path: what is written to the outbox, once, and what becomes of the rest."""

import email
import email.policy
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from flows.delivery import outbox
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, changed, event, send, wait, workflow

MAIL = send("hello", subject="Hi {{ first_name }}", content="Dear {{ first_name }}, {{ event.color }}!")


def statuses(home: House) -> list[tuple[Any, ...]]:
    return home.rows('select customer_id, status, status_reason from messages order by customer_id, "at"')


def mails(home: House) -> list[EmailMessage]:
    files = sorted(home.settings.outbox.rglob("*.eml"))
    return [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in files]


def gone(home: House, *customers: str) -> None:
    """Everybody goes at minute 5 and the tick until minute 10 decides and dispatches."""
    home.events("go", *(event("go", at(5), one, properties={"color": "red"}) for one in customers))
    home.tick(at(10))


def test_a_message_is_a_mail_and_a_line_of_the_index(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("ann", first_name="Ann"))
    gone(home, "ann")
    assert statuses(home) == [("ann", "sent", None)]
    (mail,) = mails(home)
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "Hi Ann")
    assert mail.get_body(("plain",)).get_content().strip() == "Dear Ann, red!"  # type: ignore[union-attr]
    (line,) = home.outbox()
    ((message_id,),) = home.rows("select message_id from messages")
    assert (line["message_id"], line["to"]) == (message_id, "ann@example.com")
    assert (home.settings.outbox / line["file"]).exists()


def test_an_attribute_nobody_has_is_empty_and_recorded(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("ann"))
    gone(home, "ann")
    ((_, status, reason),) = statuses(home)
    assert (status, "first_name" in reason) == ("sent", True)
    assert mails(home)[0].get_body(("plain",)).get_content().strip() == "Dear , red!"  # type: ignore[union-attr]


def test_a_template_file_is_used(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send("hello", subject="Hi")))
    home.template("hello.txt.j2", "Plain {{ first_name }}")
    home.template("hello.html.j2", "<p>Rich {{ first_name }}</p>")
    home.customers("people", person("ann", first_name="A&B"))
    gone(home, "ann")
    (mail,) = mails(home)
    assert mail.get_body(("plain",)).get_content().strip() == "Plain A&B"  # type: ignore[union-attr]
    assert "<p>Rich A&amp;B</p>" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


NOT_ONE = "not a usable e-mail address: "


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (None, "no e-mail address"),
        ("", "no e-mail address"),
        ("nobody", f'{NOT_ONE}"nobody"'),
        ("a@b\nBcc: c@d", f'{NOT_ONE}"a@b\\nBcc: c@d"'),
    ],
)
def test_without_a_usable_address_it_is_held_back_alone(
    tmp_path: Path, address: str | None, reason: str
) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("ann", email=address), person("bob"))
    gone(home, "ann", "bob")
    (ann, bob) = statuses(home)
    assert ann[:2] == ("ann", "suppressed")
    assert ann[2].startswith(reason)
    assert bob[:2] == ("bob", "sent")
    assert len(mails(home)) == len(home.outbox()) == 1


def test_many_are_handed_over_a_few_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "AT_ONCE", 2)
    home = house(
        tmp_path,
        workflow(send("hello", content="Hi"), action("trigger_webhook", url="https://example.com/hook")),
    )
    home.customers("people", *(person(f"c{n}") for n in range(5)))
    home.events("1", *(event("go", at(n), f"c{n}") for n in range(5)))
    home.tick(at(9))
    assert home.rows("select status, count(*) from messages group by all") == [("sent", 5)]
    assert home.rows("select status, count(*) from webhooks group by all") == [("sent", 5)]
    assert len(home.outbox()) == 5


def test_what_is_too_old_expires(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL, wait("2h"), MAIL), max_send_delay=timedelta(hours=1))
    home.customers("people", person("ann"))
    home.events("go", event("go", at(5)))
    home.tick(at(130))
    assert [status for _, status, _ in statuses(home)] == ["expired", "sent"]
    assert len(home.outbox()) == 1


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        ("Unsubscribed", {}, "unsubscribe"),
        ("Email Marked as Spam", {}, "complaint"),
        ("Email Bounced", {"bounce_type": "hard"}, "hard_bounce"),
        ("erasure", {}, "erasure"),
    ],
)
def test_the_newest_suppression_wins_over_what_was_decided(
    tmp_path: Path, name: str, properties: dict[str, str], reason: str
) -> None:
    """The tick decides the send at minute 65 and knows of the event at minute 80."""
    home = house(tmp_path, workflow(wait("1h"), MAIL))
    home.customers("people", person("ann"), person("bob"))
    home.events("go", event("go", at(5)), event("go", at(5), "bob"))
    home.events("stop", event(name, at(80), properties=properties))
    assert home.tick(at(90)).messages == 2
    assert [row[:2] for row in statuses(home)] == [("ann", "suppressed"), ("bob", "sent")]
    assert statuses(home)[0][2] == reason
    assert [line["to"] for line in home.outbox()] == ["bob@example.com"]
    assert home.rows("select customer_id, reason from suppressions") == [("ann", reason)]


def test_a_suppression_between_a_crash_and_the_next_run_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run decides and dies before it dispatches; then Ann unsubscribes."""
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("ann"), person("bob"))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "send_messages", die)
        with pytest.raises(KeyboardInterrupt):
            gone(home, "ann", "bob")
    assert not home.published.exists()
    home.events("stop", event("Unsubscribed", at(15)))
    home.tick(at(20))
    assert [row[:2] for row in statuses(home)] == [("ann", "suppressed"), ("bob", "sent")]
    assert len(home.outbox()) == 1


def test_a_late_unsubscription_counts_from_when_it_is_known(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL, reentry={"policy": "when_not_running"}))
    home.customers("people", person("ann"))
    gone(home, "ann")
    home.events("2", event("go", at(15)), event("Unsubscribed", at(2)))
    home.tick(at(20))
    assert [row[1] for row in statuses(home)] == ["sent", "suppressed"]


def test_consent_is_a_gate_before(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("ann", email_consent=False))
    gone(home, "ann")
    assert statuses(home) == []
    assert home.rows("select outcome from steps") == [("suppressed:consent",)]


def test_a_no_or_a_yes_after_the_decision_counts_in_any_spelling(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", *(person(who) for who in ("ann", "bob", "cy")))
    home.events("stop", event("Unsubscribed", at(1), "bob"), event("Unsubscribed", at(1), "cy"))
    home.events("again", changed("subscription_status", "Opted in", at(2), customer_id="bob"))
    home.events("other", changed("subscription_status", "Perhaps", at(2), customer_id="cy"))
    home.events("later", changed("email_consent", " N ", at(7), customer_id="ann"))
    gone(home, "ann", "bob", "cy")
    assert statuses(home) == [
        ("ann", "suppressed", "unsubscribe"),
        ("bob", "sent", "missing: first_name"),
        ("cy", "suppressed", "unsubscribe"),
    ]


def test_the_tick_whose_send_meets_an_unknown_spelling_tells_it(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("a", *(person(who, email_consent="perhaps") for who in ("ann", "bob")))
    home.customers("b", person("cy", subscription_status="Zürich", email_consent=" "), person("dee"))
    crowd = ("ann", "bob", "cy", "dee")
    home.events("go", *(event("go", at(5), one) for one in crowd))
    found = home.tick(at(10)).warnings
    assert [one.partition(", which")[0] for one in found] == [
        'email_consent: 2 customers have "perhaps"',
        'subscription_status: 1 customer has "Zürich"',
    ]
    assert home.tick(at(20)).warnings == []


SAME_ADDRESS = ["ann@müller.example", "ANN@xn--mller-kva.example", "Ann <ann@Müller.example>"]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (event("spam_complaint", at(1), "old"), "complaint"),
        (event("hard_bounce", at(1), "old"), "hard_bounce"),
        (event("Unsubscribed", at(1), "old"), "unsubscribe"),
    ],
)
def test_what_stops_an_address_stops_every_profile_that_has_it(
    tmp_path: Path, stop: Row, reason: str
) -> None:
    home = house(tmp_path, workflow(MAIL, transactional=True))
    crowd = {"old": "ann@müller.example", "else": "bob@müller.example", "gone": None}
    crowd |= {f"new{number}": address for number, address in enumerate(SAME_ADDRESS)}
    home.customers("people", *(person(who, email=address) for who, address in crowd.items()))
    home.events("stop", stop)
    gone(home, *crowd)
    assert {one: rest for one, *rest in statuses(home)} == {
        "else": ["sent", "missing: first_name"],
        "gone": ["suppressed", "no e-mail address"],
        **{who: ["suppressed", reason] for who in ("new0", "new1", "new2", "old")},
    }


def test_an_erasure_is_of_one_profile(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("old", email="a@example.com"), person("new", email="a@example.com"))
    home.events("stop", event("erasure", at(1), "old"))
    gone(home, "old", "new")
    assert [row[:2] for row in statuses(home)] == [("new", "sent"), ("old", "suppressed")]


def test_a_complaint_stays_with_the_address_that_its_customer_left(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("old", email="a@example.com"), person("new", email="A@example.com"))
    home.tick(at(1))
    home.events("stop", event("spam_complaint", at(2), "old"))
    home.events("told", event("hard_bounce", at(2), "nobody", properties={"email": "Bob <b@example.com>"}))
    home.tick(at(3))
    home.customers("moved", person("old", email="other@example.com"), person("bob", email="b@example.com"))
    home.tick(at(4))
    gone(home, "old", "new", "bob")
    assert statuses(home) == [
        ("bob", "suppressed", "hard_bounce"),
        ("new", "suppressed", "complaint"),
        ("old", "suppressed", "complaint"),
    ]


def test_a_complaint_about_an_older_address_stops_the_present_one_too(tmp_path: Path) -> None:
    """Also where nothing else about the customer has changed with it."""
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("old", email="a@example.com"), person("new", email="A@example.com"))
    home.tick(at(1))
    home.events("stop", event("spam_complaint", at(2), "old", properties={"email": "then@example.com"}))
    home.tick(at(3))
    home.customers("later", person("then", email="then@example.com"), person("other"))
    gone(home, "new", "other")
    assert [row[:2] for row in statuses(home)] == [("new", "suppressed"), ("other", "sent")]
    home.events("then", event("go", at(15), "then"))
    home.tick(at(20))
    assert [row[:2] for row in statuses(home)][-1] == ("then", "suppressed")


def test_a_suppressed_address_is_that_of_now(tmp_path: Path) -> None:
    """Whoever takes the address after its customer has left it may be written to, unless it was told by the event."""
    home = house(tmp_path, workflow(MAIL))
    told = {"email": "then@example.com"}
    home.customers("people", person("old", email="a@example.com"), person("new", email="a@example.com"))
    home.events("stop", event("spam_complaint", at(1), "old", properties=told))
    home.tick(at(2))
    home.customers("moved", person("old", email="b@example.com"), person("next", email="B@example.com"))
    home.tick(at(3))
    gone(home, "new", "next")
    assert [row[:2] for row in statuses(home)] == [("new", "sent"), ("next", "suppressed")]
    home.events("gone", changed("email", None, at(15), customer_id="old"))
    home.tick(at(18))
    home.events("again", event("go", at(20), "next"))
    home.tick(at(30))
    assert [row[:2] for row in statuses(home)][1:] == [("next", "suppressed"), ("next", "sent")]


def test_an_unsubscription_taken_back_by_its_customer_stops_nobody(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    home.customers("people", person("old", email="a@example.com"), person("new", email="a@example.com"))
    home.events("stop", event("Unsubscribed", at(1), "old"))
    home.events("again", changed("subscription_status", "YES", at(2), customer_id="old"))
    gone(home, "old", "new")
    assert [row[1] for row in statuses(home)] == ["sent", "sent"]


def test_a_transactional_message_passes_consent_but_not_a_complaint(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL, transactional=True))
    home.customers("people", person("ann", email_consent=False), person("bob"))
    home.events("stop", event("spam_complaint", at(1), "bob"))
    gone(home, "ann", "bob")
    assert [row[:2] for row in statuses(home)] == [("ann", "sent"), ("bob", "suppressed")]


def test_webhooks_are_lines_of_the_outbox(tmp_path: Path) -> None:
    hook = action("trigger_webhook", url="https://example.com/hook", data={"source": "us"})
    home = house(tmp_path, workflow(hook))
    home.customers("people", person("ann", plan="pro"))
    gone(home, "ann")
    home.tick(at(20))
    (line,) = home.outbox("webhooks")
    ((webhook_id, execution_id, status),) = home.rows("select webhook_id, execution_id, status from webhooks")
    assert (line["webhook_id"], line["url"], status) == (webhook_id, "https://example.com/hook", "sent")
    assert line["payload"] == {
        "source": "us",
        "customer_id": "ann",
        "execution_id": execution_id,
        "workflow_id": "w",
        "customer_attributes": {"plan": "pro"},
    }


def test_frequency_caps_hold_over_ticks_and_workflows(tmp_path: Path) -> None:
    home = house(
        tmp_path,
        workflow(MAIL),
        workflow(MAIL, workflow_id="x", on="more"),
        frequency_caps=[{"messages": 1, "window": "1h"}],
    )
    home.customers("people", person("ann"))
    gone(home, "ann")
    home.events("2", event("more", at(30)), event("more", at(65)))
    home.tick(at(70))
    assert home.rows('select workflow_id, "at", outcome from steps order by "at"') == [
        ("w", at(5), "done"),
        ("x", at(30), "suppressed:frequency_cap"),
        ("x", at(65), "done"),
    ]


def test_content_that_cannot_be_rendered_fails_alone(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL), workflow(send("nowhere"), workflow_id="x"))
    home.customers("people", person("ann", first_name="Ann"))
    gone(home, "ann")
    found = dict(home.rows("select workflow_id, status from messages"))
    assert found == {"w": "sent", "x": "failed"}

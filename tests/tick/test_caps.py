"""Frequency caps that are new, wider, narrower or taken back: what was sent before counts as far as they reach."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.settings import Settings
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, workflow
from tests.store.agreement import assert_current

MAIL = workflow(send(subject="Hi", content="x"))
Cap = tuple[int, timedelta]


def with_caps(home: House, *caps: Cap) -> House:
    """The same house with other settings."""
    given: Sequence[dict[str, Any]] = [{"messages": n, "window": window} for n, window in caps]
    return House(Settings(data_dir=home.root, frequency_caps=given))  # ty: ignore


def goes(home: House, minute: int, *customers: str) -> list[tuple[str, str]]:
    """Some enter at a minute, a tick decides; what became of their sends."""
    home.events(str(minute), *(event("go", at(minute), one) for one in customers))
    home.tick(at(minute))
    query = (
        f"select customer_id, outcome from steps where \"at\" = '{at(minute)}' and action_type = 'send_email'"
    )
    return home.rows(f"{query} order by all")


HELD = "suppressed:frequency_cap"
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("idle", [False, True])
def test_a_cap_that_is_new_or_wider_counts_what_was_sent_before(tmp_path: Path, idle: bool) -> None:
    """Also for those of whom nothing was read since, and after ticks in which nothing happened."""
    home = house(tmp_path, MAIL)
    home.customers("people", person("ann"), person("bob"), person("cy"))
    assert goes(home, 5, "ann", "bob") == [("ann", "done"), ("bob", "done")]
    if idle:
        home.tick(at(10))
    capped = with_caps(home, (1, HOUR))
    assert goes(capped, 60, "ann", "cy") == [("ann", HELD), ("cy", "done")]
    assert goes(capped, 65, "ann") == [("ann", "done")]
    if idle:
        capped.tick(at(70))
    wider = with_caps(home, (1, HOUR), (2, 3 * HOUR))
    assert goes(wider, 130, "ann", "bob", "cy") == [("ann", HELD), ("bob", "done"), ("cy", "done")]
    assert goes(with_caps(home, (1, HOUR)), 191, "ann", "bob") == [("ann", "done"), ("bob", "done")]
    assert goes(home, 192, "ann") == [("ann", "done")]
    assert goes(with_caps(home, (3, 4 * HOUR)), 193, "ann", "bob", "cy") == [
        ("ann", HELD),
        ("bob", HELD),
        ("cy", "done"),
    ]
    assert_current(home)
    before = home.frames()
    rebuild(home.settings)
    after = home.frames()
    assert before["steps"].equals(after["steps"])


def test_what_does_not_count_does_not_count_later_either(tmp_path: Path) -> None:
    """Transactional messages and requests without a channel; what was held back counts no more than what never was."""
    home = house(
        tmp_path,
        MAIL,
        workflow(send(subject="Your order", content="x"), workflow_id="order", transactional=True),
        workflow(action("trigger_webhook", url="https://example.com"), workflow_id="told"),
    )
    home.customers("people", person("ann", email_consent=False), person("bob"))
    assert goes(home, 5, "ann", "bob") == [
        ("ann", "done"),
        ("ann", "suppressed:consent"),
        ("bob", "done"),
        ("bob", "done"),
    ]
    found = goes(with_caps(home, (2, HOUR)), 10, "ann", "bob")
    assert found == [("ann", "done"), ("ann", "suppressed:consent"), ("bob", "done"), ("bob", "done")]
    assert goes(with_caps(home, (2, 2 * HOUR)), 20, "bob") == [("bob", "done"), ("bob", HELD)]


def test_a_message_that_waits_to_be_handed_over_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = house(tmp_path, MAIL)
    home.customers("people", person("ann"))
    with monkeypatch.context() as patch:
        patch.setattr("flows.tick.run.dispatch", lambda *_: pytest.fail("not yet"))
        home.events("5", event("go", at(5)))
        with pytest.raises(pytest.fail.Exception):
            home.tick(at(5))
    assert goes(with_caps(home, (1, HOUR)), 20, "ann") == [("ann", HELD)]
    assert len(home.outbox()) == 1

"""Rules change, decisions stay: ticks that older rules decided send nothing when they are decided again."""

import json
import shutil
from pathlib import Path

from flows.delivery.outbox import SEND_LEDGER
from flows.store.archive import SEMANTICS
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, workflow

JOURNEY = workflow(
    send(subject="Hi", content="x"),
    action("trigger_webhook", url="https://example.com"),
    reentry={"policy": "once"},
)


def manifests(home: House) -> list[Path]:
    return sorted((home.settings.state / "archive" / "ticks").glob("*.json"))


def became(home: House, table: str) -> list[tuple[object, ...]]:
    return home.rows(f"select tick_id, customer_id, status, status_reason from {table} order by all")


def ran(tmp_path: Path) -> House:
    """Ann's tick was decided by older rules, Bob's by today's."""
    home = house(tmp_path, JOURNEY)
    home.customers("people", person(), person("bob"))
    home.events("one", event("go", at(1)))
    home.tick(at(10))
    home.events("two", event("go", at(11), "bob"))
    home.tick(at(20))
    older = json.loads(manifests(home)[0].read_text())
    assert older.pop("semantics") == SEMANTICS
    manifests(home)[0].write_text(json.dumps(older))
    return home


def test_what_older_rules_sent_stays_sent(tmp_path: Path) -> None:
    home = ran(tmp_path)
    handed = home.outbox()
    said = rebuild(home.settings)
    assert (
        "4 messages and requests were sent before\ntick 1 had been decided by rules of an earlier version"
        in said
    )
    home.tick(at(30))
    assert home.outbox() == handed
    assert became(home, "messages") == [(1, "ann", "sent", None), (2, "bob", "sent", None)]


def test_what_newer_rules_add_to_an_older_tick_is_not_sent(tmp_path: Path) -> None:
    home = ran(tmp_path)
    (home.settings.state / SEND_LEDGER).unlink()  # as if neither had been decided then
    shutil.rmtree(home.settings.outbox)
    assert "0 messages and requests were sent before\ntick 1 " in rebuild(home.settings)
    home.tick(at(30))
    assert [line["customer_id"] for line in home.outbox()] == ["bob"]
    assert became(home, "messages") == [(1, "ann", "expired", "older_rules"), (2, "bob", "sent", None)]
    assert [row[2:] for row in became(home, "webhooks")] == [("expired", "older_rules"), ("sent", None)]

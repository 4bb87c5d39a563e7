"""Rules change, decisions stay: ticks that older rules decided send nothing when they are decided again."""

import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from flows.delivery.open_ledger import SEND_LEDGER
from flows.store.archive import SEMANTICS
from flows.store.opening import open_store
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, workflow
from transforms.timing.durations import epoch_us

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


NESTED = {
    **event("go", at(1), event_id=None, properties={"b": {"z": 1, "a": [2.0]}, "c": 1}),
    "extra": "dropped by older rules",
}


def older_id(row: dict[str, Any]) -> str:
    """As semantics 1 derived it: keys in order at the top only, no own fields."""
    flat = json.dumps(dict(sorted(row["properties"].items())), separators=(",", ":"))
    parts = [row["customer_id"], str(epoch_us(row["ts"])), row["type"], row["name"], "", flat, ""]
    return sha256("|".join(parts).encode()).hexdigest()[:32]


def test_an_event_without_an_id_that_older_rules_archived_does_not_act_again(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(subject="Hi", content="x")))
    home.customers("people", person())
    home.events("one", NESTED | {"event_id": older_id(NESTED)})
    home.tick(at(10))
    with open_store(home.settings) as store:
        store.state.query("update batches set semantics = 1")
    row = {**NESTED, "ts": NESTED["ts"].isoformat()}
    (home.settings.inbox / "events" / "again.ndjson").write_text(json.dumps(row))
    assert home.tick(at(20)).duplicates == 1
    assert len(home.outbox()) == 1


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
    with closing(sqlite3.connect(home.settings.state / SEND_LEDGER)) as ledger:
        ledger.executescript("DELETE FROM sends; DELETE FROM batches")  # as if neither had been decided then
    shutil.rmtree(home.settings.outbox)
    assert "0 messages and requests were sent before\ntick 1 " in rebuild(home.settings)
    home.tick(at(30))
    assert [line["customer_id"] for line in home.outbox()] == ["bob"]
    assert became(home, "messages") == [(1, "ann", "expired", "older_rules"), (2, "bob", "sent", None)]
    assert [row[2:] for row in became(home, "webhooks")] == [("expired", "older_rules"), ("sent", None)]

"""A state file of an earlier version is brought over by the first run."""

from datetime import timedelta
from pathlib import Path

from flows.warehouse import connect
from tests.runs import house, person
from tests.semantics.cases import at, event, send, workflow

VERSION_1 = """
    alter table profiles drop column from_file;
    alter table profiles add column email varchar;
    alter table profiles add column timezone varchar;
    update profiles set email = (
        select value ->> '$' from attributes where attribute = 'email' and attributes.customer_id = profiles.customer_id
    );
    update profiles set timezone = 'Europe/Berlin' where customer_id = 'ann';
    delete from attributes where attribute = 'email' and set_at is null;
    update schema_version set version = 1, fingerprint = 'of then';
"""


def test_addresses_and_zones_become_attributes(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(subject="Hi", content="x")))
    home.customers("people", person(plan="pro"), person("bob"), {"customer_id": "cy"})
    home.events("one", event("x", at(), "zoe"))
    home.tick(at(60))
    with connect(home.state_file) as con:
        con.execute(VERSION_1)
    home.events("two", event("go", at(61)))
    home.tick(at(120))
    query = "select customer_id, email, timezone, attributes, known from customers order by 1"
    assert home.rows(query) == [
        ("ann", "ann@example.com", "Europe/Berlin", '{"plan":"pro"}', True),
        ("bob", "bob@example.com", None, "{}", True),
        ("cy", None, None, "{}", True),
        ("zoe", None, None, "{}", False),
    ]
    assert [line["to"] for line in home.outbox()] == ["ann@example.com"]
    home.customers("more", person("bob", email="new@example.com"))
    assert home.tick(at(120) + timedelta(minutes=1)).events == 1

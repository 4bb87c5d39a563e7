"""`onward addresses`: what is found, as people and programs read it, and as a customer file that ticks load."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.delivery import mx
from flows.delivery.addresses import own_domains
from flows.errors import InputError
from flows.settings import Settings
from tests.people.dns_server import dns_server
from tests.runs import House

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
PEOPLE = [
    ("c1", "zoe@shop.example"), ("c2", "Zoe <ZOE@SHOP.example>"), ("c3", "info@shop.example"),
    ("c4", "x@deep.mailinator.com"), ("c5", "nobody"), ("c6", None), ("c7", "ann@burner.example"),
    ("c8", "ann@nowhere.example"), ("c9", "bo@no-mail.example"), ("d0", "bo@broken.example"),
]  # fmt: skip
ZONE = {
    "shop.example": {"MX": ["10 mx.shop.example."]},
    "deep.mailinator.com": {"A": ["192.0.2.1"]},
    "burner.example": {"A": ["192.0.2.1"]},
    "no-mail.example": {"MX": ["0 ."]},
    "broken.example": {"SERVFAIL": []},
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("house")
    made = House(Settings(data_dir=root))
    for folder in ("workflows", "inbox/events", "inbox/customers"):
        (root / folder).mkdir(parents=True)
    made.customers("people", *({"customer_id": name, "email": email} for name, email in PEOPLE))
    made.events("unknown", _event("stranger"))
    made.tick(NOW)
    (root / "disposable_domains.txt").write_text("# our own\nburner.example  # sold here\n\n")
    return made


def _event(customer_id: str) -> dict[str, Any]:
    return {
        "event_id": "e1",
        "customer_id": customer_id,
        "ts": NOW - timedelta(hours=1),
        "type": "behavioral",
        "name": "x",
    }


def onward(house: House, *arguments: str) -> Result:
    settings = house.root / "onward.toml"
    settings.write_text(f'data_dir = "{house.root}"\n')
    return CliRunner().invoke(app, ["addresses", "--settings", str(settings), *arguments])


def test_what_people_read(house: House) -> None:
    told = onward(house)
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[:2] == ["10 customers, 9 with an e-mail address", "1 address can't be written to:"]
    assert lines[2].startswith('  c5: not a usable e-mail address: "nobody": ')
    assert lines[3:] == [
        "1 address of a function and not a person:",
        "  c3 info@shop.example",
        "2 addresses to be thrown away:",
        "  c4 x@deep.mailinator.com",
        "  c7 ann@burner.example",
        "1 address shared by several customers:",
        "  zoe@shop.example: c1, c2",
    ]


def test_what_programs_read(house: House) -> None:
    found = json.loads(onward(house, "--json").stdout)
    assert (found["customers"], found["without_address"]) == (10, 1)
    assert found["role"] == [{"customer_id": "c3", "email": "info@shop.example"}]
    assert found["shared"] == [{"mailbox": "zoe@shop.example", "customers": ["c1", "c2"]}]
    assert [one["customer_id"] for one in found["disposable"]] == ["c4", "c7"]
    assert [one["email"] for one in found["unusable"]] == ["nobody"]
    assert "unreachable" not in found


def test_the_dns_is_asked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with dns_server(ZONE) as server:
        monkeypatch.setattr(mx, "open_resolver", lambda: server.resolver)
        found = json.loads(onward(house, "--mx", "--json").stdout)
        lines = onward(house, "--mx").stdout.splitlines()
    assert found["unreachable"] == [
        {"domain": "no-mail.example", "mx": "refuses", "customers": 1},
        {"domain": "nowhere.example", "mx": "none", "customers": 1},
    ]
    assert lines[-4:] == [
        "2 domains that take no mail:",
        "  no-mail.example (says so): 1 customer",
        "  nowhere.example (no such domain, or nothing there): 1 customer",
        "of 1 domain the DNS said nothing; run again later",
    ]


def test_the_customer_file_is_one_that_a_tick_loads(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    out = house.settings.inbox / "customers" / "addresses.parquet"
    with dns_server(ZONE) as server:
        monkeypatch.setattr(mx, "open_resolver", lambda: server.resolver)
        assert onward(house, "--mx", "--out", str(out)).exit_code == 0
    assert [one.name for one in out.parent.iterdir() if one.suffix != ".ndjson"] == ["addresses.parquet"]
    summary = house.tick(NOW + timedelta(hours=1))
    assert summary.refused == []
    rows = house.rows(
        "select customer_id, attributes ->> '$.email_domain', attributes ->> '$.email_role', "
        "attributes ->> '$.email_disposable', attributes ->> '$.email_mx' from customers where known order by 1"
    )
    assert rows[2:6] == [
        ("c3", "shop.example", "true", "false", "mx"),
        ("c4", "deep.mailinator.com", "false", "true", "address"),
        ("c5", None, None, None, None),
        ("c6", None, None, None, None),
    ]
    assert rows[7] == ("c8", "nowhere.example", "false", "false", "none")
    assert len(rows) == len(PEOPLE)


def test_without_asking_the_dns_what_it_said_stays(house: House, tmp_path: Path) -> None:
    onward(house, "--out", str(tmp_path / "people.parquet"))
    assert pl.read_parquet(tmp_path / "people.parquet").columns == [
        "customer_id", "email_domain", "email_role", "email_disposable"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["people.csv", "nowhere/people.parquet", "folder.parquet"])
def test_a_name_that_can_be_no_such_file(house: House, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.parquet").mkdir()
    told = onward(house, "--out", str(tmp_path / name))
    assert isinstance(told.exception, InputError)
    assert str(told.exception).startswith(
        f"--out {tmp_path / name}: names a .parquet file in a folder that is there"
    )


def test_a_line_that_is_no_domain(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("ok.example\n@nope\n")
    with pytest.raises(InputError, match=r"own\.txt:2: '@nope' isn't a domain"):
        own_domains(file)
    file.write_bytes(b"\xff")
    with pytest.raises(InputError, match="can't be read as UTF-8 text"):
        own_domains(file)
    assert own_domains(tmp_path / "none.txt") == frozenset()

"""A message as it went out, shown by what was kept of it."""

import email
import email.policy
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.delivery.kept import said_lines
from flows.delivery.open_ledger import ledger_file
from flows.delivery.send_ledger import SendLedger
from flows.delivery.went_out import erase_values, read_message
from flows.errors import InputError
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, workflow

RULES = """
rules:
  - name: greeting
    conditions: [{attribute: first_name, operator: exists}]
    text: 'Hi {{ first_name }},'
"""


@pytest.fixture
def home(tmp_path: Path) -> House:
    home = house(tmp_path, workflow(send("hello", subject="For {{ first_name }}")))
    home.template("hello.txt.j2", "{% include 'part.txt.j2' %} and {{ event.color }}")
    home.template("part.txt.j2", "Dear {{ customer.first_name }}")
    home.template("hello.html.j2", "<p>{{ first_name }}</p>")
    home.settings.content.mkdir()
    (home.settings.content / "rules.yaml").write_text(RULES)
    home.customers("people", person("ann", first_name="Ann", purse="s3cret"), person("bob", first_name="Bob"))
    home.events(
        "go", *(event("go", at(5), one, properties={"color": "red", "other": "x"}) for one in ("ann", "bob"))
    )
    home.tick(at(10))
    return home


def ids(home: House) -> list[str]:
    return [one for (one,) in home.rows("select message_id from messages order by customer_id")]


def test_it_is_shown_as_it_went_out_whatever_was_edited_since(home: House) -> None:
    ann, _ = ids(home)
    home.template("hello.txt.j2", "All new")
    home.template("part.txt.j2", "All new")
    (home.settings.content / "rules.yaml").unlink()
    shown = read_message(home.settings, ann)
    assert (shown.status, shown.is_same) == ("sent", True)
    assert shown.rendered is not None
    assert shown.rendered.text == "Hi Ann,\n\nDear Ann and red"
    mail = email.message_from_bytes(
        next(home.settings.outbox.rglob(f"{ann}.eml")).read_bytes(), policy=email.policy.default
    )
    assert mail["Subject"] == shown.rendered.subject == "For Ann"
    assert mail.get_body(("plain",)).get_content().split() == shown.rendered.text.split()  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().strip() == shown.rendered.html  # type: ignore[union-attr]


def test_the_table_of_messages_says_what_it_said(home: House) -> None:
    rows = home.rows(
        "select subject, rules, variant, sender, length(content_hash), length(template_version) from messages "
        "order by customer_id"
    )
    assert rows == [
        ("For Ann", ["greeting"], None, "eml", 16, 16),
        ("For Bob", ["greeting"], None, "eml", 16, 16),
    ]
    hashes = home.rows("select count(distinct content_hash), count(distinct template_version) from messages")
    assert hashes == [(2, 1)]


def test_no_more_of_a_customer_is_kept_than_the_message_can_name(home: House) -> None:
    assert b"s3cret" not in ledger_file(home.settings).read_bytes()
    with SendLedger(ledger_file(home.settings)) as ledger:
        ((said,),) = ledger.query("select said from batches")
        kept = {one["id"]: one["values"] for one in said_lines(said)}
    assert kept[ids(home)[0]]["attributes"] == {"first_name": "Ann"}
    assert kept[ids(home)[0]]["event"] == {"color": "red"}


def test_it_can_be_erased(home: House) -> None:
    ann, bob = ids(home)
    with SendLedger(ledger_file(home.settings)) as ledger:
        assert erase_values(ledger, [ann]) == 1
    shown = read_message(home.settings, ann)
    assert (shown.rendered, shown.status, "subject" in shown.recorded) == (None, "sent", False)
    assert read_message(home.settings, bob).is_same


def test_the_command(home: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ann, _ = ids(home)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONWARD_DATA_DIR", str(home.root))
    said = CliRunner().invoke(app, ["message", ann, "--html", "m.html"])
    assert "subject: For Ann" in said.output
    assert "Dear Ann and red" in said.output
    assert (tmp_path / "m.html").read_text() == "<p>Hi Ann,</p><p>Ann</p>"
    told = json.loads(CliRunner().invoke(app, ["message", ann, "--json"]).output)
    assert (told["text"], told["same_as_sent"]) == ("Hi Ann,\n\nDear Ann and red", True)
    assert (told["customer_id"], told["to"], told["workflow_id"]) == ("ann", "ann@example.com", "w")
    for _ in range(2):
        assert "what it said is erased" in CliRunner().invoke(app, ["message", ann, "--erase"]).output
    told = json.loads(CliRunner().invoke(app, ["message", ann, "--json"]).output)
    assert (told["status"], told["text"], "to" in told, "subject" in told) == ("sent", None, False, False)
    with pytest.raises(InputError, match="nothing was handed over under that id"):
        read_message(home.settings, "nobody")

"""What `onward test` shows is what real ticks of a store hand over: the same messages, to the letter."""

import shutil
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from flows.scenarios import run
from flows.scenarios.staging import owner, stage_cases
from flows.settings import Settings
from flows.warehouse import connect
from tests.runs import House
from tests.scenarios.test_oracle import rows_of
from tests.semantics.cases import Row

ROOT = Path(__file__).resolve().parents[2]
TAGGED = """\
workflow_id: tagged
workflow_name: Tagged
triggers: [{type: behavioral, config: {action: go}}]
actions:
  - {type: add_tag, config: {tag: vip}}
  - {type: send_email, config: {subject: 'Since {{ customer.created_at|date }}', content: Hello}}
  - {type: wait, config: {duration: 90m}}
  - {type: remove_tag, config: {tag: vip}}
  - {type: send_email, config: {subject: Later, content: Hello}}
"""
TAGGED_RULES = """\
rules:
  - {name: vip, text: You are one of few., conditions: [{attribute: tags, operator: contains, value: vip}]}
  - {name: new, text: You are new., conditions: [{attribute: created_at, operator: after, value: 2026-01-01}]}
"""
TAGGED_TESTS = """\
tests:
  - name: by tags and since when
    customers: {ann: {created_at: 2026-02-01}, ben: {created_at: 2025-02-01, tags: [vip]}}
    events:
      - {at: 2026-03-01T10:00, customer: ann, action: go}
      - {after: 1h, customer: ben, action: go}
"""


def tagged(folder: Path) -> Path:
    """A folder of definitions whose rules ask for what only profiles know."""
    for name, text in (("workflows", TAGGED), ("content", TAGGED_RULES), ("tests", TAGGED_TESTS)):
        (folder / name).mkdir(parents=True)
        (folder / name / "tagged.yaml").write_text(text)
    (folder / "templates").mkdir()
    return folder


def test_rules_see_tags_and_created_at(tmp_path: Path) -> None:
    house = tagged(tmp_path / "tagged")
    (tested,) = run.run_tests(house / "tests", Settings())
    assert [one.get("rules") for one in tested.outcome.messages] == [["vip", "new"], ["vip"], ["new"], None]
    hold_against_ticks(house, tested, tmp_path)


@pytest.mark.slow
def test_the_samples_go_out_as_tested(tmp_path: Path) -> None:
    for tested in run.run_tests(ROOT / "data" / "tests", Settings()):
        hold_against_ticks(ROOT / "data", tested, tmp_path)


@pytest.mark.slow
def test_the_demo_goes_out_as_tested(tmp_path: Path) -> None:
    for tested in run.run_tests(ROOT / "demo" / "tests", Settings()):
        hold_against_ticks(ROOT / "demo", tested, tmp_path)


def hold_against_ticks(house: Path, tested: run.Tested, tmp_path: Path) -> None:
    """Run what happens in a test through a store, a tick at each instant of a message, and compare what goes out."""
    folder = tmp_path / f"{house.name}-{len(list(tmp_path.iterdir()))}"
    live = store(house, tested, folder)
    customers, events = rows_of_case(tested)
    live.customers("people", *customers)
    moments = {one["at"] for one in tested.outcome.messages}
    left = sorted(events, key=lambda one: (one["ts"], one["event_id"]))
    for number, now in enumerate(sorted({*moments, tested.case.scenario.until or tested.case.last})):
        due = [one for one in left if one["ts"] <= now]
        left = left[len(due) :]
        if due:
            live.events(f"events-{number}", *due)
        live.tick(now)
    assert sent(live) == sorted(map(expected, tested.outcome.messages), key=str), tested.case.name


def store(house: Path, tested: run.Tested, folder: Path) -> House:
    """A store with the workflows of a test, and templates and rules of its folder."""
    live = House(Settings(data_dir=folder, templates_dir=house / "templates", content_dir=house / "content"))
    for name in ("workflows", "inbox/events", "inbox/customers"):
        (folder / name).mkdir(parents=True)
    for name in tested.case.workflows or ["tagged"]:
        shutil.copy(house / "workflows" / f"{name}.yaml", live.settings.workflows)
    return live


def rows_of_case(tested: run.Tested) -> tuple[list[Row], list[Row]]:
    """The customers and events of a test, as files have them."""
    with connect(threads=1) as con:
        staged = stage_cases(con, [tested.case])
    customers = rows_of(staged.customers, owner(0))
    return customers, rows_of(staged.events, owner(0))


def expected(said: Row) -> tuple[Any, ...]:
    """What a message of a test says, as `sent` tells it."""
    gone = said["status"] == "sent"
    mail = (said["to"], said["subject"], said["text"].strip(), (said["html"] or "").strip()) if gone else ()
    return (said["message_id"], said["status"], said.get("variant"), said.get("rules") or [], *mail)


def sent(live: House) -> list[tuple[Any, ...]]:
    """What went out: message_id, status, variant, rules, and if it was sent its address, subject, text, HTML."""
    rows = live.rows("select message_id, status, variant, coalesce(rules, []) from messages")
    return sorted(((*row, *mail(live, row[0])) for row in rows), key=str)


def mail(live: House, message_id: str) -> tuple[str, ...]:
    (file,) = [*live.settings.outbox.glob(f"messages/*/{message_id}.eml")] or [None]
    if file is None:
        return ()
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    text, html = (parsed.get_body((kind,)) for kind in ("plain", "html"))
    bodies = (
        "" if one is None else str(one.get_content()).replace("\r\n", "\n").strip() for one in (text, html)
    )
    return (str(parsed["To"]), str(parsed["Subject"]), *bodies)

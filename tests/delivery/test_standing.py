"""What waits to be sent and what people decide about it, over a store with a sender that does as it is told."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.delivery import outbox
from flows.delivery.ledger_database import OvertakenError
from flows.delivery.open_ledger import ledger_file
from flows.delivery.reconcile import ledger_differences
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders.base import Answer
from flows.delivery.senders.journal import Journal
from flows.delivery.standing import hold, read_standing, release, resolve, retry
from flows.errors import InputError, OnwardError
from flows.reports.reconcile import reconcile
from flows.settings import Settings
from flows.warehouse import connect
from tests.delivery.test_dispatch import Keeper, broken
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, workflow

Answers = Callable[[list[str]], list[Answer]]


def answering(status: str, detail: str | None = None, **more: Any) -> Answers:
    return lambda ids: [Answer(one, status, detail, **more) for one in ids]


def full(*_: Any, **__: Any) -> None:
    raise OSError("no space left on device")


def resolve_again(settings: Settings, ids: Sequence[str]) -> int:
    return resolve(settings, ids, "again")


class Post:
    """A store whose mails go to a sender that answers as it is told at each tick."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.home, self.patch = house(folder, workflow(send("hello", content="Hi"))), patch
        self.home.customers("people", *(person(f"c{n}") for n in range(3)))
        self.home.events("1", *(event("go", at(n), f"c{n}") for n in range(3)))

    def tick(self, minute: int, answers: Answers) -> Keeper:
        sender = Keeper(answers)
        self.patch.setattr(outbox, "open_sender", lambda *_: sender)
        self.home.tick(at(minute))
        return sender

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return read_standing(self.home.settings).counts.select("kind", "state", "things").rows()

    @property
    def statuses(self) -> list[tuple[Any, ...]]:
        return self.home.rows("select status, count(*) from messages group by all order by all")


def assert_reconciled(home: House) -> None:
    """The reports' sums and the send ledger say the same as the tables."""
    assert reconcile(home.settings).is_empty()
    with connect(home.published, read_only=True) as con:
        assert ledger_differences(con, home.settings).is_empty()


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    return Post(tmp_path, monkeypatch)


def test_nothing_yet(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send("hello", content="Hi")))
    assert read_standing(home.settings).counts.is_empty()
    with pytest.raises(InputError, match="there is none yet"):
        retry(home.settings, ())


def test_what_is_unknown_is_held_until_somebody_says_what_became_of_it(post: Post) -> None:
    sender = post.tick(9, lambda _: [])
    assert len(sender.asked) == 1
    assert post.counts == [("message", "unknown", 3)]
    assert post.statuses == [("unknown", 3)]
    first, second, third = sender.handed_over
    for minute in (10, 11):
        assert post.tick(minute, answering("sent")).calls == []
    resolve(post.home.settings, [first], "sent")
    resolve(post.home.settings, [second], "failed")
    resolve(post.home.settings, [third], "again")
    with pytest.raises(InputError, match="isn't unknown"):
        resolve(post.home.settings, [first], "again")
    again = post.tick(12, answering("sent"))
    assert again.handed_over == [third]
    assert post.statuses == [("failed", 1), ("sent", 2)]
    assert_reconciled(post.home)


def test_who_can_be_asked_is(post: Post) -> None:
    sender = Keeper(lambda _: [])
    sender.ask = lambda _, ids: [Answer(ids[0], "sent", provider_id="p")]  # type: ignore[method-assign]
    post.patch.setattr(outbox, "open_sender", lambda *_: sender)
    post.home.tick(at(9))
    assert post.statuses == [("sent", 1), ("unknown", 2)]
    assert post.home.rows("select provider_id from messages where status = 'sent'") == [("p",)]


def test_what_is_put_off_goes_out_later_and_says_so_meanwhile(post: Post) -> None:
    post.tick(9, answering("deferred", "429 slow down", retry_after=timedelta(days=9)))
    assert post.statuses == [("pending", 3)]
    standing = read_standing(post.home.settings)
    assert standing.counts.select("state", "things").rows() == [("put off", 3)]
    assert standing.reasons.select("state", "reason", "things").rows() == [("put off", "429 slow down", 3)]
    assert post.tick(10, answering("sent")).calls == []
    assert retry(post.home.settings, ()) == 3
    assert len(post.tick(11, answering("sent")).handed_over) == 3
    assert post.counts == [("message", "sent", 3)]


def test_what_failed_can_be_tried_again_until_it_is_too_old(post: Post) -> None:
    failed = post.tick(9, answering("failed", "550 no such user")).handed_over
    assert post.counts == [("message", "failed", 3)]
    assert post.tick(10, answering("sent")).calls == []
    assert retry(post.home.settings, failed[:1]) == 1
    assert post.tick(11, answering("sent")).handed_over == failed[:1]
    assert post.statuses == [("failed", 2), ("sent", 1)]
    post.tick(60 * 25, answering("sent"))
    assert post.counts == [("message", "sent", 1)]
    with pytest.raises(InputError, match="can't be tried again"):
        retry(post.home.settings, failed[1:])
    assert post.statuses == [("failed", 2), ("sent", 1)]
    assert_reconciled(post.home)


def test_what_is_held_waits_and_expires(post: Post) -> None:
    post.home.tick(at(-1))
    with pytest.raises(InputError, match="can't be held"):
        hold(post.home.settings, ["wellcome"])
    hold(post.home.settings, [])
    assert post.tick(9, answering("sent")).calls == []
    assert post.counts == [("message", "held", 3)]
    assert release(post.home.settings, []) == ["*"]
    hold(post.home.settings, ["w"])
    assert post.tick(10, answering("sent")).calls == []
    with pytest.raises(InputError, match="isn't held"):
        release(post.home.settings, ["v"])
    release(post.home.settings, ["w"])
    assert len(post.tick(11, answering("sent")).handed_over) == 3


def test_held_for_too_long_it_expires(post: Post) -> None:
    post.home.tick(at(-1))
    hold(post.home.settings, [])
    post.tick(9, answering("sent"))
    post.tick(60 * 25, answering("sent"))
    assert post.statuses == [("expired", 3)]
    assert post.counts == []


def test_all_of_a_hand_over_goes_again(post: Post) -> None:
    post.tick(9, answering("failed", "550 no such user"))
    assert retry(post.home.settings, ()) == 3
    post.tick(10, lambda _: [])
    assert post.statuses == [("unknown", 3)]
    assert resolve(post.home.settings, (), "again") == 3
    assert len(post.tick(11, answering("sent")).handed_over) == 3
    assert post.statuses == [("sent", 3)]
    assert_reconciled(post.home)


@pytest.mark.parametrize(("became", "say"), [("unknown", resolve_again), ("failed", retry)])
def test_what_shall_go_again_and_is_held_is_pending_again(
    post: Post, became: str, say: Callable[..., int]
) -> None:
    post.tick(9, answering(became, "?"))
    assert post.statuses == [(became, 3)]
    say(post.home.settings, ())
    hold(post.home.settings, ())
    assert post.tick(10, answering("sent")).calls == []
    assert post.statuses == [("pending", 3)]
    assert_reconciled(post.home)
    post.tick(60 * 25, answering("sent"))
    assert post.statuses == [("expired", 3)]
    assert_reconciled(post.home)


def test_what_was_put_off_until_it_expired_is_past(post: Post) -> None:
    post.tick(9, answering("deferred", "429 slow down", retry_after=timedelta(days=6)))
    post.tick(60 * 25, answering("sent"))
    assert post.statuses == [("expired", 3)]
    assert post.counts == []
    assert retry(post.home.settings, ()) == 0


def test_what_may_have_gone_out_does_not_expire_meanwhile(post: Post) -> None:
    sender = Keeper(lambda _: [], repeatable=True)
    post.patch.setattr(outbox, "open_sender", lambda *_: sender)
    for minute in (9, 60 * 25):
        post.home.tick(at(minute))
        assert post.counts == [("message", "handed over", 3)]
        assert post.statuses == [("pending", 3)]
    sender.answers = answering("sent")
    post.home.tick(at(60 * 26))
    assert post.statuses == [("sent", 3)]
    assert_reconciled(post.home)


def test_a_template_that_was_mended_can_be_tried_again(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send("t", subject="Hi")))
    home.template("t.txt.j2", "{{ first_name * 9 }}")
    home.customers("people", person("ann", first_name="Ann"))
    home.events("1", event("go", at(0), "ann"))
    home.tick(at(1))
    assert home.rows("select status from messages") == [("failed",)]
    home.template("t.txt.j2", "Hi {{ first_name }}")
    home.tick(at(2))
    assert home.rows("select status from messages") == [("failed",)]
    retry(home.settings, ())
    home.tick(at(3))
    assert home.rows("select status from messages") == [("sent",)]


def test_the_commands_say_it(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(post.home.root.parent)
    for name, value in post.home.environment().items():
        monkeypatch.setenv(name, value)
    post.tick(9, lambda _: [])
    said = CliRunner().invoke(app, ["outbox"])
    assert "3 messages unknown" in said.output
    assert "handed over, no answer — 3, such as" in said.output
    told = json.loads(CliRunner().invoke(app, ["outbox", "--json"]).output)
    assert told["counts"][0] | {"oldest": ""} == {
        "kind": "message",
        "state": "unknown",
        "things": 3,
        "oldest": "",
    }
    assert (
        "3 things resolved as: again"
        in CliRunner().invoke(app, ["outbox", "resolve", "--as", "again"]).output
    )
    assert "held: everything" in CliRunner().invoke(app, ["outbox", "hold"]).output
    assert "held: everything" in CliRunner().invoke(app, ["outbox"]).output
    assert "released: everything" in CliRunner().invoke(app, ["outbox", "release"]).output


def test_options_count_wherever_they_stand(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.tick(9, lambda _: [])
    file = tmp_path / "other.toml"
    file.write_text(f"data_dir = {json.dumps(str(post.home.root))}\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def told(*words: str) -> Any:
        result = CliRunner().invoke(app, ["outbox", *words], catch_exceptions=False)
        return json.loads(result.output)

    other = ("--settings", str(file))
    assert told(*other, "--json", "hold") == {"held": ["*"]}
    assert told("--json", *other)["held"] == ["*"]
    assert told(*other, "release", "--json") == {"released": ["*"]}
    assert told("--json", "resolve", "--as", "failed", *other) == {"resolved": 3, "as": "failed"}
    assert told("retry", "--json", *other) == {"retried": 3}


@pytest.mark.parametrize("there", [True, False])
def test_who_is_not_used_any_more_finishes_what_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def home(sender: str, *senders: str) -> House:
        given = {one: {"type": "eml"} for one in senders}
        return House(Settings(data_dir=tmp_path / "data", sender=sender, senders=given))

    house(tmp_path, workflow(send("hello", content="Hi")))
    first = home("old", "old")
    first.customers("people", person("c0"))
    first.events("1", event("go", at(0), "c0"))
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append_once", full)
        with pytest.raises(OnwardError, match="nothing is lost"):
            first.tick(at(9))
    second = home("new", "new", "old") if there else home("new", "new")
    second.tick(at(10))
    assert second.rows("select status from messages") == [("sent" if there else "unknown",)]
    assert len(second.outbox()) == there
    assert_reconciled(second)


def test_a_sender_that_can_not_go_on_keeps_nothing_else_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders = {one: {"type": "eml"} for one in ("good", "bad")}
    routes = [{"workflows": ["v"], "sender": "good"}]
    flows = (
        workflow(send("a", content="Hi"), action("trigger_webhook", url="https://shop.example/hook")),
        workflow(send("b", content="Hi"), workflow_id="v"),
    )
    home = house(tmp_path, *flows, sender="bad", senders=senders, routes=routes)
    home.customers("people", person("c0"))
    home.events("1", event("go", at(0), "c0"))
    keepers = {"good": Keeper(), "bad": Keeper(broken, repeatable=True)}
    for name, keeper in keepers.items():
        keeper.name = name
    monkeypatch.setattr(outbox, "open_sender", lambda _, name: keepers[name])
    for minute in (9, 10):
        with pytest.raises(OnwardError, match="line dead"):
            home.tick(at(minute))
        home.events(str(minute), event("go", at(minute), "c0"))
    assert len(keepers["good"].handed_over) == 2
    assert len(home.outbox("webhooks")) == 2
    keepers["bad"].answers = answering("sent")
    home.tick(at(11))
    assert home.rows("select status, count(*) from messages group by all") == [("sent", 6)]
    assert_reconciled(home)


@pytest.mark.parametrize(
    "decide",
    [retry, resolve_again, hold, release],
    ids=["retry", "resolve", "hold", "release"],
)
def test_nothing_is_decided_about_another_or_no_ledger(post: Post, decide: Callable[..., object]) -> None:
    post.tick(9, lambda _: [])
    file, settings = ledger_file(post.home.settings), post.home.settings
    file.rename(file.with_name("away"))
    with pytest.raises(InputError, match="missing"):
        decide(settings, ())
    with SendLedger(file):
        pass
    with pytest.raises(InputError, match="another state's send ledger"):
        decide(settings, ())
    with SendLedger(file) as ledger:
        assert ledger.held() == set()


def test_a_run_that_was_overtaken_stops_and_the_next_one_goes_on(post: Post) -> None:
    def overtaken(ids: list[str]) -> list[Answer]:
        with SendLedger(ledger_file(post.home.settings)) as other:
            other.take()
        return [Answer(one, "sent") for one in ids]

    with pytest.raises(OvertakenError, match="another run has taken over"):
        post.tick(9, overtaken)
    assert post.counts == [("message", "handed over", 3)]
    assert post.tick(10, answering("sent")).calls == []
    assert post.statuses == [("unknown", 3)]
    assert_reconciled(post.home)

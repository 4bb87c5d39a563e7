import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Never

import polars as pl
import pytest

from flows.delivery.dispatch import Channel, Composed, Counted, Policy, deliver, finish_unanswered
from flows.delivery.kinds import MESSAGES, Kind
from flows.delivery.letters import write
from flows.delivery.messages import message_channel
from flows.delivery.policies import Way
from flows.delivery.send_ledger import KNOWN_SCHEMA, NO_ANSWER, Part, SendLedger
from flows.delivery.senders.base import Answer, Outgoing, Recorder, Sender
from flows.delivery.senders.choose import open_sender
from flows.delivery.writer import Writer
from flows.errors import OnwardError
from flows.settings import Settings
from transforms.content.templates import ContentSource
from transforms.delivery.links import LinkPlaces
from transforms.delivery.steps import StepKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WALL = NOW + timedelta(minutes=3)
STEP = ("welcome", "v1", "default", "0")
CONTENTS = {STEP: ContentSource("Hi {{ first_name }}", "Your {{ event.item }}", "<p>{{ first_name }}</p>")}
SCHEMA = {
    "message_id": pl.String, "execution_id": pl.String, "workflow_id": pl.String, "version": pl.String,
    "branch": pl.String, "customer_id": pl.String, "email": pl.String, "step": pl.String,
    "at": pl.Datetime("us", "UTC"), "template_id": pl.String, "attributes": pl.String,
    "trigger_properties": pl.String, "suppressed": pl.String, "entered_at": pl.Datetime("us", "UTC"),
    "created_at": pl.Datetime("us", "UTC"), "message_class": pl.String, "transactional": pl.Boolean,
    "variant": pl.String, "rules": pl.List(pl.String), "items": pl.String, "items_fault": pl.String,
}  # fmt: skip


def message(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "message_id": f"{number:032x}", "execution_id": f"e{number}", "workflow_id": "welcome",
        "version": "v1", "branch": "default", "customer_id": f"c{number}",
        "email": f"c{number}@example.com", "step": "0",
        "at": NOW - timedelta(minutes=number), "template_id": "t", "attributes": '{"first_name": "Zoë"}',
        "trigger_properties": '{"item": "cup"}', "suppressed": None, "entered_at": NOW - timedelta(days=1),
        "created_at": None, "message_class": None, "transactional": False, "variant": None, "rules": [],
        "items": None, "items_fault": None,
    }  # fmt: skip
    return {**row, **changes}


def due(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


Answering = Callable[[list[str]], list[Answer]]


class Keeper:
    """A sender that keeps what it got; `answers` decides, or breaks off."""

    name = peer = "keeper"
    batch_limit = 1000
    concurrency = 1
    key_life: timedelta | None = None

    def __init__(self, answers: Answering | None = None, *, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.calls: list[tuple[str, bytes]] = []
        self.asked: list[tuple[bytes, tuple[str, ...]]] = []
        self.knows: list[Answer] = []
        self.answers = answers or (lambda ids: [Answer(one, "sent") for one in ids])

    @staticmethod
    def prepare(messages: Sequence[Outgoing]) -> bytes:
        return json.dumps([[one.message_id, one.subject] for one in messages]).encode()

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:
        ids = [one for one, _ in json.loads(payload)]
        recorder.begin(ids)
        self.calls.append((key, payload))
        recorder.answer(self.answers(ids))

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:
        self.asked.append((payload, tuple(ids)))
        return [one for one in self.knows if one.message_id in ids]

    @property
    def handed_over(self) -> list[str]:
        return [one for _, payload in self.calls for one, _ in json.loads(payload)]


def broken(_: list[str]) -> Never:
    raise OnwardError("line dead")


def writer(contents: Mapping[StepKey, ContentSource] = CONTENTS) -> Writer:
    """Writes letters without rules, links and variants."""
    sources = {(key, None): source for key, source in contents.items()}
    return Writer(sources, lambda *_: Way("eml", "Shop <news@shop.example>"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SendLedger]:
    with SendLedger(tmp_path / "state" / "sends.sqlite", lambda: WALL) as opened:
        yield opened


def dispatch(
    frame: pl.DataFrame,
    sender: Sender,
    ledger: SendLedger,
    *,
    contents: Mapping[StepKey, ContentSource] = CONTENTS,
    batch_size: int = 2,
    **counted: Counted,
) -> pl.DataFrame:
    policy = Policy(batch_size, oldest=NOW - timedelta(days=1))
    channel = message_channel(writer(contents), sender)
    finish_unanswered(channel.kind, {sender.name: sender}, ledger)
    return deliver(channel, frame, ledger, policy, **counted).sort("message_id")


def outcome(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.select("status", "status_reason", "sent_at").rows()]


def test_a_sent_message(tmp_path: Path, ledger: SendLedger) -> None:
    result = dispatch(due(message()), open_sender(Settings(data_dir=tmp_path), "eml"), ledger)
    assert result.columns == ["message_id", *list(KNOWN_SCHEMA)[1:]]
    assert result.schema["sent_at"] == pl.Datetime("us", "UTC")
    assert outcome(result) == [("sent", None, WALL)]
    (file,) = (tmp_path / "outbox" / "messages" / "2026-03-01").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.SMTP)
    assert (mail["subject"], mail["to"]) == ("Hi Zoë", "c1@example.com")
    assert mail.get_body(("plain",)).get_content().strip() == "Your cup"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Zoë</p>"


def test_nothing_due(ledger: SendLedger) -> None:
    sender = Keeper()
    result = dispatch(due(), sender, ledger)
    assert result.schema == {
        "message_id" if name == "id" else name: kind for name, kind in KNOWN_SCHEMA.items()
    }
    assert (len(result), sender.calls) == (0, [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"suppressed": "unsubscribe"}, ("suppressed", "unsubscribe", None)),
        ({"at": NOW - timedelta(days=1, microseconds=1)}, ("expired", "max_send_delay", None)),
        ({"at": NOW - timedelta(days=1)}, ("sent", None, WALL)),
        ({"suppressed": "erasure", "at": NOW - timedelta(days=2)}, ("suppressed", "erasure", None)),
        ({"at": NOW - timedelta(days=2), "email": None}, ("expired", "max_send_delay", None)),
        ({"email": None}, ("suppressed", "no e-mail address", None)),
        ({"email": " "}, ("suppressed", "no e-mail address", None)),
        (
            {"email": "nobody"},
            (
                "suppressed",
                'not a usable e-mail address: "nobody": An email address must have an @-sign.',
                None,
            ),
        ),
        ({"email": "Zoë <c1@example.com>"}, ("sent", None, WALL)),
        ({"email": "  c1@example.com "}, ("sent", None, WALL)),
        ({"attributes": None, "trigger_properties": None}, ("sent", "missing: first_name, event.item", WALL)),
        ({"step": "7"}, ("failed", "this step has no content any more", None)),
    ],
)
def test_outcomes(
    ledger: SendLedger, changes: dict[str, Any], expected: tuple[str, str | None, datetime | None]
) -> None:
    sender = Keeper()
    result = dispatch(due(message(1, **changes), message(2)), sender, ledger)
    assert outcome(result) == [expected, ("sent", None, WALL)]
    assert set(sender.handed_over) == set(result.filter(pl.col("status") == "sent")["message_id"])


@pytest.mark.parametrize(
    ("text", "says"), [("{{ first_name * 9 }}", "works on numbers"), ("{{ 9**9 }}", "pow isn't allowed")]
)
def test_a_bad_template_fails_its_own_messages_only(ledger: SendLedger, text: str, says: str) -> None:
    contents = {STEP: ContentSource("s", text), (*STEP[:3], "1"): ContentSource("s", "fine")}
    frame = due(message(1), message(2, step="1"))
    result = dispatch(frame, Keeper(), ledger, contents=contents, batch_size=9)
    assert result["status"].to_list() == ["failed", "sent"]
    assert says in result["status_reason"][0]


@pytest.mark.parametrize(
    "own",
    [
        {"sender": "Shop <nobody>"},
        {"sender": "{{ first_name }} of the shop <news@shop.example>"},
        {"reply_to": "{{ first_name }} <x@shop.example>, <y@shop.example>"},
    ],
)
def test_an_address_that_a_template_made_unusable_fails_its_own_messages_only(
    ledger: SendLedger, own: dict[str, str]
) -> None:
    contents = {STEP: replace(CONTENTS[STEP], **own), (*STEP[:3], "1"): ContentSource("s", "fine")}
    frame = due(message(1, attributes=json.dumps({"first_name": "Z" * 400})), message(2, step="1"))
    result = dispatch(frame, Keeper(), ledger, contents=contents, batch_size=9)
    assert result["status"].to_list() == ["failed", "sent"]
    assert "isn't an e-mail address" in result["status_reason"][0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"items": "tea"}, "items of customer 'c1' are 'tea'; allowed: a list, or a JSON array as text"),
        ({"items": "3"}, "items of customer 'c1' are '3'; allowed: a list"),
        ({"items": "[" * 100_000}, "allowed: a list"),
        ({"items_fault": "recommendations.csv: can't be read"}, "recommendations.csv: can't be read"),
    ],
)
def test_odd_recommendations_fail_messages_that_name_them(
    ledger: SendLedger, given: dict[str, str], says: str
) -> None:
    contents = {STEP: ContentSource("s", "{{ items }}"), (*STEP[:3], "1"): ContentSource("s", "fine")}
    frame = due(message(1, **given), message(2), message(3, step="1", **given))
    result = dispatch(frame, Keeper(), ledger, contents=contents, batch_size=9)
    assert result["status"].to_list() == ["failed", "sent", "sent"]
    assert says in result["status_reason"][0]


def test_a_message_that_its_sender_has_no_bytes_for_fails_alone(ledger: SendLedger, tmp_path: Path) -> None:
    sources = {
        n: ContentSource("s", "fine", sender=sender)
        for n, sender in enumerate(
            ["Shop <a@shop.example>", "not an address", "{{ first_name }} <a@shop.example>"]
        )
    }
    contents = {(*STEP[:3], str(n)): source for n, source in sources.items()}
    long = json.dumps({"first_name": "n" * 100_000})
    frame = due(
        *(message(n, step="0") for n in range(1, 4)), message(4, step="1"), message(5, step="2"),
        message(6, step="2", attributes=long),
    )  # fmt: skip
    sender = open_sender(Settings(data_dir=tmp_path), "eml")
    result = dispatch(frame, sender, ledger, contents=contents, batch_size=9)
    assert result["status"].to_list() == ["sent"] * 3 + ["failed", "sent", "failed"]
    assert "'not an address' isn't an e-mail address" in result["status_reason"][3]


def test_nobody_unsubscribes_from_transactional_mail() -> None:
    places = LinkPlaces(public_url="https://shop.example", key="k" * 32)
    offering = replace(writer(), places=places)
    news, receipt = (write(offering, message(transactional=one)).mail for one in (False, True))
    assert (len(news.unsubscribe), news.one_click) == (1, True)
    assert (receipt.unsubscribe, receipt.one_click) == ((), False)


def test_order_and_sizes_of_hand_overs(ledger: SendLedger) -> None:
    sender, seen = Keeper(), []
    dispatch(due(*(message(number) for number in range(1, 6))), sender, ledger, counted=seen.append)
    assert [int(one, 16) for one in sender.handed_over] == [5, 4, 3, 2, 1]
    assert [len(json.loads(payload)) for _, payload in sender.calls] == [2, 2, 1]
    assert seen == [0, 2, 2, 1]
    assert len({key for key, _ in sender.calls}) == 3


def test_the_sender_s_own_limit_holds(ledger: SendLedger) -> None:
    sender = Keeper()
    sender.batch_limit = 1
    dispatch(due(message(1), message(2)), sender, ledger)
    assert len(sender.calls) == 2


def test_a_second_call_sends_nothing_and_knows_the_outcome(ledger: SendLedger) -> None:
    frame = due(message(1), message(2))
    first = dispatch(frame, Keeper(), ledger)
    later, sender = WALL + timedelta(hours=1), Keeper()
    suppressed = frame.with_columns(pl.lit("unsubscribe").alias("suppressed"))
    ledger.clock = lambda: later
    assert dispatch(suppressed, sender, ledger).equals(first)
    assert sender.calls == []


def test_answers_of_every_kind_are_final(ledger: SendLedger) -> None:
    def answers(ids: list[str]) -> list[Answer]:
        return [Answer(ids[0], "failed", "550 no such user"), Answer(ids[1], "unknown", "time-out")]

    frame = due(message(1), message(2), message(3))
    result = dispatch(frame, Keeper(answers), ledger, batch_size=3)
    expected = [("unknown", "handed over, no answer", None), ("unknown", "time-out", None),
                ("failed", "550 no such user", None)]  # fmt: skip
    assert outcome(result) == expected
    again = Keeper()
    assert outcome(dispatch(frame, again, ledger)) == expected
    assert again.calls == []


def test_a_broken_hand_over_is_held_when_it_can_t_be_repeated(ledger: SendLedger) -> None:
    frame = due(message(1), message(2), message(3))
    with pytest.raises(OnwardError, match="line dead"):
        dispatch(frame, Keeper(broken), ledger)
    sender = Keeper()
    result = dispatch(frame, sender, ledger)
    held = ("unknown", "handed over, no answer", None)
    assert outcome(result) == [("sent", None, WALL), held, held]
    assert [int(one, 16) for one in sender.handed_over] == [1]


def test_a_broken_hand_over_is_repeated_with_the_same_key_and_bytes(ledger: SendLedger) -> None:
    frame = due(message(1), message(2))
    first, second = Keeper(broken, repeatable=True), Keeper(repeatable=True)
    with pytest.raises(OnwardError):
        dispatch(frame, first, ledger)
    changed = frame.with_columns(pl.lit('{"first_name": "Other"}').alias("attributes"))
    assert dispatch(changed, second, ledger)["status"].to_list() == ["sent", "sent"]
    assert second.calls == first.calls


def test_what_a_carrier_that_knows_keys_leaves_unanswered_goes_again_until_it_is_answered(
    ledger: SendLedger,
) -> None:
    frame = due(message(1), message(2))
    first = Keeper(lambda ids: [Answer(ids[0], "sent")], repeatable=True)
    assert dispatch(frame, first, ledger)["status"].to_list() == ["sent"]
    # "Not now" doesn't say that it wasn't taken before.
    second = Keeper(lambda ids: [Answer(one, "deferred", "429") for one in ids], repeatable=True)
    assert dispatch(frame, second, ledger)["status"].to_list() == ["sent"]
    third = Keeper(repeatable=True)
    assert dispatch(frame, third, ledger)["status"].to_list() == ["sent", "sent"]
    assert first.calls == second.calls == third.calls
    assert ledger.unanswered(MESSAGES) == []
    assert ledger.query("SELECT * FROM deferred") == []


def test_a_key_that_is_too_old_to_be_known_is_not_counted_on(ledger: SendLedger) -> None:
    frame = due(message(1))
    sender = Keeper(lambda _: [], repeatable=True)
    sender.key_life = timedelta(hours=24)
    assert dispatch(frame, sender, ledger).is_empty()
    ledger.clock = lambda: WALL + timedelta(hours=20)
    assert dispatch(frame, sender, ledger)["status"].to_list() == ["unknown"]
    assert (len(sender.calls), len(sender.asked)) == (1, 1)


def test_another_sender_doesn_t_finish_what_one_began(ledger: SendLedger) -> None:
    with pytest.raises(OnwardError):
        dispatch(due(message()), Keeper(broken, repeatable=True), ledger)
    other = Keeper(repeatable=True)
    other.name = "other"
    assert dispatch(due(message()), other, ledger)["status"].to_list() == ["unknown"]
    assert other.calls == []


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_was_begun_with_another_side_is_unknown(ledger: SendLedger, repeatable: bool) -> None:
    with pytest.raises(OnwardError):
        dispatch(due(message()), Keeper(broken, repeatable=True), ledger)
    other = Keeper(repeatable=repeatable)
    other.peer = "of another account"
    assert outcome(dispatch(due(message()), other, ledger)) == [("unknown", NO_ANSWER, None)]
    assert (other.calls, other.asked) == ([], [])


TEXTS = Kind("sms", table="texts", key="text_id", query="")


class Texter(Keeper):
    name = "texter"
    repeatable = True

    def compose(self, rows: pl.DataFrame, limit: int) -> Composed:
        assert len(rows) <= limit
        lost = dict.fromkeys(rows.filter(pl.col("phone").is_null())["text_id"], "no number")
        notes = {one: "short" for one in rows["text_id"] if one not in lost}
        payload = json.dumps([[one, "Hi"] for one in notes]).encode()
        return Composed([Part(payload, notes)] if notes else [], lost)


def texts(*rows: tuple[str | datetime | None, ...]) -> pl.DataFrame:
    columns = {"text_id": pl.String, "phone": pl.String, "suppressed": pl.String, "at": SCHEMA["at"]}
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(workflow_id=pl.lit("w"))


def test_another_channel_is_a_kind_and_a_carrier(ledger: SendLedger) -> None:
    with pytest.raises(OnwardError):
        dispatch(due(message()), Keeper(broken, repeatable=True), ledger)
    frame = texts(
        ("a", "+1", None, NOW), ("b", None, None, NOW), ("c", "+2", "erasure", NOW),
        ("d", "+3", None, NOW - timedelta(days=2)), ("e", "+4", None, NOW - timedelta(hours=1)),
    )  # fmt: skip
    policy, texter = Policy(1, oldest=NOW - timedelta(days=1)), Texter()
    first = deliver(Channel(TEXTS, texter.compose, texter), frame, ledger, policy).sort("text_id")
    assert first.drop("recorded", "provider_id").rows() == [
        ("a", "sent", "short", WALL),
        ("b", "failed", "no number", None),
        ("c", "suppressed", "erasure", None),
        ("d", "expired", "max_send_delay", None),
        ("e", "sent", "short", WALL),
    ]
    assert texter.handed_over == ["e", "a"]
    again = deliver(Channel(TEXTS, texter.compose, texter), frame, ledger, policy).sort("text_id")
    assert again.equals(first)
    assert len(texter.calls) == 2
    assert dispatch(due(message()), Keeper(repeatable=True), ledger)["status"].to_list() == ["sent"]


def test_what_can_t_be_suppressed_and_never_expires_goes_out(ledger: SendLedger) -> None:
    frame = texts(("a", "+1", "erasure", NOW - timedelta(days=900))).drop("suppressed")
    calls = replace(TEXTS, suppressible=False)
    texter = Texter()
    assert deliver(Channel(calls, texter.compose, texter), frame, ledger, Policy(9))["status"].to_list() == [
        "sent"
    ]

"""How often something is tried, how long is waited, and what is bounded."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from flows.delivery.calls import Call, NoAnswer, NotTaken, Outcome, Reply, words
from flows.delivery.pace import Pace
from flows.delivery.transport import Terms, Transport, Watch
from flows.errors import OnwardError
from tests.delivery.providers.server import Manner, Provider, Said
from tests.delivery.providers.setting import CASES, NOW, Clock, Notes, check, hand_over, outgoing
from transforms.delivery.retries import POLICY, RetryPolicy, retry_after, verdict

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Echo:
    """Takes anything."""

    key_header = None

    def faults(self, _request: Any) -> list[str]:
        return []

    def take(self, request: Any, _refused: Any) -> tuple[list[str], Said]:
        return [request.path], Said(200, {"ok": True})

    def tell(self, *_: Any) -> Said:
        return Said(404)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(Echo()) as one:
        yield one


def transport(provider: Provider, clock: Clock, policy: RetryPolicy = POLICY, **changes: Any) -> Transport:
    terms = {
        "base_url": provider.url,
        "headers": {},
        "secrets": ["s3cret"],
        "watch": clock.watch,
        "policy": policy,
    }
    return Transport(Terms(**{**terms, **changes}))


def exchanged(provider: Provider, clock: Clock, *, repeatable: bool = False, **changes: Any) -> Outcome:
    call = Call("POST", "/x", "text/plain", b"body", repeatable=repeatable)
    return transport(provider, clock, **changes).exchange(call)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *((one, "taken") for one in (200, 201, 202, 204)),
        *((one, "passing") for one in (408, 425, 429, 503)),
        *((one, "stop") for one in (301, 302, 304, 307, 401, 402, 403, 404, 405, 407)),
        *((one, "refused") for one in (400, 406, 409, 410, 413, 422, 451)),
        *((one, "unclear") for one in (500, 501, 502, 504, 520, 100, 600)),
    ],
)
def test_what_a_status_says(status: int, said: str) -> None:
    assert verdict(status) == said


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7), (" 0 ", 0), ("Mon, 02 Nov 2026 09:01:00 GMT", 60), ("Mon, 02 Nov 2026 08:00:00 GMT", 0),
        ("Mon, 02 Nov 2026 09:01:00", 60), ("99999999999999999999", 7 * 86400),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 7 * 86400),
        ("", None), (None, None), ("soon", None), ("-1", None), ("1.5", None), ("٣", None), ("Mon, 99 Nov 2026", None),
    ],
)  # fmt: skip
def test_how_long_somebody_wants_to_be_left_alone(given: str | None, seconds: float | None) -> None:
    assert retry_after(given, AT) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_date_is_waited_for(provider: Provider) -> None:
    at = (NOW + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    provider.manners = [Manner(Said(503, {}, {"Retry-After": at}))]
    clock = Clock()
    assert isinstance(exchanged(provider, clock), Reply)
    assert clock.slept == [30]


def test_waits_grow_and_end(provider: Provider) -> None:
    """1 s, doubling, each a random part; no more than eight attempts, no more than a minute in all."""
    provider.always = Manner(Said(503, {"message": "later s3cret"}))
    clock = Clock()
    outcome = exchanged(provider, clock)
    assert outcome == NotTaken("503: later •••")
    assert len(provider.received) == len(clock.slept) + 1 <= 8
    assert sum(clock.slept) <= 60
    assert all(slept <= 2**place for place, slept in enumerate(clock.slept))
    provider.received.clear()
    exchanged(provider, Clock(), policy=RetryPolicy(attempts=3))
    assert len(provider.received) == 3


def test_others_wait_too(provider: Provider) -> None:
    """Whoever is told to leave the other side alone tells the others."""
    provider.manners = [Manner(Said(429, {}, {"Retry-After": "3000"}))]
    sender, clock = transport(provider, Clock()), Clock()
    first = sender.exchange(Call("POST", "/a"))
    second = sender.exchange(Call("POST", "/b"))
    assert isinstance(first, NotTaken)
    assert isinstance(second, NotTaken)
    assert first.retry_after == second.retry_after == timedelta(seconds=3000)
    assert len(provider.received) == 1
    assert clock.slept == []


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    "manner",
    [
        Manner(Said(500)), Manner(Said(504)), Manner(hangs_up="before"), Manner(hangs_up="after"),
        Manner(breaks_off=True),
    ],
)  # fmt: skip
def test_what_may_have_been_taken_is_tried_again_only_if_that_does_nothing_twice(
    provider: Provider, manner: Manner, repeatable: bool
) -> None:
    provider.manners = [manner]
    outcome = exchanged(provider, Clock(), repeatable=repeatable)
    assert len(provider.received) == (2 if repeatable else 1)
    assert isinstance(outcome, Reply if repeatable or manner.breaks_off else NoAnswer)


@pytest.mark.parametrize(
    "then",
    [Manner(Said(503)), Manner(Said(429, {}, {"Retry-After": "900"})), Manner(Said(401)), Manner(Said(500))],
)
def test_a_no_to_a_repeat_is_no_to_all(provider: Provider, then: Manner) -> None:
    """The first attempt may have been taken, whatever the second one is told."""
    provider.manners, provider.always = [Manner(hangs_up="after")], then
    outcome = exchanged(provider, Clock(), repeatable=True)
    assert isinstance(outcome, NoAnswer) or (isinstance(outcome, Reply) and outcome.in_doubt)


@pytest.mark.parametrize(
    "then",
    [Manner(Said(503)), Manner(Said(429, {}, {"Retry-After": "900"})), Manner(Said(401)), Manner(Said(500))],
)
def test_nothing_in_doubt_is_said_to_be_put_off(then: Manner) -> None:
    """A hand-over in which anything is in doubt stays open as a whole, and its repeat finds all."""
    case, notes = CASES["keyed http"], Notes()
    with Provider(case.description()) as provider:
        provider.manners, provider.always = [Manner(), Manner(hangs_up="after")], then
        sender = case.sender(provider.url, Clock(), concurrency=1)
        messages = [outgoing(number) for number in range(3)]
        refused = then.says is not None and then.says.status == 401
        with pytest.raises(OnwardError, match="401") if refused else nullcontext():
            hand_over(sender, messages, notes)
        assert notes.statuses() == {"sent": 1, "unanswered": 2}
        provider.always = Manner()
        again = Notes()
        hand_over(case.sender(provider.url, Clock()), messages, again)
        assert again.statuses() == {"sent": 3}
        check(provider, again)


@pytest.mark.parametrize(("repeatable", "attempts"), [(False, 1), (True, 2)])
def test_an_answer_that_does_not_come(provider: Provider, repeatable: bool, attempts: int) -> None:
    """What does nothing twice is tried a second time even if all patience went into the first."""
    provider.always = Manner(waits=0.4)
    policy, watch = RetryPolicy(patience=0.1, first=0.001), Watch(sleep=lambda _: None)
    sender = Transport(Terms(provider.url, {}, [], timedelta(seconds=0.15), policy=policy, watch=watch))
    assert sender.exchange(Call("POST", "/x", repeatable=repeatable)) == NoAnswer("no answer (timed out)")
    assert len(provider.received) == attempts


def test_answers_are_bounded(provider: Provider) -> None:
    provider.always = Manner(Said(200, b"x" * 9_000_000))
    outcome = exchanged(provider, Clock())
    assert isinstance(outcome, Reply)
    assert (len(outcome.body), outcome.whole) == (8 * 1024**2, False)


@pytest.mark.parametrize("name", CASES)
def test_answers_that_say_nothing(name: str) -> None:
    """Nothing that a provider says breaks a run; what says nothing of a batch leaves it unanswered."""
    case = CASES[name]
    said = (
        b"",
        b"null",
        b"[" * 100_000,
        b'{"data": 3}',
        b'[{"ErrorCode": "0"}]',
        b"\xff",
        b'{"errors": [1]}',
    )
    with Provider(case.description()) as provider:
        sender = case.sender(provider.url, Clock(), RetryPolicy(attempts=2))
        for number, content in enumerate(said):
            provider.always, notes = Manner(Said(200, content)), Notes()
            hand_over(sender, [outgoing(number)], notes)
            assert notes.statuses() == ({"sent": 1} if case.one_each else {"unanswered": 1})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "m"}', "m"), (b'{"errors": [{"message": "m", "field": "f"}]}', "m"),
        (b'{"Message": "m"}', "m"), (b'{"error": {"message": "m"}}', "m"), (b'{"code": 1}', '{"code": 1}'),
        (b"<html>", "<html>"), (b"", "no words"),
    ],
)  # fmt: skip
def test_the_words_of_an_answer(body: bytes, said: str) -> None:
    assert words(Reply(400, {}, body)) == said


def test_words_are_shown_in_one_line_and_not_all(provider: Provider) -> None:
    told = transport(provider, Clock()).told("a\r\n\x1b[31m b s3cret" + "x" * 1000)
    assert told.startswith("a [31m b •••xxx")
    assert len(told) == 300


def test_requests_leave_no_faster_than_is_allowed() -> None:
    clock = Clock()
    pace = Pace(2.0, clock.watch.seconds)
    assert [pace.turn() for _ in range(3)] == [0, 0.5, 1]
    assert pace.turn(3, 60) == 1.5
    assert pace.turn(0, 60) == 4.5
    pace.hold(10)
    assert pace.turn(0.5, 60) == pace.held() == 10
    pace.hold(100)
    assert (pace.turn(0.5, 60), pace.held()) == (None, 100)


def test_a_rate_of_messages_holds_for_batches_and_single_ones() -> None:
    for name, count in (("resend", 1), ("sendgrid", 4)):
        case, clock = CASES[name], Clock()
        with Provider(case.description()) as provider:
            sender = case.sender(provider.url, clock, per_second=2, concurrency=1)
            for number in range(2):
                hand_over(sender, [outgoing(4 * number + one) for one in range(4)], Notes(), f"k{number}")
        assert sum(clock.slept) == pytest.approx(2.0 if count == 1 else 3.5)


def test_after_a_rest_it_is_tried_again(provider: Provider) -> None:
    provider.always = Manner(hangs_up="before")
    sender = transport(provider, Clock(), RetryPolicy(in_a_row=2, rest=0.05))
    outcomes = [sender.exchange(Call("POST", "/x")) for _ in range(3)]
    assert [type(one) for one in outcomes] == [NoAnswer, NoAnswer, NotTaken]
    provider.always = Manner()
    time.sleep(0.06)
    assert isinstance(sender.exchange(Call("POST", "/x")), Reply)
    assert len(provider.received) == 3


def test_requests_go_out_side_by_side(provider: Provider) -> None:
    """The circuit breaker doesn't line them up."""
    provider.always = Manner(waits=0.3)
    sender = transport(provider, Clock(), connections=4)
    threads = [Thread(target=sender.exchange, args=[Call("POST", "/x")]) for _ in range(4)]
    began = time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert time.perf_counter() - began < 0.9


def test_redirects_are_not_followed(provider: Provider) -> None:
    with Provider(Echo()) as other:
        provider.always = Manner(Said(307, {}, {"Location": f"{other.url}/x"}))
        outcome = exchanged(provider, Clock())
        assert isinstance(outcome, Reply)
        assert outcome.status == 307
        assert other.received == []

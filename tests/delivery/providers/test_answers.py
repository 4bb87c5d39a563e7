"""Every provider × every answer: what is recorded is what happened, nothing is lost and nothing goes out twice."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from flows.errors import OnwardError
from tests.delivery.providers.descriptions import KEY
from tests.delivery.providers.server import Manner, Provider, Said
from tests.delivery.providers.setting import CASES, Case, Clock, Notes, check, hand_over, outgoing
from transforms.delivery.retries import RetryPolicy

MESSAGES = [outgoing(number) for number in range(6)]
BUSY = Manner(Said(429, {"message": "slow down"}, {"Retry-After": "7"}))
BROKEN = Manner(Said(500, {"message": "we are sorry"}))
RESET, LOST = Manner(hangs_up="before"), Manner(hangs_up="after")
ALL = len(MESSAGES)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def provider(case: Case) -> Iterator[Provider]:
    with Provider(case.description()) as one:
        yield one


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text


def once(case: Case, if_keyed: Counter[str], of_one: str) -> Counter[str]:
    """What becomes of all if one request fares badly: of a batch all are in it."""
    if case.keyed:
        return if_keyed
    return Counter({of_one: 1, "sent": ALL - 1}) if case.one_each else Counter({of_one: ALL})


def test_taken(case: Case, provider: Provider) -> None:
    notes = Notes()
    hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == {"sent": ALL}
    assert all(one.provider_id for one in notes.answers.values())
    check(provider, notes)


def test_one_of_them_refused(case: Case, provider: Provider) -> None:
    provider.refused = frozenset([MESSAGES[2].message_id])
    notes = Notes()
    hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == {"sent": ALL - 1, "failed": 1}
    assert notes.answers[MESSAGES[2].message_id].detail
    check(provider, notes)


def test_busy_for_a_while(case: Case, provider: Provider) -> None:
    provider.manners = [BUSY, BUSY]
    notes, clock = Notes(), Clock()
    hand_over(case.sender(provider.url, clock), MESSAGES, notes)
    assert notes.statuses() == {"sent": ALL}
    assert sum(one == 7 for one in clock.slept) == 2
    check(provider, notes)


def test_busy_for_longer_than_there_is_patience(case: Case, provider: Provider) -> None:
    provider.always = Manner(Said(429, {"message": "tomorrow"}, {"Retry-After": "3600"}))
    notes = Notes()
    hand_over(case.sender(provider.url, Clock(), concurrency=1), MESSAGES, notes)
    assert notes.statuses() == {"deferred": ALL}
    assert {one.retry_after for one in notes.answers.values()} == {timedelta(hours=1)}
    assert len(provider.received) == 1  # the others weren't tried
    check(provider, notes)


def test_a_fault_of_the_server(case: Case, provider: Provider) -> None:
    provider.manners = [BROKEN]
    notes = Notes()
    hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == once(case, Counter(sent=ALL), "unanswered")
    check(provider, notes)


def test_the_connection_reset(case: Case, provider: Provider) -> None:
    provider.manners = [RESET]
    notes = Notes()
    hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == once(case, Counter(sent=ALL), "unanswered")
    check(provider, notes)


def test_taken_but_the_answer_lost(case: Case, provider: Provider) -> None:
    provider.manners = [LOST]
    notes = Notes()
    sender = case.sender(provider.url, Clock())
    hand_over(sender, MESSAGES, notes)
    assert notes.statuses() == once(case, Counter(sent=ALL), "unanswered")
    assert sorted(provider.taken) == [one.message_id for one in MESSAGES]
    check(provider, notes)


def test_the_answer_broken_off(case: Case, provider: Provider) -> None:
    """The status alone says of a single message that it is taken; of a batch it doesn't say which."""
    provider.manners = [Manner(breaks_off=True)]
    notes = Notes()
    hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == ({"sent": ALL} if case.keyed or case.one_each else {"unanswered": ALL})
    check(provider, notes)


def test_all_answers_lost(case: Case, provider: Provider) -> None:
    """A keyed hand-over is repeated later, the same bytes under the same keys; others can be asked for, or are held."""
    provider.always = LOST
    notes, patient = Notes(), RetryPolicy(in_a_row=99)
    sender = case.sender(provider.url, Clock(), patient)
    hand_over(sender, MESSAGES, notes)
    assert notes.statuses() == {"unanswered": ALL}
    check(provider, notes)
    provider.always = Manner()
    if case.keyed:
        again = Notes()
        hand_over(sender, MESSAGES, again)
        assert again.statuses() == {"sent": ALL}
        check(provider, again)


def test_asked_what_became_of_them(case: Case, provider: Provider) -> None:
    """Half of them were taken; of the others nothing is known for sure, so nothing is said."""
    sender = case.sender(provider.url, Clock())
    payload = sender.prepare(MESSAGES)
    ids = [one.message_id for one in MESSAGES]
    provider.taken = ids[:3]
    told = sender.ask(payload, ids)
    can_be_asked = provider.description.__class__.__name__ in ("Postmark", "Mailgun")
    assert [(one.message_id, one.status) for one in told] == (
        [(name, "sent") for name in ids[:3]] if can_be_asked else []
    )


def test_nobody_there(case: Case) -> None:
    notes, clock = Notes(), Clock()
    hand_over(case.sender("http://127.0.0.1:1", clock), MESSAGES, notes)
    assert notes.statuses() == {"deferred": ALL}
    assert 0 < sum(clock.slept) < 300


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_wrong_settings_end_the_run(case: Case, provider: Provider, status: int) -> None:
    """Each message stays due, and what to do is said without the secret, even if the provider says it."""
    if status == 404 and case.module.__name__.endswith("http"):
        pytest.skip("there the address is made of the message")
    provider.always = Manner(
        Said(status, {"message": f"not with {KEY}"}, {"Location": "http://127.0.0.1:1/"})
    )
    notes = Notes()
    with pytest.raises(
        OnwardError, match=rf"senders\.shop: the provider answers {status} .*check senders\.shop\."
    ) as told:
        hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert KEY not in str(told.value) + repr(told.value.__cause__)
    assert set(notes.statuses()) == {"deferred"}
    check(provider, notes)


def test_no_secret_in_what_is_shown(case: Case, provider: Provider) -> None:
    sender = case.sender(provider.url, Clock())
    shown = [repr(sender), str(vars(sender)), repr(sender.__dict__["_transport"].__dict__)]
    assert all(KEY not in one for one in shown)


def test_nothing_goes_out_while_too_much_fails(case: Case, provider: Provider) -> None:
    provider.always = Manner(Said(503, {"message": "later"}))
    notes = Notes()
    sender = case.sender(provider.url, Clock(), RetryPolicy(in_a_row=2, attempts=2), concurrency=1)
    for number in range(4):
        hand_over(sender, [outgoing(10 * number + one) for one in range(3)], notes, f"k{number}")
    assert notes.statuses() == {"deferred": 12}
    assert len(provider.received) == 4  # two requests, twice each
    check(provider, notes)

"""Every provider × every answer: what is recorded is what happened, nothing is lost and nothing goes out twice."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
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


@pytest.mark.parametrize("status", [301, 401, 402, 403])
def test_wrong_settings_end_the_run(case: Case, provider: Provider, status: int) -> None:
    """Each message stays due, and what to do is said without the secret, even if the provider says it."""
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


@pytest.mark.parametrize("query", ["", "?w={{ message.workflow_id | urlencode }}"])
def test_an_address_that_leads_nowhere(query: str) -> None:
    """It ends the run, unless it is made of the message: then it is that message's fault."""
    notes, case = Notes(), CASES["http"]
    with Provider(case.description()) as provider:
        provider.always = Manner(Said(404, {"message": "nothing here"}))
        sender = case.sender(provider.url, Clock(), url=f"{provider.url}/send{query}")
        with nullcontext() if query else pytest.raises(OnwardError, match="answers 404"):
            hand_over(sender, MESSAGES, notes)
    assert set(notes.statuses()) == {"failed" if query else "deferred"}


@pytest.mark.parametrize("code", [10, 400, 401, 405, 412, 413, 1235])
def test_a_code_of_the_account_ends_the_run_of_postmark(code: int) -> None:
    """After the answers of the others are noted: the account may have run out of credits in the middle of a batch."""
    notes, case = Notes(), CASES["postmark"]
    with Provider(case.description(), refused=[one.message_id for one in MESSAGES[4:]]) as provider:
        vars(provider.description)["code"] = code
        with pytest.raises(OnwardError, match=r"check senders\.shop\.server_token"):
            hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
        check(provider, notes)
    assert notes.statuses() == {"sent": 4, "deferred": 2}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Said(409, {"name": "invalid_idempotent_request", "message": "other bytes"}), "failed"),
        (Said(409, {"name": "concurrent_idempotent_requests", "message": "in progress"}), "sent"),
        (Said(429, {"name": "daily_quota_exceeded", "message": "enough"}), "sent"),
        (Said(451, {"name": "security_error", "message": "no"}), "failed"),
    ],
)
def test_errors_of_resend(said: Said, status: str) -> None:
    """What passes is waited for under the same key; a key that was used for other bytes is that hand-over's fault."""
    notes, case = Notes(), CASES["resend"]
    with Provider(case.description()) as provider:
        provider.manners = [Manner(said)]
        hand_over(case.sender(provider.url, Clock()), MESSAGES[:1], notes)
        check(provider, notes)
        assert {one.headers["Idempotency-Key"] for one in provider.received} == {"k1"}
    assert notes.statuses() == {status: 1}


@pytest.mark.parametrize("name", ["invalid_from_address", "validation_error"])
def test_faults_of_settings_at_resend(name: str) -> None:
    notes, case = Notes(), CASES["resend"]
    with Provider(case.description()) as provider:
        provider.always = Manner(
            Said(422 if "from" in name else 400, {"name": name, "message": "API key is invalid"})
        )
        with pytest.raises(OnwardError, match="check senders"):
            hand_over(case.sender(provider.url, Clock()), MESSAGES, notes)
    assert notes.statuses() == {"deferred": ALL}


def test_events_of_mailgun_that_only_reject() -> None:
    with Provider(CASES["mailgun"].description()) as provider:
        provider.description.tell = lambda *_: Said(200, {"items": [{"event": "rejected"}]})  # type: ignore[method-assign]
        sender = CASES["mailgun"].sender(provider.url, Clock())
        told = sender.ask(sender.prepare(MESSAGES[:1]), [MESSAGES[0].message_id])
    assert [one.status for one in told] == ["failed"]


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

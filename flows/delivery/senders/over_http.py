"""What all senders by HTTP do alike: requests made ahead, handed over, and their answers told as they come.

A provider that knows a key for each request (`key_header`) gets the same bytes under the same key again where the first
answer is missing. Such a hand-over is begun as a whole; if anything of it stays without an answer, what is only put off
does so too, because the whole will be repeated. With any other provider what is unanswered stays so, and messages are
begun a few at a time, so that a crash leaves few in doubt.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Literal, Protocol

from flows.delivery.calls import Call, NoAnswer, NotTaken, Outcome, Reply, words
from flows.delivery.senders.base import Answer, Outgoing, Recorder
from flows.delivery.senders.requests import Request, first_of, packed, unpacked, with_keys
from flows.delivery.senders.windows import next_size
from flows.delivery.transport import Terms, Transport
from flows.errors import InputError, OnwardError
from transforms.delivery.retries import Verdict

_FIRST = 32
"""How many messages are begun at once at first."""


class Provider(Protocol):
    """What one provider does in its own way."""

    def requests(self, messages: Sequence[Outgoing]) -> Iterable[Request]:
        """The requests that hand messages over; pure."""
        ...

    def judge(self, reply: Reply) -> Verdict:
        """What an answer says of the request as a whole."""
        ...

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """What a reply that is `taken` says of each message; those that it doesn't speak of stay unanswered."""
        ...

    def is_last(self, reply: Reply) -> bool:  # noqa: ARG002
        """Whether a reply that is `taken` says that nothing more will be until settings or account are changed."""
        return False

    def question(self, request: Request, message_id: str) -> str | None:  # noqa: ARG002
        """The path that tells what became of a message; None: the provider can't be asked."""
        return None

    def told(self, message_id: str, reply: Reply) -> Answer | None:  # noqa: ARG002
        """What a reply to that question says; None: nothing for sure."""
        return None


@dataclass(frozen=True)
class Habits:
    """What a provider is like.

    Attributes:
        batch_limit: the most messages of a hand-over.
        key_setting: the setting that holds the credentials.
        key_header: the header of the idempotency key, if the provider knows one.
        key_life: how long it knows a key.
        method: of the requests.
        requests_per_second: the most that it takes, where that is known.
        side_by_side: whether the requests of a hand-over go out side by side, instead of hand-overs doing so.
        address: where requests go, where that isn't below one base address.
    """

    batch_limit: int
    key_setting: str
    key_header: str | None = None
    key_life: timedelta | None = None
    method: str = "POST"
    requests_per_second: float | None = None
    side_by_side: bool = False
    address: str = ""


class HttpSender:
    """Sends through a provider's API (`flows.delivery.senders.base.Sender`)."""

    def __init__(
        self, name: str, provider: Provider, habits: Habits, terms: Terms, per_second: float | None = None
    ) -> None:
        self.name = name
        self.batch_limit = habits.batch_limit
        self.repeatable = habits.key_header is not None
        self.key_life = habits.key_life
        address = terms.base_url or habits.address
        account = _fingerprint(terms) if self.repeatable else None
        self.peer = " ".join(filter(None, [type(provider).__name__, address, habits.key_header, account]))
        self.concurrency = 1 if habits.side_by_side else terms.connections
        self._crew = terms.connections if habits.side_by_side else 1
        self._provider, self._habits, self._per_second = provider, habits, per_second
        self._transport = Transport(terms)

    @property
    def prepare(self) -> Callable[[Sequence[Outgoing]], bytes]:
        """Makes the requests' bytes (`flows.delivery.senders.requests`)."""
        return partial(_prepared, self._provider)

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:
        """Make the requests; see `Sender.hand_over`.

        Raises:
            OnwardError: the provider won't take anything until settings or account are changed.
        """
        keys = with_keys(key, list(unpacked(payload)))
        with ThreadPoolExecutor(self._crew, thread_name_prefix=f"sender {self.name}") as pool:
            make_all = (
                pool.map if self._crew > 1 and len(keys) > 1 else map
            )  # without a thread if none is needed
            if self.repeatable:
                recorder.begin([name for _, one in keys for name in one.ids])
                self._record_as_a_whole(make_all(self._made, keys), recorder)
            else:
                self._record_a_few(keys, make_all, recorder)

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:
        """Ask the provider; see `Sender.ask`.

        Raises:
            OnwardError: the provider refuses the credentials.
        """
        wanted = set(ids)
        pairs = [(one, name) for one in unpacked(payload) for name in one.ids if name in wanted]
        return [answer for one, name in pairs if (answer := self._asked(one, name))]

    def _asked(self, request: Request, message_id: str) -> Answer | None:
        path = self._provider.question(request, message_id)
        if path is None:
            return None
        reply = self._transport.exchange(Call("GET", path, repeatable=True))
        if not isinstance(reply, Reply):
            return None
        if reply.status in (401, 403):
            raise OnwardError(self._wrong(reply))
        return self._provider.told(message_id, reply) if reply.status == 200 else None

    def _record_a_few(
        self,
        keys: Sequence[tuple[str, Request]],
        make_all: Callable[..., Iterable["_Found"]],
        recorder: Recorder,
    ) -> None:
        left, size = keys, _FIRST
        while left:
            some, began = first_of(left, size), monotonic()
            left = left[len(some) :]
            recorder.begin([name for _, one in some for name in one.ids])
            found = _Found.together(make_all(self._made, some))
            recorder.answer([*found.answers, *found.put_off])
            self._stop(found)
            size = next_size(size, monotonic() - began)

    def _record_as_a_whole(self, several: Iterable["_Found"], recorder: Recorder) -> None:
        everything: list[_Found] = []
        for found in several:
            recorder.answer(found.answers)
            everything.append(found)
        all_found = _Found.together(everything)
        if all_found.put_off and not all_found.in_doubt:
            recorder.answer(all_found.put_off)
        self._stop(all_found)

    def _made(self, keyed: tuple[str, Request]) -> "_Found":
        """What comes of a request; one that is refused as a whole is tried by halves, to find whose fault it is."""
        key, request = keyed
        outcome = self._transport.exchange(self._call(key, request), self._seconds(request))
        said = self._provider.judge(outcome) if isinstance(outcome, Reply) else "unclear"
        if said == "refused" and len(request.ids) > 1:
            return _Found.together(self._made(one) for one in with_keys(key, request.halves(), own=True))
        return self._found(request, outcome, said)

    def _call(self, key: str, request: Request) -> Call:
        header = self._habits.key_header
        return Call(
            self._habits.method, request.path, request.content_type, request.body,
            headers={header: key} if header else {}, repeatable=self.repeatable, judge=self._provider.judge,
        )  # fmt: skip

    def _seconds(self, request: Request) -> float:
        """For how long no other request leaves."""
        if self._per_second:
            return len(request.ids) / self._per_second
        return 1 / self._habits.requests_per_second if self._habits.requests_per_second else 0.0

    def _found(self, request: Request, outcome: Outcome, said: Verdict) -> "_Found":
        if isinstance(outcome, NoAnswer):
            return _Found(in_doubt=True)
        if isinstance(outcome, NotTaken):
            return _Found(put_off=_all(request, "deferred", outcome.detail, outcome.retry_after))
        if said == "taken":
            return self._told(request, outcome)
        told = self._transport.told(f"{outcome.status}: {words(outcome)}")
        if said == "stop":
            put_off = [] if outcome.in_doubt else _all(request, "deferred", told)
            return _Found(put_off=put_off, in_doubt=outcome.in_doubt, stop=self._wrong(outcome))
        return _Found(_all(request, "failed", told)) if said == "refused" else _Found(in_doubt=True)

    def _told(self, request: Request, reply: Reply) -> "_Found":
        """What a reply says of each message."""
        told = [
            Answer(
                one.message_id, one.status, one.detail and self._transport.told(one.detail), one.provider_id,
                one.retry_after,
            )
            for one in self._provider.answers(request, reply)
        ]  # fmt: skip
        put_off = [one for one in told if one.status == "deferred"]
        done = [one for one in told if one.status != "deferred"]
        stop = self._wrong(reply) if self._provider.is_last(reply) else None
        return _Found(done, put_off, len(told) < len(request.ids), stop)

    def _wrong(self, reply: Reply) -> str:
        setting = f"senders.{self.name}.{self._habits.key_setting}"
        return (
            f"senders.{self.name}: the provider answers {reply.status} ({self._transport.told(words(reply))}); check "
            f"{setting}, what it is allowed to do there, and the sender's other settings; nothing is lost: run again"
        )

    def _stop(self, found: "_Found") -> None:
        if found.stop:
            raise OnwardError(found.stop)


@dataclass(frozen=True)
class _Found:
    """What came of some requests: answers that are final, those that are put off, and whether any are missing."""

    answers: Sequence[Answer] = ()
    put_off: Sequence[Answer] = ()
    in_doubt: bool = False
    stop: str | None = None

    @staticmethod
    def together(several: Iterable["_Found"]) -> "_Found":
        found = list(several)
        return _Found(
            [answer for one in found for answer in one.answers],
            [answer for one in found for answer in one.put_off],
            any(one.in_doubt for one in found),
            next((one.stop for one in found if one.stop), None),
        )


def _prepared(provider: Provider, messages: Sequence[Outgoing]) -> bytes:
    return packed(provider.requests(messages))


def _fingerprint(terms: Terms) -> str:
    """8 hex digits that change with the credentials: another account knows nothing of the keys that this one knows."""
    return sha256("\0".join(sorted(terms.secrets)).encode()).hexdigest()[:8]


def checked_secret(setting: str, value: str) -> str:
    """A credential that can stand in a header.

    Raises:
        InputError: it has none, or characters that no header takes; the value isn't shown.
    """
    if value and value.isascii() and value.isprintable() and value == value.strip():
        return value
    what = (
        "is empty"
        if not value.strip()
        else "has blanks around it, line breaks or other than ASCII characters"
    )
    raise InputError(
        f"{setting}: the secret {what}; copy it again from the provider, without anything around it"
    )


def _all(
    request: Request, status: Literal["failed", "deferred"], detail: str, wish: timedelta | None = None
) -> list[Answer]:
    return [Answer(name, status, detail, retry_after=wish) for name in request.ids]

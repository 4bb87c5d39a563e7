"""Requests to a provider: as many at once and as often as it takes, again while that is safe, and never for ever.

Redirects are never followed; proxies of the environment (`HTTPS_PROXY`) are used. What is told of an outcome holds no
secret, and no error of the network leaves this module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from ssl import SSLContext
from time import monotonic, sleep
from weakref import finalize

import httpx
from pybreaker import CircuitBreaker, CircuitBreakerError
from tenacity import RetryCallState, Retrying, retry_if_result, wait_random_exponential

from flows.delivery.calls import Call, NoAnswer, NotTaken, Outcome, Reply, words
from flows.delivery.pace import Pace
from flows.secrets import shown
from flows.session import wall_clock
from transforms.delivery.retries import POLICY, RetryPolicy, retry_after

_MOST_OF_AN_ANSWER = 8 * 1024**2
_CONNECTING = 10.0
_NOTHING_LEFT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol
)  # fmt: skip
"""What is raised before the first byte of a request leaves."""


@dataclass(frozen=True)
class Watch:
    """What time is asked of, and waited by.

    Attributes:
        now: the time, UTC.
        seconds: a clock that never goes back.
        sleep: waits some seconds.
    """

    now: Callable[[], datetime] = wall_clock
    seconds: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = sleep


WATCH = Watch()
"""The machine's."""


@dataclass(frozen=True)
class Terms:
    """On what terms a provider is called.

    Attributes:
        base_url: what paths are below.
        headers: those of every request, the credentials among them.
        secrets: texts that are never shown.
        timeout: how long one answer is waited for.
        connections: how many at once.
        policy: how often something is tried.
        watch: the time.
    """

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    timeout: timedelta = timedelta(seconds=60)
    connections: int = 4
    policy: RetryPolicy = POLICY
    watch: Watch = WATCH


class _FailedError(Exception):
    """Tells the circuit breaker of a request that came to nothing."""


class Transport:
    """Makes requests on some terms; one for each sender, its methods may be called from any thread."""

    def __init__(self, terms: Terms) -> None:
        self._terms, self._policy, self._watch = terms, terms.policy, terms.watch
        self._pace = Pace(seconds=terms.watch.seconds)
        seconds = terms.timeout.total_seconds()
        self._client = httpx.Client(
            base_url=terms.base_url,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **terms.headers},
            verify=_tls(),
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECTING)),
            limits=httpx.Limits(
                max_connections=terms.connections, max_keepalive_connections=terms.connections
            ),
            follow_redirects=False,
        )
        finalize(self, self._client.close)
        self._breaker = CircuitBreaker(
            fail_max=self._policy.in_a_row, reset_timeout=self._policy.rest, throw_new_error_on_trip=False
        )

    def exchange(self, call: Call, seconds: float = 0.0) -> Outcome:
        """Make a request, again while that is safe and there is patience.

        Args:
            call: the request.
            seconds: for how long no other one leaves.
        """
        outcome: list[Outcome] = []
        try:
            with self._breaker.calling():
                outcome.append(self._tried(call, seconds))
                if _is_failure(outcome[0]):
                    raise _FailedError
        except (CircuitBreakerError, _FailedError):
            pass
        rest = timedelta(seconds=self._policy.rest)
        broken = NotTaken(f"not tried: {self._policy.in_a_row} requests before it came to nothing", rest)
        return outcome[0] if outcome else broken

    def told(self, text: str) -> str:
        """Somebody's words as they may be shown: a line, not long, without secrets."""
        return shown(text, self._terms.secrets)

    def _tried(self, call: Call, seconds: float) -> Outcome:
        began = self._watch.seconds()
        doubts = [False]

        def attempt() -> Outcome:
            outcome = self._attempt(call, seconds)
            doubts.append(doubts[-1] or self._is_unclear(outcome, call))
            return outcome

        made = [attempt()]
        if not self._may_go_again(made[0], call):
            return self._settled(made[0], call, doubts)
        retrying = Retrying(
            sleep=self._watch.sleep,
            wait=self._wait,
            stop=lambda state: self._is_enough(state, self._watch.seconds() - began),
            retry=retry_if_result(lambda outcome: self._may_go_again(outcome, call)),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        return self._settled(retrying(lambda: made.pop() if made else attempt()), call, doubts)

    def _attempt(self, call: Call, seconds: float) -> Outcome:
        """Make the request once, when its turn has come."""
        turn = self._pace.turn(seconds, self._policy.patience)
        if turn is None:
            held = timedelta(seconds=self._pace.held())
            return NotTaken("not tried: the other side wants to be left alone", held)
        if turn:
            self._watch.sleep(turn)
        headers = {**({"Content-Type": call.content_type} if call.content_type else {}), **call.headers}
        try:
            with self._client.stream(
                call.method, call.path, content=call.body or None, headers=headers
            ) as response:
                body, whole = self._read(response)
                return Reply(response.status_code, _headers(response), body, whole)
        except _NOTHING_LEFT as error:
            return NotTaken(f"no connection ({_shown(error)})")
        except httpx.HTTPError as error:
            return NoAnswer(f"no answer ({_shown(error)})")

    def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        """An answer's body, and whether it came to its end within the bounds of size and time."""
        body, until = bytearray(), self._watch.seconds() + self._terms.timeout.total_seconds()
        try:
            for piece in response.iter_raw():
                body += piece
                if len(body) > _MOST_OF_AN_ANSWER or self._watch.seconds() > until:
                    return bytes(body[:_MOST_OF_AN_ANSWER]), False
        except httpx.HTTPError:
            return bytes(body), False
        return bytes(body), True

    def _is_unclear(self, outcome: Outcome, call: Call) -> bool:
        if isinstance(outcome, Reply):
            said = call.judge(outcome)
            return said == "unclear" or (said == "taken" and not outcome.whole)
        return isinstance(outcome, NoAnswer)

    def _may_go_again(self, outcome: Outcome, call: Call) -> bool:
        """Whether to try again: what surely wasn't taken, and what does nothing twice."""
        if isinstance(outcome, NotTaken):
            return outcome.retry_after is None
        passing = isinstance(outcome, Reply) and call.judge(outcome) == "passing"
        return passing or (call.repeatable and self._is_unclear(outcome, call))

    def _wait(self, state: RetryCallState) -> float:
        """How long until the next attempt: what the other side wishes, else longer from time to time."""
        outcome = state.outcome and state.outcome.result()
        wish = self._wish(outcome) if isinstance(outcome, Reply) else None
        if wish is None:
            return wait_random_exponential(self._policy.first, self._policy.longest)(state)
        self._pace.hold(wish.total_seconds())
        return wish.total_seconds()

    def _wish(self, reply: Reply) -> timedelta | None:
        return retry_after(reply.headers.get("retry-after"), self._watch.now())

    def _is_enough(self, state: RetryCallState, elapsed: float) -> bool:
        """Whether to stop trying: patience is over; but what took long to stay unanswered is tried a second time."""
        waited = state.idle_for + state.upcoming_sleep > self._policy.patience
        late = elapsed > self._policy.patience and state.attempt_number > 1
        return waited or late or state.attempt_number >= self._policy.attempts

    def _settled(self, outcome: Outcome, call: Call, doubts: Sequence[bool]) -> Outcome:
        """What the last attempt's outcome says of them all."""
        earlier, ever = doubts[-2], doubts[-1]
        if isinstance(outcome, Reply) and call.judge(outcome) not in ("passing", "unclear"):
            return Reply(outcome.status, outcome.headers, outcome.body, outcome.whole, earlier)
        if isinstance(outcome, Reply):
            detail, wish = f"{outcome.status}: {words(outcome)}", self._wish(outcome)
        else:
            detail, wish = outcome.detail, outcome.retry_after if isinstance(outcome, NotTaken) else None
        told = self.told(detail)
        return NoAnswer(told) if ever else NotTaken(told, wish)


@cache
def _tls() -> SSLContext:
    """What certificates are checked by; reading them takes a while."""
    return httpx.create_ssl_context()


def _headers(response: httpx.Response) -> dict[str, str]:
    given = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return {name.lower(): value for name, value in given}


def _is_failure(outcome: Outcome) -> bool:
    """Whether it counts for the circuit breaker; whoever says when to come back isn't broken."""
    return isinstance(outcome, NoAnswer) or (isinstance(outcome, NotTaken) and outcome.retry_after is None)


def _shown(error: httpx.HTTPError) -> str:
    """What is said of an error of the network; a proxy's may name its password."""
    return type(error).__name__ if isinstance(error, httpx.ProxyError) else str(error) or type(error).__name__

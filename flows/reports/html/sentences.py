"""Sentences of an explanation as a page shows them: instants by two clocks, long ones folded, the unseen spelled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from transforms.timing.durations import epoch_us
from transforms.timing.zones import zone_of

LONG = 400
"""Characters, of which more are folded."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?Z", re.ASCII)
_UNSEEN = {
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
}
"""Characters that a page shows nothing of, or that turn what follows them round."""
_SPELLED = {one: f"\\u{one:04x}" for one in _UNSEEN}


@dataclass(frozen=True)
class Span:
    """Some of a sentence.

    Attributes:
        text: as it is.
        local: of an instant, what the customer's clock says then; None: it is none.
    """

    text: str
    local: str | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence.

    Attributes:
        spans: what is shown of it.
        rest: what is shown when asked for.
        more: how many characters that has.
        holds: of a condition, whether it did; None: it is none.
    """

    spans: tuple[Span, ...]
    rest: tuple[Span, ...] = ()
    more: int = 0
    holds: bool | None = None


@dataclass(frozen=True)
class Clock:
    """A customer's clock; `timezone` is a name of IANA's."""

    timezone: str

    @property
    def is_utc(self) -> bool:
        """Whether it says what UTC does, always."""
        return self.timezone in ("UTC", "Etc/UTC")

    def says(self, at: datetime) -> str:
        """The wall clock at an instant, with its distance from UTC: `2026-03-02 02:00:00 +01:00`."""
        micros = epoch_us(at)
        local = int(zone_of(self.timezone).local(np.array([micros]))[0])
        minutes = (local - micros) // 60_000_000
        wall = at.astimezone(UTC).replace(tzinfo=None) + timedelta(microseconds=local - micros)
        parts = f".{wall.microsecond:06}" if wall.microsecond else ""
        sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        return f"{wall:%Y-%m-%d %H:%M:%S}{parts} {sign}{hours:02}:{rest:02}"

    def sentence(self, text: str) -> Sentence:
        """A sentence to be shown."""
        asked = re.match(r".{0,200}?\b(holds|fails): ", text)
        holds = None if asked is None else asked[1] == "holds"
        if len(text) <= LONG:
            return Sentence(self._spans(text), holds=holds)
        rest = text[LONG:]
        return Sentence(self._spans(text[:LONG]), self._spans(rest), len(rest), holds)

    def _spans(self, text: str) -> tuple[Span, ...]:
        return tuple(self._cut(text.translate(_SPELLED)))

    def _cut(self, text: str) -> Iterator[Span]:
        end = 0
        for found in _INSTANT.finditer(text):
            at = _instant_of(found[0])
            if at is not None:
                yield Span(text[end : found.start()])
                yield Span(found[0], self.says(at))
                end = found.end()
        yield Span(text[end:])


def spelled(text: str) -> str:
    """Text without what a page doesn't show, or what turns other text round."""
    return text.translate(_SPELLED)


def _instant_of(text: str) -> datetime | None:
    """The instant that is written so; None: there is none, as in an event's text that only looks like one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None

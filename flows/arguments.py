"""Arguments as people type them: instants, lengths, sizes and caps, each read or refused with what is allowed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from flows.errors import InputError
from flows.settings import MOST_OF_A_CAP, memory_bytes
from transforms.engine.state import Cap
from transforms.timing.durations import parse_duration
from transforms.timing.instants import instant_of


def parse_instant(option: str, given: str) -> datetime:
    """An instant (semantics.md §2), UTC unless it has a zone.

    Args:
        option: where it was given, for the message.
        given: the text.

    Raises:
        InputError: it isn't one.
    """
    if (found := instant_of(given)) is None:
        raise InputError(
            f"{option} {given!r} is not an instant; give one like 2026-01-31 or 2026-01-31T09:00:00Z"
        )
    return found


def parse_length(option: str, given: str) -> timedelta:
    """A length of time, in seconds or like `1h`; arguments as for `parse_instant`.

    Raises:
        InputError: it isn't one, or is zero.
    """
    try:
        found = parse_duration(float(given) if given.replace(".", "", 1).isdigit() else given)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if not found:
        raise InputError(f"{option} {given!r}: must be longer than nothing")
    return found


def parse_size(option: str, given: str) -> int:
    """An amount of memory like `4GB`, in bytes; arguments as for `parse_instant`.

    Raises:
        InputError: it isn't one.
    """
    try:
        return memory_bytes(given)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def parse_cap(option: str, given: str) -> Cap:
    """A frequency cap like `3/7d`: so many messages in a window; arguments as for `parse_instant`.

    Raises:
        InputError: it isn't one.
    """
    messages, slash, window = given.partition("/")
    if not slash or not messages.strip().isdigit():
        raise InputError(f"{option} {given!r} is not a cap; give messages and a window, like 3/7d")
    if int(messages) > MOST_OF_A_CAP:
        raise InputError(f"{option} {given!r}: too many messages for a cap; allowed: up to {MOST_OF_A_CAP:,}")
    return Cap(int(messages), parse_length(option, window))


def parse_names(option: str, given: str, allowed: Sequence[str]) -> list[str]:
    """Names with commas between, each once, in the order in which they are allowed.

    Raises:
        InputError: one of them isn't allowed, or there is none.
    """
    names = [one.strip() for one in given.split(",") if one.strip()]
    if not names or (wrong := [one for one in names if one not in allowed]):
        told = f"{wrong[0]!r} is none of them" if names else "names none"
        raise InputError(f"{option} {given}: {told}; allowed, with commas between: {', '.join(allowed)}")
    return [one for one in allowed if one in names]


def parse_shares(option: str, given: str) -> dict[str, float]:
    """Shares like `control=1,treated=9`, in any unit, by name; arguments as for `parse_instant`.

    Raises:
        InputError: it isn't a list of names and numbers above 0, or has a name twice.
    """
    shares: dict[str, float] = {}
    for one in given.split(","):
        name, equals, number = (part.strip() for part in one.rpartition("="))
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not (equals and name) or not 0 < share < inf:
            raise InputError(
                f"{option} {one.strip()!r} is no share; give groups and numbers above 0, like control=1,treated=9"
            )
        if name in shares:
            raise InputError(f"{option} {given}: names {name!r} twice; give each group once")
        shares[name] = share
    return shares

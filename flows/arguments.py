"""Instants as people type them."""

from datetime import datetime

from flows.errors import InputError
from transforms.timing.instants import any_iso_instant


def parse_instant(option: str, given: str) -> datetime:
    """An ISO 8601 instant, UTC unless it has a zone.

    Args:
        option: where it was given, for the message.
        given: the text.

    Raises:
        InputError: it isn't one.
    """
    if (found := any_iso_instant(given)) is None:
        raise InputError(
            f"{option} {given!r} is not an instant; give one like 2026-01-31 or 2026-01-31T09:00:00Z"
        )
    return found

"""Text that is an instant: every reader of it, for one text and for a column, and what each accepts.

Without an offset, instants are UTC. Texts of event and customer files are read by `iso_instant` of
`sql/inbox/staging/macros.sql`; the tests hold all four side by side.
"""

import re
from datetime import UTC, datetime

import polars as pl

_EXTENDED = r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:\d{2})?)?"
"""A date, or a date and time: `2026-03-01`, `2026-03-01T09:30`, `2026-03-01 09:30:15.5+02:00`."""

_EXTENDED_ASCII = re.compile(_EXTENDED, re.ASCII)
_MINUTE = 60_000_000


def extended_iso_instant(text: str) -> datetime | None:
    """The instant of ISO 8601 text in its extended form, as conditions give it; None for other text."""
    return any_iso_instant(text) if _EXTENDED_ASCII.fullmatch(text) else None


def any_iso_instant(text: str) -> datetime | None:
    """The instant of ISO 8601 text in any form, as the command line takes it; None for other text.

    Also `20260301T0930`, `2026-W09-7`, `2026-03-01T09`, `+0200`; digits beyond microseconds are cut.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def with_instants(dictionary: pl.DataFrame) -> pl.DataFrame:
    """The dictionary of `json_values.intern` and, for text that is an instant, `instant` and `is_wall`.

    The text is of the extended form; second 60 is the next minute, and an offset may lead out of years 1 to 9999.

    Returns:
        `instant` is µs since 1970-01-01 00:00 (UTC), null for other values; `is_wall` says that the text has no offset.
    """
    parts = (pl.col("text").str.extract(f"^{_EXTENDED}$", part) for part in range(1, 6))
    day, clock, second, fraction, offset = parts
    text = pl.concat_str(
        day, pl.lit("T"), clock.fill_null("00:00"), pl.lit(":"), second.fill_null("00"), ignore_nulls=False
    )
    wall = text.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us").dt.epoch("us")
    micros = fraction.str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    return dictionary.with_columns(
        instant=wall + micros - _offset(offset), is_wall=offset.is_null() & wall.is_not_null()
    )


def _offset(text: pl.Expr) -> pl.Expr:
    hours, minutes = (
        text.str.slice(1, 2).cast(pl.Int64, strict=False),
        text.str.slice(4, 2).cast(pl.Int64, strict=False),
    )
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    valid = pl.when((hours < 24) & (minutes < 60)).then(sign * (hours * 60 + minutes) * _MINUTE)
    return pl.when(text.is_null() | (text == "Z")).then(0).otherwise(valid)

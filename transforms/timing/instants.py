"""Text and numbers that are instants: the one grammar of semantics.md §2, for one value and for a column.

Files are read by the macro `instant_of` of `sql/formats/staging/macros.sql`, which knows the forms that most texts have
and asks `instants_of` about the others; the tests hold all readers side by side.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from transforms.columns.json_values import NUMBER, intern
from transforms.timing.durations import EPOCH

BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
"""Characters that don't count at either end of a text."""

_DATE = r"(?:([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2})(?:\.0+)?)"
_CLOCK = r"(?:([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]|60)(?:[.,]([0-9]+))?)?|(24):00(?::00)?)"
_ZONE = r"(Z|z| ?UTC| ?([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
_WRITTEN = rf"^{_DATE}(?:[Tt ]{_CLOCK}{_ZONE}?)?$"
_COUNTED = r"^0*([0-9]+?)(?:\.([0-9]+))?$"
_ASCII_WRITTEN, _ASCII_COUNTED = re.compile(_WRITTEN), re.compile(_COUNTED)

_INSTANT = pl.Datetime("us", "UTC")
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Years 1 to 9999, µs since 1970."""
_EPOCHS = (946_684_800_000_000, 4_102_444_800_000_000)
"""Numbers count from 1970 if that leads into 2000 to 2099, µs since 1970."""
_SHIFTS = {9: 6, 10: 6, 12: 3, 13: 3, 15: 0, 16: 0, 18: -3, 19: -3}
"""Digits of a count of s, ms, µs or ns in those years → the power of ten that makes it one of µs."""
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000


def instant_of(value: object) -> datetime | None:
    """The instant that a text or a number means (UTC unless it says a zone); None: it is none."""
    micros = _micros(_digits(value).strip(BLANKS))
    inside = micros is not None and _FIRST <= micros <= _LAST
    return EPOCH + timedelta(microseconds=micros) if micros is not None and inside else None


def with_instants(dictionary: pl.DataFrame) -> pl.DataFrame:
    """The dictionary of `json_values.intern` and, for text and numbers that are instants, `instant` and `is_wall`.

    Returns:
        `instant` is µs since 1970-01-01 00:00 (UTC), null for other values; `is_wall` says that there is no zone.
    """
    given = pl.when(pl.col("kind") == NUMBER).then(_plain(pl.col("json"))).otherwise(pl.col("text"))
    return dictionary.with_columns(_read(dictionary.select(given=given.str.strip_chars(BLANKS))["given"]))


def instants_of(texts: pl.Series) -> pl.Series:
    """The instants of texts without blanks at their ends, µs since 1970-01-01 00:00 (UTC); null for what is none."""
    return _read(texts)["instant"]


def written(instant: pl.Expr) -> pl.Expr:
    """An instant as text: `2026-03-01T09:30:00.5Z`."""
    text = instant.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.replace(r"\.?0*$", "")
    return pl.concat_str(text, pl.lit("Z"))


def read_instants(texts: pl.Series) -> pl.Series:
    """The instants that JSON texts mean; null for those that mean none."""
    if texts.null_count() == len(texts):
        return pl.repeat(None, len(texts), dtype=_INSTANT, eager=True)
    dictionary, codes = intern({"text": texts}, ())
    micros = with_instants(dictionary)["instant"].gather(codes["text"])
    return micros.cast(_INSTANT)


def _read(texts: pl.Series) -> pl.DataFrame:
    """Of each text `instant` and `is_wall`."""
    date = texts.str.extract_groups(_WRITTEN).struct.unnest()
    count = texts.str.extract_groups(_COUNTED).struct.unnest()
    written = date.select(micros=_date_micros(), is_wall=pl.col("12").is_null())
    counted = count.select(micros=_count_micros())
    return written.select(
        instant=pl.coalesce("micros", counted["micros"]),
        is_wall=pl.col("micros").is_not_null() & pl.col("is_wall"),
    )


def _digits(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return ""
    return value if isinstance(value, str) else format(Decimal(str(value)), "f")


def _micros(text: str) -> int | None:
    if written := _ASCII_WRITTEN.match(text):
        return _written_micros(written)
    counted = _ASCII_COUNTED.match(text)
    if counted is None or (shift := _SHIFTS.get(len(counted[1]))) is None:
        return None
    micros = int(Decimal(f"{counted[1]}.{counted[2] or 0}").scaleb(shift))
    return micros if _EPOCHS[0] <= micros < _EPOCHS[1] else None


def _written_micros(parts: re.Match[str]) -> int | None:
    year, month, day = (int(parts[place] or parts[place + 3]) for place in (1, 2, 3))
    try:
        # Years 0 and 10000, which a zone or 24:00 may lead out of and into, are beyond datetime.
        date = datetime(year % _CYCLE_YEARS + _CYCLE_YEARS, month, day, tzinfo=EPOCH.tzinfo)
    except ValueError:
        return None
    days = (date - EPOCH).days + (year // _CYCLE_YEARS - 1) * _CYCLE_DAYS
    hours, minutes, seconds = (int(parts[place] or 0) for place in (7, 8, 9))
    clock = (hours + int(parts[11] or 0)) * _HOUR + minutes * _MINUTE + seconds * _SECOND
    ahead = int(parts[14] or 0) * _HOUR + int(parts[15] or 0) * _MINUTE
    fraction = int((parts[10] or "")[:6].ljust(6, "0"))
    return days * 24 * _HOUR + clock + fraction - (-ahead if parts[13] == "-" else ahead)


def _plain(number: pl.Expr) -> pl.Expr:
    """The JSON text of a number, without an exponent where it is whole."""
    whole = number.cast(pl.Float64, strict=False).cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(number.str.contains("e")).then(whole).otherwise(number)


def _date_micros() -> pl.Expr:
    year, month, day = (pl.coalesce(str(place), str(place + 3)) for place in (1, 2, 3))
    date = pl.concat_str(year, month, day, separator="-").str.to_date("%Y-%m-%d", strict=False)
    hours, minutes, seconds, midnight = (_whole(place) for place in (7, 8, 9, 11))
    clock = (hours + midnight) * _HOUR + minutes * _MINUTE + seconds * _SECOND
    ahead = _whole(14) * _HOUR + _whole(15) * _MINUTE
    offset = pl.when(pl.col("13") == "-").then(-ahead).otherwise(ahead)
    micros = date.cast(pl.Int64) * 24 * _HOUR + clock + _fraction("10", 6) - offset
    return pl.when(micros.is_between(_FIRST, _LAST)).then(micros)


def _count_micros() -> pl.Expr:
    whole = pl.col("1").cast(pl.Int64, strict=False)
    scaled = {
        6: whole * _SECOND + _fraction("2", 6),
        3: whole * 1000 + _fraction("2", 3),
        0: whole,
        -3: whole // 1000,
    }
    micros = pl.lit(None, pl.Int64)
    for digits, shift in _SHIFTS.items():
        micros = pl.when(pl.col("1").str.len_bytes() == digits).then(scaled[shift]).otherwise(micros)
    return pl.when(micros.is_between(*_EPOCHS, closed="left")).then(micros)


def _whole(group: int) -> pl.Expr:
    return pl.col(str(group)).cast(pl.Int64).fill_null(0)


def _fraction(group: str, digits: int) -> pl.Expr:
    return pl.col(group).str.slice(0, digits).str.pad_end(digits, "0").cast(pl.Int64).fill_null(0)

"""Values that are instants: ISO 8601 text, a date (midnight) or a date and time, UTC unless it has an offset."""

import polars as pl

_FORM = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:\d{2})?)?$"
_MINUTE = 60_000_000


def with_moments(dictionary: pl.DataFrame) -> pl.DataFrame:
    """The dictionary of `values.intern` and, for text that is an instant, `moment` and `is_wall`.

    `moment` is µs since 1970-01-01 00:00 (UTC), null for other values; `is_wall` says that the text has no offset.
    """
    day, clock, second, fraction, offset = (pl.col("text").str.extract(_FORM, part) for part in range(1, 6))
    text = pl.concat_str(
        day, pl.lit("T"), clock.fill_null("00:00"), pl.lit(":"), second.fill_null("00"), ignore_nulls=False
    )
    wall = text.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us").dt.epoch("us")
    micros = fraction.str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    return dictionary.with_columns(
        moment=wall + micros - _offset(offset), is_wall=offset.is_null() & wall.is_not_null()
    )


def _offset(text: pl.Expr) -> pl.Expr:
    hours, minutes = (
        text.str.slice(1, 2).cast(pl.Int64, strict=False),
        text.str.slice(4, 2).cast(pl.Int64, strict=False),
    )
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    valid = pl.when((hours < 24) & (minutes < 60)).then(sign * (hours * 60 + minutes) * _MINUTE)
    return pl.when(text.is_null() | (text == "Z")).then(0).otherwise(valid)

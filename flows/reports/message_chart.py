"""Messages per day as a picture, drawn by vl-convert where that is installed (the extra `notebook`)."""

import struct
import zlib
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from importlib.util import find_spec

import polars as pl

from transforms.answers.weeks import messages_by_day

DAYS = 28
_DRAWS = "vl_convert"
_HEAD = 8  # bytes


def can_draw() -> bool:
    """Whether what draws is installed."""
    return find_spec(_DRAWS) is not None


def message_chart(daily: pl.DataFrame, until: date) -> bytes:
    """The messages accepted on each of the last 28 days, as a PNG.

    Args:
        daily: `report_messages_daily`.
        until: the last day.
    """
    days = messages_by_day(daily, until, DAYS).with_columns(pl.col("day").cast(pl.String))
    return _packed(import_module(_DRAWS).vegalite_to_png(_drawing(days), scale=1.5))


def _drawing(days: pl.DataFrame) -> dict[str, object]:
    """A Vega-Lite specification."""
    axis = {"format": "%b %-d", "labelAngle": 0, "labelOverlap": "parity"}
    day = {"field": "day", "type": "ordinal", "timeUnit": "utcyearmonthdate", "title": None, "axis": axis}
    counts = {
        "field": "messages",
        "type": "quantitative",
        "title": "messages",
        "axis": {"tickMinStep": 1, "format": ",d"},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 640,
        "height": 180,
        "background": "white",
        "data": {"values": days.to_dicts()},
        "mark": {"type": "bar", "color": "#2563eb"},
        "encoding": {"x": day, "y": counts},
    }


def _packed(png: bytes) -> bytes:
    """The same picture in an eighth of the bytes: vl-convert hardly compresses."""
    chunks = list(_chunks(png))
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    others = [one for one in chunks if one[0] != b"IDAT"]
    whole = [*others[:-1], (b"IDAT", zlib.compress(pixels, 9)), others[-1]]
    return png[:_HEAD] + b"".join(_chunk(*one) for one in whole)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = _HEAD
    while place < len(png):
        (size,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        place += size + 12


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

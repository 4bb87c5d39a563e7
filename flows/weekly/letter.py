"""The week's mail, written: its subject, HTML with simple tables, the same as text, the whole page beside it."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from flows.delivery.senders.base import Attachment
from flows.errors import InputError
from flows.fitting import cell_text, table_lines
from flows.reports.frames import open_reports
from flows.session import Clock
from flows.settings import Settings
from flows.weekly.numbers import Weekly, read_weekly
from flows.weekly.sections import Section, sections_of, totals
from transforms.content.pages import filled_page

MOST_BYTES = 2_000_000
"""A larger page isn't attached: mail servers refuse much more, and people don't open it."""
_WIDTH = 76
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Letter:
    """What the mail says, to whomever it goes."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def weekly_letter(settings: Settings, clock: Clock) -> Letter:
    """The mail about a store as it stands now.

    Args:
        settings: where things lie.
        clock: the wall clock.

    Raises:
        InputError: there was no tick yet.
        OnwardError: the store or the send ledger can't be read.
    """
    with open_reports(settings) as con:
        weekly = read_weekly(con, settings, clock)
    if weekly is None:
        raise InputError(f"{settings.data_dir}: there was no tick yet, so nothing can be told: `onward run`")
    return write_letter(weekly, settings.timezone)


def write_letter(weekly: Weekly, zone: str, most: int = MOST_BYTES) -> Letter:
    """The mail.

    Args:
        weekly: what it tells.
        zone: by whose clocks it names times.
        most: the largest page, in bytes, that is attached.
    """
    until = weekly.as_of.astimezone(ZoneInfo(zone))
    page = weekly.page.encode()
    fits = len(page) < most
    name = f"onward-report-{until:%Y-%m-%d}.html"
    note = (
        f"The whole report is attached ({name}): open it in a browser."
        if fits
        else f"The whole report ({len(page) / 1e6:,.1f} MB) is too large to attach: `onward report --html FILE`."
    )
    heading = f"The week until {until:%Y-%m-%d %H:%M} {zone}"
    told = f"The seven days since {until - _WEEK:%Y-%m-%d %H:%M}, to the last tick: {totals(weekly)}."
    subject = f"Weekly report {until:%Y-%m-%d}: {totals(weekly)}"
    parts = sections_of(weekly)
    return Letter(
        subject,
        "\n".join(_text(heading, told, parts, note)),
        _html(parts, subject=subject, heading=heading, told=told, note=note),
        (Attachment(name, "text/html", page),) if fits else (),
    )


def _html(parts: Sequence[Section], **texts: str) -> str:
    source = files("flows.weekly").joinpath("letter.html.j2").read_text(encoding="utf-8")
    return filled_page(source, {**texts, "parts": [_part(one) for one in parts]})


def _part(section: Section) -> dict[str, Any]:
    kinds = [one.is_right or section.rows.schema[one.name].is_numeric() for one in section.columns]
    cells = [[cell_text(one, cell) for cell in section.rows[one.name]] for one in section.columns]
    return {
        "title": section.title,
        "headings": [(one.title, kind) for one, kind in zip(section.columns, kinds, strict=True)],
        "rows": [list(zip(row, kinds, strict=True)) for row in zip(*cells, strict=True)],
        "lines": section.lines,
    }


def _text(heading: str, told: str, parts: Sequence[Section], note: str) -> Iterator[str]:
    yield from (heading, "=" * len(heading), *textwrap.wrap(told, _WIDTH), "")
    for one in parts:
        yield from (one.title, "-" * len(one.title))
        if one.columns:
            yield from table_lines(one.rows, one.columns, _WIDTH, rest="the HTML part has all")
            yield ""
        for line in one.lines:
            yield from textwrap.wrap(line, _WIDTH, break_on_hyphens=False)
        yield ""
    yield from textwrap.wrap(note, _WIDTH)

"""A difference on a terminal of any width from 60 columns: figures are stacked under one another, never cut."""

import re
import textwrap
from collections.abc import Iterator, Sequence

from flows.reports.diff_document import ALL, Document
from flows.reports.diff_words import (
    counts,
    customer_line,
    days_that_differ,
    differs,
    how,
    judged,
    label,
    message_line,
    period,
    row,
    template_counts,
    template_name,
    told_figures,
    verdict,
    what_changed,
)

DAYS = 7
WIDEST = 100
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What an id may hold that a terminal would take for a command."""
LABEL = 22
Row = tuple[str, str, str, str]
HEADINGS: Row = ("", "before", "after", "change")


def text(told: Document, width: int) -> str:
    """What a change would have done, for people.

    Args:
        told: see `diff_document.document`.
        width: of the terminal, in columns; words that are longer than it stay whole.
    """
    broad = min(max(width, 40), WIDEST)
    lines = [*_head(told, broad), ""]
    if why := verdict(told):
        lines += textwrap.wrap(why, broad, break_long_words=False)
    else:
        lines += [*_body(told, broad)]
    held = [judged(one) for one in told["fail_if"] if not one["holds"]]
    if held:
        lines += [*([""] if lines[-1] else []), *(part for one in held for part in _wrapped(one, broad, 2))]
    return "\n".join(CONTROL.sub(" ", line) for line in lines).rstrip()


def _head(told: Document, width: int) -> Iterator[str]:
    for side in ("old", "new"):
        given = f"{side.upper()}   {told[side]['given']}: {_counted(told[side]['workflows'], 'workflow')}"
        yield from _wrapped(given, width, 6)
    for one in what_changed(told):
        yield from _wrapped(f"      {one}", width, 8)
    span = told["period"]
    yield from _wrapped(f"over  {period(told)}; {span['events']:,} events in the history", width, 6)
    if span["quarantined"]:
        yield from _wrapped(f"      {span['quarantined']:,} bad rows were left out", width, 6)


def _body(told: Document, width: int) -> Iterator[str]:
    different = [one for one in told["workflows"] if differs(one)]
    blocks = [
        ("All workflows", told[ALL]),
        *((f"{one['workflow_id']} ({how(one)})", one) for one in different),
    ]
    rows = [HEADINGS, *(cells for _, one in blocks for cells in _every_row(one))]
    columns = [max(len(cells[place]) for cells in rows) for place in (1, 2, 3)]
    yield _line(HEADINGS, columns)
    for title, one in blocks:
        yield title
        yield from _block(one, columns, width)
        yield ""
    if same := [one["workflow_id"] for one in told["workflows"] if not differs(one)]:
        yield from _wrapped(f"As before: {', '.join(same)}", width, 2)


def _rows(one: Document) -> list[Row]:
    """The figures of a workflow, or of all."""
    before, after = one["before"], one["after"]
    return [(label(name), *row(name, before[name], after[name])) for name in told_figures(before, after)]


def _every_row(one: Document) -> list[Row]:
    """Those, and those of templates and days."""
    return [*_rows(one), *(_messages("", part) for part in (*one.get("templates", ()), *one["days"]))]


def _block(one: Document, columns: Sequence[int], width: int) -> Iterator[str]:
    for cells in _rows(one):
        yield from _stacked(cells, columns)
    changes = one["changes"]
    for noun in ("customers", "messages"):
        if said := counts(changes, noun):
            yield from _wrapped(f"  {noun}: {said}", width, 4)
    if changes["executions_changed"]:
        yield from _wrapped(f"  {label('executions_changed')}: {changes['executions_changed']:,}", width, 4)
    for template in one.get("templates", ()):
        yield from _template(template, columns, width)
    if "workflow_id" not in one and (days := days_that_differ(one["days"], DAYS)):
        yield "  messages of the days that differ most"
        for day in days:
            yield from _stacked(_messages(f"  {day['day']}", day), columns)
    yield from _examples(one, width)


def _template(template: Document, columns: Sequence[int], width: int) -> Iterator[str]:
    if said := template_counts(template):
        yield from _stacked(_messages(template_name(template["template_id"]), template), columns)
        yield from _wrapped(f"    {said}", width, 4)


def _examples(one: Document, width: int) -> Iterator[str]:
    lines = [*map(customer_line, one.get("customers", ())), *map(message_line, one.get("messages", ()))]
    if lines:
        yield "  for example"
        for line in lines:
            yield from _wrapped(f"    {line}", width, 6)


def _messages(name: str, counted: Document) -> Row:
    return name, *row("messages", counted["before"], counted["after"])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _stacked(cells: Row, columns: Sequence[int]) -> Iterator[str]:
    """A row; its name on a line of its own if it is too long to stand before the figures."""
    if len(cells[0]) > LABEL:
        yield f"  {cells[0]}"
        cells = ("", *cells[1:])
    yield _line(cells, columns)


def _line(cells: Row, columns: Sequence[int]) -> str:
    figures = " ".join(cell.rjust(size) for cell, size in zip(cells[1:], columns, strict=True))
    return f"  {cells[0]:<{LABEL}} {figures}"


def _wrapped(line: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

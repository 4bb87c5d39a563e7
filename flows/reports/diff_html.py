"""A difference as one HTML page that needs nothing else: no script, no request, light and dark."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from flows.files import write_text
from flows.reports.diff_document import ALL, Document
from flows.reports.diff_words import (
    counts,
    customer_line,
    differs,
    how,
    judged,
    label,
    message_line,
    number,
    period,
    row,
    template_counts,
    template_name,
    told_figures,
    verdict,
    what_changed,
)
from transforms.content.pages import filled_page

WIDTH, HEIGHT = 640, 120
"""Of a drawing, in units of its own."""
A_DAY = timedelta(days=1)


def write_page(told: Document, file: Path) -> None:
    """Write what a change would have done as a page; `told` is what `diff_document.document` makes."""
    source = files("flows.reports").joinpath("diff.html.j2").read_text(encoding="utf-8")
    different = [one for one in told["workflows"] if differs(one)]
    values = {
        "sides": [
            (side.upper(), told[side]["given"], number("", told[side]["workflows"]))
            for side in ("old", "new")
        ],
        "changed": what_changed(told),
        "period": period(told),
        "events": number("", told["period"]["events"]),
        "limits": [(one["holds"], judged(one)) for one in told["fail_if"]],
        "verdict": verdict(told),
        "blocks": [
            _block("All workflows", "", told[ALL]),
            *(_block(one["workflow_id"], how(one), one) for one in different),
        ],
        "same": [one["workflow_id"] for one in told["workflows"] if not differs(one)],
        "width": WIDTH,
        "height": HEIGHT,
    }
    write_text(file, filled_page(source, values))


def _block(title: str, definition: str, one: Document) -> dict[str, Any]:
    """What the page says of a workflow, or of all."""
    before, after, changes = one["before"], one["after"], one["changes"]
    names = told_figures(before, after)
    said = [(noun, counts(changes, noun) or "as before") for noun in ("customers", "messages")]
    templates = [each for each in one.get("templates", ()) if template_counts(each)]
    return {
        "title": title,
        "how": definition,
        "said": said,
        "otherwise": number("", changes["executions_changed"]) if changes["executions_changed"] else "",
        "figures": [(label(name), *row(name, before[name], after[name])) for name in names],
        "templates": [
            (
                template_name(each["template_id"]),
                *row("messages", each["before"], each["after"]),
                template_counts(each),
            )
            for each in templates
        ],
        "days": [(f"{each['day']}", *row("messages", each["before"], each["after"])) for each in one["days"]],
        "drawing": _drawing(one["days"]),
        "examples": [
            *map(customer_line, one.get("customers", ())),
            *map(message_line, one.get("messages", ())),
        ],
    }


def _drawing(days: Sequence[Document]) -> dict[str, str] | None:
    """The messages of each day as two lines, before and after; None: there are too few days."""
    if len(days) < 2:
        return None
    most = max(max(one["before"], one["after"]) for one in days)
    first, last = days[0]["day"], days[-1]["day"]
    lines = {side: " ".join(_points(days, side, most)) for side in ("before", "after")}
    return {**lines, "first": f"{first}", "last": f"{last}", "most": number("", most)}


def _points(days: Sequence[Document], side: str, most: int) -> Iterator[str]:
    """A point for each day from the first to the last."""
    by_day = {one["day"]: one[side] for one in days}
    first, last = days[0]["day"], days[-1]["day"]
    whole = (last - first) // A_DAY
    for place in range(whole + 1):
        value = by_day.get(first + place * A_DAY, 0)
        yield f"{WIDTH * place / whole:.1f},{HEIGHT - (HEIGHT - 4) * value / most - 2:.1f}"

"""A difference as a comment for a pull request: what matters in a line, a table, and the details folded."""

import re
from collections.abc import Iterator, Sequence

from flows.reports.diff_document import ALL, Document
from flows.reports.diff_words import (
    change,
    counts,
    customer_line,
    days_that_differ,
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

DAYS, ROWS, NAMES = 31, 50, 30
"""So many days, workflows and names are told at most."""
_COLUMNS = ("entries", "messages", "conversions", "cap_collisions")
_SPECIAL = re.compile(r"[\\`*{}\[\]<>#|~&]|(?<!\w)_|_(?!\w)")
MOST = 60_000
"""About so many characters a comment has at most; GitHub takes 65,536."""


def markdown(told: Document) -> str:
    """What a change would have done, as GitHub's Markdown; `told` is what `diff_document.document` makes."""
    lines = ["### What this change would have done", "", f"Over {period(told)}. {_definitions(told)}", ""]
    lines += [f"- {'❌' if one['holds'] else '✅'} {judged(one, '`')}" for one in told["fail_if"]]
    lines += [""] if told["fail_if"] else []
    if why := verdict(told):
        return "\n".join([*lines, plain(why)])
    shown, left_out = _most_changed(told["workflows"])
    lines += [*_summary(told), "", *_table(told, shown), "", *_days(told)]
    room = MOST - sum(len(line) + 1 for line in lines)
    for one in shown:
        folded = list(_folded(f"Workflow {plain(one['workflow_id'])}", _workflow(one)))
        room -= sum(len(line) + 1 for line in folded)
        lines += folded if room > 0 else []
        left_out += [] if room > 0 else [one]
    return "\n".join(
        [*lines, *_names("Too long for a comment (`--json` has it)", left_out), *_as_before(told)]
    )


def _definitions(told: Document) -> str:
    parts = what_changed(told)
    return plain(f"Definitions: {'; '.join(parts)}.") if parts else ""


def _summary(told: Document) -> Iterator[str]:
    """A line for what most people ask."""
    every = told[ALL]
    parts = [f"**{_figure(name, every)}**" for name in ("messages", "messages_per_customer")]
    for noun in ("customers", "messages"):
        parts += [f"{noun}: {said}"] if (said := counts(every["changes"], noun)) else []
    yield "; ".join(parts) + "."


def _figure(name: str, one: Document) -> str:
    before, after = one["before"][name], one["after"][name]
    return f"{label(name)} {number(name, before)} → {number(name, after)} ({change(name, before, after)})"


def _table(told: Document, shown: Sequence[Document]) -> Iterator[str]:
    heads = ["workflow", *map(label, _COLUMNS), "customers", "messages"]
    yield _cells(heads)
    yield _cells(["---", *(["---:"] * len(_COLUMNS)), "---", "---"])
    for one in shown:
        yield _cells([f"{plain(one['workflow_id'])} ({how(one)})", *_row(one)])
    yield _cells(["**all**", *_row(told[ALL])])


def _row(one: Document) -> list[str]:
    changes = (counts(one["changes"], noun) or "as before" for noun in ("customers", "messages"))
    return [*(_pair(name, one["before"][name], one["after"][name]) for name in _COLUMNS), *changes]


def _pair(name: str, before: float | None, after: float | None) -> str:
    return number(name, after) if before == after else f"{number(name, before)} → {number(name, after)}"


def _most_changed(workflows: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """The workflows that differ, in the order of their ids; those with least changes apart, if there are too many."""
    different = [one for one in workflows if differs(one)]
    by_size = sorted(different, key=lambda one: -sum(one["changes"].values()))
    left_out = {one["workflow_id"] for one in by_size[ROWS:]}
    return (
        [one for one in different if one["workflow_id"] not in left_out],
        [one for one in different if one["workflow_id"] in left_out],
    )


def _days(told: Document) -> Iterator[str]:
    if days := days_that_differ(told[ALL]["days"], DAYS):
        rows = [[f"{one['day']}", *_messages(one)] for one in days]
        yield from _folded("Messages of the days that differ most", _figures_table("day (UTC)", rows))


def _as_before(told: Document) -> list[str]:
    return _names("As before", [one for one in told["workflows"] if not differs(one)])


def _names(what: str, workflows: Sequence[Document]) -> list[str]:
    named = [plain(one["workflow_id"]) for one in workflows[:NAMES]]
    more = f" and {len(workflows) - NAMES:,} more" if len(workflows) > NAMES else ""
    return [f"{what}: {', '.join(named)}{more}.", ""] if named else []


def _workflow(one: Document) -> list[str]:
    before, after = one["before"], one["after"]
    rows = [[label(name), *row(name, before[name], after[name])] for name in told_figures(before, after)]
    lines = _figures_table("figure", rows)
    if templates := [template for template in one["templates"] if template_counts(template)]:
        names = [[plain(template_name(each["template_id"])), *_messages(each)] for each in templates]
        told = [_cells([*cells, template_counts(each)]) for cells, each in zip(names, templates, strict=True)]
        heads = [
            _cells(["template", "before", "after", "change", ""]),
            _cells(["---", "---:", "---:", "---:", "---"]),
        ]
        lines += ["", *heads, *told]
    examples = [*map(customer_line, one["customers"]), *map(message_line, one["messages"])]
    return [*lines, "", *(f"- {plain(line)}" for line in examples)]


def _messages(one: Document) -> tuple[str, str, str]:
    return row("messages", one["before"], one["after"])


def _figures_table(of: str, rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        _cells([of, "before", "after", "change"]),
        _cells(["---", "---:", "---:", "---:"]),
        *map(_cells, rows),
    ]


def _folded(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", "")


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(words: str) -> str:
    """Words that people chose, so that nothing in them is taken for Markdown."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(words.split()))

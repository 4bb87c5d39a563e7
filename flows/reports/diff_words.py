"""How figures before and after a change, customers and messages are put into words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.reports.diff_document import Document
from flows.reports.fail_if import percent
from transforms.answers.compare import CHANGES
from transforms.timing.durations import spoken

ALWAYS = ("entries", "customers", "messages", "messages_per_customer")
"""The figures that are told also where they are as before."""
NOT_COMPARED = "what messages say, tags, attributes and the data of webhooks aren't compared"
_DECIMALS = {"messages_per_day": 1, "messages_per_customer": 2, "conversion_rate": 1}
_KINDS = {"gained": "gained", "lost": "lost", "retimed": "re-timed", "moved": "moved"}
_CALLED = {"customers_retimed": "customers re-timed", "executions_changed": "executions that went otherwise"}


def label(metric: str) -> str:
    """A metric's name in words."""
    return _CALLED.get(metric, metric.replace("_", " "))


def number(metric: str, value: float | None) -> str:
    """A figure, whole or with as many decimals as it is told with."""
    if value is None:
        return "-"
    shown = f"{value:,.{_DECIMALS.get(metric, 0)}f}"
    return f"{shown}%" if metric == "conversion_rate" else shown


def change(metric: str, before: float | None, after: float | None) -> str:
    """The change in percent, or as it is where there was nothing; `=` where there is none."""
    if before == after:
        return "="
    if before is None or after is None:
        return "-"
    if not before:
        return f"+{number(metric, after)}"
    share = percent(before, after)
    return f"{share:+,.1f}%" if abs(share) >= 0.05 else f"{share:+.1g}%"


def row(metric: str, before: float | None, after: float | None) -> tuple[str, str, str]:
    """A figure before, after, and its change."""
    return number(metric, before), number(metric, after), change(metric, before, after)


def told_figures(before: Document, after: Document) -> list[str]:
    """The figures to tell: those always told, and those that changed."""
    return [name for name in before if name in ALWAYS or before[name] != after[name]]


def counts(changes: Mapping[str, int], of: str) -> str:
    """`12 gained, 3 lost, 40 re-timed`, of customers or messages; what there is none of is left out."""
    told = {name: changes.get(f"{of}_{name}", 0) for name in _KINDS}
    return ", ".join(f"{n:,} {_KINDS[name]}" for name, n in told.items() if n)


def template_counts(template: Document) -> str:
    """The same of a template's messages, and how far those that moved were moved."""
    named = {f"messages_{name}": template[name] for name in ("gained", "lost", "moved")}
    seconds = template["moved_by_seconds"]
    return counts(named, "messages") + (f" by {_distance(seconds)} (median)" if template["moved"] else "")


def _distance(seconds: float) -> str:
    """`+2d`, `-1h 30m`."""
    return ("-" if seconds < 0 else "+") + spoken(timedelta(seconds=round(abs(seconds))))


def differs(workflow: Document) -> bool:
    """Whether anything that is compared changed in a workflow, or its definition did."""
    changed = any(workflow["changes"].values()) or workflow["before"] != workflow["after"]
    return changed or workflow["definition"] != "same"


def how(workflow: Document) -> str:
    """Whether a workflow's own definition changed."""
    kept = workflow["definition"] == "same"
    return "not changed itself" if kept else str(workflow["definition"])


def customer_line(one: Document) -> str:
    """`ann, lost: 2026-03-02 09:00:00`, with the entries before and after the change."""
    sides = [_entries(one[side]) for side in ("entered_before", "entered_after")]
    return f"{one['customer_id']}, {_KINDS[one['kind']]}: {_arrow(sides)}"


def _entries(at: Sequence[datetime]) -> str:
    more = f" and {len(at) - 3:,} more" if len(at) > 3 else ""
    return ", ".join(map(instant, at[:3])) + more


def message_line(one: Document) -> str:
    """`ann, welcome_hello moved: …`, with the instants before and after."""
    sides = [instant(one[side]) if one[side] else "" for side in ("at_before", "at_after")]
    return f"{one['customer_id']}, {template_name(one['template_id'])} {_KINDS[one['kind']]}: {_arrow(sides)}"


def template_name(template: str | None) -> str:
    """A template's id, or that the message is written in the workflow."""
    return template or "(no template)"


def instant(at: datetime) -> str:
    """To the second, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _arrow(sides: Sequence[str]) -> str:
    return " → ".join(filter(None, sides))


def days_that_differ(days: Sequence[Document], most: int) -> list[Document]:
    """The days whose messages differ most, in the order of days."""
    by_size = sorted(days, key=lambda one: -abs(one["after"] - one["before"]))
    found = [one for one in by_size if one["after"] != one["before"]][:most]
    return sorted(found, key=lambda one: one["day"])


def what_changed(told: Document) -> list[str]:
    """What differs between the definitions: `changed: welcome`, `removed: promo`, `caps: 3/7d → 2/7d`."""
    found = []
    for kind in ("changed", "added", "removed"):
        for noun, names in (("", "workflows"), ("patterns ", "patterns")):
            some = [name for name, how in told["definitions"][names].items() if how == kind]
            found += [f"{noun}{kind}: {_some(some)}"] if some else []
    caps = [", ".join(told[side]["caps"]) or "none" for side in ("old", "new")]
    return found + ([f"caps: {' → '.join(caps)}"] if caps[0] != caps[1] else [])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 30:,} more" if len(names) > 30 else ""
    return ", ".join(names[:30]) + more


def period(told: Document) -> str:
    """`30 days, 2026-01-01 00:00:00 to 2026-01-31 00:00:00 (UTC)`."""
    span = told["period"]
    days = f"{span['days']:,.0f} day{'' if round(span['days']) == 1 else 's'}"
    return f"{days}, {instant(span['began'])} to {instant(span['end'])} (UTC)"


def verdict(told: Document) -> str | None:
    """Why there is nothing to show; None: there is."""
    if told["definitions"]["identical"]:
        return "OLD and NEW say the same: nothing would have changed."
    if told["nothing_changed"]:
        return (
            "Nothing would have changed: the same customers enter at the same instants, take the same way, and get the "
            f"same messages at the same instants ({NOT_COMPARED})."
        )
    return None


def judged(one: Mapping[str, Any], quote: str = "'") -> str:
    """A limit, whether it holds, and the figures."""
    metric, before, after = one["metric"], one["before"], one["after"]
    holds = "holds" if one["holds"] else "doesn't hold"
    was, now, changed = row(metric, before, after)
    figures = now if metric in CHANGES else f"{was} before, {now} after ({changed})"
    return f"--fail-if {quote}{one['expression']}{quote} {holds}: {label(metric)}: {figures}"

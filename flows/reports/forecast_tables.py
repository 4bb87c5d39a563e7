"""Forecasts on a terminal: tables, and in sentences what they rest on and leave out."""

from collections.abc import Iterator, Sequence

import polars as pl
from rich.console import Console
from rich.text import Text

from flows.fitting import Column, print_table
from flows.reports.forecast import LookedBack, ToCome
from flows.reports.terminal import NOTHING_YET
from transforms.answers.forecast import LEAST_WEEKS, WEEKS, Forecast
from transforms.answers.totals import BAND

REST = "--json has all"
_BAND = (Column("messages", "messages"), Column("low", "low", 1), Column("high", "high", 1))
_PARTS = (Column("in_flight", "in\nflight", 2), Column("entries", "new\nentries", 3))
DAYS = (Column("day", "day"), *_BAND, *_PARTS)
WORKFLOWS = (Column("workflow_id", "workflow"), *_BAND, *_PARTS)
HOURS = (Column("hour", "hour"), *_BAND)
SENDERS = (Column("sender", "sender"), *_BAND)
PASSED = (
    Column("day", "day"),
    Column("came", "came"),
    Column("messages", "fore-\ncast"),
    Column("low", "low", 2),
    Column("high", "high", 2),
    Column("last_week", "last\nweek", 1),
)
ERRORS = (
    Column("first", "first day"),
    Column("came", "came", 1),
    Column("messages", "fore-\ncast", 2),
    Column("error", "error"),
    Column("last_week_error", "error of\nlast week"),
    Column("within", "% within\nlow, high", 3),
)
_LINES = 8
_DAY = "%a %Y-%m-%d"


def print_forecast(found: ToCome | LookedBack | None, console: Console) -> None:
    """Print a forecast, or what would have been said beside what came; and what it rests on.

    Args:
        found: None: before the first tick.
        console: where to print.
    """
    match found:
        case None:
            lines = iter([NOTHING_YET])
        case ToCome():
            _print_figures(found, console)
            lines = _rests_on(found)
        case LookedBack():
            _print_looks(found, console)
            lines = _verdict(found) if found.errors.height else _too_young(found)
    for line in lines:
        console.print(Text(line))


def _print_looks(found: LookedBack, console: Console) -> None:
    if found.rows.is_empty():
        return
    first = found.errors.select(pl.col("first").max()).item()
    rows = found.rows.filter(pl.col("first") == first).with_columns(pl.col("day").dt.strftime(_DAY))
    title = f"What would have been said on {first:{_DAY}}, beside what came"
    print_table(console, title, rows, PASSED, rest=REST)
    rates = found.errors.with_columns(pl.col("first").dt.strftime(_DAY), within=100 * pl.col("within"))
    title = "The same a week earlier each time: how far off a day was, on average"
    print_table(console, title, rates, ERRORS, rest=REST)


def _print_figures(found: ToCome, console: Console) -> None:
    sums, plan = found.sums, found.forecast
    if sums["days"].is_empty():
        return
    total = sums["total"].select(pl.lit("all days").alias("day"), pl.all())
    days = pl.concat([sums["days"].with_columns(pl.col("day").dt.strftime(_DAY)), total])
    title = f"Messages to come, from {plan.day}, {_counted(plan.days, 'day')}"
    print_table(console, title, days, DAYS, rest=REST)
    print_table(console, "By workflow, all days", sums["workflows"], WORKFLOWS, rest=REST)
    hours = sums["hours"].with_columns(pl.col("hour").cast(pl.String).str.zfill(2) + ":00")
    for name, rows, columns in (("hour of day (UTC)", hours, HOURS), ("sender", sums["senders"], SENDERS)):
        if rows.height:
            print_table(console, f"By {name}, all days", rows, columns, rest=REST)


def _rests_on(found: ToCome) -> Iterator[str]:
    plan = found.forecast
    if found.last_entry is None:
        yield f"No forecast: nobody had entered before {plan.day}."
    elif found.sums["days"].height:
        yield f"What comes is expected to be between low and high in {BAND:.0%} of cases."
        yield (
            f"Rests on what was known when {plan.day} began, and on entries of the last {WEEKS} weeks at most; the "
            f"last was on {found.last_entry}."
        )
    else:
        yield f"No forecast: no active workflow has had entries for {LEAST_WEEKS} weeks."
    if found.so_far:
        came = f"{_counted(found.so_far, 'message')} of {plan.day} had come"
        yield f"At the last tick, {found.as_of:%Y-%m-%d %H:%M:%S}, {came}."
    yield from _shortened([*_bursts(plan), *_strangers(found), *_young(plan)])
    if plan.inactive.height:
        yield f"Not active, so that nothing is expected of it: {', '.join(plan.inactive['workflow_id'])}."


def _bursts(plan: Forecast) -> Iterator[str]:
    for workflow, day, n in plan.bursts.iter_rows():
        yield f"{workflow}: {n:,} entries on {day:{_DAY}} are far more than usual; no further such day is foreseen."


def _strangers(found: ToCome) -> Iterator[str]:
    for workflow, day, n in found.sums["strangers"].iter_rows():
        yield (
            f"{workflow}: from {day} on, up to {_counted(n, 'customer')} will have been in it longer than anybody "
            "before; messages of theirs aren't counted."
        )


def _young(plan: Forecast) -> Iterator[str]:
    for workflow, first in plan.young.iter_rows():
        yield f"{workflow}: no figure; its first entry was on {first}, not {LEAST_WEEKS} weeks before {plan.day}."


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"And {len(lines) - _LINES:,} more of the like; {REST}."


def _too_young(found: LookedBack) -> Iterator[str]:
    first = f"the first entry was on {found.first_entry}" if found.first_entry else "nobody has entered yet"
    yield (
        f"There is too little history to look back {_counted(found.days, 'day')} from {found.as_of:%Y-%m-%d}: {first}, "
        f"and a forecast rests on {LEAST_WEEKS} weeks at least of an active workflow. Fewer --days may do."
    )


def _verdict(found: LookedBack) -> Iterator[str]:
    last = found.errors.row(-1, named=True)
    mean = found.errors.select(pl.col("error", "last_week_error", "within").mean()).row(0, named=True)
    yield (
        f'Off by {last["error"]:,.1f} messages a day; "as on the same weekday of last week" would have been off by '
        f"{last['last_week_error']:,.1f}."
    )
    yield (
        f"On average of all looks back ({found.errors.height}): off by {mean['error']:,.1f}, and by "
        f"{mean['last_week_error']:,.1f}; {mean['within']:.0%} of days came between low and high, meant are {BAND:.0%}."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")

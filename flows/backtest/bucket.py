"""One bucket of a backtest: its files in, its decisions out as files; only a small summary is handed back."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl
import polars.selectors as cs

from flows.backtest.before import bucket_shown, read_incoming, state_before
from flows.backtest.feeds import Feed
from flows.backtest.paths import Paths
from flows.backtest.profiles import profiles
from flows.backtest.tables import write_part
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import behaviors_of
from flows.decide.facts import Incoming
from flows.warehouse import connect
from transforms.definitions.actions import Message
from transforms.delivery.steps import StepKey
from transforms.delivery.variants import NO_WINNERS, chosen_variants
from transforms.engine.decide import decide
from transforms.engine.fold import fold, fold_profiles
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, Facts, State, Tick
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.checks import EXECUTIONS, GOAL_HITS, MESSAGES, PROFILES, STEPS, WEBHOOKS, Table, check
from transforms.tables.frames import AMOUNTS, BEHAVIORS

MICROSECOND = timedelta(microseconds=1)
FACTS_AT_ONCE = 20_000
LEDGER = (EXECUTIONS, GOAL_HITS, STEPS, MESSAGES, WEBHOOKS)
BACKTESTED = (*LEDGER, PROFILES)
_SET = ["customer_id", "attribute", "value"]


@dataclass(frozen=True)
class BucketPlan:
    """What is the same for all buckets: the workflows, and the ticks they are decided in.

    Attributes:
        ends: the ends of the ticks.
        start: events before it are history; None: there is none.
        began: the instant from which on crons fire; None: they don't.
        timezone: the default of customers without one.
        facts_at_once: ticks are decided together until they have about so many.
        tables: the names of the tables to write.
        variants: what steps say whose messages have variants.
    """

    program: Program
    ends: TickEnds
    start: datetime | None = None
    began: datetime | None = None
    timezone: str = "UTC"
    caps: Sequence[Cap] = ()
    memory_limit: str | None = None
    threads: int | None = None
    facts_at_once: int = FACTS_AT_ONCE
    tables: Sequence[str] = tuple(one.name for one in BACKTESTED)
    variants: Mapping[StepKey, Message] = field(default_factory=dict)

    @property
    def profiles(self) -> bool:
        """Whether profiles are written, so that what nobody reads has to be known."""
        return PROFILES.name in self.tables


@dataclass(frozen=True)
class BucketSummary:
    """What is known of a bucket: counts, rows of each table, seconds of each phase."""

    counts: dict[str, int]
    rows: dict[str, int]
    seconds: dict[str, float]


def run_bucket(feed: Feed, paths: Paths, bucket: int, rules: BucketPlan) -> BucketSummary:
    """Decide a bucket.

    Args:
        feed: where its rows come from.
        paths: where its decisions go.
        bucket: its number.
        rules: what to decide by.
    """
    marks = [time.perf_counter()]
    with connect(memory_limit=rules.memory_limit, threads=rules.threads) as con:
        customers = feed.customers(bucket).collect()
        with bucket_shown(con, feed.events(bucket).collect(), customers, rules.start):
            counts = vars(feed.counts(con, bucket, rules.start))
            incoming = read_incoming(con, rules.program, unread=rules.profiles)
            state = state_before(con, rules.program, incoming, every=rules.program.reads_every_attribute)
        marks.append(time.perf_counter())
        behaviors = watched_behaviors(feed.event_times(bucket), rules.program, rules.start)
        decisions, state = decide_ticks(rules, state, incoming, behaviors)
        marks.append(time.perf_counter())
        rows = _write(paths, bucket, rules, decisions)
        if rules.profiles:
            changed = pl.concat([one.select(_SET) for one in (state.attributes, incoming.unread)])
            found = profiles(con, customers, state, changed)
            rows[PROFILES.name] = _written(PROFILES, found, paths, bucket)
        marks.append(time.perf_counter())
    counts |= {
        "facts": sum(one.facts for one in decisions),
        "waves": sum(one.waves for one in decisions),
    }
    names = ("load", "decide", "write")
    took = [after - before for before, after in itertools.pairwise(marks)]
    return BucketSummary(counts, rows, dict(zip(names, took, strict=True)))


def watched_behaviors(times: pl.LazyFrame, program: Program, start: datetime | None) -> pl.DataFrame:
    """What windows need of the times of a bucket's events (`partition.Wanted.event_time`): `frames.BEHAVIORS`."""
    # A bucket without events has no columns of windows either.
    if not program.signals.names or "name" not in times.collect_schema():
        return pl.DataFrame(schema=BEHAVIORS)
    return behaviors_of(times, start)


def decide_ticks(
    rules: BucketPlan, state: State, incoming: Incoming, behaviors: pl.DataFrame
) -> tuple[list[Decided], State]:
    """Tick by tick; ticks with few facts are decided together: what was decided, and the state after it.

    Windows are looked at once for all ticks: their amounts are functions of time.
    """
    found = evaluate_signals(
        rules.program.signals, behaviors, pl.DataFrame(schema=AMOUNTS),
        since=None, until=rules.ends.last, emit_from=rules.start,
    )  # fmt: skip
    given = [found.facts, *vars(incoming.facts).values()]
    spans = rules.ends.spans(given, rules.facts_at_once)
    decisions: list[Decided] = []
    for (before, now), turned, *facts in zip(spans.bounds(), *map(spans.deal, given), strict=True):
        coming, tick = Facts(*facts), _tick(rules, before, now)
        decisions.append(decide(rules.program, state, coming, replace(found, facts=turned), tick))
        if now < rules.ends.last:
            state = fold(state, decisions[-1], coming.writes, tick)
        elif rules.profiles:
            # What nobody has set since the customers' file stays there, and needn't be looked through.
            set_since = replace(state, attributes=state.attributes.filter(pl.col("set_at").is_not_null()))
            state = fold_profiles(set_since, decisions[-1], coming.writes)
    return decisions, state


def _tick(rules: BucketPlan, before: datetime | None, now: datetime) -> Tick:
    since = before or (rules.start - MICROSECOND if rules.start else None)
    return Tick(now, since, rules.began, rules.caps, rules.timezone)


def _write(paths: Paths, bucket: int, rules: BucketPlan, decided: Sequence[Decided]) -> dict[str, int]:
    """Write the bucket's rows of the tables asked for; how many rows of each table there are, written or not."""
    return {
        table.name: _written(table, _rows(table, decided, rules.variants), paths, bucket)
        if table.name in rules.tables
        else _count(table, decided)
        for table in LEDGER
    }


def _written(table: Table, rows: pl.DataFrame, paths: Paths, bucket: int) -> int:
    write_part(check(table, rows), paths.decided(table.name, bucket))
    return len(rows)


def _rows(table: Table, decided: Sequence[Decided], variants: Mapping[StepKey, Message]) -> pl.DataFrame:
    """A table's rows; of an execution, as its last tick left it; of a message, with its variant by weight."""
    rows: pl.DataFrame = pl.concat([getattr(one, table.name) for one in decided], how="diagonal")
    if table is MESSAGES:
        return rows.with_columns(chosen_variants(rows, variants, NO_WINNERS))
    if table is not EXECUTIONS:
        return rows
    last = rows if len(decided) == 1 else rows.unique("execution_id", keep="last", maintain_order=True)
    return last.drop(cs.starts_with("event."))


def _count(table: Table, decided: Sequence[Decided]) -> int:
    return sum(len(one.entries) if table is EXECUTIONS else len(getattr(one, table.name)) for one in decided)

"""One tick: load → decide → commit → dispatch → publish. Safe to run at any time, twice, or after a crash.

Loading and deciding are one transaction, so a tick happened whole or not at all; what is handed over is guarded
by the send ledger; the published copy is replaced last.
"""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from flows.archive import Batch, Manifest, archive_folder, write_manifest
from flows.backup import backup
from flows.definitions import load_definitions
from flows.errors import InputError
from flows.facts import read_facts
from flows.intake import take_in
from flows.lock import RunInProgressError
from flows.outbox import send_messages, send_webhooks
from flows.publish import publish
from flows.queries import literal
from flows.settings import Settings
from flows.state_tables import read_state, write_decided
from flows.store import STATE_FILE, Store, open_store
from flows.versions import current_program
from flows.warehouse import connect, run_sql, sql_text
from transforms.durations import microseconds
from transforms.ledger import Decided
from transforms.program import Program
from transforms.state import Cap
from transforms.waves import decide
from transforms.workflow import Workflow

Clock = Callable[[], datetime]
Say = Callable[[str], object]


@dataclass(frozen=True)
class TickSummary:
    """What a tick did, in numbers.

    Attributes:
        counts: events that were not processed (or not yet), by reason.
        dispatched: messages by what became of them at dispatch.
        warnings: what people should know, one sentence each.
    """

    tick_id: int
    previous: datetime | None
    now: datetime
    batches: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    facts: int = 0
    steps: int = 0
    executions: int = 0
    messages: int = 0
    webhooks: int = 0
    waves: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    dispatched: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything but the clock moved."""
        return bool(self.batches or self.events or self.facts or self.steps)

    @property
    def sentence(self) -> str:
        """The summary for people, one line per subject."""
        done = {
            name: getattr(self, name) for name in ("events", "executions", "steps", "messages", "webhooks")
        }
        left = {**self.counts, "duplicates": self.duplicates, "quarantined": self.quarantined}
        lines = {
            f"Tick {self.tick_id} until {self.now.isoformat()}": done,
            "Not processed": {name: n for name, n in left.items() if n},
            "Messages": self.dispatched,
        }
        return "\n".join(
            f"{subject}: {', '.join(f'{n:,} {name}' for name, n in numbers.items())}"
            for subject, numbers in lines.items()
            if numbers
        )


def wall_clock() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def run(
    settings: Settings, now: datetime, say: Say = lambda _: None, clock: Clock = wall_clock
) -> TickSummary:
    """The main job: one tick until `now`.

    Args:
        settings: where things lie.
        now: the tick's end; must not be before the last tick's.
        say: told what is being done, for a status line.
        clock: the wall clock, for `sent_at` and the like; decides nothing.

    Raises:
        InputError: `now` is in the past of the store, or an inbox file can't be loaded; nothing has changed.
        OnwardError: another run is in progress, or the store can't be used.
    """
    say("Reading workflows")
    definitions = load_definitions(settings.workflows, settings.patterns, settings.templates)
    with open_store(settings) as store:
        summary = advance(store, settings, list(definitions.workflows), now, say, clock)
        say("Dispatching messages")
        dispatched = send_messages(store.con, settings, now=now, clock=clock)
        webhooks = send_webhooks(store.con, settings, clock=clock)
        if summary.changed or dispatched or webhooks or not settings.published.exists():
            say("Backing up and publishing")
            backup(store)
            publish(store, settings)
        warnings = [*definitions.faults, *store.warnings]
    return TickSummary(**{**vars(summary), "dispatched": dispatched, "warnings": warnings})


@contextmanager
def open_reports(settings: Settings) -> Generator[DuckDBPyConnection]:
    """The tables to report from: the store's, published anew; while a run holds it, the published copy.

    Raises:
        OnwardError: the store can't be used.
    """
    published = settings.published / STATE_FILE
    try:
        with open_store(settings) as store:
            publish(store, settings)
            yield store.con
    except RunInProgressError:
        if not published.exists():
            raise
        with closing(connect(published, read_only=True)) as con:
            yield con


def advance(
    store: Store, settings: Settings, workflows: list[Workflow], now: datetime, say: Say, clock: Clock
) -> TickSummary:
    """Load and decide until `now`, in one transaction.

    Raises:
        InputError: as for `run`.
    """
    con, started = store.con, clock()
    tick_id, previous = _next_tick(con, now)
    con.begin()
    try:
        say("Loading new files")
        batches = take_in(con, settings, now)
        program = current_program(con, settings, workflows, now)
        summary = decide_tick(con, settings, program, batches, tick_id, previous, now, say)
        _record(con, summary, started, clock())
        if batches:
            write_manifest(settings, _manifest(settings, program, batches, summary))
        con.commit()
    except BaseException:
        _roll_back(con)
        raise
    return summary


def decide_tick(
    con: DuckDBPyConnection,
    settings: Settings,
    program: Program,
    batches: list[Batch],
    tick_id: int,
    previous: datetime | None,
    now: datetime,
    say: Say,
) -> TickSummary:
    """Decide what the events of `batches`, and whatever else is due, bring until `now`; write it down."""
    caps = [Cap(one.messages, one.window) for one in settings.frequency_caps]
    _lay_out_events(con, settings, batches, previous, now)
    say("Deciding")
    facts = read_facts(con, "tick_events", program)
    state = read_state(con, program, facts, previous=previous, now=now, caps=caps)
    decided = decide(program, state, facts.events, facts.writes, now=now, caps=caps)
    say("Writing down what was decided")
    write_decided(con, state, facts, decided, tick_id=tick_id, processed_at=now)
    ((events,),) = con.execute("select count(*) from tick_events").fetchall()
    counts: dict[str, int] = dict(con.execute(sql_text("tick/counts.sql"), {"now": now}).fetchall())
    return _summary(tick_id, previous, now, batches, int(events), counts, decided)


def _lay_out_events(
    con: DuckDBPyConnection,
    settings: Settings,
    batches: list[Batch],
    previous: datetime | None,
    now: datetime,
) -> None:
    new = [one.archive for one in batches if one.kind == "events"]
    query = "select archive from batches where kind = 'events' and latest > $1"
    ahead = (
        [name for (name,) in con.execute(query, [previous]).fetchall() if name not in new] if previous else []
    )
    _view(con, settings, "new_events", new)
    _view(con, settings, "stored_events", ahead)
    lateness = microseconds(settings.max_lateness)
    run_sql(con, "tick/events.sql", now=now, previous=previous, max_lateness=lateness)


def _view(con: DuckDBPyConnection, settings: Settings, name: str, archives: list[str]) -> None:
    folder = archive_folder(settings) / "events"
    files = ", ".join(literal(folder / one) for one in archives or ["_columns.parquet"])
    con.execute(f"create or replace temp view {name} as select * from read_parquet([{files}])")


def _next_tick(con: DuckDBPyConnection, now: datetime) -> tuple[int, datetime | None]:
    ((last, previous),) = con.execute("select max(tick_id), max(now) from ticks").fetchall()
    if previous is not None and now < previous:
        raise InputError(
            f"--now {now.isoformat()}: the last tick already decided everything until {previous.isoformat()}; "
            "give a later instant, or use `onward backtest` to look at the past"
        )
    return (last or 0) + 1, previous


def _summary(
    tick_id: int,
    previous: datetime | None,
    now: datetime,
    batches: list[Batch],
    events: int,
    counts: dict[str, int],
    decided: Decided,
) -> TickSummary:
    return TickSummary(
        tick_id,
        previous,
        now,
        batches=len(batches),
        events=events,
        duplicates=sum(one.duplicates for one in batches),
        quarantined=sum(one.quarantined for one in batches),
        facts=decided.facts,
        steps=len(decided.steps),
        executions=decided.executions.filter(
            decided.executions["entered_at"] > (previous or datetime.min.replace(tzinfo=UTC))
        ).height,
        messages=len(decided.messages),
        webhooks=len(decided.webhooks),
        waves=decided.waves,
        counts=counts,
    )


def _record(con: DuckDBPyConnection, summary: TickSummary, started: datetime, finished: datetime) -> None:
    fields = {**vars(summary), "started_at": started, "finished_at": finished}
    names = [name for (name,) in con.execute("select column_name from (describe ticks)").fetchall()]
    row = {name: fields[name] for name in names}
    marks = ", ".join(f"${name}" for name in row)
    con.execute(f"insert into ticks ({', '.join(row)}) values ({marks})", row)
    for reason, n in summary.counts.items():
        con.execute("insert into tick_counts values ($1, $2, $3)", [summary.tick_id, reason, n])


def _manifest(settings: Settings, program: Program, batches: list[Batch], summary: TickSummary) -> Manifest:
    return Manifest(
        tick_id=summary.tick_id,
        previous=summary.previous,
        now=summary.now,
        batches=batches,
        workflows=[(one.workflow.workflow_id, one.version) for one in program.flows if one.enters],
        frequency_caps=[(one.messages, one.window) for one in settings.frequency_caps],
        max_lateness=settings.max_lateness,
    )


def _roll_back(con: DuckDBPyConnection) -> None:
    """Roll back; DuckDB may have done so already."""
    try:
        con.rollback()
    except Exception as error:
        if "no transaction" not in str(error):
            raise

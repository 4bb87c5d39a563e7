"""Load and decide, in one transaction: a tick happened whole or not at all (design: State).

The same code decides what just came in, and again what the archive's manifests say came in once.
"""

import json
from collections.abc import Callable
from datetime import datetime

from duckdb import DuckDBPyConnection

from flows.archive import Batch, Manifest, archive_folder, definition_file, write_manifest
from flows.errors import InputError
from flows.facts import read_facts
from flows.intake import PROFILE_CHANGES, admit, take_in
from flows.queries import literal
from flows.settings import FrequencyCap, Settings
from flows.state_tables import read_state, write_decided
from flows.summary import TickSummary
from flows.versions import current_program
from flows.warehouse import run_sql, sql_text, transaction
from transforms.durations import microseconds
from transforms.ledger import Decided
from transforms.program import Program
from transforms.state import Cap
from transforms.waves import decide
from transforms.workflow import Workflow

Clock = Callable[[], datetime]
Say = Callable[[str], object]


def advance(
    con: DuckDBPyConnection,
    settings: Settings,
    workflows: list[Workflow],
    now: datetime,
    say: Say,
    clock: Clock,
) -> TickSummary:
    """Take in the inbox's new files and decide until `now`.

    Raises:
        InputError: `now` is before the last tick's, or a file can't be loaded; nothing has changed.
    """
    started = clock()
    tick_id, previous = _next_tick(con, now)
    with transaction(con):
        say("Loading new files")
        batches = take_in(con, settings, now)
        program = current_program(con, settings, workflows, now)
        summary = _decide(con, settings, program, batches, tick_id, previous, now, say)
        entering = [(one.workflow.workflow_id, one.version) for one in program.flows if one.enters]
        if batches or json.dumps(entering) != _entering(con):
            write_manifest(settings, _manifest(settings, entering, batches, summary))
        _record(con, summary, entering, started, clock())
    return summary


def replay(con: DuckDBPyConnection, settings: Settings, manifest: Manifest, say: Say, clock: Clock) -> None:
    """Decide a tick again from its manifest and the archive, with the workflows and settings of then."""
    started = clock()
    caps = [FrequencyCap(messages=n, window=window) for n, window in manifest.frequency_caps]
    then = settings.model_copy(update={"frequency_caps": caps, "max_lateness": manifest.max_lateness})
    workflows = [_archived_workflow(settings, version) for _, version in manifest.workflows]
    with transaction(con):
        for batch in manifest.batches:
            if batch.shape != PROFILE_CHANGES:
                admit(con, settings, batch)
        program = current_program(con, settings, workflows, manifest.now)
        previous = manifest.previous
        summary = _decide(con, then, program, manifest.batches, manifest.tick_id, previous, manifest.now, say)
        _record(con, summary, manifest.workflows, started, clock())


def _archived_workflow(settings: Settings, version: str) -> Workflow:
    return Workflow.model_validate_json(definition_file(settings, version).read_bytes())


def _entering(con: DuckDBPyConnection) -> str | None:
    """Which workflow versions took entries in the last tick, as JSON."""
    found = con.execute("select arg_max(workflows, tick_id) from ticks").fetchall()
    return str(found[0][0]) if found[0][0] is not None else None


def _decide(
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
        executions=decided.entries,
        messages=len(decided.messages),
        webhooks=len(decided.webhooks),
        waves=decided.waves,
        counts=counts,
    )


def _record(
    con: DuckDBPyConnection,
    summary: TickSummary,
    entering: list[tuple[str, str]],
    started: datetime,
    finished: datetime,
) -> None:
    fields = {
        **vars(summary),
        "workflows": json.dumps(entering),
        "started_at": started,
        "finished_at": finished,
    }
    names = [name for (name,) in con.execute("select column_name from (describe ticks)").fetchall()]
    row = {name: fields[name] for name in names}
    marks = ", ".join(f"${name}" for name in row)
    con.execute(f"insert into ticks ({', '.join(row)}) values ({marks})", row)
    for reason, n in summary.counts.items():
        con.execute("insert into tick_counts values ($1, $2, $3)", [summary.tick_id, reason, n])


def _manifest(
    settings: Settings, entering: list[tuple[str, str]], batches: list[Batch], summary: TickSummary
) -> Manifest:
    return Manifest(
        tick_id=summary.tick_id,
        previous=summary.previous,
        now=summary.now,
        batches=batches,
        workflows=entering,
        frequency_caps=[(one.messages, one.window) for one in settings.frequency_caps],
        max_lateness=settings.max_lateness,
    )

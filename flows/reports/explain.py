"""Why a customer got, or did not get, what: its stored rows, and the same engine run again for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.definitions.folder import load_definitions
from flows.definitions.rules import Rules, rules_of
from flows.errors import InputError
from flows.reports.frames import open_reports
from flows.reports.past import decide_again, read_past
from flows.reports.place import place_of
from flows.settings import Settings
from flows.warehouse import read_sql
from transforms.answers.account import Account, Stored
from transforms.answers.explain import Explanation, explain
from transforms.answers.sentences import Row
from transforms.definitions.base import advice
from transforms.program.compile import compile_program

_TABLES = (
    "steps",
    "messages",
    "webhooks",
    "entry_refusals",
    "goal_hits",
    "suppressions",
    "program_steps",
    "versions",
)


@dataclass(frozen=True)
class Explained:
    """What is told of a customer.

    Attributes:
        until: what happened later isn't told.
        timezone: the customer's own, else the one of the settings (IANA).
        versions: every version of every workflow (`Stored.versions`).
        notes: what limits what is told, a sentence each.
    """

    found: Explanation
    until: datetime
    timezone: str
    versions: Sequence[Row] = ()
    notes: tuple[str, ...] = ()


def explain_customer(
    settings: Settings, customer: str, workflow_id: str | None = None, at: datetime | None = None
) -> Explained:
    """Tell what came of a customer and why.

    Args:
        settings: where things lie.
        customer: the id.
        workflow_id: of one workflow only.
        at: what happened later isn't told; None: until the last run.

    Raises:
        InputError: nothing is known of the customer, or of the workflow; or nothing was run yet.
    """
    definitions = load_definitions(settings.workflows, settings.patterns, settings.templates)
    rules = rules_of(settings, definitions)
    with open_reports(settings) as con:
        until = _until(con, at)
        place = place_of(settings, customer)
        asked = {"customer": customer, "until": until}
        stored = {name: read_sql(con, f"reports/explain/{name}.sql", **asked) for name in _TABLES}
        stored["executions"] = read_sql(con, "reports/explain/executions.sql", **asked, key=place.key)
        _check_workflow(workflow_id, rules, stored["versions"])
        past = read_past(con, settings, customer, until)
        if past.is_empty and stored["executions"].is_empty():
            raise InputError(
                f"{customer!r}: there are no events, no customer files and no executions of that id"
            )
        program = compile_program(rules.workflows, (), rules.patterns, rules.send_times)
        record, events = decide_again(con, program, rules, past, customer, until)
    rows = {name: found.to_dicts() for name, found in stored.items()}
    account = Account(customer, Stored(events=events, **rows), program, record)
    timezone = place.timezone or rules.timezone
    notes = _notes(at, until, definitions.faults)
    return Explained(explain(account, workflow_id), until, timezone, rows["versions"], tuple(notes))


def _until(con: DuckDBPyConnection, at: datetime | None) -> datetime:
    found: list[tuple[datetime | None]] = con.execute("select max(now) from ticks").fetchall()
    last = found[0][0]
    if last is None:
        raise InputError("nothing was run yet, so there is nothing to explain; `onward run` decides")
    return min(last, at) if at else last


def _check_workflow(workflow_id: str | None, rules: Rules, versions: pl.DataFrame) -> None:
    known = sorted({*(one.workflow_id for one in rules.workflows), *versions["workflow_id"]})
    if workflow_id is not None and workflow_id not in known:
        raise InputError(f"--workflow {workflow_id!r}: no such workflow; {advice(workflow_id, known)}")


def _notes(at: datetime | None, until: datetime, faults: Sequence[str]) -> list[str]:
    notes = [f"{len(faults)} faults in workflow files; those are left out: `onward validate` tells them"]
    early = [f"the last run was until {until:%Y-%m-%d %H:%M:%S}Z; what comes later isn't decided yet"]
    return [*(notes if faults else []), *(early if at and at > until else [])]

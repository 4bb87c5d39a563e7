"""`onward validate --data`: workflows held against the data of what is published, so that no run is in the way."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.definitions.folder import Definitions
from flows.settings import Settings
from flows.store.publish import published_file
from flows.warehouse import connect, frame, literal, quoted, read_sql, run_sql, shown
from transforms.definitions.workflow import Workflow
from transforms.lint.doubts import doubts
from transforms.lint.findings import RECENT, Evidence, branch_attributes, lint
from transforms.lint.profiles import Profiles, profile_findings, read_attributes
from transforms.people.addresses import ODD, address_keys


def lint_definitions(settings: Settings, definitions: Definitions) -> list[str]:
    """Likely mistakes in workflows and caps that no data is needed for, one sentence each."""
    caps = [
        f"settings: frequency_caps[{index}]: messages = 0 holds back every message it counts; leave the cap out, "
        "or pause the workflow with is_active: false"
        for index, cap in enumerate(settings.frequency_caps)
        if cap.messages == 0
    ]
    return [*caps, *doubts(definitions.workflows), *definitions.warnings]


def lint_data(settings: Settings, definitions: Definitions) -> list[str] | None:
    """Likely mistakes that the data shows, one sentence each; None without any data to look at.

    Raises:
        WarehouseError: what is published can't be read.
    """
    file = published_file(settings)
    if not file.exists():
        return None
    with closing(connect(file, read_only=True)) as con:
        ((now,),) = run_sql(con, "definitions/lint/last_tick.sql").fetchall()
        if now is None:
            return None
        evidence = _evidence(con, definitions.workflows, now - RECENT)
        held = _held(con, read_attributes(definitions.workflows))
    found = lint(definitions.workflows, definitions.patterns, evidence)
    return [*found, *profile_findings(definitions.workflows, held)]


def _evidence(con: DuckDBPyConnection, workflows: Sequence[Workflow], since: datetime) -> Evidence:
    properties: dict[tuple[str, str], set[str]] = {}
    for kind, name, one in run_sql(con, "definitions/lint/event_properties.sql", since=since).fetchall():
        properties.setdefault((kind, name), set()).update([one] if one is not None else [])
    branches = run_sql(con, "definitions/lint/branches.sql", since=since).fetchall()
    conversions = run_sql(con, "definitions/lint/conversions.sql").fetchall()
    return Evidence(
        attributes=[name for (name,) in run_sql(con, "definitions/lint/attributes.sql").fetchall()],
        names=set(run_sql(con, "definitions/lint/event_names.sql").fetchall()),
        properties=properties,
        entries={(workflow_id, branch): n for workflow_id, branch, n in branches},
        conversions={one: (n, timedelta(seconds=seconds)) for one, n, seconds in conversions},
        profiles=_profiles(con, branch_attributes(workflows)),
    )


def _held(con: DuckDBPyConnection, attributes: Sequence[str]) -> Profiles:
    """What profiles hold of these attributes, and the addresses they share."""
    ((customers, with_email),) = run_sql(con, "definitions/lint/addressed.sql").fetchall()
    keys = address_keys(read_sql(con, "definitions/lint/odd_addresses.sql", odd=ODD)["address"])
    with shown(con, address_keys=keys):
        shared = read_sql(con, "definitions/lint/shared_addresses.sql")
    values = read_sql(con, "definitions/lint/values.sql", names=attributes)
    return Profiles(customers, with_email, values, shared)


def _profiles(con: DuckDBPyConnection, attributes: Sequence[str]) -> pl.DataFrame:
    """One row per known customer, one column of JSON text per attribute."""
    each = [
        f"any_value(value) filter (where attribute = {literal(name)}) as {quoted(name)}"
        for name in attributes
    ]
    columns = ", ".join(["customer_id", *each])
    source = "(select customer_id from profiles where known) left join attributes using (customer_id)"
    return frame(con, f"select {columns} from {source} group by customer_id")

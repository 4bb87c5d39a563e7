"""The state of a house as versions before 0.2 kept it: one DuckDB file, and no ledger."""

import shutil

from flows.store.carry_over import OLD_FILE
from flows.store.ledger import ledger_folder
from flows.store.store import STATE_FILE
from flows.warehouse import connect, literal
from tests.runs import TABLES, House

TAKEN_OUT = {"executions": "held_by", "steps": "version"}
"""Columns that came with 0.2."""
MORE = ("inbox_files", "schedule_alarms", "send_ledger", "watched_keys", "window_amounts")
VERSION_1 = """
    alter table profiles drop column from_file;
    alter table profiles add column email varchar;
    alter table profiles add column timezone varchar;
    update profiles set email = (
        select value ->> '$' from attributes where attribute = 'email' and attributes.customer_id = profiles.customer_id
    );
    update profiles set timezone = 'Europe/Berlin' where customer_id = 'ann';
    delete from attributes where attribute = 'email' and set_at is null;
    update schema_version set version = 1, fingerprint = 'of then';
    drop table send_ledger;
"""
"""What makes a file of version 1 of one of version 2."""


def age(home: House, *, version: int = 2) -> None:
    """Let the house's state be what an earlier version would have left."""
    old = home.settings.state / OLD_FILE
    with connect(old) as con:
        con.execute(f"attach {literal(home.published)} as published (read_only)")
        for name in (*TABLES, *MORE):
            columns = f"* exclude ({TAKEN_OUT[name]})" if name in TAKEN_OUT else "*"
            con.execute(f"create table {name} as select {columns} from published.{name}")
        con.execute("create table schema_version as select 2 as version, 'of then' as fingerprint")
        con.execute("detach published")
        if version == 1:
            con.execute(VERSION_1)
    (home.settings.state / STATE_FILE).unlink()
    shutil.rmtree(ledger_folder(home.settings))
    shutil.rmtree(home.settings.published)

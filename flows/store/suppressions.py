"""Suppressions in the state file: by customer, and by the address that they had then or have now (semantics.md §11)."""

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.state_file import StateFile
from flows.store.work import bring_in
from flows.warehouse import append, frame
from transforms.people.addresses import mailboxes
from transforms.tables.frames import INSTANT, Schema

_SCHEMA: Schema = {
    "customer_id": pl.String,
    "reason": pl.String,
    "at": INSTANT,
    "source": pl.String,
    "address": pl.String,
}
_COLUMNS = "customer_id, reason, at, source, address"
_EMAILS = """
select attributes.customer_id, loaded.key, attributes.value ->> '$' as email
from attributes
join loaded using (customer_id)
where attribute = 'email'
"""
_NEWLY = "customer_id in (select customer_id from suppressions)"
_CONCERNED = f"""
select {_COLUMNS} from suppressions where key in (select value from json_each($keys))
union
select {_COLUMNS} from suppressions where mailbox in (select value from json_each($mailboxes))
union
select {_COLUMNS}
from suppressions
where key in (select key from suppressed where mailbox in (select value from json_each($mailboxes)))
"""


def add_suppressions(con: DuckDBPyConnection, state: StateFile) -> None:
    """Keep a tick's new suppressions, and under which address suppressed customers are now, inside the transaction."""
    new = frame(con, "select suppressions.*, loaded.key from suppressions join loaded using (customer_id)")
    state.append("suppressions", new.with_columns(mailbox=mailboxes(new["address"])))
    state.write("insert or ignore into suppressed (key) values (?)", new.select("key").iter_rows())
    if not state.query("select 1 from suppressed limit 1"):
        return
    emails = frame(con, f"{_EMAILS} and (loaded.key in (select key from changed) or {_NEWLY})")
    now = emails.select(mailbox=mailboxes(emails["email"]), key="key")
    state.write("update suppressed set mailbox = ? where key = ?", now.iter_rows())


def bring_in_suppressions(con: DuckDBPyConnection, state: StateFile, customers: pl.Series) -> None:
    """Bring in all suppressions that concern some customers, who were brought in, and those whose they are."""
    con.execute("truncate suppressions")
    if not state.query("select 1 from suppressed limit 1"):
        return
    emails = frame(con, _EMAILS).join(
        customers.unique().to_frame("customer_id"), on="customer_id", how="semi"
    )
    given = {
        "keys": emails["key"].to_list(),
        "mailboxes": mailboxes(emails["email"]).drop_nulls().unique().to_list(),
    }
    found = state.frame(_CONCERNED, _SCHEMA, **given)
    if len(found):
        append(con, "suppressions", found)
        bring_in(con, state, found["customer_id"])

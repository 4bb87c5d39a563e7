"""The outbox: pending messages and webhook requests of the store → dispatch → what became of them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.delivery.contents import read_contents, with_data
from flows.delivery.dispatch import Clock, dispatch_messages
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders.choose import open_sender
from flows.delivery.webhooks import dispatch_webhooks
from flows.settings import Settings
from flows.store.publish import mark_unpublished
from flows.warehouse import frame, shown, sql_text

SEND_LEDGER = "sends.sqlite"
AT_ONCE = 500_000  # rows, of about 1 kB each


def send_messages(
    con: DuckDBPyConnection, settings: Settings, *, now: datetime, clock: Clock
) -> dict[str, int]:
    """Hand over pending messages and note what became of each; how many, by status.

    Safe to repeat after a crash: the send ledger is asked before anything is handed over.

    Raises:
        OnwardError: the sender or the ledger can't go on.
    """

    def hand_over(due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        contents = read_contents(con, settings.templates, due)
        return dispatch_messages(
            due, contents, open_sender(settings), ledger,
            now=now, max_send_delay=settings.max_send_delay, batch_size=settings.batch_size, clock=clock,
        )  # fmt: skip

    return _all_of(con, settings, "messages", "message_id", hand_over)


def send_webhooks(con: DuckDBPyConnection, settings: Settings, *, clock: Clock) -> dict[str, int]:
    """Queue pending webhook requests in the outbox and note it; how many, by status.

    Raises:
        OnwardError: the outbox or the ledger can't be written.
    """

    def hand_over(due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        told = with_data(con, due)
        return dispatch_webhooks(told, ledger, settings.outbox, batch_size=settings.batch_size, clock=clock)

    return _all_of(con, settings, "webhooks", "webhook_id", hand_over)


def _all_of(
    con: DuckDBPyConnection,
    settings: Settings,
    table: str,
    key: str,
    hand_over: Callable[[pl.DataFrame, SendLedger], pl.DataFrame],
) -> dict[str, int]:
    """Hand over what is pending in a table, the oldest first and so many at once that they fit into memory."""
    done: Counter[str] = Counter()
    with SendLedger(settings.state / SEND_LEDGER) as ledger:
        while len(due := frame(con, sql_text(f"delivery/{table}.sql"), most=AT_ONCE)):
            done.update(_note(con, settings, table, key, hand_over(due, ledger)))
    return dict(done)


def recall_sends(con: DuckDBPyConnection, settings: Settings) -> int:
    """Note of pending messages and requests what the send ledger knows of them; how many those are."""
    known = 0
    with SendLedger(settings.state / SEND_LEDGER) as ledger:
        for table, key in (("messages", "message_id"), ("webhooks", "webhook_id")):
            pending = con.sql(f"select {key} from {table} where status = 'pending'").pl()[key]
            results = ledger.known(pending).rename({"id": key})
            _note(con, settings, table, key, results)
            known += len(results)
    return known


def _note(
    con: DuckDBPyConnection, settings: Settings, table: str, key: str, results: pl.DataFrame
) -> dict[str, int]:
    mark_unpublished(settings)
    became = ", ".join(f"{column} = results.{column}" for column in ("status", "status_reason", "sent_at"))
    with shown(con, results=results):
        con.execute(f"update {table} set {became} from results where {table}.{key} = results.{key}")
    return dict(results["status"].value_counts().iter_rows())

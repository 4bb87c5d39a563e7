"""The outbox: pending messages and webhook requests of the store → delivered → what became of them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import polars as pl

from flows.delivery.contents import read_contents, with_data
from flows.delivery.dispatch import Policy, deliver
from flows.delivery.messages import MESSAGES, message_channel
from flows.delivery.open_ledger import open_ledger
from flows.delivery.readings import read_profiles, unknown_spellings
from flows.delivery.send_ledger import Kind, SendLedger
from flows.delivery.senders.choose import open_sender
from flows.delivery.webhooks import WEBHOOKS, webhook_channel
from flows.session import Session
from flows.store.publish import mark_unpublished
from flows.summary import Dispatched
from flows.warehouse import frame, shown, sql_text

AT_ONCE = 500_000  # rows, of about 1 kB each


def send_messages(session: Session, *, now: datetime) -> Dispatched:
    """Hand over pending messages and note what became of each; how many, by status, and what to know of them.

    Safe to repeat after a crash: the send ledger is asked before anything is handed over.

    Args:
        session: the store and its settings; its clock tells `sent_at`.
        now: the tick's instant; messages older than `max_send_delay` before it expire.

    Raises:
        OnwardError: the sender or the ledger can't go on.
    """
    settings = session.settings

    def hand_over(due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        contents = read_contents(session.con, settings.templates, due)
        policy = Policy(settings.batch_size, oldest=now - settings.max_send_delay)
        return deliver(message_channel(contents, open_sender(settings)), due, ledger, policy)

    with read_profiles(session.con):
        warnings = unknown_spellings(session.con)
        return Dispatched(_hand_over_all(session, MESSAGES, hand_over), warnings)


def send_webhooks(session: Session) -> dict[str, int]:
    """Queue pending webhook requests in the outbox and note it; how many, by status.

    Raises:
        OnwardError: the outbox or the ledger can't be written.
    """
    settings = session.settings

    def hand_over(due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        told = with_data(session.con, due)
        return deliver(webhook_channel(settings.outbox), told, ledger, Policy(settings.batch_size))

    return _hand_over_all(session, WEBHOOKS, hand_over)


def recall_sends(session: Session) -> int:
    """Note of pending messages and requests what the send ledger knows of them; how many those are."""
    known = 0
    with open_ledger(session) as ledger:
        for kind in (MESSAGES, WEBHOOKS):
            pending = frame(session.con, f"select {kind.key} from {kind.table} where status = 'pending'")
            results = ledger.known(pending[kind.key])
            _note(session, kind, results.rename({"id": kind.key}))
            known += len(results)
    return known


def _hand_over_all(
    session: Session, kind: Kind, hand_over: Callable[[pl.DataFrame, SendLedger], pl.DataFrame]
) -> dict[str, int]:
    """Hand over what is pending of a kind, the oldest first and so many at once that they fit into memory."""
    done: Counter[str] = Counter()
    with open_ledger(session) as ledger:
        while len(due := frame(session.con, sql_text(kind.query), most=AT_ONCE)):
            done.update(_note(session, kind, hand_over(due, ledger)))
    return dict(done)


def _note(session: Session, kind: Kind, results: pl.DataFrame) -> dict[str, int]:
    """Write down in the store what became of things; how many, by status."""
    mark_unpublished(session.settings)
    became = ", ".join(f"{column} = results.{column}" for column in ("status", "status_reason", "sent_at"))
    table, key = kind.table, kind.key
    with shown(session.con, results=results):
        session.con.execute(f"update {table} set {became} from results where {table}.{key} = results.{key}")
    return dict(results["status"].value_counts().iter_rows())

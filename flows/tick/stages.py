"""The stages of a tick: what each does, in the open store that it is given.

Loading and deciding are one transaction (`advance.py`); what is handed over is guarded by the send ledger; copies
are made when the state has moved on for long enough. Their order is in `run.py`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from flows.definitions.folder import Definitions, load_definitions
from flows.delivery.open_ledger import check_ledger
from flows.errors import InputError
from flows.files import lags
from flows.session import Session
from flows.settings import Settings
from flows.store.backup import backup
from flows.store.publish import publish
from flows.store.recovery import backup_files
from flows.store.state_file import STATE_FILE, Store
from flows.summary import Dispatched, TickSummary
from flows.tick.advance import advance
from flows.tick.replay import catch_up
from flows.warehouse import run_sql
from transforms.timing.durations import spoken


def read_workflows(settings: Settings) -> Definitions:
    """The valid workflows and patterns, with the faults of the files left out; no store is needed for that.

    Raises:
        InputError: there is no folder of workflows.
    """
    return load_definitions(settings.workflows, settings.patterns, settings.templates)


def load_and_decide(
    store: Store, definitions: Definitions, now: datetime | None, force: bool = False
) -> TickSummary:
    """Load new files and decide until `now`, in one transaction, after what a killed run left out.

    Args:
        store: what it took to open it is among the summary's warnings.
        definitions: what to decide by.
        now: the tick's end; None: the present, so that waiting for the store can't put it in the past.
        force: whether `now` may be more than `max_future` ahead of the wall clock.

    Raises:
        InputError: `now` is in the past of the store, or too far ahead, or the send ledger is missing or another's;
            nothing has changed.
    """
    if now and not force:
        _check_ahead(store, now)
    check_ledger(store)
    replayed = catch_up(store)
    summary = advance(store, definitions, now or store.clock())
    return replace(summary, warnings=[*store.warnings, *replayed.warnings, *summary.warnings])


def _check_ahead(session: Session, now: datetime) -> None:
    """Refuse a `now` too far ahead (semantics.md §2): no later tick could decide the time until then."""
    present, most = session.clock(), session.settings.max_future
    if now - present > most:
        raise InputError(
            f"--now {now.isoformat()} is {spoken(now - present)} ahead of the clock, which says "
            f"{present.isoformat(timespec='seconds')}; allowed: {spoken(most)} (max_future), since nothing that comes "
            "in until then could act at its own time. Give an earlier instant, or --force if it is meant"
        )


def dispatch(session: Session, now: datetime) -> Dispatched:
    """Hand over what is pending.

    Raises:
        OnwardError: the sender, the outbox or the send ledger can't go on; run again.
    """
    if not run_sql(session.con, "tick/pending.sql").fetchall():
        return Dispatched()
    # An idle run shall not pay for importing the senders.
    from flows.delivery.outbox import send_messages, send_webhooks

    session.say("Dispatching messages")
    messages = send_messages(session, now=now)
    requests = send_webhooks(session)
    return replace(messages, counts=messages.counts | {f"webhooks {one}": n for one, n in requests.items()})


def back_up(store: Store) -> None:
    """Leave a verified copy of the state, unless it has moved on by less than `backup_every` since the last."""
    if _is_behind(backup_files(store.path)[0], store, store.settings.backup_every):
        store.say("Backing up")
        backup(store)


def publish_copy(store: Store) -> None:
    """Replace what analysts open, unless the state has moved on by less than `publish_every` since."""
    if _is_behind(store.settings.published / STATE_FILE, store, store.settings.publish_every):
        store.say("Publishing")
        publish(store)


def _is_behind(copy: Path, store: Store, by: timedelta) -> bool:
    store.checkpoint()
    return lags(copy, store.path, by)

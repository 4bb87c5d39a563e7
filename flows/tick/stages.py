"""The stages of a tick: what each does, in the open store that it is given.

Loading and deciding are one transaction (`advance.py`); what is handed over is guarded by the send ledger; what
analysts open is made anew when the state has moved on. Their order is in `run.py`.
"""

from dataclasses import replace
from datetime import datetime

from flows.definitions.folder import Definitions, load_definitions
from flows.delivery.checks import check_sending
from flows.delivery.open_ledger import check_ledger
from flows.errors import InputError
from flows.settings import Settings
from flows.store.pending import is_pending
from flows.store.publish import is_unpublished, publish
from flows.store.store import Store
from flows.summary import Dispatched, TickSummary
from flows.tick.advance import advance
from flows.tick.replay import catch_up
from transforms.delivery.steps import steps_with_a_winner
from transforms.timing.durations import spoken

_TOLD = "told_settings"
_INSTEAD = {
    "backup_every": "the ledger's files never change, so copying new ones is a backup; leave it out",
    "publish_every": "what analysts open is made anew by every run that changed something, at no cost; leave it out",
}


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
        InputError: `now` is in the past of the store, or too far ahead, the settings of sending can't be meant so, or
            the send ledger is missing or another's; nothing has changed.
    """
    if now and not force:
        _check_ahead(store, now)
    check_sending(store.settings, definitions.workflows, definitions.unreadable)
    check_ledger(store.state, store.settings, store.clock)
    replayed = catch_up(store)
    summary = advance(store, definitions, now or store.clock())
    return replace(summary, warnings=[*store.warnings, *_once(store), *replayed.warnings, *summary.warnings])


def _once(store: Store) -> list[str]:
    """Of settings without effect that are given, a sentence each; told by one run only."""
    given = sorted(store.settings.model_fields_set & {"backup_every", "publish_every"})
    told = (store.state.value(_TOLD) or "").split()
    store.state.note(_TOLD, " ".join(sorted({*told, *given})))
    return [f"settings: {one} has no effect any more: {_INSTEAD[one]}" for one in given if one not in told]


def _check_ahead(store: Store, now: datetime) -> None:
    """Refuse a `now` too far ahead (semantics.md §2): no later tick could decide the time until then."""
    present, most = store.clock(), store.settings.max_future
    if now - present > most:
        raise InputError(
            f"--now {now.isoformat()} is {spoken(now - present)} ahead of the clock, which says "
            f"{present.isoformat(timespec='seconds')}; allowed: {spoken(most)} (max_future), since nothing that comes "
            "in until then could act at its own time. Give an earlier instant, or --force if it is meant"
        )


def dispatch(store: Store, now: datetime) -> Dispatched:
    """Hand over what is pending.

    Raises:
        OnwardError: the sender, the outbox or the send ledger can't go on; run again.
    """
    if not is_pending(store.state):
        return Dispatched()
    # An idle run shall not pay for importing the senders.
    from flows.delivery.outbox import send_messages, send_webhooks

    store.say("Dispatching messages")
    requests = send_webhooks(store, now=now)  # which no provider's trouble shall keep back
    messages = send_messages(store, now=now)
    return replace(messages, counts=messages.counts | {f"webhooks {one}": n for one, n in requests.items()})


def asks_for_winners(definitions: Definitions) -> bool:
    """Whether a step of an active workflow lets its variants compete."""
    return bool(steps_with_a_winner(definitions.workflows))


def pick_winners(store: Store, definitions: Definitions, now: datetime) -> list[str]:
    """Let variants win that have proved better, for all that is decided after `now`; a sentence for each.

    Raises:
        OnwardError: the archive or the store can't be used.
    """
    # A run without variants shall not pay for importing it.
    from flows.tick.winners import make_winners

    store.say("Comparing variants")
    return make_winners(store, definitions, now)


def publish_views(store: Store) -> None:
    """Make what analysts open anew, if the state has moved on since."""
    if is_unpublished(store):
        store.say("Publishing")
        publish(store)

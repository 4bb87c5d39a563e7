"""Which send ledger a state goes with: each names the other by an id, so that none is ever made anew in silence."""

from pathlib import Path

from flows.delivery.kinds import MESSAGES, WEBHOOKS
from flows.delivery.send_ledger import SendLedger
from flows.errors import InputError
from flows.files import aside_name, put_in_place, rename_free
from flows.session import Clock
from flows.settings import Settings
from flows.store.carry_over import HANDED_OVER
from flows.store.everybody import everybody
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.warehouse import frame

SEND_LEDGER = "sends.sqlite"
LEDGER = "send_ledger"
"""The id of the state's send ledger, as the state file notes it."""
LOGS = ("-wal", "-shm")
_WAY_ON = (
    "{first} from your copy of the folder and run again; if there is no copy, `onward rebuild "
    "--ledger` makes one of what the state shows as sent. Nothing was done"
)


def open_ledger(store: Store) -> SendLedger:
    """The state's send ledger, open; a new one where nothing was handed over yet. From then on they go together.

    Raises:
        InputError: as for `check_ledger`.
        OnwardError: the file isn't a send ledger, is of a newer version, or can't be opened.
    """
    named = check_ledger(store.state, store.settings, store.clock)
    ledger = SendLedger(ledger_file(store.settings), store.clock)
    ledger.note_environment(store.settings.environment)
    if named is None:
        name_ledger(store.state, ledger.identity)
    return ledger


def check_ledger(state: StateFile, settings: Settings, clock: Clock) -> str | None:
    """The id of the state's send ledger, if it has one, after a look whether that is the one that is there.

    A state of an earlier version names none: whatever is there is its own.

    Raises:
        InputError: the ledger is missing, though something may have been handed over, or another state's or
            environment's is there.
        OnwardError: the file isn't a send ledger, is of a newer version, or can't be opened.
    """
    named, file = state.value(LEDGER), ledger_file(settings)
    if not file.exists():
        if named or state.value(HANDED_OVER):
            raise InputError(
                f"{file}: missing. It alone knows for sure what was handed over, and without it messages might go out "
                f"twice. {_WAY_ON.format(first='Put it back')}"
            )
        return named
    with SendLedger(file, clock) as ledger:
        found, environment = ledger.identity, ledger.environment
    if environment not in (None, mine := settings.environment):
        raise InputError(
            f"{file}: the send ledger of {environment}, and `environment` is {mine}: each would take for sent what the "
            f"other has handed over. Give {mine} a `data_dir` of its own. Nothing was done"
        )
    if named not in (None, found):
        raise InputError(
            f"{file}: another state's send ledger (its id is {found}, this state's is {named}), which doesn't know "
            f"what this state has handed over. {_WAY_ON.format(first='Move it away, put the right one back')}"
        )
    return named


def name_ledger(state: StateFile, identity: str) -> None:
    """Note in a state that names no send ledger yet which one is its own."""
    state.note(LEDGER, identity)


def rebuild_ledger(store: Store) -> int:
    """Make a lost send ledger again from what the state shows as handed over; how many messages and requests that is.

    What is pending may have been handed over without having been noted; that can't be known any more.

    Raises:
        InputError: there is a file of that name; nothing has changed.
        OnwardError: it can't be written.
    """
    file = ledger_file(store.settings)
    if file.exists():
        raise InputError(
            f"{file}: is there, so it isn't made again; move it away first if it is damaged or not this state's"
        )
    # A log that the lost file has left would be taken for the new one's.
    for log in (file.with_name(file.name + one) for one in LOGS):
        if log.exists():
            rename_free(log, "stale")
    aside, known = aside_name(file), 0
    with SendLedger(aside, store.clock, store.state.value(LEDGER)) as ledger, everybody(store):
        for kind in (MESSAGES, WEBHOOKS):
            columns = f"{kind.key} as id, status, status_reason, sent_at, null::varchar as recorded"
            became = f"select {columns}, null::varchar as provider_id from everybody.{kind.table}"
            known += ledger.recall(kind, frame(store.con, f"{became} where status in ('sent', 'unknown')"))
    put_in_place(aside, file)
    with open_ledger(store):
        return known


def ledger_file(settings: Settings) -> Path:
    """Where the send ledger lies."""
    return settings.state / SEND_LEDGER

"""The week's report sent: by the settings' sender, to each recipient once a week.

It goes by the loop of all that leaves (`flows/delivery/dispatch.py`). A mail's id, with which its Message-ID begins, is
made of the ISO week and the recipient: whatever runs again in the same week finds it in the send ledger. The
store isn't held meanwhile: no tick waits for a mail server, and none is waited for.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from hashlib import sha256

import polars as pl

from flows.delivery.checks import weekly_faults
from flows.delivery.dispatch import Channel, Composed, Policy, deliver, finish_unanswered
from flows.delivery.kinds import REPORTS
from flows.delivery.open_ledger import check_ledger, ledger_file
from flows.delivery.policies import Way, trapped, way_of
from flows.delivery.send_ledger import KNOWN_SCHEMA, Part, SendLedger
from flows.delivery.senders.base import Outgoing, Sender
from flows.delivery.senders.choose import open_sender
from flows.errors import InputError
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.lock import run_lock
from flows.store.opening import ask_state
from flows.store.store import STATE_FILE
from flows.weekly.letter import Letter, weekly_letter
from transforms.answers.weeks import week_of
from transforms.people.addresses import address_of
from transforms.tables.frames import INSTANT

Writer = Callable[[Settings, Clock], Letter]
LOCK_FILE = "weekly.lock"
WAITS = "waits"
"""What became of a mail that nothing became of yet: it was put off, or is held."""


@dataclass(frozen=True)
class Mailed:
    """What became of the mail to one recipient.

    Attributes:
        to: the address.
        message_id: its id.
        status: `sent`, `failed`, `unknown` or `waits`.
        reason: why, if not sent.
        before: whether it had been sent before this run.
    """

    to: str
    message_id: str
    status: str
    reason: str | None = None
    before: bool = False


@dataclass(frozen=True)
class Mailing:
    """What became of a week's mail: the week, the sender's name, and a line for each recipient."""

    week: str
    sender: str
    mails: Sequence[Mailed]

    @property
    def sentence(self) -> str:
        """As people read it."""
        new = [one.to for one in self.mails if one.status == "sent" and not one.before]
        old = [one.to for one in self.mails if one.before]
        told = [f"report of {self.week} mailed by {self.sender} to {', '.join(new)}"] if new else []
        told += [f"report of {self.week}: {', '.join(old)} had it already"] if old else []
        told += [f"{one.to}: {self._trouble(one)}" for one in self.mails if one.status != "sent"]
        return "\n".join(told)

    @property
    def waits(self) -> bool:
        """Whether a later run of this week can still send some of it."""
        return any(one.status == WAITS for one in self.mails)

    @property
    def arrived(self) -> bool:
        """Whether everybody has it."""
        return all(one.status == "sent" for one in self.mails)

    def _trouble(self, one: Mailed) -> str:
        why = f": {one.reason}" if one.reason else ""
        if one.status == WAITS:
            return f"put off or held{why}; run again this week, whoever has it gets it no second time"
        if one.status == "unknown":
            return (
                f"handed over without a clear answer{why}; look whether it came, and `onward outbox resolve --as again "
                f"{one.message_id}` if it didn't"
            )
        return f"refused{why}; mend that and run again"


def mail_report(
    settings: Settings, say: Say = silent, clock: Clock = wall_clock, write: Writer = weekly_letter
) -> Mailing:
    """Send the week's report to everybody who has not got it this week.

    The week is that of the present by the settings' `timezone`; what the mail tells of ends at the last tick.

    Args:
        settings: to whom, by which sender, where things lie.
        say: told what is being done.
        clock: the wall clock.
        write: writes the mail, if somebody is to get it.

    Raises:
        InputError: nobody is to get it, nothing was loaded yet, or the settings of sending can't be used.
        RunInProgressError: another one is mailing it.
        OnwardError: the store, the sender or the send ledger can't go on; nothing goes out twice if it is run again.
    """
    _check(settings)
    way, now = way_of(settings, None, None), clock()
    week = week_of(now, settings.timezone)
    to = {_id(week, one): one for one in _addresses(settings)}
    with run_lock(settings.state / LOCK_FILE), _ledger(settings, clock) as ledger:
        carrier = open_sender(settings, way.sender)
        finish_unanswered(REPORTS, {carrier.name: carrier}, ledger)
        ids = pl.Series("message_id", list(to), dtype=pl.String)
        before = set(ledger.known(ids).filter(status="sent")["id"])
        if len(before) < len(to):
            ledger.reopen(to, "failed")
            say("Counting for the report")
            mails = _mails(settings, to, way, write(settings, clock), now)
            say(f"Mailing the report to {len(to) - len(before)}")
            _hand_over(mails, carrier, ledger)
        return Mailing(week, way.sender, [_became(ledger, one, to[one], one in before) for one in to])


def _check(settings: Settings) -> None:
    if not settings.weekly_report.to:
        raise InputError(
            'weekly_report.to: names nobody; set it, like `to = ["Ann <ann@shop.example>"]` under [weekly_report]'
        )
    if faults := weekly_faults(settings):
        raise InputError("\n".join(faults))
    if not (settings.state / STATE_FILE).exists():
        raise InputError(
            f"{settings.data_dir}: nothing was loaded yet, so nothing can be told: `onward status` says what to do"
        )


def _addresses(settings: Settings) -> list[str]:
    """The bare addresses of the recipients, each once."""
    return list(dict.fromkeys(address_of(parseaddr(one)[1]) for one in settings.weekly_report.to))


def _id(week: str, address: str) -> str:
    return f"report-{week}-{sha256(address.lower().encode()).hexdigest()[:12]}"


@contextmanager
def _ledger(settings: Settings, clock: Clock) -> Generator[SendLedger]:
    """The send ledger, of which no run is kept out: what is noted here is of a kind of its own.

    Raises:
        InputError: it is missing, or another state's or environment's.
    """
    ask_state(settings, lambda state: check_ledger(state, settings, clock))
    with SendLedger(ledger_file(settings), clock) as ledger:
        ledger.note_environment(settings.environment)
        yield ledger


def _mails(
    settings: Settings, to: dict[str, str], way: Way, letter: Letter, now: datetime
) -> dict[str, Outgoing]:
    """The mails by their ids, in staging to where everything goes."""
    mails = (
        Outgoing(
            message_id=name,
            customer_id="",
            workflow_id="weekly_report",
            step="report",
            template_id=None,
            to=address,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            at=now,
            sender=way.from_address,
            reply_to=way.reply_to,
            pool=way.pool,
            attachments=letter.attachments,
            headers={"Auto-Submitted": "auto-generated"},
        )
        for name, address in to.items()
    )
    return {one.message_id: trapped(settings, one) for one in mails}


def _hand_over(mails: dict[str, Outgoing], carrier: Sender, ledger: SendLedger) -> None:
    """Hand over those that nothing is known of; each by itself, because each is large."""

    def composed(due: pl.DataFrame, _limit: int) -> Composed:
        found = [mails[one] for one in due["message_id"]]
        return Composed([Part(carrier.prepare([one]), notes={one.message_id: None}) for one in found])

    due = pl.DataFrame(
        [(name, one.workflow_id, one.at) for name, one in mails.items()],
        {"message_id": pl.String, "workflow_id": pl.String, "at": INSTANT},
        orient="row",
    )
    deliver(Channel(REPORTS, composed, carrier), due, ledger, Policy(len(due)))


def _became(ledger: SendLedger, name: str, address: str, before: bool) -> Mailed:
    known = ledger.known(pl.Series("id", [name])).select(*KNOWN_SCHEMA).to_dicts()
    if known:
        return Mailed(address, name, known[0]["status"], known[0]["status_reason"], before)
    put_off = ledger.query("SELECT detail FROM deferred WHERE id = ?", name)
    return Mailed(address, name, WAITS, put_off[0][0] if put_off else None)

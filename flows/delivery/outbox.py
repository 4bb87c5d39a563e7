"""The outbox: pending messages and webhook requests of the store → delivered → what became of them."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from flows.definitions.templates import Templates, read_templates
from flows.delivery.chosen import letting_through, with_choices
from flows.delivery.contents import read_contents, read_messages, with_data
from flows.delivery.dispatch import Policy, deliver, finish_unanswered
from flows.delivery.kinds import MESSAGES, WEBHOOKS, Kind
from flows.delivery.ledger_database import OvertakenError
from flows.delivery.messages import RECORDED, message_channel
from flows.delivery.open_ledger import open_ledger
from flows.delivery.readings import read_profiles, unknown_spellings
from flows.delivery.rules import load_rules
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders.base import Carrier, Sender
from flows.delivery.senders.choose import open_sender, senders_in_use, senders_to_finish
from flows.delivery.sources import keep_sources, writer_of
from flows.delivery.webhooks import webhook_channel
from flows.delivery.writer import Writer
from flows.errors import InputError, OnwardError
from flows.store.pending import PENDING, START, bring_in_pending, read_pending, settle
from flows.store.store import Store
from flows.store.winners import read_winners
from flows.summary import Dispatched
from flows.warehouse import frame, sql_text
from transforms.definitions.content_rules import Rule

AT_ONCE = 500_000  # rows, of about 1 kB each


def send_messages(store: Store, *, now: datetime) -> Dispatched:
    """Hand over pending messages and note what became of each; how many, by status, and what to know of them.

    Safe to repeat after a crash: the send ledger is asked before anything is handed over.

    Args:
        store: the store and its settings; its clock tells `sent_at`.
        now: the tick's instant; messages older than `max_send_delay` before it expire.

    Raises:
        InputError: the settings of a sender, the templates or the content folder can't be used.
        OnwardError: a sender or the ledger can't go on; what goes by other senders has gone.
    """
    settings = store.settings
    rules = load_rules(settings.content)
    post = _Post(
        store,
        {name: open_sender(settings, name) for name in senders_in_use(settings)},
        read_templates(settings.templates),
        rules.rules,
        read_winners(settings),
        Policy(settings.batch_size, oldest=now - settings.max_send_delay),
    )
    done = _hand_over_all(store, MESSAGES, post.carriers, now, post.hand_over)
    for error in post.broken.values():
        raise error
    return replace(done, warnings=[*rules.faults, *done.warnings])


@dataclass(frozen=True)
class _Post:
    """Hands messages over, each by its sender.

    Attributes:
        broken: the senders that couldn't go on, each with the reason; that keeps no other one.
    """

    store: Store
    senders: Mapping[str, Sender]
    templates: Templates
    rules: Sequence[Rule]
    winners: pl.DataFrame
    policy: Policy
    broken: dict[str, OnwardError] = field(default_factory=dict)

    def hand_over(self, due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        """What became of messages that are due."""
        settings, messages = self.store.settings, read_messages(self.store.state, due)
        writer = writer_of(settings, read_contents(self.templates, messages), self.rules)
        keep_sources(ledger, writer)
        chosen = with_choices(settings, due, messages, self.rules, self.winners)
        ways = chosen.partition_by("sender", as_dict=True, maintain_order=True)
        return pl.concat([self._by_one(name, rows, writer, ledger) for (name,), rows in ways.items()])

    def _by_one(self, name: str, rows: pl.DataFrame, writer: Writer, ledger: SendLedger) -> pl.DataFrame:
        policy = replace(
            self.policy, lets_through=lambda some: letting_through(self.store.settings, some, ledger)
        )
        try:
            if name not in self.broken:
                return deliver(message_channel(writer, self.senders[name]), rows, ledger, policy)
        except OvertakenError:
            raise
        except OnwardError as error:
            self.broken[name] = error
        return ledger.known(rows[MESSAGES.key]).rename({"id": MESSAGES.key})

    def carriers(self, began: Collection[str]) -> Mapping[str, Carrier]:
        """Who carries messages, and finishes what those of some names have begun."""
        found: dict[str, Carrier] = {one.name: one for one in self.senders.values()}
        for name in set(senders_to_finish(self.store.settings, began)) - set(self.senders):
            with suppress(InputError):  # one that isn't used any more may have no secret any more
                found[name] = open_sender(self.store.settings, name)
        return found


def send_webhooks(store: Store, *, now: datetime) -> dict[str, int]:
    """Queue pending webhook requests in the outbox and note it; how many, by status.

    Raises:
        OnwardError: the outbox or the ledger can't be written.
    """
    channel = webhook_channel(store.settings.trap)

    def hand_over(due: pl.DataFrame, ledger: SendLedger) -> pl.DataFrame:
        return deliver(channel, with_data(store.state, due), ledger, Policy(store.settings.batch_size))

    carriers = {channel.carrier.name: channel.carrier}
    return _hand_over_all(store, WEBHOOKS, lambda _: carriers, now, hand_over).counts


def recall_sends(store: Store) -> int:
    """Note of pending messages and requests what the send ledger knows of them; how many those are."""
    known, open_since = 0, store.clock() - store.settings.max_send_delay
    with open_ledger(store) as ledger:
        for kind in (MESSAGES, WEBHOOKS):
            pending = read_pending(store.con, store.state, kind.table)
            results = ledger.known(pending[kind.key]).rename({"id": kind.key})
            settle(store.con, store.state, store.ledger, kind.table, told(results, kind), open_since)
            known += len(results)
    return known


def hold_back(store: Store, ticks: Sequence[int]) -> None:
    """Let what is pending of some ticks, decided by older rules, not be sent when they are decided again."""
    for kind in (MESSAGES, WEBHOOKS):
        read_pending(store.con, store.state, kind.table)
        held = frame(store.con, sql_text(f"delivery/hold_back_{kind.table}.sql"), ticks=list(ticks))
        settle(store.con, store.state, store.ledger, kind.table, held)


def _hand_over_all(
    store: Store,
    kind: Kind,
    carriers: Callable[[Collection[str]], Mapping[str, Carrier]],
    now: datetime,
    hand_over: Callable[[pl.DataFrame, SendLedger], pl.DataFrame],
) -> Dispatched:
    """Hand over what is pending of a kind, the oldest first and so many at once that they fit into memory.

    Args:
        store: the store and its settings.
        kind: what is pending.
        carriers: who carries it, and who finishes what those of some names have begun.
        now: the tick's instant.
        hand_over: hands over some.
    """
    done, warnings, place = Counter[str](), dict[str, None](), START
    open_since = now - store.settings.max_send_delay
    with open_ledger(store) as ledger:
        ledger.take()
        unfinished = _finish(kind, carriers(ledger.unanswered_senders(kind)), ledger)
        while last := bring_in_pending(store.con, store.state, kind.table, AT_ONCE, place):
            place = last
            with read_profiles(store.con):
                warnings |= dict.fromkeys(unknown_spellings(store.con))
                due = frame(store.con, sql_text(kind.query), most=AT_ONCE)
            results = _with_due_again(hand_over(due, ledger), due[kind.key])
            done.update(
                settle(store.con, store.state, store.ledger, kind.table, told(results, kind), open_since)
            )
    if unfinished:
        raise unfinished
    return Dispatched(dict(done), list(warnings))


def _finish(kind: Kind, carriers: Mapping[str, Carrier], ledger: SendLedger) -> OnwardError | None:
    """Bring to an end what a crash broke off; what keeps a carrier from that, which keeps nothing new from going."""
    try:
        finish_unanswered(kind, carriers, ledger)
    except OvertakenError:
        raise
    except OnwardError as error:
        return error
    return None


def _with_due_again(results: pl.DataFrame, due: pl.Series) -> pl.DataFrame:
    """Results with what nothing became of, which may have failed or been unknown before somebody said *again*."""
    others = due.filter(~due.is_in(results[due.name].implode())).to_frame()
    return pl.concat([results, others.with_columns(status=pl.lit(PENDING))], how="diagonal")


def told(results: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Results with what the ledger noted of messages as columns of their own."""
    others = results.drop("recorded", "provider_id")
    if kind != MESSAGES:
        return others
    said = results["recorded"].str.json_decode(pl.Struct(RECORDED)).struct.unnest()
    return pl.concat([others, said, results.select("provider_id")], how="horizontal")

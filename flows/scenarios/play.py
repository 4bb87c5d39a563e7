"""Cases → what comes of them: the engine, its gates and the renderer of runs, in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import polars as pl
import polars.selectors as cs
from duckdb import DuckDBPyConnection

from flows.backtest.before import bucket_shown, read_incoming, state_before
from flows.backtest.bucket import BucketPlan, decide_ticks, watched_behaviors
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import wanted_by
from flows.decide.facts import Incoming, every_write
from flows.definitions.rules import Rules
from flows.delivery.readings import held_back
from flows.scenarios.cases import Case
from flows.scenarios.mails import Profile, Row, Writer
from flows.scenarios.staging import Staged, owner
from transforms.definitions.actions import UpdateAttribute
from transforms.engine.fold import fold_profiles
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, Facts, State
from transforms.people.consent import FIELDS
from transforms.program.model import Program, Step

LONG_AFTER = timedelta(days=400)
"""How long after the last instant that a test names it ends, if it doesn't say when."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case; rows have the keys that expectations have.

    Attributes:
        messages: accepted ones, as they went out (`status`, `reason`), in the order of time.
        executions: as they stand at the end; held-out ones too.
        steps: logged outcomes.
        webhooks: queued requests.
        customers: of each `tags` (sorted) and `attributes` at the end.
    """

    messages: Sequence[Row]
    executions: Sequence[Row]
    steps: Sequence[Row]
    webhooks: Sequence[Row]
    customers: Mapping[str, Row]

    @property
    def workflows(self) -> set[str]:
        """Those that somebody entered."""
        return {one["workflow"] for one in self.executions}


@dataclass(frozen=True)
class Shared:
    """What cases with the same workflows have in common, read at once.

    Attributes:
        before: the state before any of them.
        incoming: what happens in all of them.
        behaviors: `frames.BEHAVIORS` of them.
        writes: `frames.WRITES` of them, seen by a workflow or not.
        suppressions: what events in any of them say of being written to.
    """

    program: Program
    rules: Rules
    before: State
    incoming: Incoming
    behaviors: pl.DataFrame
    writes: pl.DataFrame
    suppressions: pl.DataFrame


def share(con: DuckDBPyConnection, staged: Staged, program: Program, rules: Rules) -> Shared:
    """Read what cases bring to a program."""
    wanted = wanted_by(program)
    events = staged.events.filter(wanted.whole)
    with bucket_shown(con, events, staged.customers, None):
        incoming = read_incoming(con, program, unread=False)
        before = state_before(con, program, incoming, every=True)
        writes = every_write(con)
    behaviors = watched_behaviors(staged.events.lazy().select(wanted.event_time), program, None)
    return Shared(program, rules, before, incoming, behaviors, writes, staged.suppressions)


@dataclass(frozen=True)
class Played:
    """A case that was decided.

    Attributes:
        messages: what it sends, in the order of time, with the `trigger_properties` of its executions.
        profiles: of each of these, who its customer is at its instant.
        held: by id, what dispatch would hold back.
        decided: all that was.
        after: the state at its end.
    """

    messages: pl.DataFrame
    profiles: Sequence[Profile]
    held: Mapping[str, Row]
    decided: Decided
    after: State


def play(shared: Shared, number: int, case: Case) -> Played:
    """Decide a case.

    Args:
        shared: what it has in common with others.
        number: its number, as it was staged.
        case: the case itself.
    """
    mine = _Own(owner(number))
    before, writes = mine.state(shared.before), mine.rows(shared.writes)
    plan = BucketPlan(
        shared.program,
        TickEnds(case.scenario.until or case.last + LONG_AFTER),
        None,
        case.began,
        shared.rules.timezone,
        [Cap(*one) for one in shared.rules.caps],
    )
    (decided,), _ = decide_ticks(plan, before, mine.incoming(shared.incoming), mine.rows(shared.behaviors))
    profiles = _Profiles(before, writes, decided)
    trigger = decided.executions.select("execution_id", "trigger_properties")
    messages = decided.messages.join(trigger, on="execution_id", how="left").sort("at", "message_id")
    held = _held_back(shared.program, messages, profiles, mine.rows(shared.suppressions))
    owners = [profiles.at(*one) for one in messages.select("customer_id", "at").iter_rows()]
    return Played(messages, owners, held, decided, fold_profiles(before, decided, writes))


def outcomes(writer: Writer, several: Sequence[Played]) -> list[Outcome]:
    """What came of cases; what all of them send is rendered at once, which takes as long as one case's."""
    if not several:
        return []
    messages = pl.concat([one.messages.with_columns(cs.enum().cast(pl.String)) for one in several])
    mails = iter(writer.mails(messages, [profile for one in several for profile in one.profiles]))
    return [_outcome(list(islice(mails, len(one.messages))), one) for one in several]


@dataclass(frozen=True)
class _Own:
    """Picks a case's rows from those of all, under the ids that its customers have."""

    prefix: str

    def rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        owned = pl.col("customer_id")
        return frame.filter(owned.str.starts_with(self.prefix)).with_columns(
            owned.str.strip_prefix(self.prefix)
        )

    def state(self, state: State) -> State:
        return State(**{name: self.rows(frame) for name, frame in vars(state).items()})

    def incoming(self, incoming: Incoming) -> Incoming:
        facts = Facts(**{name: self.rows(frame) for name, frame in vars(incoming.facts).items()})
        return replace(incoming, facts=facts)


def _held_back(
    program: Program, messages: pl.DataFrame, profiles: "_Profiles", suppressions: pl.DataFrame
) -> dict[str, Row]:
    """The messages that dispatch would hold back, each at its own instant, by what is known then."""
    # A consent that events withdraw is seen by the gate of that instant already; only a later step can still do so.
    if suppressions.is_empty() and not any(map(_withdraws, program.steps)):
        return {}
    found: dict[str, str] = {}
    for instant, some in messages.partition_by("at", as_dict=True).items():
        known = suppressions.filter(pl.col("at") <= instant[0])
        found |= held_back(some, profiles.held(instant[0]).attributes, known)
    return {one: {"status": "suppressed", "reason": reason} for one, reason in found.items()}


def _withdraws(step: Step) -> bool:
    return isinstance(step.action, UpdateAttribute) and step.action.config.attribute in FIELDS


def _outcome(mails: Sequence[Row], played: Played) -> Outcome:
    decided = played.decided
    return Outcome(
        [_named({**row, **played.held.get(row["message_id"], {})}) for row in mails],
        [_named(one) for one in decided.executions.sort("entered_at", "execution_id").to_dicts()],
        [_named(one) for one in decided.steps.to_dicts()],
        [_named(one) for one in decided.webhooks.sort("at", "webhook_id").to_dicts()],
        _customers(played.after),
    )


_NAMES = {
    "customer_id": "customer",
    "workflow_id": "workflow",
    "template_id": "template",
    "action_type": "action",
}


def _named(row: Row) -> Row:
    """A row of a table under the names of expectations."""
    return {_NAMES.get(name, name): value for name, value in row.items()}


def _customers(state: State) -> dict[str, Row]:
    owners = state.customers["customer_id"].to_list()
    return {
        one: {
            "tags": sorted(state.tags.filter(pl.col("customer_id") == one)["tag"]),
            "attributes": _attributes(state.attributes.filter(pl.col("customer_id") == one)),
        }
        for one in owners
    }


def _attributes(held: pl.DataFrame) -> dict[str, Any]:
    """Attributes of one customer by name; those that are null aren't there."""
    read = {
        name: json.loads(value or "null") for name, value in held.select("attribute", "value").iter_rows()
    }
    return {name: value for name, value in read.items() if value is not None}


class _Profiles:
    """Who customers are at any instant of a case."""

    def __init__(self, before: State, writes: pl.DataFrame, decided: Decided) -> None:
        self._before, self._writes, self._decided = before, writes, decided
        self._held: dict[datetime, State] = {}

    def held(self, instant: datetime) -> State:
        """Everybody, as a tick that ends then leaves them."""
        if instant not in self._held:
            decided = replace(
                self._decided,
                attributes=self._decided.attributes.filter(pl.col("set_at") <= instant),
                tags=self._decided.tags.filter(pl.col("at") <= instant),
                introduced=self._decided.introduced.filter(pl.col("at") <= instant),
            )
            self._held[instant] = fold_profiles(
                self._before, decided, self._writes.filter(pl.col("at") <= instant)
            )
        return self._held[instant]

    def at(self, customer: str, instant: datetime) -> Profile:
        """One customer."""
        state, theirs = self.held(instant), pl.col("customer_id") == customer
        return Profile(
            _attributes(state.attributes.filter(theirs)),
            sorted(state.tags.filter(theirs)["tag"]),
            next(iter(state.customers.filter(theirs)["created_at"]), None),
        )

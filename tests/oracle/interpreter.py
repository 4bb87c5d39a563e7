"""semantics.md again, as a program: one customer at a time, one fact at a time, in plain Python.

Read it beside semantics.md; each function names the section it restates. It is the yardstick of the engine,
for what is right and for speed, and shares no code with it. What knows no customer is in files of its own:
values, instants, matching, patterns (§8), schedules (§7), hours of sending (§11).

An execution is a coroutine (`Customer.run`): it yields the instant at which its next step is due and is
resumed then.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.oracle.consent import CONSENT_FIELDS, consent
from tests.oracle.instants import AFTER_ALL_TIME, BEFORE_ALL_TIME, shown, zone
from tests.oracle.introductions import COLUMNS, customer_since, introduces
from tests.oracle.matching import listens, matches, property_of, refers
from tests.oracle.patterns import Arrival, Pattern, counted
from tests.oracle.schedules import Schedule, cron_instants, schedule_of
from tests.oracle.sends import Hours, first_allowed, hours
from tests.oracle.values import (
    bucket,
    duration,
    duration_of,
    holds,
    identity,
    look_up,
    microseconds,
    unchanged,
)
from tests.semantics.cases import Case, Result, Row

Course = Generator[datetime | None, Literal["event"] | None, None]
"""Yields when the next step is due (None: never); gets "event" if an awaited fact came first."""

Order = tuple[datetime, int, tuple[Any, ...]]
"""§3: time, rank, tie."""
FIELDS = ("customer_id", "created_at")
"""Of the profile's fields (§5) those that no attribute stands behind: no condition could read one of such a name."""
HIT = ("execution_id", "workflow_id", "customer_id", "entered_at")
"""What of an execution its goal hits tell."""
NEVER: Order = (AFTER_ALL_TIME, 5, ())


class Ended(Exception):  # noqa: N818
    """Raised inside an execution's course to end it before its last step."""


def decide(case: Case) -> Result:
    """All of the case in one tick."""
    return decide_ticks(case, [(case.end, case.events)], max_future=timedelta.max)


def decide_ticks(
    case: Case,
    ticks: Iterable[tuple[Any, ...]],
    max_lateness: timedelta = timedelta(days=7),
    max_future: timedelta = timedelta(days=1),
) -> Result:
    """One tick after another, each (its time, the events loaded for it); `case` without its events and end.

    A third element are the ids of the workflows that are paused in the tick.
    """
    world = World(case)
    log = EventLog(max_lateness, max_future, world.counts)
    previous = None
    for now, loaded, *paused in ticks:
        world.paused = frozenset(*paused)
        world.tick(list(log.due(previous, now, loaded)), previous, now)
        previous = now
    return world.result()


class EventLog:
    """§4: which events act in a tick, and when: duplicates, late and future events."""

    def __init__(self, max_lateness: timedelta, max_future: timedelta, counts: Counter[str]) -> None:
        self.max_lateness = max_lateness
        self.max_future = max_future
        self.counts = counts
        self.seen: set[str] = set()
        self.ahead: list[Row] = []

    def due(self, previous: datetime | None, now: datetime, loaded: list[Row]) -> Iterator[Arrival]:
        """The events that act in the tick over (previous, now]."""
        waiting, self.ahead = self.ahead, []
        for event in waiting + [event for event in loaded if self.is_new(event, now)]:
            ts = event["ts"]
            if ts > now:
                self.ahead.append(event)
            elif previous is None or ts > previous:
                yield Arrival(ts, event, too_late=False)
            else:
                too_late = previous - ts > self.max_lateness
                self.counts["too_late" if too_late else "late"] += 1
                yield Arrival(previous, event, too_late)

    def is_new(self, event: Row, now: datetime) -> bool:
        """Whether the event is kept: not too far ahead, and the first of its id."""
        if event["ts"] - now > self.max_future:
            self.counts["future"] += 1
            return False
        new = event["event_id"] not in self.seen
        self.seen.add(event["event_id"])
        return new


class World:
    """What all customers share: the definitions, and the ledger they write to."""

    def __init__(self, case: Case) -> None:
        self.workflows = sorted(case.workflows, key=lambda workflow: workflow["workflow_id"])
        self.caps = case.caps
        self.start = case.start or BEFORE_ALL_TIME
        self.hours = {"quiet_hours": case.quiet_hours, "send_window": case.send_window}
        self.timezone = case.timezone
        self.paused: frozenset[str] = frozenset()
        self.begins = case.start
        self.previous: datetime | None = None
        self.now = BEFORE_ALL_TIME
        self.counts: Counter[str] = Counter(unknown_customer=0)
        self.executions: list[Execution] = []
        self.ledger = Result()
        self.schedules = list(declared_schedules(self.workflows))
        self.patterns = {name: Pattern(name, given) for name, given in sorted(case.patterns.items())}
        self.watched = [
            pattern
            for name, pattern in self.patterns.items()
            if name in texts_under("pattern", case.workflows)
        ]
        self.counted = set(counted_types(case.workflows, self.patterns))
        self.customers = {
            row["customer_id"]: Customer(self, row["customer_id"], row) for row in case.customers
        }
        # Facts are many and their names few: who could care about a (type, name) is worked out once.
        self.entered_by = lru_cache(self.find_entered_by)
        self.is_heard = lru_cache(self.find_heard)

    def find_entered_by(self, type_: str, name: str) -> list[Row]:
        """The active workflows, in id order, with a trigger that could match."""
        return [
            workflow
            for workflow in self.workflows
            if workflow.get("is_active", True) and any(listens(t, type_, name) for t in workflow["triggers"])
        ]

    def takes_entries(self, workflow: Row) -> bool:
        """Whether it is neither inactive nor paused."""
        return workflow.get("is_active", True) and workflow["workflow_id"] not in self.paused

    def find_heard(self, type_: str, name: str) -> bool:
        """Whether any trigger, goal, exit or wait could match."""
        return any(listens(t, type_, name) for workflow in self.workflows for t in all_triggers(workflow))

    def tick(self, arrivals: list[Arrival], previous: datetime | None, now: datetime) -> None:
        """Every customer's share of the arrivals, customer by customer (§1.2)."""
        self.previous, self.now = previous, now
        if self.begins is None and arrivals:
            self.begins = min(arrival.at for arrival in arrivals)
        elif self.begins is None:
            self.begins = now + timedelta(
                microseconds=1
            )  # a store without events yet runs from its first tick on
        shares = self.share(arrivals)
        for customer in self.customers.values():
            share = shares.get(customer.customer_id)
            if share or customer.running or self.watched or self.schedules:
                customer.advance(sorted(share or (), key=lambda arrival: arrival.order))

    def share(self, arrivals: list[Arrival]) -> dict[str, list[Arrival]]:
        """Each customer's arrivals, without those that nobody could care about."""
        shares: dict[str, list[Arrival]] = {}
        met = self.first_met(arrivals)
        for arrival in arrivals:
            event = arrival.event
            customer = self.customer(event["customer_id"])
            acts = self.acts(arrival)
            never = AFTER_ALL_TIME
            since = met.get(customer.customer_id, never) if customer.is_stranger else customer.known_from
            if acts and arrival.at < since:
                self.counts["unknown_customer"] += 1
            updates = event["type"] == "attribute_change" or event["attributes"] or introduces(event)
            heard = acts and self.is_heard(event["type"], event["name"])
            if updates or heard or (self.counted and self.counts_in(event)):
                shares.setdefault(customer.customer_id, []).append(arrival)
        return shares

    def first_met(self, arrivals: list[Arrival]) -> dict[str, datetime]:
        """When the arrivals first introduce each customer."""
        met: dict[str, datetime] = {}
        for arrival in arrivals:
            if introduces(arrival.event):
                whose = arrival.event["customer_id"]
                met[whose] = min(arrival.at, met.get(whose, AFTER_ALL_TIME))
        return met

    def acts(self, arrival: Arrival) -> bool:
        """Whether it is more than history, and not too late."""
        return not arrival.too_late and arrival.event["ts"] >= self.start

    def counts_in(self, event: Row) -> bool:
        """Whether some window that is asked for counts it."""
        return event["type"] == "behavioral" and event["name"] in self.counted

    def customer(self, customer_id: str) -> "Customer":
        """The customer, made up without a profile row where an event is the first we hear of them."""
        if customer_id not in self.customers:
            self.customers[customer_id] = Customer(self, customer_id, None)
        return self.customers[customer_id]

    def result(self) -> Result:
        """The tables as they stand."""
        self.ledger.executions = [execution.row(self.paused) for execution in self.executions]
        self.ledger.profiles = {
            customer.customer_id: customer.profile() for customer in self.customers.values()
        }
        self.ledger.counts = dict(self.counts)
        return self.ledger


@dataclass(slots=True)
class Execution:
    """One customer's pass through one workflow (§6), running from `entered_at` on."""

    workflow: Row
    ids: Row
    fact: Row
    status: str = "running"
    ended_at: datetime | None = None
    converted_at: datetime | None = None
    decision: str | None = None
    variant: str | None = None
    awaited: Row | None = None
    due: datetime | None = None
    course: Course | None = None

    def row(self, paused: frozenset[str]) -> Row:
        """The row of the table."""
        is_paused = self.status == "running" and self.workflow["workflow_id"] in paused
        status = "paused" if is_paused else self.status
        rest: Row = {"status": status, "ended_at": self.ended_at, "converted_at": self.converted_at}
        rest |= {"decision": self.decision, "variant": self.variant}
        return self.ids | rest | {"trigger_type": self.fact["type"], "trigger_name": self.fact["name"]}


class Customer:
    """One customer: profile, running executions, and the facts still to be processed."""

    def __init__(self, world: World, customer_id: str, row: Row | None) -> None:
        self.world = world
        self.customer_id = customer_id
        self.known_from = AFTER_ALL_TIME if row is None else row["created_at"] or BEFORE_ALL_TIME
        self.is_stranger = row is None
        given = row["attributes"] if row else {}
        self.given = {name: value for name, value in given.items() if value is not None}
        columns = {name: row[name] for name in COLUMNS if row.get(name) is not None} if row else {}
        self.attributes = self.given | columns
        self.tags = set(row["tags"]) if row else set()
        self.set_at: dict[str, datetime] = {}
        self.now = BEFORE_ALL_TIME
        self.follow_ups: deque[Row] = deque()
        self.running: dict[str, Execution] = {}
        self.entered: dict[str, datetime] = {}
        self.latest: dict[str, Execution] = {}
        self.accepted: list[tuple[datetime, str, str | None]] = []
        self.position: Order = (BEFORE_ALL_TIME, 0, ())
        self.arrivals: deque[Arrival] = deque()
        self.history: list[Arrival] = []
        self.turns: deque[tuple[datetime, str]] = deque()
        self.armed: dict[tuple[str, int], datetime] = {}
        self.fields = {"customer_id": customer_id, "created_at": shown((row or {}).get("created_at"))}
        self.arm_changed({})

    def is_known(self, instant: datetime) -> bool:
        """§4: has a profile row created by then, or was introduced by an event."""
        return self.known_from <= instant

    def profile(self) -> Row:
        """The row of the table; what a file's columns say is in columns of their own there."""
        told = {name: value for name, value in self.attributes.items() if name in self.set_at}
        given = {name: value for name, value in self.given.items() if name not in self.set_at}
        return {"attributes": given | told, "tags": sorted(self.tags)}

    # §3 Facts and their order

    def advance(self, arrivals: list[Arrival]) -> None:
        """Processes every fact and due step up to and including the tick's end, by (time, rank, tie)."""
        self.arrivals.extend(arrivals)
        self.watch(arrivals)
        self.catch_up()
        while True:
            position = min(self.orders(), default=NEVER)
            if position[0] > self.world.now or position == NEVER:
                return
            self.position = position
            self.now, rank, tie = position
            if rank == 0:
                self.process_event(self.arrivals.popleft())
            elif rank == 1:
                self.process_fact(fact_of("pattern", self.turns.popleft()[1]))
            elif rank == 2:
                self.process_schedule(*tie)
            elif rank == 3:
                self.process_fact(self.follow_ups.popleft())
            else:
                self.resume(self.running[tie[1]])

    def orders(self) -> Iterator[Order]:
        """When what comes next of each kind is due."""
        if self.arrivals:
            yield self.arrivals[0].at, 0, ()
        if self.turns:
            yield self.turns[0][0], 1, ()
        if self.world.schedules:
            yield from self.schedule_orders()
        if self.follow_ups:
            yield self.now, 3, ()
        for workflow_id, execution in self.running.items():
            if execution.due is not None and workflow_id not in self.world.paused:
                yield execution.due, 4, (-execution.workflow.get("priority", 0), workflow_id)

    def catch_up(self) -> None:
        """What fell due while its workflow was paused is due when the resuming tick starts."""
        for execution in self.running.values():
            if self.world.previous and execution.due:
                execution.due = max(execution.due, self.world.previous)

    # §8 Patterns

    def watch(self, arrivals: list[Arrival]) -> None:
        """Takes the tick's events into the history, and finds the instants at which patterns turn true.

        What is too late acts first and silently, as does what lies before the start.
        """
        if not self.world.counted:
            return
        counted = [arrival for arrival in arrivals if self.world.counts_in(arrival.event)]
        known = self.history + [arrival for arrival in counted if arrival.too_late]
        self.history = self.history + counted
        turns = [turn for pattern in self.world.watched for turn in self.turns_of(pattern, known)]
        self.turns.extend(sorted(turns))

    def turns_of(self, pattern: Pattern, known: list[Arrival]) -> Iterator[tuple[datetime, str]]:
        """The instants of the tick at which a pattern turns from false to true."""
        previous, now = self.world.previous or BEFORE_ALL_TIME, self.world.now
        was_true = pattern.is_true(known, previous)
        for t in sorted({previous} | pattern.changes(self.history)):
            if previous <= t <= now:
                is_true = pattern.is_true(self.history, t)
                if is_true and not was_true and t >= self.world.start:
                    yield t, pattern.name
                was_true = is_true

    # §7 Schedules

    def zone(self, name: str | None) -> ZoneInfo:
        """A zone by its name; the customer's own, or the configured default."""
        if name == "customer":
            own = zone(self.attributes.get("timezone"))
            return own or ZoneInfo(self.world.timezone)
        return ZoneInfo(name or self.world.timezone)

    def schedule_orders(self) -> Iterator[Order]:
        """When each schedule fires next, as the profile stands."""
        for workflow_id, place, schedule in self.world.schedules:
            tie = (workflow_id, place)
            if schedule.cron is None:
                instants = [self.armed[tie]] if tie in self.armed else []
            else:
                instants = self.cron_instants(schedule)
            yield from ((t, 2, tie) for t in instants[:2] if (t, 2, tie) > self.position)

    def cron_instants(self, schedule: Schedule) -> list[datetime]:
        """The tick's cron instants from now on, by the clock of the customer's zone."""
        if schedule.cron is None or self.world.begins is None:
            return []
        where = self.zone(schedule.timezone)
        instants = cron_instants(schedule.cron, where, self.world.begins, self.world.now)
        exclusive = self.world.previous or BEFORE_ALL_TIME
        return instants[max(bisect_right(instants, exclusive), bisect_left(instants, self.position[0])) :]

    def process_schedule(self, workflow_id: str, place: int) -> None:
        """Only what declares the schedule sees its fact."""
        self.armed.pop((workflow_id, place), None)
        schedule = next(s for id_, p, s in self.world.schedules if (id_, p) == (workflow_id, place))
        fact = fact_of("time_based", schedule.name) | {"schedule": schedule}
        if workflow_id in self.latest:
            self.note_hit(self.latest[workflow_id], fact)
        if workflow_id in self.running:
            self.react(self.running[workflow_id], fact)
        workflow = next(w for w in self.world.workflows if w["workflow_id"] == workflow_id)
        if self.is_known(self.now) and self.world.takes_entries(workflow):
            self.enter_by(workflow, fact)

    def dates(self) -> Row:
        """What every attribute that schedules look at stands for now."""
        names = {schedule.attribute for *_, schedule in self.world.schedules if schedule.attribute}
        return {name: self.profile_value(name) for name in names}

    def arm_changed(self, before: Row) -> None:
        """All updates of an event apply; schedules fire for what differs then, if their instant is yet to come."""
        now = self.dates() if self.world.schedules else {}
        for workflow_id, place, schedule in self.world.schedules:
            name = schedule.attribute
            if name is not None and not unchanged(before.get(name), now[name]):
                due = schedule.instant_of(now[name], self.zone(schedule.timezone))
                self.armed.pop((workflow_id, place), None)
                if due is not None and due > self.now and due >= self.world.start:
                    self.armed[workflow_id, place] = due

    # §4 Events

    def process_event(self, arrival: Arrival) -> None:
        """Profile, executions, triggers; history and what comes too late only update the profile."""
        event = arrival.event
        acts = self.world.acts(arrival)
        before = self.dates() if self.world.schedules else {}
        if self.is_stranger and introduces(event):
            self.meet(event)
        if event["type"] == "attribute_change":
            self.write(event["name"], event["properties"].get("new_value"), event["ts"])
        for attribute, value in sorted((event["attributes"] or {}).items()):
            change = self.write(attribute, value, event["ts"])
            if acts and change:
                self.cause(change)
        self.arm_changed(before)
        if acts:
            self.process_fact(event)

    def meet(self, event: Row) -> None:
        """§4: known from now on."""
        self.is_stranger, self.known_from = False, self.now
        self.fields["created_at"] = shown(customer_since(event, self.now))

    def write(self, attribute: str, value: Any, ts: datetime) -> Row | None:
        """Sets an attribute (null removes it) unless set later than `ts`; returns a real change."""
        if attribute in FIELDS or self.set_at.get(attribute, BEFORE_ALL_TIME) > ts:
            return None
        self.set_at[attribute] = ts
        old = self.attributes.pop(attribute, None)
        if value is not None:
            self.attributes[attribute] = value
        if unchanged(old, value):
            return None
        return fact_of("attribute_change", attribute, old_value=old, new_value=value)

    def process_fact(self, fact: Row) -> None:
        """Running executions react, then triggers are evaluated; both in workflow-id order."""
        for workflow_id in sorted(self.latest):
            self.note_hit(self.latest[workflow_id], fact)
        for workflow_id in sorted(self.running):
            self.react(self.running[workflow_id], fact)
        if self.is_known(self.now):
            for workflow in self.world.entered_by(fact["type"], fact["name"]):
                if workflow["workflow_id"] not in self.world.paused:
                    self.enter_by(workflow, fact)

    def enter_by(self, workflow: Row, fact: Row) -> None:
        """Enters by the first trigger that fires; what refuses a trigger's facts first is counted."""
        for number, trigger in enumerate(workflow["triggers"]):
            if listens(trigger, fact["type"], fact["name"]) and "schedule" not in fact:
                refused = next(self.refusing(trigger, fact), "")
                self.world.ledger.considered[workflow["workflow_id"], f"triggers[{number}]{refused}"] += 1
            if self.fires(trigger, fact, fact, None):
                self.enter(workflow, fact)
                return

    def refusing(self, trigger: Row, fact: Row) -> Iterator[str]:
        """The places of what doesn't hold: keys of the config by name, then conditions in the file's order."""
        for key, value in sorted(trigger.get("config", {}).items()):
            if not matches({**trigger, "config": {key: value}}, fact, fact):
                yield f".config.{key}"
        for number, condition in enumerate(trigger.get("conditions", ())):
            if not self.all_hold([condition], fact, None):
                yield f".conditions[{number}]"

    def cause(self, fact: Row) -> None:
        """Queues a follow-up fact; one that nobody listens to is as good as processed."""
        if self.world.is_heard(fact["type"], fact["name"]):
            self.follow_ups.append(fact)

    # §5 Conditions

    def all_hold(self, conditions: Iterable[Row] | Row, fact: Row, decision: str | None) -> bool:
        """One condition or group, or a list of them as an AND."""
        listed = [conditions] if isinstance(conditions, dict) else conditions
        return all(self.is_so(condition, fact, decision) for condition in listed)

    def is_so(self, condition: Row, fact: Row, decision: str | None) -> bool:
        """A condition, or a group of conditions and groups."""
        if "any" in condition:
            return any(self.is_so(one, fact, decision) for one in condition["any"])
        if "all" in condition:
            return self.all_hold(condition["all"], fact, decision)
        if "not" in condition:
            return not self.all_hold(condition["not"], fact, decision)
        have = self.look_up(condition["attribute"], fact, decision)
        return holds(condition.get("operator", "equals"), have, condition.get("value"), self.now)

    def look_up(self, attribute: str, fact: Row, decision: str | None) -> Any:
        """What a condition's `attribute` stands for."""
        if attribute == "tags":
            return sorted(self.tags)
        if attribute == "execution.decision":
            return decision
        if attribute.startswith("event."):
            return property_of(fact, attribute.removeprefix("event."))
        if attribute.startswith("events.") and (windowed := counted(attribute)):
            return windowed.value(self.history, self.now)
        if attribute.startswith("pattern."):
            return self.look_up_pattern(attribute.removeprefix("pattern."))
        return self.profile_value(attribute)

    def profile_value(self, name: str) -> Any:
        """A field of the profile, else an attribute or what stands inside one."""
        return self.fields[name] if name in self.fields else look_up(name, self.attributes.get)

    def look_up_pattern(self, name: str) -> bool | float:
        """Whether a pattern is true now, or its score."""
        if name in self.world.patterns:
            return self.world.patterns[name].is_true(self.history, self.now)
        return float(self.world.patterns[name.removesuffix(".score")].score(self.history, self.now))

    # §6 Triggers and entry

    def fires(self, trigger: Row, fact: Row, start: Row, decision: str | None) -> bool:
        """A trigger (or goal, or exit) matches the fact and its conditions hold."""
        return matches(trigger, fact, start) and self.all_hold(trigger.get("conditions", ()), fact, decision)

    def enter(self, workflow: Row, fact: Row) -> None:
        """Entry: refused, held out, or started in the first branch that holds."""
        workflow_id = workflow["workflow_id"]
        if reason := self.refusal(workflow):
            ids = {"workflow_id": workflow_id, "customer_id": self.customer_id}
            self.world.ledger.refusals.append(ids | {"at": self.now, "reason": reason})
            return
        self.entered[workflow_id] = self.now
        branch, actions = self.choose_branch(workflow, fact)
        execution = Execution(workflow, self.identify(workflow_id, branch), fact)
        self.world.executions.append(execution)
        self.latest[workflow_id] = execution
        if bucket("holdout", workflow_id, self.customer_id) < workflow.get("holdout", 0):
            execution.status, execution.ended_at = "held_out", self.now
            return
        self.running[workflow_id] = execution
        execution.due = self.now
        execution.course = self.run(execution, actions)
        self.emit(execution, "started")

    def refusal(self, workflow: Row) -> str | None:
        """Why the customer may not enter now."""
        workflow_id = workflow["workflow_id"]
        last = self.entered.get(workflow_id)
        reentry = workflow.get("reentry") or {}
        if workflow_id in self.running:
            return "running"
        if last is None:
            return None
        if last == self.now:
            return "same_instant"
        if reentry.get("policy") == "once":
            return "reentry_once"
        if reentry.get("policy") == "after":
            pause = duration(reentry["seconds"] if "seconds" in reentry else reentry["duration"])
            return "reentry_after" if self.now - last < pause else None
        return None

    def choose_branch(self, workflow: Row, fact: Row) -> tuple[str, list[Row]]:
        """The first branch whose conditions hold, else the workflow's own actions."""
        for branch in workflow.get("branches") or ():
            if self.all_hold(branch.get("conditions", ()), fact, None):
                return branch["name"], branch["actions"]
        return "default", workflow.get("actions", [])

    def identify(self, workflow_id: str, branch: str | None) -> Row:
        """§12: what tells an execution from all others, and its branch."""
        return {
            "execution_id": identity(workflow_id, self.customer_id, str(microseconds(self.now))),
            "workflow_id": workflow_id,
            "customer_id": self.customer_id,
            "entered_at": self.now,
            "branch": branch,
        }

    def emit(self, execution: Execution, name: str, **properties: Any) -> None:
        """A follow-up fact of type `workflow_action`."""
        ids = {"workflow_id": execution.workflow["workflow_id"]}
        self.cause(fact_of("workflow_action", name, **ids, **properties))

    # §9 Steps

    def resume(self, execution: Execution, cause: Literal["event"] | None = None) -> None:
        """Lets an execution go on to its next due moment, or to its end."""
        assert execution.course is not None
        try:
            execution.due = execution.course.send(cause)
        except StopIteration:
            self.end(execution, "completed")
        except Ended as ended:
            self.end(execution, str(ended))

    def end(self, execution: Execution, status: str) -> None:
        """The execution ends now, and says so."""
        execution.status, execution.ended_at = status, self.now
        del self.running[execution.workflow["workflow_id"]]
        self.emit(execution, status)

    def run(self, execution: Execution, actions: list[Row], prefix: str = "") -> Course:
        """Performs the actions in order, each in turn yielding when the next step is due."""
        for position, action in enumerate(actions):
            step = f"{prefix}{position}"
            if not self.all_hold(action.get("conditions", ()), execution.fact, execution.decision):
                self.log(execution, step, action, "skipped")
                yield self.now
                continue
            if delay := duration_of(action, "delay"):
                yield self.later(delay, execution, step, action)
            if action["type"] == "wait_for_event":
                outcome = yield from self.wait_for_event(execution, step, action)
            elif action["type"] in ("send_email", "trigger_webhook"):
                outcome = yield from self.send(execution, step, action)
            else:
                outcome = self.act(execution, step, action)
            pause = duration_of(action["config"], "duration") if action["type"] == "wait" else None
            due = self.later(pause or timedelta(0), execution, step, action)
            self.log(execution, step, action, outcome)
            if action["type"] == "end_workflow":
                raise Ended("completed")
            yield due
            yield from self.run(execution, paths_of(action).get(outcome, []), f"{step}.{outcome}.")

    def later(self, pause: timedelta, execution: Execution, step: str, action: Row) -> datetime:
        """The instant so long after now; past the end of the calendar, the execution fails."""
        try:
            return self.now + pause
        except OverflowError:
            self.log(execution, step, action, "failed:out_of_range")
            raise Ended("failed") from None

    def log(self, execution: Execution, step: str, action: Row, outcome: str) -> None:
        """A row of the table of steps."""
        rest = {"step": step, "action_type": action["type"], "at": self.now, "outcome": outcome}
        self.world.ledger.steps.append(execution.ids | rest)

    def act(self, execution: Execution, step: str, action: Row) -> str:
        """Does what the action says, now; returns the outcome."""
        config = action["config"]
        match action["type"]:
            case "add_tag":
                self.tags.add(config["tag"])
                self.emit(execution, "add_tag", tag=config["tag"])
            case "remove_tag":
                self.tags.discard(config["tag"])
                self.emit(execution, "remove_tag", tag=config["tag"])
            case "update_attribute":
                before = self.dates()
                value = config["value"]
                if refers(value):
                    value = property_of(execution.fact, value["from"].removeprefix("event."))
                if change := self.write(config["attribute"], value, self.now):
                    self.arm_changed(before)
                    self.cause(change)
            case "branch_decision":
                execution.decision = self.decide_branch(execution, config["criteria"])
                return execution.decision
            case "random_split":
                execution.variant = self.split(execution, step, config["weights"])
                execution.decision = execution.variant
                return execution.decision
        return "done"

    def decide_branch(self, execution: Execution, criteria: Row) -> str:
        """The first criterion that holds."""
        for name, conditions in criteria.items():
            if self.all_hold(conditions, execution.fact, execution.decision):
                return name
        return "default"

    def split(self, execution: Execution, step: str, weights: dict[str, float]) -> str:
        """Cumulative weights, as shares of their sum, in file order against the customer's bucket."""
        point = bucket("split", execution.workflow["workflow_id"], step, self.customer_id)
        total = 0.0
        for name, weight in weights.items():
            total += weight / sum(weights.values())
            if point < total:
                return name
        return list(weights)[-1]

    def wait_for_event(
        self, execution: Execution, step: str, action: Row
    ) -> Generator[datetime | None, Literal["event"] | None, str]:
        """Waits for a matching fact or the time-out; `react` resumes it with "event"."""
        config = action["config"]
        timeout = duration_of(config, "timeout")
        due = None if timeout is None else self.later(timeout, execution, step, action)
        self.log(execution, step, action, "waiting")
        execution.awaited = {"type": config.get("type", "behavioral"), "config": config["event"]}
        cause = yield due
        execution.awaited = None
        execution.decision = cause or "timeout"
        return execution.decision

    # §10 Goals, exits, waits for events

    def react(self, execution: Execution, fact: Row) -> None:
        """Goal, exit, awaited event: in this order, until one ends the execution."""
        goal = execution.workflow.get("goal")
        if (
            goal
            and execution.converted_at is None
            and self.fires(goal, fact, execution.fact, execution.decision)
        ):
            execution.converted_at = self.now
            if goal.get("exit", True):
                self.end(execution, "converted")
                return
            self.emit(execution, "converted")
        exits = execution.workflow.get("exit_on") or ()
        if any(self.fires(trigger, fact, execution.fact, execution.decision) for trigger in exits):
            self.end(execution, "exited")
        elif execution.awaited and matches(execution.awaited, fact, execution.fact):
            self.resume(execution, "event")

    def note_hit(self, execution: Execution, fact: Row) -> None:
        """A goal counts beyond the run, for some time after the latest entry, held out or not; perhaps another one."""
        goal = execution.workflow.get("counted") or execution.workflow.get("goal")
        asked = texts_under("attribute", goal.get("conditions")) if goal else set()
        if goal is None or any(one.startswith("execution.") for one in asked):
            return
        entered_at: datetime = execution.ids["entered_at"]
        in_time = self.now - entered_at <= duration(goal.get("window", "30d"))
        if in_time and self.fires(goal, fact, execution.fact, None):
            own = {name: execution.ids[name] for name in HIT}
            row = own | {"at": self.now, "event_id": fact.get("event_id")}
            self.world.ledger.goal_hits.append(row)

    # §11 Gates of a send

    def send(
        self, execution: Execution, step: str, action: Row
    ) -> Generator[datetime | None, Literal["event"] | None, str]:
        """A message or a webhook request; outside the hours of sending it waits for them and asks again."""
        channel = "email" if action["type"] == "send_email" else action["config"].get("channel")
        while channel is not None and (shut := self.shut_gate(execution, channel)):
            if shut.startswith("suppressed"):
                return shut
            self.log(execution, step, action, shut)
            yield first_allowed(list(self.hours_for(execution.workflow).values()), self.now)
        if action["type"] == "send_email":
            self.send_email(execution, step, action["config"])
        else:
            url = action["config"]["url"]
            self.world.ledger.webhooks.append(self.sent(execution, step) | {"url": url})
            self.emit(execution, "trigger_webhook")
        return "done"

    def shut_gate(self, execution: Execution, channel: str) -> str | None:
        """The outcome at the first gate that is shut; None if all are open, and then it counts as accepted."""
        workflow = execution.workflow
        class_, transactional = workflow.get("message_class"), workflow.get("transactional", False)
        if not transactional and self.has_no_consent():
            return "suppressed:consent"
        if not transactional and any(self.is_full(channel, class_, *cap) for cap in self.world.caps):
            return "suppressed:frequency_cap"
        asked = self.hours_for(workflow)
        closed = [key for key, one in asked.items() if not one.allows(self.now)]
        if closed and first_allowed(list(asked.values()), self.now) is None:
            return "suppressed:send_window"
        if closed:
            return f"deferred:{closed[0]}"
        if not transactional:
            self.accepted.append((self.now, channel, class_))
        return None

    def has_no_consent(self) -> bool:
        """What the profile says."""
        return any(consent(self.attributes.get(name)) == "no" for name in CONSENT_FIELDS)

    def is_full(
        self,
        channel: str,
        class_: str | None,
        limit: int,
        window: timedelta,
        only_channel: str | None = None,
        only_class: str | None = None,
    ) -> bool:
        """§2, §11: a cap on such messages has no room in the window ending now."""

        def capped(one: str | None, other: str | None) -> bool:
            return only_channel in (None, one) and only_class in (None, other)

        inside = [1 for at, *kind in self.accepted if capped(*kind) and self.now - at < window]
        return capped(channel, class_) and len(inside) >= limit

    def hours_for(self, workflow: Row) -> dict[str, Hours]:
        """The workflow's own quiet hours and send window, else those of the settings."""
        settings = {} if workflow.get("transactional", False) else self.world.hours
        given = {key: workflow.get(key) or settings.get(key) for key in ("quiet_hours", "send_window")}
        return {
            key: hours(one, key == "quiet_hours", self.zone(one.get("timezone", "customer")))
            for key, one in given.items()
            if one
        }

    def send_email(self, execution: Execution, step: str, config: Row) -> None:
        """An accepted message."""
        template = config.get("template_id")
        message_id = identity(execution.ids["execution_id"], step)
        row = self.sent(execution, step) | {"message_id": message_id, "template_id": template}
        self.world.ledger.messages.append(row)
        self.emit(execution, "send_email", **({"template_id": template} if template is not None else {}))

    def sent(self, execution: Execution, step: str) -> Row:
        """What messages and webhook requests have in common."""
        return execution.ids | {"step": step, "at": self.now}


def fact_of(type_: str, name: str, **properties: Any) -> Row:
    """A follow-up fact."""
    return {"type": type_, "name": name, "properties": properties, "value": None}


def all_triggers(workflow: Row) -> Iterator[Row]:
    """Everything in a workflow that a fact can match."""
    yield from workflow["triggers"]
    yield from (workflow[key] for key in ("goal", "counted") if workflow.get(key))
    yield from workflow.get("exit_on") or ()
    programs = [
        workflow.get("actions", []),
        *(branch["actions"] for branch in workflow.get("branches") or ()),
    ]
    yield from (awaited for program in programs for awaited in awaited_in(program))


def declared_schedules(workflows: list[Row]) -> Iterator[tuple[str, int, Schedule]]:
    """Every schedule of every workflow, once, with its workflow's id and its place in the file."""
    for workflow in workflows:
        found = dict.fromkeys(map(schedule_of, all_triggers(workflow)))
        for place, schedule in enumerate(found):
            if schedule is not None:
                yield workflow["workflow_id"], place, schedule


def counted_types(workflows: list[Row], patterns: dict[str, Pattern]) -> Iterator[str]:
    """The names of the events that conditions and patterns in use count."""
    named, looked_up = texts_under("pattern", workflows), texts_under("attribute", workflows)
    for name, pattern in patterns.items():
        if name in named or not looked_up.isdisjoint({f"pattern.{name}", f"pattern.{name}.score"}):
            yield from pattern.types
    yield from (found.window.type for found in map(counted, looked_up) if found)


def texts_under(key: str, given: Any) -> set[str]:
    """Every text under a key, however deep."""
    if isinstance(given, list):
        return set().union(*(texts_under(key, one) for one in given))
    if not isinstance(given, dict):
        return set()
    own = {given[key]} if isinstance(given.get(key), str) else set()
    return own.union(*(texts_under(key, one) for one in given.values()))


def awaited_in(actions: list[Row]) -> Iterator[Row]:
    """What the waits of a program, nested paths included, wait for."""
    for action in actions:
        config = action["config"]
        if action["type"] == "wait_for_event":
            yield {"type": config.get("type", "behavioral"), "config": config["event"]}
        for path in paths_of(action).values():
            yield from awaited_in(path)


def paths_of(action: Row) -> dict[str, list[Row]]:
    """The paths of an action, beside its config or inside it."""
    found: dict[str, list[Row]] = action.get("paths") or action["config"].get("paths") or {}
    return found

"""semantics.md again, as a program: one customer at a time, one fact at a time, in plain Python.

Read it beside semantics.md; each function names the section it restates. It is the yardstick of the engine,
for what is right and for speed, and shares no code with it. §7 (schedules) and §8 (patterns) are not here
yet: they are only more facts, of rank 2 and 1, between events and follow-up facts in `Customer.advance`.

An execution is a coroutine (`Customer.run`): it yields the instant at which its next step is due and is
resumed then.
"""

from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from tests.cases import Case, Result, Row
from tests.oracle_values import (
    bucket,
    duration,
    duration_of,
    equals,
    holds,
    identity,
    listens,
    matches,
    microseconds,
    property_of,
    same,
)

Course = Generator[datetime | None, Literal["event"] | None, None]
"""Yields when the next step is due (None: never); gets "event" if an awaited fact came first."""

BEFORE_ALL_TIME = datetime.min.replace(tzinfo=UTC)
AFTER_ALL_TIME = datetime.max.replace(tzinfo=UTC)


class Ended(Exception):  # noqa: N818
    """Raised inside an execution's course to end it before its last step."""


def decide(case: Case) -> Result:
    """All of the case in one tick."""
    return decide_ticks(case, [(case.end, case.events)], max_future=timedelta.max)


def decide_ticks(
    case: Case,
    ticks: Iterable[tuple[datetime, list[Row]]],
    max_lateness: timedelta = timedelta(days=7),
    max_future: timedelta = timedelta(days=1),
) -> Result:
    """One tick after another, each with the events loaded for it; `case` without its events and end."""
    world = World(case)
    log = EventLog(max_lateness, max_future, world.counts)
    previous = None
    for now, loaded in ticks:
        arrivals = log.due(previous, now, loaded)
        world.tick(arrivals, now)
        previous = now
    return world.result()


@dataclass(slots=True)
class Arrival:
    """An event and the instant it acts at: its own `ts`, or for a late one where its tick starts (§4)."""

    at: datetime
    event: Row
    too_late: bool

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """§3, §4: events of one instant go by id, late ones by their own time first."""
        return self.at, self.event["ts"], self.event["event_id"]


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
        self.counts: Counter[str] = Counter(unknown_customer=0)
        self.executions: list[Execution] = []
        self.ledger = Result()
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

    def find_heard(self, type_: str, name: str) -> bool:
        """Whether any trigger, goal, exit or wait could match."""
        return any(listens(t, type_, name) for workflow in self.workflows for t in all_triggers(workflow))

    def tick(self, arrivals: Iterable[Arrival], now: datetime) -> None:
        """Every customer's share of the arrivals, customer by customer (§1.2)."""
        shares: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            event = arrival.event
            customer = self.customer(event["customer_id"])
            acts = not arrival.too_late and event["ts"] >= self.start
            if acts and not customer.is_known(arrival.at):
                self.counts["unknown_customer"] += 1
            updates = event["type"] == "attribute_change" or event["attributes"]
            if updates or (acts and self.is_heard(event["type"], event["name"])):
                shares.setdefault(customer.customer_id, []).append(arrival)
        for customer in self.customers.values():
            share = shares.get(customer.customer_id)
            if share or customer.running:
                customer.advance(deque(sorted(share or (), key=lambda arrival: arrival.order)), now)

    def customer(self, customer_id: str) -> "Customer":
        """The customer, made up without a profile row where an event is the first we hear of them."""
        if customer_id not in self.customers:
            self.customers[customer_id] = Customer(self, customer_id, None)
        return self.customers[customer_id]

    def result(self) -> Result:
        """The tables as they stand."""
        self.ledger.executions = [execution.row() for execution in self.executions]
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
    awaited: Row | None = None
    due: datetime | None = None
    course: Course | None = None

    def row(self) -> Row:
        """The row of the table."""
        rest = {"status": self.status, "ended_at": self.ended_at, "converted_at": self.converted_at}
        return self.ids | rest


class Customer:
    """One customer: profile, running executions, and the facts still to be processed."""

    def __init__(self, world: World, customer_id: str, row: Row | None) -> None:
        self.world = world
        self.customer_id = customer_id
        self.known_from = AFTER_ALL_TIME if row is None else row["created_at"] or BEFORE_ALL_TIME
        given = row["attributes"] if row else {}
        self.attributes = {name: value for name, value in given.items() if value is not None}
        self.tags = set(row["tags"]) if row else set()
        self.set_at: dict[str, datetime] = {}
        self.now = BEFORE_ALL_TIME
        self.follow_ups: deque[Row] = deque()
        self.running: dict[str, Execution] = {}
        self.entered: dict[str, datetime] = {}
        self.accepted: list[datetime] = []

    def is_known(self, instant: datetime) -> bool:
        """§4: has a profile row created by then."""
        return self.known_from <= instant

    def profile(self) -> Row:
        """The row of the table."""
        return {"attributes": self.attributes, "tags": sorted(self.tags)}

    # §3 Facts and their order

    def advance(self, arrivals: deque[Arrival], until: datetime) -> None:
        """Processes every fact and due step up to and including `until`, by (time, rank, tie)."""
        while True:
            order = [(arrivals[0].at, 0, "")] if arrivals else []
            order += [(self.now, 3, "")] if self.follow_ups else []
            order += [(e.due, 4, id_) for id_, e in self.running.items() if e.due is not None]
            if not order:
                return
            instant, rank, workflow_id = min(order)
            if instant > until:
                return
            self.now = instant
            if rank == 0:
                self.process_event(arrivals.popleft())
            elif rank == 3:
                self.process_fact(self.follow_ups.popleft())
            else:
                self.resume(self.running[workflow_id])

    # §4 Events

    def process_event(self, arrival: Arrival) -> None:
        """Profile, executions, triggers; history and what comes too late only update the profile."""
        event = arrival.event
        acts = not arrival.too_late and event["ts"] >= self.world.start
        if event["type"] == "attribute_change":
            self.write(event["name"], event["properties"].get("new_value"), event["ts"])
        for attribute, value in sorted((event["attributes"] or {}).items()):
            change = self.write(attribute, value, event["ts"])
            if acts and change:
                self.cause(change)
        if acts:
            self.process_fact(event)

    def write(self, attribute: str, value: Any, ts: datetime) -> Row | None:
        """Sets an attribute (null removes it) unless set later than `ts`; returns a real change."""
        if self.set_at.get(attribute, BEFORE_ALL_TIME) > ts:
            return None
        self.set_at[attribute] = ts
        old = self.attributes.pop(attribute, None)
        if value is not None:
            self.attributes[attribute] = value
        if same(old, value):
            return None
        return fact_of("attribute_change", attribute, old_value=old, new_value=value)

    def process_fact(self, fact: Row) -> None:
        """Running executions react, then triggers are evaluated; both in workflow-id order."""
        for workflow_id in sorted(self.running):
            self.react(self.running[workflow_id], fact)
        if self.is_known(self.now):
            for workflow in self.world.entered_by(fact["type"], fact["name"]):
                if any(self.fires(trigger, fact, None) for trigger in workflow["triggers"]):
                    self.enter(workflow, fact)

    def cause(self, fact: Row) -> None:
        """Queues a follow-up fact; one that nobody listens to is as good as processed."""
        if self.world.is_heard(fact["type"], fact["name"]):
            self.follow_ups.append(fact)

    # §5 Conditions

    def all_hold(self, conditions: Iterable[Row] | Row, fact: Row, decision: str | None) -> bool:
        """One condition, or a list of them as an AND."""
        listed = [conditions] if isinstance(conditions, dict) else conditions
        return all(
            holds(c.get("operator", "equals"), self.look_up(c["attribute"], fact, decision), c.get("value"))
            for c in listed
        )

    def look_up(self, attribute: str, fact: Row, decision: str | None) -> Any:
        """What a condition's `attribute` stands for."""
        if attribute == "tags":
            return sorted(self.tags)
        if attribute == "execution.decision":
            return decision
        if attribute.startswith("event."):
            return property_of(fact, attribute.removeprefix("event."))
        return self.attributes.get(attribute)

    # §6 Triggers and entry

    def fires(self, trigger: Row, fact: Row, decision: str | None) -> bool:
        """A trigger (or goal, or exit) matches the fact and its conditions hold."""
        return matches(trigger, fact) and self.all_hold(trigger.get("conditions", ()), fact, decision)

    def enter(self, workflow: Row, fact: Row) -> None:
        """Entry: refused, held out, or started in the first branch that holds."""
        workflow_id = workflow["workflow_id"]
        if reason := self.refusal(workflow):
            ids = {"workflow_id": workflow_id, "customer_id": self.customer_id}
            self.world.ledger.refusals.append(ids | {"at": self.now, "reason": reason})
            return
        self.entered[workflow_id] = self.now
        held_out = bucket("holdout", workflow_id, self.customer_id) < workflow.get("holdout", 0)
        branch, actions = (None, []) if held_out else self.choose_branch(workflow, fact)
        execution = Execution(workflow, self.identify(workflow_id, branch), fact)
        self.world.executions.append(execution)
        if held_out:
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
            case "send_email":
                return self.send_email(execution, step, config)
            case "add_tag":
                self.tags.add(config["tag"])
                self.emit(execution, "add_tag", tag=config["tag"])
            case "remove_tag":
                self.tags.discard(config["tag"])
                self.emit(execution, "remove_tag", tag=config["tag"])
            case "update_attribute":
                if change := self.write(config["attribute"], config["value"], self.now):
                    self.cause(change)
            case "trigger_webhook":
                self.world.ledger.webhooks.append(self.sent(execution, step) | {"url": config["url"]})
                self.emit(execution, "trigger_webhook")
            case "branch_decision":
                execution.decision = self.decide_branch(execution, config["criteria"])
                return execution.decision
            case "random_split":
                execution.decision = self.split(execution, step, config["weights"])
                return execution.decision
        return "done"

    def decide_branch(self, execution: Execution, criteria: Row) -> str:
        """The first criterion that holds."""
        for name, conditions in criteria.items():
            if self.all_hold(conditions, execution.fact, execution.decision):
                return name
        return "default"

    def split(self, execution: Execution, step: str, weights: dict[str, float]) -> str:
        """Cumulative weights in file order against the customer's bucket."""
        point = bucket("split", execution.workflow["workflow_id"], step, self.customer_id)
        total = 0.0
        for name, weight in weights.items():
            total += weight
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
        if goal and execution.converted_at is None and self.fires(goal, fact, execution.decision):
            execution.converted_at = self.now
            if goal.get("exit", True):
                self.end(execution, "converted")
                return
            self.emit(execution, "converted")
        exits = execution.workflow.get("exit_on") or ()
        if any(self.fires(trigger, fact, execution.decision) for trigger in exits):
            self.end(execution, "exited")
        elif execution.awaited and matches(execution.awaited, fact):
            self.resume(execution, "event")

    # §11 Gates of a send

    def send_email(self, execution: Execution, step: str, config: Row) -> str:
        """A message, unless a gate is shut."""
        transactional = execution.workflow.get("transactional", False)
        if not transactional:
            if equals(self.attributes.get("email_consent"), False) or equals(
                self.attributes.get("subscription_status"), "unsubscribed"
            ):
                return "suppressed:consent"
            if any(self.accepted_within(window) >= limit for limit, window in self.world.caps):
                return "suppressed:frequency_cap"
            self.accepted.append(self.now)
        template = config.get("template_id")
        message_id = identity(execution.ids["execution_id"], step)
        row = self.sent(execution, step) | {"message_id": message_id, "template_id": template}
        self.world.ledger.messages.append(row)
        self.emit(execution, "send_email", **({"template_id": template} if template is not None else {}))
        return "done"

    def accepted_within(self, window: timedelta) -> int:
        """§2, §11: messages accepted in the window ending now."""
        return sum(self.now - accepted < window for accepted in self.accepted)

    def sent(self, execution: Execution, step: str) -> Row:
        """What messages and webhook requests have in common."""
        return execution.ids | {"step": step, "at": self.now}


def fact_of(type_: str, name: str, **properties: Any) -> Row:
    """A follow-up fact."""
    return {"type": type_, "name": name, "properties": properties, "value": None}


def all_triggers(workflow: Row) -> Iterator[Row]:
    """Everything in a workflow that a fact can match."""
    yield from workflow["triggers"]
    yield from workflow.get("exit_on") or ()
    if workflow.get("goal"):
        yield workflow["goal"]
    programs = [
        workflow.get("actions", []),
        *(branch["actions"] for branch in workflow.get("branches") or ()),
    ]
    yield from (awaited for program in programs for awaited in awaited_in(program))


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

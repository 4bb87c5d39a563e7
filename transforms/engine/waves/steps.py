"""What a due step does (semantics.md §9), for all executions that stand at it."""

import numpy as np

from transforms.columns.arrays import LAST_INSTANT, NEVER, Array, Ints
from transforms.columns.growing import Log
from transforms.columns.ids import draw
from transforms.engine.lanes.lookups import values_at
from transforms.engine.lanes.memory import DELAYED, DUE, WAITING, Lanes
from transforms.engine.waves.due import Due
from transforms.engine.waves.executions import (
    fail,
    finish,
    go_on,
    log,
    move,
    postpone,
    take_path,
    take_variant,
)
from transforms.engine.waves.follow_ups import emit_action
from transforms.engine.waves.profiles import count_messages, set_attributes, set_tag, tell_changes
from transforms.engine.waves.queue import armed_for, come_due, rearm
from transforms.engine.waves.send_gates import judge
from transforms.program.model import Step


def take_step(lanes: Lanes, step: Step, rows: Ints) -> None:
    """A step is due for customers `rows`."""
    due = Due(lanes, lanes.tick.flow_of(step), step, rows)
    come_due(lanes, due.flow.slot, rows)
    if step.action is None:
        finish(lanes, due.flow, rows, "completed")
        return
    _act(_ready(due))
    if due.flow.end in (step.next, *step.targets.values()):
        _complete(due)


def _complete(due: Due) -> None:
    """Complete at once who has arrived at the end now, if no fact can come between (§9: due again at t)."""
    lanes, stand, rows = due.lanes, due.stand, due.rows
    arrived = (stand.step[rows] == due.flow.end) & (stand.due[rows] == due.now) & (lanes.queue.head[rows] < 0)
    finish(lanes, due.flow, rows[arrived], "completed")


def _ready(due: Due) -> Due:
    """Who is to act now: those whose delay is over, and those who begin and have none; a time-out takes its path."""
    phase = due.stand.phase[due.rows]
    if (phase == DUE).all():
        return _begin(due)
    take_path(due.only(phase == WAITING), "timeout")
    ready = _begin(due.only(phase == DUE))
    return due.of(np.concatenate([due.rows[phase == DELAYED], ready.rows]))


def _begin(due: Due) -> Due:
    """Conditions, then the delay; returns those that act at once."""
    if due.step.checks:
        if due.lanes.observer:
            due.lanes.observer.asks(due.lanes, due.step, due.rows)
        go = due.holds(due.step.checks)
        log(due.only(~go), "skipped")
        go_on(due.only(~go))
        due = due.only(go)
    if due.step.delay == 0:
        return due
    _due_later(due, due.step.delay, DELAYED)
    return due.of(due.rows[:0])


def _due_later(due: Due, after: int, phase: int) -> Due:
    """The same step is due again after `after` µs, in `phase`; returns those for whom that is an instant."""
    possible = due.now <= LAST_INSTANT - after
    fail(due.only(~possible), "failed:out_of_range")
    later = due.only(possible)
    postpone(later, phase, later.now + after)
    return later


def _act(due: Due) -> None:
    if not due.rows.size:
        return
    match due.step.action_type:
        case "send_email":
            _send(due)
        case "wait":
            _wait(due)
        case "add_tag" | "remove_tag":
            _tag(due)
        case "update_attribute":
            _update(due)
        case "trigger_webhook":
            _call(due)
        case "branch_decision":
            _branch(due)
        case "random_split":
            _split(due)
        case "wait_for_event":
            _await(due)
        case "end_workflow":
            log(due, "done")
            finish(due.lanes, due.flow, due.rows, "completed")


def _done(due: Due) -> None:
    log(due, "done")
    go_on(due)


def _send(due: Due) -> None:
    sent = _pass_gates(due)
    _queue(sent.lanes.ledgers.messages, sent)
    _done(sent)
    template = sent.lanes.tick.literals[sent.step.value]
    emit_action(sent.lanes, sent.rows, sent.flow, "send_email", template_id=template)


def _call(due: Due) -> None:
    called = due if due.step.channel is None else _pass_gates(due)
    _queue(called.lanes.ledgers.webhooks, called)
    _done(called)
    emit_action(called.lanes, called.rows, called.flow, "trigger_webhook")


def _pass_gates(due: Due) -> Due:
    """Who may be sent a message now, counted for the caps; the others go on without, or come back when they may."""
    judged = judge(due)
    _count(judged.sent)
    for outcome, refused in judged.refused.items():
        log(refused, outcome)
        go_on(refused)
    for outcome, (deferred, until) in judged.deferred.items():
        log(deferred, outcome)
        postpone(deferred, DELAYED, until)
    return judged.sent


def _count(sent: Due) -> None:
    """Transactional messages aren't counted (§11)."""
    workflow = sent.flow.workflow
    if not workflow.transactional:
        count_messages(sent.lanes, sent.rows, sent.step.channel, workflow.message_class)


def _queue(ledger: Log, due: Due) -> None:
    ledger.append(due.rows.size, execution=due.executions, step=due.step.index, at=due.now)


def _wait(due: Due) -> None:
    after = due.step.duration or 0
    waiting = _due_later(due, after, WAITING)
    log(waiting, "done")
    move(waiting, due.step.next, waiting.now + after)


def _tag(due: Due) -> None:
    lanes, action = due.lanes, due.step.action_type
    set_tag(lanes, due.rows, due.step.column, has=action == "add_tag")
    _done(due)
    emit_action(lanes, due.rows, due.flow, action, tag=lanes.tick.literals[due.step.value])


def _update(due: Due) -> None:
    lanes, rows = due.lanes, due.rows
    attribute = np.full(rows.size, due.step.column)
    code = _value(due)
    armed = armed_for(lanes, rows)
    before, changed = set_attributes(lanes, rows, attribute, code, due.now)
    rearm(lanes, rows, armed, by_event=False)
    _done(due)
    tell_changes(lanes, rows[changed], attribute[changed], before[changed], code[changed])


def _value(due: Due) -> Array:
    """The value that a step sets: of the program, or of the fact that started the execution."""
    lanes, start = due.lanes, due.step.start
    if start is None:
        return np.full(due.rows.size, lanes.tick.literals[due.step.value])
    contexts = due.stand.context[due.rows]
    return values_at(lanes.facts["codes"], contexts, start, lanes.tick.inside)


def _branch(due: Due) -> None:
    if due.lanes.observer:
        due.lanes.observer.chooses(due.lanes, due.step, due.rows)
    for name, checks in (*due.step.criteria, ("default", ())):
        chosen = due.holds(checks)
        take_path(due.only(chosen), name)
        due = due.only(~chosen)


def _split(due: Due) -> None:
    customers = due.lanes.customers[due.rows]
    drawn = draw("split", due.flow.workflow.workflow_id, due.step.name, customers=customers)
    bounds = np.cumsum([weight for _, weight in due.step.weights])[:-1]
    chosen = np.searchsorted(bounds, drawn, side="right")
    for index, (name, _) in enumerate(due.step.weights):
        take_variant(due.only(chosen == index), name)


def _await(due: Due) -> None:
    if due.step.duration is None:
        waiting = due
        postpone(waiting, WAITING, NEVER)
    else:
        waiting = _due_later(due, due.step.duration, WAITING)
    log(waiting, "waiting")

"""What a due step does (semantics.md §9), for all executions that stand at it."""

import numpy as np

from transforms.columns.arrays import LAST_INSTANT, NEVER, Ints
from transforms.columns.ids import draw
from transforms.engine.lanes.alarms import attributes_changed
from transforms.engine.lanes.checks import holds
from transforms.engine.lanes.memory import DELAYED, DUE, WAITING, Lanes
from transforms.engine.waves.executions import fail, finish, log, move, take_path
from transforms.engine.waves.follow_ups import emit_action
from transforms.engine.waves.profiles import set_attributes, tell_changes
from transforms.engine.waves.send_gates import judge
from transforms.program.model import Flow, Step


def take_step(lanes: Lanes, number: int, rows: Ints) -> None:
    """Step `number` is due for customers `rows`."""
    step = lanes.program.steps[number]
    flow = lanes.program.flows[step.flow]
    lanes.clock[rows] = lanes.due[rows, flow.slot]
    if step.action is None:
        finish(lanes, flow, rows, "completed")
        return
    phase = lanes.phase[rows, flow.slot]
    _time_out(lanes, flow, step, number, rows[phase == WAITING])
    ready = _begin(lanes, flow, step, number, rows[phase == DUE])
    _act(lanes, flow, step, number, np.concatenate([rows[phase == DELAYED], ready]))
    if flow.end in (step.next, *step.targets.values()):
        _complete(lanes, flow, rows)


def _complete(lanes: Lanes, flow: Flow, rows: Ints) -> None:
    """Complete at once who has arrived at the end now, if no fact can come between (§9: due again at t)."""
    place = (rows, flow.slot)
    arrived = (
        (lanes.step[place] == flow.end) & (lanes.due[place] == lanes.clock[rows]) & (lanes.head[rows] < 0)
    )
    finish(lanes, flow, rows[arrived], "completed")


def _begin(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> Ints:
    """Conditions, then the delay; returns those that act at once."""
    if step.checks:
        facts, decision = lanes.context[rows, flow.slot], lanes.decision[rows, flow.slot]
        go = holds(lanes, step.checks, rows, facts, decision)
        log(lanes, flow, rows[~go], number, "skipped")
        move(lanes, flow.slot, rows[~go], step.next, lanes.clock[rows[~go]])
        rows = rows[go]
    if step.delay == 0:
        return rows
    _due_later(lanes, flow, number, rows, step.delay, DELAYED)
    return rows[:0]


def _due_later(lanes: Lanes, flow: Flow, number: int, rows: Ints, after: int, phase: int) -> Ints:
    """The same step is due again after `after` µs, in `phase`; returns the rows for which that is an instant."""
    possible = lanes.clock[rows] <= LAST_INSTANT - after
    fail(lanes, flow, number, rows[~possible], "failed:out_of_range")
    rows = rows[possible]
    lanes.phase[rows, flow.slot], lanes.due[rows, flow.slot] = phase, lanes.clock[rows] + after
    return rows


def _time_out(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    if rows.size:
        log(lanes, flow, rows, number, "timeout")
        take_path(lanes, flow, step, rows, "timeout")


def _act(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    match step.action_type:
        case "send_email":
            _send(lanes, flow, step, number, rows)
        case "wait":
            _wait(lanes, flow, step, number, rows)
        case "add_tag" | "remove_tag":
            _tag(lanes, flow, step, number, rows)
        case "update_attribute":
            _update(lanes, flow, step, number, rows)
        case "trigger_webhook":
            _call(lanes, flow, step, number, rows)
        case "branch_decision":
            _branch(lanes, flow, step, number, rows)
        case "random_split":
            _split(lanes, flow, step, number, rows)
        case "wait_for_event":
            _await(lanes, flow, step, number, rows)
        case "end_workflow":
            log(lanes, flow, rows, number, "done")
            finish(lanes, flow, rows, "completed")


def _done(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    log(lanes, flow, rows, number, "done")
    move(lanes, flow.slot, rows, step.next, lanes.clock[rows])


def _send(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    sent = _pass_gates(lanes, flow, step, number, rows)
    _queue(lanes, "messages", flow, number, sent)
    _done(lanes, flow, step, number, sent)
    emit_action(lanes, sent, flow, "send_email", template_id=lanes.literals[step.value])


def _call(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    if step.channel is not None:
        rows = _pass_gates(lanes, flow, step, number, rows)
    _queue(lanes, "webhooks", flow, number, rows)
    _done(lanes, flow, step, number, rows)
    emit_action(lanes, rows, flow, "trigger_webhook")


def _pass_gates(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> Ints:
    """Who may be sent a message now; the others go on without, or come back when they may."""
    judged = judge(lanes, flow, step, rows)
    for outcome, some in judged.refused.items():
        log(lanes, flow, some, number, outcome)
        move(lanes, flow.slot, some, step.next, lanes.clock[some])
    for outcome, (some, later) in judged.deferred.items():
        log(lanes, flow, some, number, outcome)
        lanes.phase[some, flow.slot], lanes.due[some, flow.slot] = DELAYED, later
    return judged.sent


def _queue(lanes: Lanes, ledger: str, flow: Flow, number: int, rows: Ints) -> None:
    executions = lanes.execution[rows, flow.slot]
    getattr(lanes.ledgers, ledger).append(len(rows), execution=executions, step=number, at=lanes.clock[rows])


def _wait(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    after = step.duration or 0
    rows = _due_later(lanes, flow, number, rows, after, WAITING)
    log(lanes, flow, rows, number, "done")
    move(lanes, flow.slot, rows, step.next, lanes.clock[rows] + after)


def _tag(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    adds = step.action_type == "add_tag"
    changes = rows[lanes.tags[rows, step.column] != adds]
    lanes.tags[changes, step.column] = adds
    lanes.tag_count[changes] += 1 if adds else -1
    lanes.ledgers.tags.append(
        len(changes), lane=changes, tag=step.column, added=adds, at=lanes.clock[changes]
    )
    _done(lanes, flow, step, number, rows)
    emit_action(lanes, rows, flow, step.action_type, tag=lanes.literals[step.value])


def _update(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    attribute = np.full(len(rows), step.column)
    code = np.full(len(rows), lanes.literals[step.value])
    before, changed = set_attributes(lanes, rows, attribute, code, lanes.clock[rows])
    attributes_changed(lanes, rows[changed], attribute[changed], by_event=False)
    _done(lanes, flow, step, number, rows)
    tell_changes(lanes, rows[changed], attribute[changed], before[changed], code[changed])


def _branch(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    facts, decision = lanes.context[rows, flow.slot], lanes.decision[rows, flow.slot]
    for name, checks in (*step.criteria, ("default", ())):
        chosen = holds(lanes, checks, rows, facts, decision)
        _conclude(lanes, flow, step, number, rows[chosen], name)
        rows, facts, decision = rows[~chosen], facts[~chosen], decision[~chosen]


def _split(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    drawn = draw("split", flow.workflow.workflow_id, step.name, customers=lanes.customers[rows])
    bounds = np.cumsum([weight for _, weight in step.weights])[:-1]
    chosen = np.searchsorted(bounds, drawn, side="right")
    for index, (name, _) in enumerate(step.weights):
        _conclude(lanes, flow, step, number, rows[chosen == index], name)


def _conclude(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints, decision: str) -> None:
    if rows.size:
        log(lanes, flow, rows, number, decision)
        take_path(lanes, flow, step, rows, decision)


def _await(lanes: Lanes, flow: Flow, step: Step, number: int, rows: Ints) -> None:
    if step.duration is None:
        lanes.phase[rows, flow.slot], lanes.due[rows, flow.slot] = WAITING, NEVER
    else:
        rows = _due_later(lanes, flow, number, rows, step.duration, WAITING)
    log(lanes, flow, rows, number, "waiting")

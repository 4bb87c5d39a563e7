"""How executions start, move on and end: in the waves the only writer of where they stand."""

import numpy as np

from transforms.columns.arrays import ALWAYS, LAST_INSTANT, NEVER, Array, Bools, Ints, places
from transforms.columns.ids import draw
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.memory import DUE, IDLE, REFUSALS, STATUSES, Lanes
from transforms.engine.waves.due import Due
from transforms.engine.waves.follow_ups import emit_action
from transforms.program.model import Flow


def enter(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints) -> None:
    """Entry of customers whose trigger and conditions hold (semantics.md §6, 1 to 5)."""
    allowed = _admitted(lanes, flow, rows)
    rows, facts = rows[allowed], facts[allowed]
    if not rows.size:
        return
    stand = lanes.executions.by_slot[flow.slot]
    stand.last_entry[rows], stand.entry_flow[rows] = lanes.queue.clock[rows], flow.index
    stand.context[rows] = facts
    branches = _branches(lanes, flow, rows, facts)
    if lanes.observer:
        lanes.observer.enters(lanes, flow, rows, facts)
    if flow.workflow.holdout:
        held_out = _held_out(lanes, flow, rows)
        _record_held_out(lanes, flow, rows[held_out], facts[held_out], branches[held_out])
        rows, facts, branches = rows[~held_out], facts[~held_out], branches[~held_out]
    _start(lanes, flow, rows, facts, branches)


def _admitted(lanes: Lanes, flow: Flow, rows: Ints) -> Ints:
    """The places of those whom re-entry allows; the others are refused (§6, 1 and 2)."""
    stand, reentry = lanes.executions.by_slot[flow.slot], flow.workflow.reentry
    now, last = lanes.queue.clock[rows], stand.last_entry[rows]
    refused = np.full(len(rows), -1)
    if reentry.policy == "once":
        refused[last != ALWAYS] = REFUSALS.index("reentry_once")
    elif reentry.policy == "after":
        refused[(last != ALWAYS) & (now - np.maximum(last, -LAST_INSTANT) < flow.reentry_after)] = (
            REFUSALS.index("reentry_after")
        )
    refused[last == now] = REFUSALS.index("same_instant")
    refused[stand.phase[rows] != IDLE] = REFUSALS.index("running")
    if (no := places(refused >= 0)).size:
        lanes.ledgers.refusals.append(no.size, flow=flow.index, lane=rows[no], at=now[no], reason=refused[no])
    return places(refused < 0)


def _held_out(lanes: Lanes, flow: Flow, rows: Ints) -> Bools:
    drawn = draw("holdout", flow.workflow.workflow_id, customers=lanes.customers[rows])
    return drawn < flow.workflow.holdout


def _record_held_out(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints, branches: Ints) -> None:
    now, status = lanes.queue.clock[rows], STATUSES.index("held_out")
    lanes.ledgers.executions.append(
        len(rows), lane=rows, flow=flow.index, entered=now, branch=branches, fact=facts,
        status=status, ended=now, converted=NEVER, step=flow.end,
    )  # fmt: skip


def _start(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints, branches: Ints) -> None:
    step = np.array([one.start for one in flow.branches])[branches]
    stand, now = lanes.executions.by_slot[flow.slot], lanes.queue.clock[rows]
    stand.execution[rows] = lanes.ledgers.executions.append(
        len(rows),
        lane=rows,
        flow=flow.index,
        entered=now,
        branch=branches,
        fact=facts,
        ended=NEVER,
        converted=NEVER,
    )
    stand.decision[rows] = stand.variant[rows] = NULL_CODE
    stand.step[rows], stand.phase[rows], stand.due[rows] = step, DUE, now
    emit_action(lanes, rows, flow, "started")


def _branches(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints) -> Ints:
    """The first branch whose conditions hold; the last one is `default`, without conditions."""
    taken = np.full(len(rows), len(flow.branches) - 1)
    asked = Asked(rows, facts, NULL_CODE, lanes.queue.clock[rows])
    for number, branch in reversed(list(enumerate(flow.branches[:-1]))):
        taken[holds(lanes, branch.checks, asked)] = number
    return taken


def convert(lanes: Lanes, flow: Flow, rows: Ints) -> None:
    """The goal was reached: `converted_at` is set once, then the execution ends unless `exit: false` (§10)."""
    executions = lanes.executions.by_slot[flow.slot].execution[rows]
    converted = lanes.ledgers.executions["converted"]
    first = converted[executions] == NEVER
    converted[executions[first]] = lanes.queue.clock[rows[first]]
    if flow.workflow.goal and flow.workflow.goal.exit:
        finish(lanes, flow, rows, "converted")
    else:
        emit_action(lanes, rows[first], flow, "converted")


def finish(lanes: Lanes, flow: Flow, rows: Ints, status: str) -> None:
    """End executions of `flow` now; where they stood, and what they had decided, is kept."""
    if not rows.size:
        return
    stand, ledger = lanes.executions.by_slot[flow.slot], lanes.ledgers.executions
    executions = stand.execution[rows]
    ledger["status"][executions] = STATUSES.index(status)
    ledger["ended"][executions] = lanes.queue.clock[rows]
    for name in ("step", "phase", "decision", "variant"):
        ledger[name][executions] = getattr(stand, name)[rows]
    stand.phase[rows], stand.due[rows] = IDLE, NEVER
    emit_action(lanes, rows, flow, status)


def move(due: Due, step: Array | int, at: Ints) -> None:
    """Executions go on: `step` is due at `at`."""
    stand, rows = due.stand, due.rows
    stand.step[rows], stand.phase[rows], stand.due[rows] = step, DUE, at


def go_on(due: Due) -> None:
    """Executions go on to the step after, which is due at once."""
    move(due, due.step.next, due.now)


def postpone(due: Due, phase: int, until: Array | int) -> None:
    """The same step is due again at `until`, in another phase."""
    stand, rows = due.stand, due.rows
    stand.phase[rows], stand.due[rows] = phase, until


def log(due: Due, outcome: str) -> None:
    """A row of the step ledger for each execution, at its customer's present instant."""
    if not due.rows.size:
        return
    outcomes = due.lanes.outcomes
    if outcome not in outcomes:
        outcomes.append(outcome)
    due.lanes.ledgers.steps.append(
        due.rows.size,
        execution=due.executions,
        step=due.step.index,
        at=due.now,
        outcome=outcomes.index(outcome),
    )


def take_path(due: Due, decision: str) -> None:
    """Executions log `decision` and take it: its path if there is one, else the step after."""
    if due.rows.size:
        log(due, decision)
        due.stand.decision[due.rows] = due.lanes.tick.code(decision)
        move(due, due.step.targets.get(decision, due.step.next), due.now)


def take_variant(due: Due, variant: str) -> None:
    """Executions take the path that a random split chose for them."""
    if due.rows.size:
        due.stand.variant[due.rows] = due.lanes.tick.code(variant)
        take_path(due, variant)


def fail(due: Due, outcome: str) -> None:
    """One execution each fails at its step; nothing else is touched."""
    log(due, outcome)
    finish(due.lanes, due.flow, due.rows, "failed")

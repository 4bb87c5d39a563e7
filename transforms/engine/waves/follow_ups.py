"""Follow-up facts (rank 3 of semantics.md §3): caused at an instant, seen before the next due step."""

from typing import Any

import numpy as np

from transforms.columns.arrays import Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import match_codes
from transforms.engine.lanes.memory import Lanes
from transforms.engine.waves.queue import enqueue
from transforms.program.model import Flow


def emit(lanes: Lanes, rows: Ints, fact_type: str, name: str, **properties: Any) -> None:
    """Queue a follow-up fact (rank 3) at their present instant for customers `rows`, if any workflow can see it.

    `properties` are value codes, one each or one for all.
    """
    matchers = lanes.matchers_of(fact_type, name)
    if not matchers or not len(rows):
        return
    codes = np.full((len(rows), len(lanes.tick.program.properties)), NULL_CODE, np.int32)
    for key, value in properties.items():
        codes[:, lanes.tick.program.properties.index(key)] = value
    tick = lanes.tick
    match = match_codes(tick.program, tick.truth, tick.inside, codes, matchers)
    matters = match.any(axis=1)
    lanes.processed += int(matters.sum())  # all are taken before the tick ends
    seen = matters | (lanes.observer is not None)
    kind = kind_of(lanes, fact_type, name)
    told = lanes.tick.names.get(name, NULL_CODE)
    facts = lanes.facts.append(
        int(seen.sum()), codes=codes[seen], match=match[seen], next=-1, kind=kind, name=told
    )
    enqueue(lanes, rows[seen], facts)


def emit_action(lanes: Lanes, rows: Ints, flow: Flow, name: str, **properties: Any) -> None:
    """Queue a `workflow_action` fact of an execution of `flow`."""
    if rows.size and lanes.matchers_of("workflow_action", name):
        workflow = lanes.tick.code(flow.workflow.workflow_id)
        emit(lanes, rows, "workflow_action", name, workflow_id=workflow, **properties)


def kind_of(lanes: Lanes, fact_type: str, name: str) -> int:
    """The number of a kind of facts that the engine makes itself."""
    if (fact_type, name) not in lanes.kinds:
        lanes.kinds.append((fact_type, name))
    return lanes.kinds.index((fact_type, name))

"""Cases told: what `onward explain` says of a customer, without a store."""

import json
from datetime import datetime
from typing import Any

from tests.engine import interface
from tests.semantics.cases import Case, Row
from transforms.answers.account import Account, Stored
from transforms.answers.explain import explain
from transforms.answers.sentences import instant
from transforms.engine.recorder import Recorder
from transforms.program.steps import listed_steps

_MESSAGE = {"status": "sent", "status_reason": None, "sent_at": None, "subject": None}


def account_of(case: Case, customer: str, since: datetime | None = None) -> Account:
    """The rows and the record of a customer; the workflows are there since `since`."""
    recorder, program = Recorder(customer), interface.program_of(case)
    result = interface.decide(case, (), recorder)

    def own(rows: list[Row]) -> list[Row]:
        return [one for one in rows if one["customer_id"] == customer]

    versions = [
        {
            "workflow_id": one.workflow.workflow_id,
            "version": one.version,
            "number": 1,
            "workflow_name": one.workflow.workflow_name,
            "since": since,
        }
        for one in program.flows
    ]
    stored = Stored(
        events=[
            {**one, "at": one["ts"], "properties": json.dumps(one["properties"])}
            for one in sorted(own(case.events), key=lambda one: one["ts"])
        ],
        executions=own(result.executions),
        steps=own(result.steps),
        messages=[{**one, **_MESSAGE} for one in own(result.messages)],
        webhooks=[{**one, **_MESSAGE} for one in own(result.webhooks)],
        entry_refusals=own(result.refusals),
        goal_hits=own(result.goal_hits),
        program_steps=listed_steps(program),
        versions=versions,
    )
    return Account(customer, stored, program, recorder.record)


def told(case: Case, workflow_id: str | None = None, **given: Any) -> list[str]:
    """Every sentence of Ann's timeline, reasons indented, then of what was never entered."""
    found = explain(account_of(case, "ann", **given), workflow_id)
    lines = [
        line
        for one in found.timeline
        for line in (f"{instant(one.at)} {one.said}", *(f"  {why}" for why in one.because))
    ]
    return [
        *lines,
        *(line for one in found.why_not for line in (one.said, *(f"  {why}" for why in one.because))),
    ]

"""Which events a program sees, and which customers a tick looks at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from tests.engine.interface import event_frame
from transforms.definitions.workflow import Workflow
from transforms.engine.layout.reach import active_customers
from transforms.engine.state import State, Tick, empty_state
from transforms.program.compile import compile_program
from transforms.tables.frames import ATTRIBUTES, EXECUTIONS

NOW = datetime(2024, 3, 1, tzinfo=UTC)
MAIL = {"type": "send_email", "config": {"template_id": "hello", "subject": "Hello", "content": "Hello."}}
BIRTHDAY = compile_program(
    [
        Workflow.model_validate(
            {
                "workflow_id": "birthday",
                "workflow_name": "Birthday",
                "triggers": [
                    {"type": "time_based", "config": {"attribute": "birthday"}},
                    {"type": "behavioral", "config": {"action": "purchase"}},
                    {"type": "attribute_change", "config": {}},
                ],
                "actions": [MAIL],
            }
        )
    ]
)
TICK = Tick(NOW, NOW - timedelta(hours=1))


def active(state: State) -> list[str]:
    return active_customers(BIRTHDAY, state, event_frame([], BIRTHDAY), TICK).sort().to_list()


def with_birthdays(**values: str | None) -> State:
    rows = [{"customer_id": one, "attribute": "birthday", "value": text} for one, text in values.items()]
    return replace(empty_state(), attributes=pl.DataFrame(rows, schema=ATTRIBUTES))


def test_a_program_sees_events_by_name_or_all_of_a_type() -> None:
    assert "purchase" in BIRTHDAY.sees.names
    assert BIRTHDAY.sees.types == ("attribute_change",)


def test_a_date_that_was_never_looked_at_is_looked_at_and_a_null_is_none() -> None:
    assert active(with_birthdays(a='"2024-03-01"', b="null", c=None)) == ["a"]


def test_who_has_a_step_due_is_active_unless_it_is_paused() -> None:
    rows = [
        {"customer_id": one, "workflow_id": "birthday", "status": status, "due_at": due}
        for one, status, due in (
            ("due", "running", NOW),
            ("later", "running", NOW + timedelta(seconds=1)),
            ("paused", "paused", NOW),
        )
    ]
    state = replace(empty_state(), executions=pl.DataFrame(rows, schema=EXECUTIONS))
    assert active(state) == ["due"]

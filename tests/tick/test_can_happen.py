"""Whether a tick decides at all: a step that is due, a pattern or schedule of now or of an execution's version."""

from pathlib import Path

from flows.decide.can_happen import can_happen
from flows.store.opening import open_store
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, tag, wait, workflow
from transforms.definitions.workflow import Workflow

DAILY: Row = {"type": "time_based", "config": {"cron": "0 9 * * *"}}


def happens(home: House, minute: int, *workflows: Row) -> bool:
    with open_store(home.settings) as store:
        return can_happen(store.state, [Workflow.model_validate(one) for one in workflows], None, at(minute))


def test_nothing_happens_before_a_step_is_due(tmp_path: Path) -> None:
    waits = workflow(wait("1h"), tag("t"))
    home = house(tmp_path, waits)
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    assert not happens(home, 64, waits)
    assert happens(home, 65, waits)


def test_schedules_count_while_their_version_is_current_or_an_execution_is_on_it(tmp_path: Path) -> None:
    plain, scheduled = workflow(tag("t")), workflow(wait("1h"), exit_on=[DAILY])
    home = house(tmp_path, scheduled)
    home.customers("people", person("ann"))
    home.tick(at(0))
    assert happens(home, 1, scheduled)
    assert not happens(home, 1, plain)
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    assert happens(home, 11, plain)

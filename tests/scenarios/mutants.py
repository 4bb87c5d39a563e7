"""Workflow files with one thing left out, each of which a good set of tests finds."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from flows.definitions.folder import Definitions
from flows.definitions.scenarios import load_scenarios
from flows.scenarios.cases import cases_of
from flows.scenarios.run import Against, places_of_tests, run_cases
from flows.scenarios.staging import stage_cases
from flows.settings import Settings
from flows.warehouse import connect
from transforms.definitions.workflow import Workflow

LISTS = ("actions", "conditions", "exit_on", "branches", "triggers")
KEYS = ("goal", "reentry", "holdout", "delay", "delay_seconds")
"""Beside actions, conditions and waits, what else decides who gets what and when."""
OWN_KEYS = ("action", "source", "attribute", "trigger_time")

Spot = tuple[str | int, ...]


def declared(file: Path) -> Any:
    """What a workflow's file says."""
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


def spots(value: Any, path: Spot = ()) -> Iterator[Spot]:
    """Where something can be left out: any action, condition or wait, at any depth, and the like."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from spots(one, (*path, index))
        return
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        here = (*path, key)
        if isinstance(one, list) and (key in LISTS or path[-1:] == ("paths",)):
            yield from ((*here, index) for index in range(len(one)))
        if (key in KEYS and one) or (path[-1:] == ("criteria",)) or _narrows(value, path, key):
            yield here
        yield from spots(one, here)


def _narrows(config: dict[str, Any], path: Spot, key: str) -> bool:
    """Whether a key of an event that is looked for keeps some events out."""
    return (
        path[-1:] in (("config",), ("event",))
        and any(one in config for one in OWN_KEYS)
        and key not in OWN_KEYS
    )


def without(workflow: Any, spot: Spot) -> Any:
    """The workflow without what stands at a spot."""
    mutant = copy.deepcopy(workflow)
    inner = mutant
    for part in spot[:-1]:
        inner = inner[part]
    del inner[spot[-1]]
    return mutant


def undetected(house: Path, name: str) -> tuple[int, list[Spot]]:
    """How many mutants of a workflow are valid workflows, and which of these its file of tests doesn't notice.

    Args:
        house: a folder with `workflows`, `templates`, `content`, `tests`.
        name: of the workflow, its file and its file of tests.
    """
    workflow = declared(house / "workflows" / f"{name}.yaml")
    tests, places = places_of_tests(house / "tests" / f"{name}.yaml", Settings())
    read, faults = load_scenarios(tests, [name])
    assert not faults
    cases = [case for one in read for case in cases_of(one)]
    valid = {spot: one for spot in spots(workflow) if (one := as_workflow(without(workflow, spot)))}
    with connect(threads=1) as con:
        staged = stage_cases(con, cases)

        def passes(one: Workflow) -> bool:
            against = Against.of(Definitions((one,)), places, Settings())
            return not any(test.differences for test in run_cases(con, cases, staged, against))

        assert passes(Workflow.model_validate(workflow))
        return len(valid), [spot for spot, one in valid.items() if passes(one)]


def as_workflow(mutant: Any) -> Workflow | None:
    """The workflow, unless what was left out made it invalid: `onward validate` finds that."""
    try:
        return Workflow.model_validate(mutant)
    except ValidationError:
        return None

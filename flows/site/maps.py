"""A workflow's map without numbers: what may follow what, from its definition alone."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from transforms.answers.journey_map import (
    LETTER,
    Branch,
    Line,
    Node,
    Step,
    curve,
    journey_map,
)  # fmt: skip
from transforms.definitions.told import conditions_told
from transforms.definitions.told_actions import action_told
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Action, BranchDecision, EndWorkflow, Workflow
from transforms.program.steps import choices, label
from transforms.timing.durations import spoken

LETTERS = 20
"""How much of a label has room in a box; the rest is told where the step is clicked."""
SMALL_LETTERS = 27
"""The same of what is written smaller."""
_Steps = dict[tuple[str, str], Action]


def map_of(workflow: Workflow) -> dict[str, Any]:
    """What a page draws of a workflow, by the names of its template; every branch, also one without steps."""
    steps: _Steps = {(branch, name): action for branch, name, action in named_steps(workflow)}
    branches = [*(one.name for one in workflow.branches), "default"]
    laid = journey_map([Branch(one, 0, _steps(steps, one)) for one in branches])
    ends = {"converted": bool(workflow.goal and workflow.goal.exit), "exited": bool(workflow.exit_on)}
    return {
        "width": laid.width,
        "height": laid.height,
        "lines": [_line(one, steps, workflow) for one in laid.lines if not _has_ended(one, steps)],
        "steps": [
            _step(one, steps[one.branch, one.name])
            for one in laid.nodes
            if one.kind == "step" and one.branch is not None
        ],
        "ends": [
            asdict(one)
            for one in laid.nodes
            if one.kind != "step" and ends.get(one.name, one.name in ("entry", "completed"))
        ],
    }


def _steps(steps: _Steps, branch: str) -> list[Step]:
    return [
        Step(name, choices(action.type, label(action)))
        for (of, name), action in steps.items()
        if of == branch
    ]


def _has_ended(line: Line, steps: _Steps) -> bool:
    """Whether a line would lead on from where an execution ends."""
    return line.branch is not None and isinstance(steps.get((line.branch, line.source)), EndWorkflow)


def _line(line: Line, steps: _Steps, workflow: Workflow) -> dict[str, Any]:
    short = _short(line.name or "", LETTERS)
    return {
        **asdict(line),
        "drawn": curve(line.points),
        "short": short,
        "sign": LETTER * len(short) + 18,
        "when": "; ".join(_when(line, steps, workflow)) if line.name else "",
    }


def _when(line: Line, steps: _Steps, workflow: Workflow) -> Iterator[str]:
    """Under which conditions customers go this way, as far as conditions decide."""
    action = None if line.branch is None else steps.get((line.branch, line.source))
    if isinstance(action, BranchDecision) and line.name in action.config.criteria:
        yield f"if {conditions_told(action.config.criteria[line.name]) or 'always'}"
    if line.source == "entry":
        for one in workflow.branches:
            if one.name == line.name:
                yield f"if {conditions_told(one.conditions) or 'always'}"


def _step(node: Node, action: Action) -> dict[str, Any]:
    kind, told = action.type.replace("_", " "), label(action)
    return {
        **asdict(node),
        "kind": kind,
        "icon": action.type,
        "short": _short(_own_words(action) or told or kind, LETTERS),
        "more": _short(_before(action), SMALL_LETTERS),
        "told": action_told(action),
    }


def _own_words(action: Action) -> str:
    """What a message without a template is known by."""
    return "" if action.type != "send_email" or action.config.template_id else action.config.subject or ""


def _before(action: Action) -> str:
    """What comes before the step acts."""
    told: Sequence[str] = (
        f"if {conditions_told(action.conditions)}" if action.conditions else "",
        f"after {spoken(action.delay)}" if action.delay else "",
    )
    return ", ".join(filter(None, told))


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"

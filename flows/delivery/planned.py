"""The messages that a workflow or a template stands for, found by its name, whether or not any is due."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flows.definitions.folder import Definitions, load_definitions
from flows.definitions.templates import read_templates
from flows.errors import InputError
from flows.settings import Settings
from transforms.content.folder import template_ids
from transforms.definitions.actions import Message, SendEmail
from transforms.definitions.base import advice
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Workflow, version_of
from transforms.delivery.steps import StepKey

NO_WORKFLOW = "preview"
"""The workflow of a message that no workflow sends."""


@dataclass(frozen=True)
class Planned:
    """A message that could be sent: what a step says, or a template that no step has."""

    message: Message
    workflow: Workflow | None = None
    branch: str = "default"
    step: str = "0"

    @property
    def name(self) -> str:
        """Which one it is, in words."""
        if self.workflow is None:
            return f"template {self.message.template_id}"
        branch = "" if self.branch == "default" else f", branch {self.branch}"
        return f"{self.workflow.workflow_id}{branch}, step {self.step}"

    @property
    def short_name(self) -> str:
        """The step within its workflow, as people type it."""
        return self.step if self.branch == "default" else f"{self.branch}/{self.step}"

    @property
    def key(self) -> StepKey:
        """The step, as contents are kept by it."""
        workflow = self.workflow
        name, version = (workflow.workflow_id, version_of(workflow)) if workflow else (NO_WORKFLOW, "")
        return name, version, self.branch, self.step


def planned_messages(settings: Settings, name: str) -> list[Planned]:
    """The messages of a workflow in the order of its file, or that of a template as the first step that has it says it.

    Raises:
        InputError: there is neither a workflow nor a template of that name, or the workflow has faults or no mail.
    """
    is_there = settings.workflows.is_dir()
    found = load_definitions(settings.workflows, settings.patterns) if is_there else Definitions()
    steps = [one for workflow in found.workflows for one in _steps(workflow)]
    if of_workflow := [one for one in steps if one.key[0] == name]:
        return of_workflow
    templates = template_ids(read_templates(settings.templates))
    if name in templates:
        with_it = (one for step in steps for one in _variants(step) if one.message.template_id == name)
        return [next(with_it, Planned(Message(template_id=name)))]
    workflows = [one.workflow_id for one in found.workflows]
    if name in workflows:
        raise InputError(f"{name}: this workflow sends no mail; name one that does, or a template")
    if name in found.unreadable:
        raise InputError(
            "\n".join([*found.faults, f"{name}: the file of this workflow has faults; mend them"])
        )
    raise InputError(
        f"{name!r} is no workflow and no template; {advice(name, sorted({*workflows, *templates}))}"
    )


def _steps(workflow: Workflow) -> Iterator[Planned]:
    for branch, step, action in named_steps(workflow):
        if isinstance(action, SendEmail):
            yield Planned(action.config, workflow, branch, step)


def _variants(planned: Planned) -> Iterator[Planned]:
    """What a step says, each of its variants as a message of its own."""
    names: list[str | None] = [one.name for one in planned.message.variants]
    for name in names or [None]:
        yield replace(planned, message=planned.message.as_variant(name))

"""The key of a step, that messages, contents, variants and winners are joined on; and what steps do and say by it."""

from collections.abc import Iterable

from transforms.definitions.actions import Message, SendEmail
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Action, Workflow, version_of

STEP = ("workflow_id", "version", "branch", "step")
"""Its columns."""

StepKey = tuple[str, str, str, str]
"""A step of a version of a workflow, as `STEP` names it."""


def actions_by_step(workflows: Iterable[Workflow]) -> dict[StepKey, Action]:
    """What each step of some workflows does."""
    return {
        (one.workflow_id, version_of(one), branch, step): action
        for one in workflows
        for branch, step, action in named_steps(one)
    }


def messages_by_step(workflows: Iterable[Workflow]) -> dict[StepKey, Message]:
    """What each step of some workflows says that sends a message."""
    actions = actions_by_step(workflows).items()
    return {key: action.config for key, action in actions if isinstance(action, SendEmail)}


def steps_with_a_winner(workflows: Iterable[Workflow]) -> dict[StepKey, Message]:
    """What the steps of active workflows say that let their variants compete."""
    messages = messages_by_step(one for one in workflows if one.is_live).items()
    return {key: message for key, message in messages if message.winner}

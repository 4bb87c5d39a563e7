"""What the steps of pending rows say: the texts of messages, the data of webhook requests.

Both are in the stored workflows as people wrote them; nothing is compiled to look them up.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from flows.definitions.versions import stored_workflows
from flows.errors import InputError
from flows.store.state_file import StateFile
from transforms.content.templates import ContentSource
from transforms.definitions.actions import Message, SendEmail, TriggerWebhook
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Action, version_of

STEP = ["workflow_id", "version", "branch", "step"]
StepKey = tuple[str, str, str, str]
"""A step of a version, as `STEP` names it."""


def read_contents(state: StateFile, templates: Path, due: pl.DataFrame) -> dict[StepKey, ContentSource]:
    """The sources of each step that sends messages, in the versions that `due` comes from.

    Args:
        state: the state file.
        templates: the folder of `<template_id>.txt.j2` and `<template_id>.html.j2`.
        due: rows with `workflow_id, version`.

    Raises:
        InputError: a template can't be read.
    """
    return {
        key: read_content(templates, action.config)
        for key, action in _actions(state, due).items()
        if isinstance(action, SendEmail)
    }


def read_content(templates: Path, message: Message) -> ContentSource:
    """The sources of a message: its template files where there are any, else the inline content.

    Args:
        templates: the folder of `<template_id>.txt.j2` and `<template_id>.html.j2`.
        message: as the step has it; its content is the text part unless `<template_id>.txt.j2` exists.

    Raises:
        InputError: the template's name leads out of the folder, or a file isn't UTF-8.
    """
    name = message.template_id
    if name is None:
        return ContentSource(message.subject, message.content)
    if name != Path(name).name:
        raise InputError(f"template_id: {name!r} must be a plain name of a file in {templates}")
    text, html = _read(templates / f"{name}.txt.j2"), _read(templates / f"{name}.html.j2")
    return ContentSource(message.subject, message.content if text is None else text, html)


def with_data(state: StateFile, due: pl.DataFrame) -> pl.DataFrame:
    """Pending webhook requests with `data`: what their step tells, a JSON object; null where the step is gone."""
    rows = [
        (*key, json.dumps(action.config.data))
        for key, action in _actions(state, due).items()
        if isinstance(action, TriggerWebhook)
    ]
    told = pl.DataFrame(rows, schema=dict.fromkeys([*STEP, "data"], pl.String), orient="row")
    return due.join(told, on=STEP, how="left")


def _actions(state: StateFile, due: pl.DataFrame) -> Mapping[StepKey, Action]:
    """The actions of the versions that `due` comes from."""
    return {
        (workflow.workflow_id, version_of(workflow), branch, step): action
        for workflow in stored_workflows(state, due.select("workflow_id", "version").unique().rows())
        for branch, step, action in named_steps(workflow)
    }


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error

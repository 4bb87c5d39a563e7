"""What the steps of pending rows say: the texts of messages, the data of webhook requests.

Both are in the stored workflows as people wrote them; nothing is compiled to look them up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from mimetypes import guess_type
from pathlib import Path

import polars as pl

from flows.definitions.templates import Templates, template_source
from flows.definitions.versions import stored_workflows
from flows.delivery.senders.base import Attachment
from flows.store.state_file import StateFile
from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, Rendered
from transforms.definitions.actions import Message, TriggerWebhook
from transforms.definitions.workflow import Workflow
from transforms.delivery.steps import STEP, StepKey, actions_by_step, messages_by_step

ATTACHMENTS_LIMIT = 10 * 1024**2
ContentKey = tuple[StepKey, str | None]
"""A step, and the variant of its message if it has some."""


def read_messages(state: StateFile, due: pl.DataFrame) -> dict[StepKey, Message]:
    """What each step that sends messages says, in the versions that `due` comes from: rows `workflow_id, version`."""
    return messages_by_step(_workflows(state, due))


def read_contents(
    templates: Templates, messages: Mapping[StepKey, Message]
) -> dict[ContentKey, ContentSource | ContentError]:
    """The sources of messages, each variant's for itself, or why there are none.

    Args:
        templates: the files of the templates folder.
        messages: what steps say.
    """
    return {
        (key, name): _content(templates, message.as_variant(name))
        for key, message in messages.items()
        for name in _variants(message)
    }


def _variants(message: Message) -> Iterable[str | None]:
    return [one.name for one in message.variants] if message.variants else [None]


def read_content(templates: Templates, message: Message) -> ContentSource:
    """The sources of a message: its template files where there are any, else the inline content.

    Args:
        templates: the files of the templates folder.
        message: as the step has it; its content is the text part unless `<template_id>.txt.j2` exists.

    Raises:
        ContentError: a file of the template can't be read, or its front matter isn't valid.
    """
    if message.template_id is None:
        return ContentSource(message.subject, message.content)
    return template_source(templates, message.template_id, message.subject, message.content)


def read_attachments(templates: Path, rendered: Rendered) -> tuple[Attachment, ...]:
    """The files that go along with a message; an image that its HTML part shows as `cid:NAME` has that name as its id.

    Args:
        templates: the folder of template files.
        rendered: the message.

    Raises:
        ContentError: one isn't in the folder, or too large to be sent.
    """
    found = tuple(_attachment(templates, name, rendered.html or "") for name in rendered.attachments)
    if (total := sum(len(one.content) for one in found)) > ATTACHMENTS_LIMIT:
        raise ContentError(f"attachments: {total:,} bytes together; allowed are {ATTACHMENTS_LIMIT:,}")
    return found


def with_data(state: StateFile, due: pl.DataFrame) -> pl.DataFrame:
    """Pending webhook requests with `data`: what their step tells, a JSON object; null where the step is gone."""
    rows = [
        (*key, json.dumps(action.config.data))
        for key, action in actions_by_step(_workflows(state, due)).items()
        if isinstance(action, TriggerWebhook)
    ]
    told = pl.DataFrame(rows, schema=dict.fromkeys([*STEP, "data"], pl.String), orient="row")
    return due.join(told, on=STEP, how="left")


def _workflows(state: StateFile, due: pl.DataFrame) -> Sequence[Workflow]:
    """The versions that `due` comes from."""
    return stored_workflows(state, due.select("workflow_id", "version").unique().rows())


def _content(templates: Templates, message: Message) -> ContentSource | ContentError:
    try:
        return read_content(templates, message)
    except ContentError as error:
        return error


def _attachment(templates: Path, name: str, html: str) -> Attachment:
    path = templates / name
    if templates.resolve() not in path.resolve().parents:
        raise ContentError(f"attachments: {name!r} leads out of {templates}; put the file there")
    try:
        with path.open("rb") as file:
            content = file.read(ATTACHMENTS_LIMIT + 1)
    except OSError as error:
        raise ContentError(f"attachments: {path} can't be read: {error.strerror}") from error
    media_type = guess_type(path.name)[0] or "application/octet-stream"
    return Attachment(path.name, media_type, content, name if f"cid:{name}" in html else None)

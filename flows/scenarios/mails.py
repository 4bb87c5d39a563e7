"""Accepted messages → what they say, rendered as at dispatch, from the profile of their own instant."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flows.delivery.contents import StepKey, read_content
from transforms.content.templates import (
    CompiledContent,
    ContentError,
    ContentSource,
    Rendered,
    compile_content,
    render,
)
from transforms.definitions.actions import SendEmail
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Workflow, version_of
from transforms.people.addresses import AddressError, address_of, bare_address

Row = dict[str, Any]
ProfileAt = Callable[[str, datetime], Mapping[str, Any]]
"""A customer's attributes at an instant."""


class Writer:
    """Renders the messages of some workflows; each template is compiled once."""

    def __init__(self, workflows: Sequence[Workflow], templates: Path) -> None:
        self._contents: dict[StepKey, ContentSource] = {
            (one.workflow_id, version_of(one), branch, step): read_content(templates, action.config)
            for one in workflows
            for branch, step, action in named_steps(one)
            if isinstance(action, SendEmail)
        }
        self._compiled = cache(self._compile)

    def mail(self, row: Row, profile_at: ProfileAt) -> Row:
        """What becomes of a message: `to, subject, text, html, status, reason`, as far as they are known.

        Args:
            row: a message with `workflow_id, version, branch, step, customer_id, at` and `trigger_properties`.
            profile_at: who its customer is.
        """
        attributes = profile_at(row["customer_id"], row["at"])
        given = attributes.get("email")
        try:
            if not isinstance(given, str) or not given.strip():
                raise AddressError("no e-mail address")
            to = address_of(given)
            rendered = self._rendered(row, attributes, bare_address(given))
        except (ContentError, AddressError) as error:
            return {"status": "failed", "reason": str(error)}
        said = {"subject": rendered.subject, "text": rendered.text, "html": rendered.html}
        missing = f"missing: {', '.join(rendered.missing)}" if rendered.missing else None
        return {"to": to, **said, "status": "sent", "reason": missing}

    def _compile(self, step: StepKey) -> CompiledContent:
        return compile_content(self._contents[step])

    def _rendered(self, row: Row, attributes: Mapping[str, Any], email: str) -> Rendered:
        step: StepKey = (row["workflow_id"], row["version"], row["branch"], row["step"])
        event = json.loads(row["trigger_properties"] or "{}")
        return render(
            self._compiled(step), attributes, event, {"customer_id": row["customer_id"], "email": email}
        )

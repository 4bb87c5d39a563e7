"""Any other service that takes a message by HTTP: one request a message, made from templates in the settings.

A template's names are the fields of `message`: `message_id, customer_id, workflow_id, step, template_id, variant,
message_class, to, sender, sender_name, sender_address, reply_to, subject, text, html, at, unsubscribe` (a list),
`one_click, pool, headers` (a mapping, List-Unsubscribe and the like included) and `attachments` (a list of `name,
media_type, content` in base64, `content_id`). What a message doesn't have is null.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from flows.delivery.calls import Reply, json_of
from flows.delivery.senders.base import Answer, Attachment, Outgoing
from flows.delivery.senders.mail_headers import content_of, mail_headers, message_id_of, sender_of
from flows.delivery.senders.over_http import Habits, HttpSender, Provider, checked_secret
from flows.delivery.senders.requests import Request
from flows.delivery.transport import WATCH, Terms, Watch
from flows.errors import InputError
from flows.processes import ByFields
from flows.sending import HttpSettings
from transforms.content.requests import (
    RequestTemplate,
    RequestTemplateError,
    body_fault,
    compile_request,
    render_request,
    url_fault,
)
from transforms.delivery.retries import POLICY, RetryPolicy, Verdict, verdict

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHORTEST_SECRET = 6  # characters; shorter words of a header are no secret, and would be blanked everywhere
_FULL = Outgoing(
    "0" * 32, "customer", "workflow", "0", "template", "ann@example.com", "subject", "text", "html",
    datetime(2026, 1, 1, tzinfo=UTC), "Shop <news@example.com>", "reply@example.com", ("https://example.com/u",),
    True, "news", "a", "pool", (Attachment("file.pdf", "application/pdf", b"bytes", "image"),), {"X-Name": "value"},
)  # fmt: skip
_SPARSE = replace(
    _FULL, template_id=None, text="", html=None, reply_to=None, unsubscribe=(), message_class=None, variant=None,
    pool=None, attachments=(), headers={},
)  # fmt: skip
"""A message that has everything, and one that has as little as there can be."""


@dataclass(frozen=True)
class Service(ByFields, Provider):
    """How a service is spoken to, by its settings' word."""

    settings: HttpSettings

    @cached_property
    def url(self) -> RequestTemplate:
        """The template of addresses."""
        return compile_request(self.settings.url)

    @cached_property
    def body(self) -> RequestTemplate:
        """The template of bodies."""
        return compile_request(self.settings.body)

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """A request for each message.

        Raises:
            RequestTemplateError: a template can't be rendered.
        """
        for one in messages:
            values = _values(one)
            body = render_request(self.body, values).encode("utf-8", "replace")
            url = render_request(self.url, values)
            yield Request((one.message_id,), url, body, content_type=self.settings.content_type)

    def judge(self, reply: Reply) -> Verdict:
        """By the status; a 404 is one message's fault where the address is made of the message."""
        said = verdict(reply.status, self.settings.success)
        return "refused" if reply.status == 404 and said == "stop" and "{" in self.settings.url else said

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """Taken, under the id at `id_path`, if there is one."""
        return [Answer(request.ids[0], "sent", provider_id=_at(json_of(reply), self.settings.id_path))]


def open_sender(
    name: str, settings: HttpSettings, policy: RetryPolicy = POLICY, watch: Watch = WATCH
) -> HttpSender:
    """The sender that `settings` describe.

    Raises:
        InputError: a template or a header can't be used.
    """
    place = f"senders.{name}"
    service = Service(settings)
    url = _compiled(f"{place}.url", lambda: service.url)
    body = _compiled(f"{place}.body", lambda: service.body)
    for message in (_FULL, _SPARSE):
        _check(f"{place}.url", url_fault(url, _values(message)))
        _check(f"{place}.body", body_fault(body, settings.content_type, _values(message)))
    for header in (*settings.headers, *filter(None, [settings.key_header])):
        _check(
            f"{place}.headers", None if _HEADER.fullmatch(header) else f"{header!r} is no name of a header"
        )
    headers = {
        header: checked_secret(f"{place}.headers.{header}", value.get_secret_value())
        for header, value in settings.headers.items()
    }
    habits = Habits(
        batch_limit=1000, key_setting="headers", key_header=settings.key_header, method=settings.method,
        side_by_side=True, address=settings.url,
    )  # fmt: skip
    terms = Terms(
        "", headers, _words(headers.values()), settings.timeout, settings.concurrency, policy, watch
    )
    return HttpSender(name, service, habits, terms, settings.per_second)


def _compiled(setting: str, template: Callable[[], RequestTemplate]) -> RequestTemplate:
    try:
        return template()
    except RequestTemplateError as error:
        raise InputError(f"{setting}: {error}") from error


def _check(setting: str, fault: str | None) -> None:
    if fault:
        raise InputError(f"{setting}: {fault}")


def _words(values: Iterable[str]) -> list[str]:
    """The values, and the longer words in them: `Bearer x` is told by others as `x`."""
    given = list(values)
    words = (word for value in given for word in value.split() if len(word) >= _SHORTEST_SECRET)
    return [*(value for value in given if len(value) >= _SHORTEST_SECRET), *words]


def _values(message: Outgoing) -> dict[str, Any]:
    """A message as templates see it."""
    sender = sender_of(message)
    plain = (
        "message_id", "customer_id", "workflow_id", "step", "template_id", "variant", "message_class", "to", "sender",
        "reply_to", "subject", "text", "html", "one_click", "pool",
    )  # fmt: skip
    files = [
        {
            "name": one.name, "media_type": one.media_type, "content": content_of(one), "content_id": one.content_id,
        }
        for one in message.attachments
    ]  # fmt: skip
    return {field: getattr(message, field) for field in plain} | {
        "sender_name": sender.name,
        "sender_address": sender.address,
        "at": message.at.isoformat(timespec="microseconds"),
        "unsubscribe": list(message.unsubscribe),
        "headers": {"Message-ID": message_id_of(message)} | mail_headers(message),
        "attachments": files,
    }


def _at(found: Any, path: str | None) -> str | None:
    """What is at a path such as `data.0.id` of a JSON value, as text."""
    for step in path.split(".") if path else ():
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return str(found) if path and isinstance(found, str | int) else None

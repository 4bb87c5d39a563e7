"""What the providers document of themselves: the requests that they take, and what they say.

Resend and SendGrid by the OpenAPI descriptions that they publish (`openapi/`); Postmark and Mailgun by schemas written
from their documentation. The descriptions are read strictly: a property that they don't name is a fault.
"""

import json
from collections.abc import Sequence
from email import policy
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.delivery.providers.server import Description, Received, Said

FOLDER = Path(__file__).parent
KEY = "k-Canary-7d1f9b"


class Resend(Description):
    key_header = "Idempotency-Key"

    def __init__(self) -> None:
        self._document = _opened("resend")

    def faults(self, request: Received) -> list[str]:
        place = _pointer(
            "paths", request.path, "post", "requestBody", "content", "application/json", "schema"
        )
        found = _faults(self._document, place, request.json)
        if request.path == "/emails/batch":
            found += ["more than 100"] if len(request.json) > 100 else []
            found += (
                ["a batch takes no attachments"] if any("attachments" in one for one in request.json) else []
            )
        key = request.headers.get("Idempotency-Key", "")
        found += [] if 1 <= len(key) <= 256 else [f"key of {len(key)} characters"]
        return found + _expects(request, "Authorization", f"Bearer {KEY}")

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        emails = request.json if isinstance(request.json, list) else [request.json]
        ids = [_mark(one) for one in emails]
        taken = [one for one in ids if one not in refused]
        if request.path == "/emails":
            return taken, Said(200, {"id": f"re-{taken[0]}"}) if taken else Said(
                422, {"message": "no such domain"}
            )
        made: dict[str, Any] = {"data": [{"id": f"re-{one}"} for one in taken]}
        errors = [{"index": at, "message": "no such domain"} for at, one in enumerate(ids) if one in refused]
        return taken, Said(200, made | ({"errors": errors} if errors else {}))

    def tell(self, *_: object) -> Said:
        return Said(404)


class SendGrid(Description):
    key_header = None

    def __init__(self) -> None:
        self._document = _opened("sendgrid_mail")

    def faults(self, request: Received) -> list[str]:
        place = "/components/requestBodies/PostMailSend/content/application~1json/schema"
        taken = {
            "x-sg-id",
            "x-sg-eid",
            "received",
            "dkim-signature",
            "content-type",
            "to",
            "from",
            "subject",
            "cc",
        }
        headers = {name.lower() for name in request.json["headers"]} & (taken | {"reply-to", "bcc"})
        found = _faults(self._document, place, request.json) + [f"header {name}" for name in headers]
        found += [] if request.path == "/v3/mail/send" else [request.path]
        return found + _expects(request, "Authorization", f"Bearer {KEY}")

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        (personalization,) = request.json["personalizations"]
        name = personalization["custom_args"]["message_id"]
        if name in refused:
            return [], Said(
                400, {"errors": [{"message": "Does not contain a valid address.", "field": "to"}]}
            )
        return [name], Said(202, b"", {"X-Message-Id": f"sg-{name}"})

    def tell(self, *_: object) -> Said:
        return Said(404)


class Postmark(Description):
    key_header = None
    code = 406

    def __init__(self) -> None:
        self._document = _opened("postmark", "schemas")

    def faults(self, request: Received) -> list[str]:
        found = _faults(self._document, "/$defs/batch", request.json)
        found += [] if request.path == "/email/batch" else [request.path]
        found += ["more than 50 MB"] if len(request.body) > 50_000_000 else []
        return found + _expects(request, "X-Postmark-Server-Token", KEY)

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        ids = [one["Metadata"]["message_id"] for one in request.json]
        told = [
            {"ErrorCode": self.code, "Message": "Found inactive addresses"}
            if one in refused
            else {"To": "x", "SubmittedAt": "x", "MessageID": f"pm-{one}", "ErrorCode": 0, "Message": "OK"}
            for one in ids
        ]
        return [one for one in ids if one not in refused], Said(200, told)

    def tell(self, request: Received, taken: Sequence[str]) -> Said:
        sought = parse_qs(urlsplit(request.path).query)
        assert {"count", "offset", "messagestream"} <= sought.keys()
        assert request.headers["X-Postmark-Server-Token"] == KEY
        name = sought["metadata_message_id"][0]
        shown = [{"MessageID": f"pm-{name}", "Status": "Sent"}] if name in taken else []
        return Said(200, {"TotalCount": len(shown), "Messages": shown})


class Mailgun(Description):
    key_header = None

    def __init__(self) -> None:
        self._document = _opened("mailgun", "schemas")

    def faults(self, request: Received) -> list[str]:
        found = _faults(self._document, "/$defs/message", fields_of(request))
        found += [] if request.path == "/v3/mail.shop.example/messages" else [request.path]
        return found + _expects(request, "Authorization", "Basic YXBpOmstQ2FuYXJ5LTdkMWY5Yg==")

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        fields = fields_of(request)
        name = fields["v:message_id"][0]
        if name in refused:
            return [], Said(400, {"message": "to parameter is not a valid address"})
        return [name], Said(200, {"id": fields["h:Message-Id"][0], "message": "Queued. Thank you."})

    def tell(self, request: Received, taken: Sequence[str]) -> Said:
        parts = urlsplit(request.path)
        assert parts.path == "/v3/mail.shop.example/events"
        name = parse_qs(parts.query)["message-id"][0].partition("@")[0]
        return Said(200, {"items": [{"event": "accepted"}] if name in taken else []})


class Service(Description):
    """Somebody's own, with or without idempotency keys."""

    def __init__(self, key_header: str | None) -> None:
        self.key_header = key_header

    def faults(self, request: Received) -> list[str]:
        found = [] if request.json.keys() == {"id", "to", "subject", "text", "html"} else ["other fields"]
        parts = urlsplit(request.path)
        found += [] if parts.path == "/send" and parse_qs(parts.query).keys() == {"w"} else [request.path]
        found += [] if not self.key_header or self.key_header in request.headers else ["no key"]
        return found + _expects(request, "X-Token", KEY)

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        name = request.json["id"]
        if name in refused:
            return [], Said(422, {"error": "unknown recipient"})
        return [name], Said(200, {"data": [{"id": 7}]})

    def tell(self, *_: object) -> Said:
        return Said(404)


def fields_of(request: Received) -> dict[str, list[str]]:
    """A form's fields, of whatever type it is; of files their names."""
    kind = request.headers["Content-Type"]
    if kind == "application/x-www-form-urlencoded":
        return parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    parsed = BytesParser(policy=policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + request.body
    )
    fields: dict[str, list[str]] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        fields.setdefault(str(name), []).append(part.get_filename() or content.decode())
    return fields


@cache
def _opened(name: str, folder: str = "openapi") -> Any:
    return _closed(json.loads((FOLDER / folder / f"{name}.json").read_text("utf-8")))


def _closed(schema: Any) -> Any:
    """A description in which objects have the properties that it names, and no others."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    named = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    rest = {"additionalProperties": False} if named and "patternProperties" not in schema else {}
    return rest | {name: _closed(one) for name, one in schema.items()}


def _faults(document: Any, place: str, content: Any) -> list[str]:
    """What a part of a description says against a value."""
    registry = Registry().with_resource("urn:d", DRAFT202012.create_resource(document))
    validator = Draft202012Validator(
        {"$ref": f"urn:d#{place}"}, registry=registry, format_checker=FormatChecker(["email"])
    )
    return [f"{one.json_path}: {one.message}" for one in validator.iter_errors(content)]


def _pointer(*steps: str) -> str:
    return "".join(f"/{one.replace('~', '~0').replace('/', '~1')}" for one in steps)


def _expects(request: Received, header: str, value: str) -> list[str]:
    return [] if request.headers.get(header) == value else [f"{header}: {request.headers.get(header)}"]


def _mark(email: Any) -> str:
    return next(one["value"] for one in email["tags"] if one["name"] == "message_id")

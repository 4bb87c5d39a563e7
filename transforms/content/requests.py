"""Templates of a request that hands a message over: its address and its body, from the user's own settings.

Names are the fields of `message`; a name that isn't there is a fault, not an empty place. What comes out is checked
with a message of harmless and one of awkward texts, so that no subject can break out of its place in the request.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

RequestTemplate = Template
"""A compiled template."""

_AWKWARD = "a\"b'c\\d&e=f/g?h#i<j>k\nl é"


class RequestTemplateError(ValueError):
    """A template of a request that can't be used; says why."""


def compile_request(source: str) -> RequestTemplate:
    """Compile a template; besides Jinja2's own filters there is `tojson`, and there are no functions.

    Raises:
        RequestTemplateError: it isn't valid.
    """
    try:
        return _ENVIRONMENT.from_string(source)
    except (TemplateError, RecursionError, SyntaxError, ValueError) as error:
        raise RequestTemplateError(f"not a valid Jinja2 template: {error}") from error


def render_request(template: RequestTemplate, message: Mapping[str, Any]) -> str:
    """What a template makes of a message.

    Raises:
        RequestTemplateError: it uses what isn't there, or what its values can't do.
    """
    try:
        return template.render(message=message)
    except Exception as error:  # whatever a value does to an expression is the template's fault
        raise RequestTemplateError(f"can't be rendered: {error}") from error


def body_fault(template: RequestTemplate, content_type: str, message: Mapping[str, Any]) -> str | None:
    """Why a body isn't safe; None if it is, as far as can be told of its type (JSON and forms are looked into).

    Args:
        template: of the body.
        content_type: what it is sent as.
        message: a message of harmless texts.
    """
    try:
        plain, awkward = render_request(template, message), render_request(template, _awkward(message))
    except RequestTemplateError as error:
        return str(error)
    if content_type.partition(";")[0].strip().lower().endswith("json"):
        return _json_fault(plain, awkward)
    if content_type.startswith("application/x-www-form-urlencoded") and _fields(plain) != _fields(awkward):
        return "a text with & or = in it breaks the form; write {{ message.subject | urlencode }}"
    return None


def url_fault(template: RequestTemplate, message: Mapping[str, Any]) -> str | None:
    """Why an address isn't safe; None if it is: whatever the message says, it leads to the same host and path."""
    try:
        plain, awkward = render_request(template, message), render_request(template, _awkward(message))
    except RequestTemplateError as error:
        return str(error)
    if urlsplit(plain).scheme not in ("http", "https") or not urlsplit(plain).hostname:
        return f"{plain!r} doesn't start with https:// or http:// and a host"
    if _shape(plain) != _shape(awkward) or not awkward.isprintable() or " " in awkward:
        return "a text with / or & in it leads elsewhere; write {{ message.message_id | urlencode }}"
    return None


def _awkward(value: Any) -> Any:
    """The same with awkward texts."""
    if isinstance(value, Mapping):
        return {name: _awkward(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_awkward(one) for one in value]
    return _AWKWARD if isinstance(value, str) else value


def _json_fault(plain: str, awkward: str) -> str | None:
    try:
        expected = _outline(json.loads(plain))
    except ValueError as error:
        return f"isn't JSON: {error}"
    try:
        same = _outline(json.loads(awkward)) == expected
    except ValueError:
        same = False
    return (
        None
        if same
        else "a text with a quotation mark in it breaks the JSON; write {{ message.subject | tojson }}"
    )


def _outline(value: Any) -> Any:
    """A JSON value without its texts."""
    if isinstance(value, dict):
        return {name: _outline(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_outline(one) for one in value]
    return type(value).__name__


def _fields(form: str) -> list[str]:
    return [name for name, _ in parse_qsl(form, keep_blank_values=True)]


def _shape(url: str) -> tuple[str, str, int, list[str], bool]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path.count("/"), _fields(parts.query), bool(parts.fragment)


def _tojson(value: Any) -> str:
    return str(value) if isinstance(value, Undefined) else json.dumps(value, ensure_ascii=False)


def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(optimized=False, autoescape=False, undefined=StrictUndefined)
    made.globals.clear()
    made.filters["tojson"] = _tojson
    made.filters["urlencode"] = _in_urls
    return made


def _in_urls(value: Any) -> str:
    return "" if value is None else quote(str(value), safe="")


_ENVIRONMENT = _environment()

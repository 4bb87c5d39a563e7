"""Templates and personalization: a message's sources are compiled once and rendered per customer.

Placeholders are profile attributes (`{{ first_name }}`), properties of the fact that started the execution
(`{{ event.cart_value }}`), `{{ customer_id }}` and `{{ email }}`. What comes out is bounded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError

from transforms.content.sandbox import (
    ESCAPED,
    PLAIN,
    Event,
    Sandbox,
    first_fault,
    noting_missing,
    says_nothing,
)

SOURCE_LIMIT = 500_000
SUBJECT_LIMIT = 900
BODY_LIMIT = 1_000_000

_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


class ContentError(ValueError):
    """A template that isn't allowed, or a render that failed; says where and why."""


@dataclass(frozen=True)
class ContentSource:
    """The Jinja2 sources of a message: subject line, text part, HTML part (None where there is none)."""

    subject: str | None
    text: str | None
    html: str | None = None


@dataclass(frozen=True)
class CompiledContent:
    """A message's parts, checked and compiled."""

    subject: Template
    text: Template | None
    html: Template | None


@dataclass(frozen=True)
class Rendered:
    """A message for one customer; `missing` names the placeholders that had no value, in order of use."""

    subject: str
    text: str
    html: str | None
    missing: tuple[str, ...]


def compile_content(sources: ContentSource) -> CompiledContent:
    """Check and compile a message's sources.

    Raises:
        ContentError: a source isn't valid Jinja2, uses what isn't allowed, or neither body is there.
    """
    if sources.text is None and sources.html is None:
        raise ContentError("a message needs a body: inline content, or a .txt.j2 or .html.j2 template")
    return CompiledContent(
        subject=_compile(PLAIN, "subject", sources.subject or ""),
        text=None if sources.text is None else _compile(PLAIN, "text", sources.text),
        html=None if sources.html is None else _compile(ESCAPED, "html", sources.html),
    )


def render(
    compiled: CompiledContent,
    attributes: Mapping[str, Any],
    event: Mapping[str, Any],
    customer: Mapping[str, Any],
) -> Rendered:
    """Render a message for one customer; null and blank text are as good as absent.

    Args:
        compiled: from `compile_content`.
        attributes: the profile; each is a placeholder of its own, unless `customer` or `event` has that name.
        event: properties of the fact that started the execution, as `event.X`.
        customer: `customer_id` and `email`.

    Raises:
        ContentError: the values don't fit the template (text where a number is needed), or too much came out.
    """
    named = {**attributes, **{name: value for name, value in customer.items() if value is not None}}
    values = {name: value for name, value in named.items() if not says_nothing(value)} | {
        "event": Event(event)
    }
    with noting_missing() as missing:
        subject = _run(compiled.subject, values, "subject", SUBJECT_LIMIT)
        text = "" if compiled.text is None else _run(compiled.text, values, "text", BODY_LIMIT)
        html = None if compiled.html is None else _run(compiled.html, values, "html", BODY_LIMIT)
    return Rendered(_CONTROLS.sub(" ", subject).strip(" "), text, html, tuple(dict.fromkeys(missing)))


def _compile(environment: Sandbox, part: str, source: str) -> Template:
    if len(source) > SOURCE_LIMIT:
        raise ContentError(f"{part}: {len(source):,} characters; allowed are {SOURCE_LIMIT:,}")
    try:
        tree = environment.parse(source)
        if (fault := first_fault(tree)) is None:
            return Template.from_code(environment, environment.compile(tree), {})
    except TemplateSyntaxError as error:
        raise ContentError(f"{part}, line {error.lineno}: {error.message}") from error
    except (TemplateError, RecursionError, SyntaxError, ValueError) as error:
        raise ContentError(f"{part}: can't be compiled ({type(error).__name__}); simplify it") from error
    line, what = fault
    raise ContentError(f"{part}, line {line}: {what}")


def _run(template: Template, values: dict[str, Any], part: str, limit: int) -> str:
    pieces: list[str] = []
    room = limit
    try:
        for piece in template.root_render_func(template.new_context(values)):
            room -= len(piece)
            if room < 0:
                raise ContentError(f"more than {limit:,} characters came out")
            pieces.append(piece)
    except Exception as error:  # whatever a value does to an expression, it is this message's fault alone
        raise ContentError(f"{part}: {error}") from error
    return _encodable("".join(pieces))


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 can't."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

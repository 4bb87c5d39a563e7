"""Templates and personalization: a message's sources are compiled once and rendered per customer.

Placeholders are profile attributes (`{{ first_name }}`), properties of the fact that started the execution
(`{{ event.cart_value }}`), `{{ customer_id }}` and `{{ email }}`. Jinja2's sandbox bounds no resources, so
only the part of its language that can't burn them is accepted (`_PLAIN_NODES`): no assignments, no calls, no
repetition of text, loops over the customer's own data only; and the output is bounded.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

SOURCE_LIMIT = 500_000
SUBJECT_LIMIT = 900
BODY_LIMIT = 1_000_000

_LOOP_DEPTH = 2
_NUMBER_LIMIT = 1e15
_PLAIN_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Test, nodes.If, nodes.CondExpr, nodes.For, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg,
    nodes.Pos, nodes.Concat, nodes.List, nodes.Tuple, nodes.Keyword,
)  # fmt: skip
_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "format", "int", "join",
    "last", "length", "lower", "max", "min", "reverse", "round", "sort", "string", "striptags", "sum",
    "title", "trim", "truncate", "unique", "upper", "urlencode",
)  # fmt: skip
_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0#]?\d{0,2}(?:\.\d{1,2})?[sdfeg])*")
_LOOP = ("index", "index0", "first", "last", "length", "revindex", "revindex0")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_unknown: ContextVar[list[str]] = ContextVar("names that a render printed as empty")


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
        subject=_compile(_PLAIN, "subject", sources.subject or ""),
        text=None if sources.text is None else _compile(_PLAIN, "text", sources.text),
        html=None if sources.html is None else _compile(_ESCAPED, "html", sources.html),
    )


def template_fault(source: str) -> tuple[int, str] | None:
    """What keeps a template's source from being used, and in which of its lines; None if nothing does.

    The source is parsed, not compiled: what would fail there only fails a message.
    """
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        return error.lineno, f"not a valid Jinja2 template: {error.message}"
    return next(_faults(tree, 0), None)


def render(
    compiled: CompiledContent,
    attributes: Mapping[str, Any],
    event: Mapping[str, Any],
    customer: Mapping[str, Any],
) -> Rendered:
    """Render a message for one customer.

    Args:
        compiled: from `compile_content`.
        attributes: the profile; each is a placeholder of its own, unless `customer` or `event` has that name.
        event: properties of the fact that started the execution, as `event.X`.
        customer: `customer_id` and `email`.

    Raises:
        ContentError: the values don't fit the template (text where a number is needed), or too much came out.
    """
    named = {**attributes, **{name: value for name, value in customer.items() if value is not None}}
    values = {name: value for name, value in named.items() if value is not None} | {"event": _Event(event)}
    missing: list[str] = []
    token = _unknown.set(missing)
    try:
        subject = _run(compiled.subject, values, "subject", SUBJECT_LIMIT)
        text = "" if compiled.text is None else _run(compiled.text, values, "text", BODY_LIMIT)
        html = None if compiled.html is None else _run(compiled.html, values, "html", BODY_LIMIT)
    finally:
        _unknown.reset(token)
    return Rendered(_CONTROLS.sub(" ", subject).strip(" "), text, html, tuple(dict.fromkeys(missing)))


class _Event(dict[str, Any]):
    """Marks the event's properties, so that a missing one is recorded as `event.X`."""


class _Missing(Undefined):
    """A placeholder without a value: prints as nothing and is recorded; `default` still sees it."""

    def __str__(self) -> str:
        _unknown.get([]).append(str(self._undefined_name))
        return ""

    def __hash__(self) -> int:
        return super().__hash__()


class _Environment(ImmutableSandboxedEnvironment):
    """Looks names up in JSON values only, never as Python attributes: `event.items` is a property."""

    intercepted_binops = frozenset({"*", "%", "**"})

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, LoopContext):
            return getattr(obj, argument) if argument in _LOOP else self._missing(obj, argument)
        found = obj.get(argument) if isinstance(obj, Mapping) else _element(obj, argument)
        return self._missing(obj, argument) if found is None else found

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for operand in (left, right):
            if not isinstance(operand, int | float) or abs(operand) > _NUMBER_LIMIT:
                given = f"{str(operand)[:40]!r}" if operand is not None else "null"
                raise ContentError(f"{operator} works on numbers up to 1e15; given: {given}")
        return super().call_binop(context, operator, left, right)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        return self.undefined(name=f"event.{name}" if isinstance(obj, _Event) else str(name))


def _element(value: Any, position: Any) -> Any:
    if not isinstance(value, Sequence) or not isinstance(position, int):
        return None
    return value[position] if -len(value) <= position < len(value) else None


def _shown(value: Any) -> Any:
    """A value as people read it: 80 for 80.0, lists with commas; text that is already safe stays so."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Undefined):
        return "" if value is None else str(value)
    if isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, float) and abs(value) < _NUMBER_LIMIT and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, map(_shown, value)))
    return str(value)


def _environment(*, autoescape: bool) -> _Environment:
    made = _Environment(
        optimized=False, autoescape=autoescape, undefined=_Missing, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.globals.clear()
    return made


_PLAIN = _environment(autoescape=False)
_ESCAPED = _environment(autoescape=True)


def _compile(environment: _Environment, part: str, source: str) -> Template:
    if len(source) > SOURCE_LIMIT:
        raise ContentError(f"{part}: {len(source):,} characters; allowed are {SOURCE_LIMIT:,}")
    try:
        tree = environment.parse(source)
        for line, fault in _faults(tree, 0):
            raise ContentError(f"{part}, line {line}: {fault}")
        return Template.from_code(environment, environment.compile(tree), {})
    except ContentError:
        raise
    except TemplateSyntaxError as error:
        raise ContentError(f"{part}, line {error.lineno}: {error.message}") from error
    except (TemplateError, RecursionError, SyntaxError, ValueError) as error:
        raise ContentError(f"{part}: can't be compiled ({type(error).__name__}); simplify it") from error


def _faults(node: nodes.Node, loops: int) -> Iterator[tuple[int, str]]:
    line = node.lineno
    if not isinstance(node, _PLAIN_NODES):
        yield line, f"{type(node).__name__.lower()} isn't allowed; use placeholders, filters, if and for"
    elif isinstance(node, nodes.Filter):
        yield from ((line, fault) for fault in _filter_faults(node))
    elif isinstance(node, nodes.For):
        loops += 1
        if loops > _LOOP_DEPTH:
            yield line, f"loops nested {loops} deep; allowed are {_LOOP_DEPTH}"
    for child in node.iter_child_nodes():
        yield from _faults(child, loops)


def _filter_faults(node: nodes.Filter) -> Iterator[str]:
    if node.name not in _FILTERS:
        near = get_close_matches(node.name, _FILTERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(_FILTERS)}"
        yield f"filter {node.name!r} isn't allowed{hint}"
    elif node.name == "format":
        pattern = node.node.value if isinstance(node.node, nodes.Const) else None
        if not isinstance(pattern, str) or not _FORMAT.fullmatch(pattern):
            yield "format needs a literal pattern such as '%.2f', widths up to 99"
    elif node.name not in ("d", "default"):
        given = [*node.args, *(keyword.value for keyword in node.kwargs)]
        if not all(isinstance(one, nodes.Const) and _small(one.value) for one in given):
            yield f"arguments of {node.name!r} must be literals: text or numbers up to 1000"


def _small(value: Any) -> bool:
    return abs(value) <= 1000 if isinstance(value, int | float) else isinstance(value, str | bool | None)


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

"""Which part of Jinja2 templates may use, and how it reads a customer's values.

Jinja2's sandbox bounds no resources, so only the part of its language that can't burn them is accepted: no
assignments, no calls, no repetition of text, loops over the customer's own data only.
"""

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

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
_noted: ContextVar[list[str]] = ContextVar("names that a render printed as empty")


def template_fault(source: str) -> tuple[int, str] | None:
    """What keeps a template's source from being used, and in which of its lines; None if nothing does.

    The source is parsed, not compiled: what would fail there only fails a message.
    """
    try:
        tree = PLAIN.parse(source)
    except TemplateSyntaxError as error:
        return error.lineno, f"not a valid Jinja2 template: {error.message}"
    return first_fault(tree)


def first_fault(tree: nodes.Template) -> tuple[int, str] | None:
    """The first thing in a parsed template that isn't allowed, and its line; None: nothing."""
    return next(_faults(tree, 0), None)


@contextmanager
def noting_missing() -> Generator[list[str]]:
    """Collect the names of placeholders that print as nothing for want of a value, in order of use."""
    names: list[str] = []
    token = _noted.set(names)
    try:
        yield names
    finally:
        _noted.reset(token)


def says_nothing(value: object) -> bool:
    """Whether a value is as good as absent: null, or text without a character to see."""
    return value is None or (isinstance(value, str) and not value.strip())


class Event(dict[str, Any]):
    """Marks the event's properties, so that a missing one is recorded as `event.X`."""


class _Missing(Undefined):
    """A placeholder without a value: prints as nothing and is recorded; `default` still sees it."""

    def __str__(self) -> str:
        _noted.get([]).append(str(self._undefined_name))
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or says_nothing(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()


class Sandbox(ImmutableSandboxedEnvironment):
    """Looks names up in JSON values only, never as Python attributes: `event.items` is a property."""

    intercepted_binops = frozenset({"*", "%", "**"})

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`, for which null and blank text are as good as absent."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, LoopContext):
            return getattr(obj, argument) if argument in _LOOP else self._missing(obj, argument)
        found = obj.get(argument) if isinstance(obj, Mapping) else _element(obj, argument)
        absent = found is None or (says_nothing(found) and not isinstance(obj, str))
        return self._missing(obj, argument) if absent else found

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`, the same as `obj[attribute]`."""
        return self.getitem(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """A product, remainder or power of numbers that aren't too large."""
        for operand in (left, right):
            if not isinstance(operand, int | float) or abs(operand) > _NUMBER_LIMIT:
                given = f"{str(operand)[:40]!r}" if operand is not None else "null"
                raise ValueError(f"{operator} works on numbers up to 1e15; given: {given}")
        return super().call_binop(context, operator, left, right)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        return self.undefined(name=f"event.{name}" if isinstance(obj, Event) else str(name))


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


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """`default` of Jinja2, for which blank text has no value either."""
    nothing = isinstance(value, Undefined) or says_nothing(value) or (boolean and not value)
    return instead if nothing else value


def _environment(*, autoescape: bool) -> Sandbox:
    made = Sandbox(
        optimized=False, autoescape=autoescape, undefined=_Missing, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.globals.clear()
    made.filters.update(default=_default, d=_default)
    return made


PLAIN = _environment(autoescape=False)
ESCAPED = _environment(autoescape=True)
"""The sandbox of plain text, and that of HTML."""


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

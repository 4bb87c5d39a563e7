"""Which part of Jinja2 templates may use: a narrow one within workflows, layouts and macros too in template files.

What is refused here can't be bounded while it runs, or could never render. The rest is counted (budget.py).
"""

import re
from collections import deque
from collections.abc import Iterator
from difflib import get_close_matches
from math import isfinite
from typing import Any

from jinja2 import nodes

DEEPEST = 60
MOST_TAGS = 2_000
MOST_TOKENS = 20_000
_LOOP_DEPTH = {False: 2, True: 4}
_NARROW = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Test, nodes.If, nodes.CondExpr, nodes.For, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg,
    nodes.Pos, nodes.Concat, nodes.List, nodes.Tuple, nodes.Keyword,
)  # fmt: skip
_WIDE = (
    *_NARROW, nodes.Extends, nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Macro, nodes.Call,
    nodes.CallBlock, nodes.Assign, nodes.AssignBlock, nodes.With, nodes.Dict, nodes.Pair,
)  # fmt: skip
_SAYS = {False: "use placeholders, filters, if and for", True: "see docs/content.md for what is"}
FILTERS = (
    "abs", "capitalize", "count", "d", "date", "default", "e", "escape", "first", "float", "format", "int", "join",
    "last", "length", "lower", "max", "min", "money", "number", "percent", "plural", "replace", "reverse", "round",
    "sort", "string", "striptags", "sum", "time", "title", "trim", "truncate", "unique", "upper", "url", "urlencode",
)  # fmt: skip
TESTS = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "greaterthan", "gt", "in",
    "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sequence",
    "string", "true", "undefined", "upper", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip
_ANY_ARGUMENTS = ("d", "date", "default", "money", "number", "percent", "plural", "time", "url")
"""Filters that bound their arguments themselves."""
_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0#]?\d{0,2}(?:\.\d{1,2})?[sdfeg])*")


def first_fault(tree: nodes.Template, *, wide: bool) -> tuple[int, str] | None:
    """The first thing in a parsed template that isn't allowed, and its line; None: nothing.

    Args:
        tree: from `Environment.parse`.
        wide: whether layouts, macros and `set` are allowed, as in files.
    """
    return _too_deep(tree) or next(_faults(tree, 0, wide), None)


def files_named(tree: nodes.Template) -> Iterator[tuple[int, str, bool]]:
    """The files that a template names: line, name, and whether it may be missing."""
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        may_miss = getattr(node, "ignore_missing", False)
        for name in _names(node.template):
            yield node.lineno, name, may_miss


def _too_deep(tree: nodes.Template) -> tuple[int, str] | None:
    """Whether it is too deep for Python's own compiler; walked without recursion."""
    level = deque[tuple[nodes.Node, int]]([(tree, 0)])
    while level:
        node, depth = level.popleft()
        if depth > DEEPEST:
            return node.lineno, f"nested more than {DEEPEST} deep; simplify it"
        level.extend((child, depth + 1) for child in node.iter_child_nodes())
    return None


def _faults(node: nodes.Node, loops: int, wide: bool) -> Iterator[tuple[int, str]]:
    if not isinstance(node, _WIDE if wide else _NARROW):
        where = " here, only in template files" if isinstance(node, _WIDE) else ""
        yield node.lineno, f"{type(node).__name__.lower()} isn't allowed{where}; {_SAYS[wide]}"
    yield from ((node.lineno, fault) for fault in _faults_of(node))
    if isinstance(node, nodes.For):
        loops += 1
        if loops > _LOOP_DEPTH[wide]:
            yield node.lineno, f"loops nested {loops} deep; allowed are {_LOOP_DEPTH[wide]}"
    for child in node.iter_child_nodes():
        yield from _faults(child, loops, wide)


def _faults_of(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.Filter():
            yield from _filter_faults(node)
        case nodes.Test() if node.name not in TESTS:
            yield f"test {node.name!r} isn't allowed{_instead(node.name, TESTS)}"
        case nodes.Div() | nodes.FloorDiv() | nodes.Mod() if _is_zero(node.right):
            yield "division by zero"
        case nodes.For() if node.recursive:
            yield "recursive loops aren't allowed; use a macro that calls itself"
        case nodes.Const() if isinstance(node.value, float) and not isfinite(node.value):
            yield "a number too large; allowed: up to 1e15"
        case nodes.Extends() | nodes.Include() | nodes.Import() | nodes.FromImport():
            if not list(_names(node.template)):
                yield "the name of a file must be a text in quotes, such as 'layout.html.j2'"
        case nodes.Call() if not _is_macro(node.node):
            yield "only macros can be called; write name(…) or, of an imported file, file.name(…)"


def _is_macro(called: nodes.Expr) -> bool:
    return isinstance(called, nodes.Name) or (
        isinstance(called, nodes.Getattr) and isinstance(called.node, nodes.Name)
    )


def _is_zero(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, int | float) and node.value == 0


def _names(template: nodes.Expr) -> Iterator[str]:
    """The names of a file or of several to choose from, where they are texts."""
    several = template.items if isinstance(template, nodes.List | nodes.Tuple) else [template]
    for one in several:
        if isinstance(one, nodes.Const) and isinstance(one.value, str):
            yield one.value


def _filter_faults(node: nodes.Filter) -> Iterator[str]:
    if node.name not in FILTERS:
        yield f"filter {node.name!r} isn't allowed{_instead(node.name, FILTERS)}"
    elif node.name == "format":
        pattern = node.node.value if isinstance(node.node, nodes.Const) else None
        if not isinstance(pattern, str) or not _FORMAT.fullmatch(pattern):
            yield "format needs a literal pattern such as '%.2f', widths up to 99"
    elif node.name not in _ANY_ARGUMENTS:
        given = [*node.args, *(keyword.value for keyword in node.kwargs)]
        if not all(isinstance(one, nodes.Const) and _small(one.value) for one in given):
            yield f"arguments of {node.name!r} must be literals: text up to 1000 characters or numbers up to 1000"
    if node.dyn_args or node.dyn_kwargs:
        yield f"arguments of {node.name!r} can't be spread with *"


def _instead(given: str, allowed: tuple[str, ...]) -> str:
    near = get_close_matches(given, allowed, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(allowed)}"


def _small(value: Any) -> bool:
    size = len(value) if isinstance(value, str) else abs(value) if isinstance(value, int | float) else 0
    return size <= 1000 and isinstance(value, str | int | float | None)

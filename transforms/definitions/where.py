"""Conditions as people type them: `plan = pro and orders >= 3`, in the words of workflow files (semantics.md §5).

    where     = clause, { "and", clause }
    clause    = attribute, operator, [ value ]
    attribute = word | quoted
    operator  = "=" | "!=" | ">" | "<" | ">=" | "<=" | a name of files, such as contains or within_last
    value     = words | quoted | "[", [ item, { ",", item } ], "]"

A number, `true`, `false` or `null` without quotes is one; anything else is text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, get_args

from transforms.definitions.base import advice
from transforms.definitions.condition_values import value_fault
from transforms.definitions.conditions import WITHOUT_VALUE, Condition, Operator

SYMBOLS: Mapping[str, str] = {
    "=": "equals",
    "==": "equals",
    "!=": "not_equals",
    ">": "greater_than",
    "<": "less_than",
    ">=": "at_least",
    "<=": "at_most",
}
"""Operators as signs → their names in files."""
OPERATORS: Sequence[str] = [one for one in SYMBOLS if one != "=="] + list(get_args(Operator))
FIELDS = ("customer_id", "email", "timezone", "created_at", "tags")
"""What can be asked of every customer, besides attributes."""

_QUOTED = r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'"
_TOKEN = re.compile(
    rf"\s*(?:(?P<quoted>{_QUOTED})|(?P<sign>[!=<>]=?)"
    rf"|(?P<list>\[(?:{_QUOTED}|[^\]\"'])*\])|(?P<word>[^\s=<>!\[\]\"']+))"
)
_ITEM = re.compile(rf"\s*({_QUOTED}|[^,\"']+?)\s*(?:,|$)")
_OF_EVENTS = ("event.", "events.", "pattern.", "execution.")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse_where(given: str) -> list[Condition]:
    """The conditions, all of which must hold.

    Raises:
        ValueError: it can't be read, or a condition can't be meant so; says what is allowed.
    """
    if not given.strip():
        raise ValueError("asks nothing; allowed: plan = pro and age >= 18")
    return [_condition(clause) for clause in _clauses(list(_tokens(given)))]


def _tokens(given: str) -> Iterator[_Token]:
    at, end = 0, len(given.rstrip())
    while at < end:
        found = _TOKEN.match(given, at)
        if not found or found.lastgroup is None:
            rest = given[at:].strip()
            raise ValueError(f"can't read {rest!r}: a quote or bracket isn't closed, or a value needs quotes")
        yield _Token(found.lastgroup, found[found.lastgroup])
        at = found.end()


def _clauses(tokens: list[_Token]) -> list[list[_Token]]:
    """The tokens between the words `and`."""
    clauses: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "word" and token.text.lower() == "and":
            clauses.append([])
        else:
            clauses[-1].append(token)
    if not all(clauses):
        raise ValueError(
            "nothing stands beside an 'and'; allowed: plan = pro and age >= 18, text with 'and' in quotes"
        )
    return clauses


def _condition(tokens: list[_Token]) -> Condition:
    first, *rest = tokens
    if first.kind not in ("word", "quoted"):
        raise ValueError(f"{first.text!r} stands where an attribute should; allowed: plan = pro")
    attribute = _text(first)
    if attribute.startswith(_OF_EVENTS):
        raise ValueError(
            f"{attribute!r} is known of events and runs, not of customers; allowed: attributes, {', '.join(FIELDS)}"
        )
    if not rest:
        raise ValueError(f"nothing stands behind {attribute!r}; {_operators('')}")
    operator, said = _operator(attribute, rest[0]), rest[1:]
    if operator in WITHOUT_VALUE and not said:
        return Condition(attribute=attribute, operator=operator)
    return _with_value(attribute, operator, rest[0].text, said)


def _operator(attribute: str, token: _Token) -> Any:
    name = SYMBOLS.get(token.text, token.text)
    if token.kind not in ("sign", "word") or name not in get_args(Operator):
        raise ValueError(f"{token.text!r} behind {attribute!r} is no operator; {_operators(token.text)}")
    return name


def _operators(given: str) -> str:
    return advice(given, list(OPERATORS))


def _with_value(attribute: str, operator: Any, sign: str, said: list[_Token]) -> Condition:
    clause = f"{attribute} {sign}"
    if not said:
        raise ValueError(f"no value stands behind {clause!r}; allowed: {clause} pro")
    if operator in WITHOUT_VALUE and (operator == "not_exists" or _value(said) not in (True, False)):
        raise ValueError(f"{clause!r} needs no value; allowed: {attribute} exists, {attribute} not_exists")
    value = _value(said)
    if value is None and operator == "equals":
        raise ValueError(f"'{clause} null' holds for nobody; allowed: {attribute} not_exists")
    if wrong := value_fault(operator, value):
        raise ValueError(f"{clause!r}: {wrong}")
    return Condition(attribute=attribute, operator=operator, value=value)


def _value(said: list[_Token]) -> Any:
    """What stands behind an operator: one list or quoted text, or words."""
    (first, *rest) = said
    if not rest:
        return [*_items(first.text[1:-1])] if first.kind == "list" else _scalar(first)
    if any(one.kind != "word" for one in said):
        told = " ".join(one.text for one in said)
        hint = (
            "; 'or' isn't known here: ask with in_list [a, b]" if "or" in (one.text for one in said) else ""
        )
        raise ValueError(f"{told!r} is no value: put text in quotes, several in [a, b]{hint}")
    return " ".join(one.text for one in said)


def _items(inner: str) -> Iterator[Any]:
    at = 0
    while inner[at:].strip():
        found = _ITEM.match(inner, at)
        if not found:
            raise ValueError(f"can't read {inner[at:].strip()!r} in a list; allowed: [gold, 'very good', 3]")
        yield _scalar(_Token("quoted" if found[1][0] in "\"'" else "word", found[1]))
        at = found.end()


def _scalar(token: _Token) -> Any:
    if token.kind == "quoted":
        return _text(token)
    try:
        found = json.loads(token.text)
    except ValueError:
        return token.text
    is_plain = (
        found is None or isinstance(found, bool) or (isinstance(found, int | float) and isfinite(found))
    )
    return found if is_plain else token.text


def _text(token: _Token) -> str:
    if token.kind != "quoted":
        return token.text
    inner = token.text[1:-1]
    return re.sub(r"\\(.)", r"\1", inner) if token.text.startswith('"') else inner

"""Conditions and triggers' configs → checks; what they look at becomes columns, on the way united over workflows."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl

from transforms.columns.json_values import canonical
from transforms.definitions.signals import Signal, signal_of
from transforms.definitions.triggers import OWN_KEYS
from transforms.definitions.workflow import Condition, Group
from transforms.people.consent import says_no
from transforms.program.checks import (
    AnyCheck,
    Check,
    Comparison,
    GroupCheck,
    Inside,
    Property,
    RecentCheck,
    Reference,
    SignalCheck,
    TagCheck,
)
from transforms.program.compile_signals import SignalBuilder
from transforms.program.conditions import (
    NEEDS_INSTANTS,
    above,
    below,
    not_above,
    not_below,
    number_at_least,
    number_at_most,
    truth_of,
)
from transforms.timing.durations import microseconds, parse_duration


class CheckBuilder:
    """Compiles conditions; its columns are the attributes, properties, tags and literals that a program has."""

    def __init__(self, signals: SignalBuilder) -> None:
        self.signals = signals
        self.attributes: dict[str, int] = {}
        self.properties: dict[str, int] = {}
        self.tags: dict[str, int] = {}
        self.paths: dict[tuple[str, ...], int] = {}
        self.truths: list[pl.Expr] = []
        self.known_truths: dict[tuple[str, str], int] = {}
        self.literals: dict[str, int] = {}
        self.reads_instants = False
        self.compares = False
        self.reads_names = False

    def config(self, kind: str, key: str, value: Any) -> list[Check]:
        """The checks of one key of the config of a trigger of that kind (semantics.md §6)."""
        if (kind, key) == ("attribute_change", "crosses_above"):
            return self._crossing(value, ("above", above(value)), ("not_above", not_above(value)))
        if (kind, key) == ("attribute_change", "crosses_below"):
            return self._crossing(value, ("below", below(value)), ("not_below", not_below(value)))
        if key.startswith("minimum_"):
            return [
                self._property_check(key.removeprefix("minimum_"), "minimum", value, number_at_least(value))
            ]
        if key.startswith("maximum_"):
            return [
                self._property_check(key.removeprefix("maximum_"), "maximum", value, number_at_most(value))
            ]
        return [self._property_check(key, "equals", value, truth_of("equals", value))]

    def _crossing(self, bound: Any, new: tuple[str, pl.Expr], old: tuple[str, pl.Expr]) -> list[Check]:
        return [
            self._property_check("new_value", new[0], bound, new[1]),
            self._property_check("old_value", old[0], bound, old[1]),
        ]

    def _property_check(self, name: str, operator: str, value: Any, expression: pl.Expr) -> Check:
        column, inside = self._named(self.properties, name)
        return Check("event", column, self._truth(operator, value, expression), inside)

    def references(self, kind: str, key: str, name: str) -> list[Reference]:
        """What a key of a trigger's config asks of property `name` of the fact that started the execution."""
        start = self.property(name)
        if key == OWN_KEYS[kind]:
            self.reads_names = True
            return [Reference(None, "equal", start)]
        pairs = _CROSSINGS[key] if kind == "attribute_change" and key in _CROSSINGS else [_bound(key)]
        self.literal(0)
        self.compares |= any(comparison != "equal" for _, comparison in pairs)
        return [Reference(self.property(one), comparison, start) for one, comparison in pairs]

    def property(self, name: str) -> Property:
        """Where a property of facts stands."""
        return Property(*self._named(self.properties, name))

    def checks(self, conditions: Sequence[Condition | Group]) -> tuple[AnyCheck, ...]:
        """The checks of a list of conditions and groups."""
        return tuple(self._group(one) if isinstance(one, Group) else self.check(one) for one in conditions)

    def _group(self, group: Group) -> GroupCheck:
        if group.negated is not None:
            return GroupCheck(self.checks(group.negated), negated=True)
        if group.any is not None:
            return GroupCheck(self.checks(group.any), any=True)
        return GroupCheck(self.checks(group.all or ()))

    def check(self, condition: Condition) -> AnyCheck:
        """The check of one condition."""
        name, operator, value = condition.attribute, condition.operator, condition.value
        self.reads_instants |= operator in NEEDS_INSTANTS
        if name == "tags":
            return self._tag_check(operator, value)
        if signal := signal_of(name):
            return self._signal_check(signal, operator, value)
        source, column, inside = self._place(name)
        if operator == "within_last":
            return RecentCheck(source, column, microseconds(parse_duration(value)), inside)
        return Check(source, column, self._truth(operator, value, truth_of(operator, value)), inside)

    def refusal(self, field: str) -> Check:
        """Whether that attribute of the profile refuses messages (semantics.md §11)."""
        return Check(
            "attribute", self.column(self.attributes, field), self._truth("refuses", None, says_no())
        )

    def _place(self, name: str) -> tuple[Literal["attribute", "event", "decision"], int, Inside | None]:
        if name == "execution.decision":
            return "decision", 0, None
        if name.startswith("event."):
            return "event", *self._named(self.properties, name.removeprefix("event."))
        return "attribute", *self.attribute(name)

    def attribute(self, name: str) -> tuple[int, Inside | None]:
        """The column of an attribute, and where it is looked up if no attribute has that name (semantics.md §5)."""
        return self._named(self.attributes, name)

    def _named(self, columns: dict[str, int], name: str) -> tuple[int, Inside | None]:
        whole, (head, *path) = self.column(columns, name), name.split(".")
        if not path:
            return whole, None
        number = self.paths.setdefault(tuple(path), len(self.paths))
        return whole, Inside(self.column(columns, head), number)

    def _signal_check(self, signal: Signal, operator: str, value: Any) -> AnyCheck:
        if operator in ("before", "after", "within_last", "starts_with", "ends_with", "matches"):
            return GroupCheck((), any=True)  # no number is text or an instant
        return SignalCheck(self.signals.signal(signal), truth_of(operator, value))

    def _tag_check(self, operator: str, value: Any) -> TagCheck:
        match operator:
            case "contains" if isinstance(value, str):
                return TagCheck(tag=self.column(self.tags, value))
            case "equals":
                return TagCheck(lists=self._tag_lists([value]))
            case "not_equals":
                return TagCheck(lists=self._tag_lists([value]), negated=True)
            case "in_list":
                return TagCheck(lists=self._tag_lists(value))
            case "not_in_list":
                return TagCheck(lists=self._tag_lists(value), negated=True)
        return TagCheck(negated=operator == "exists" and value is not False)

    def _tag_lists(self, values: Sequence[Any]) -> tuple[frozenset[int], ...]:
        possible = [one for one in values if isinstance(one, list | tuple) and _could_be_tags(one)]
        return tuple(frozenset(self.column(self.tags, tag) for tag in one) for one in possible)

    def _truth(self, operator: str, value: Any, expression: pl.Expr) -> int:
        key = (operator, canonical(value))
        if key not in self.known_truths:
            self.known_truths[key] = len(self.truths)
            self.truths.append(expression)
        return self.known_truths[key]

    def literals_of(self, names: Iterable[str]) -> None:
        """Give several texts value codes."""
        for name in names:
            self.literal(name)

    def literal(self, value: Any) -> int:
        """The number of a value that needs a code."""
        return self.literals.setdefault(canonical(value), len(self.literals))

    @staticmethod
    def column(columns: dict[str, int], name: str) -> int:
        """The place of a name among `columns`, a new one if need be."""
        return columns.setdefault(name, len(columns))


_CROSSINGS: dict[str, list[tuple[str, Comparison]]] = {
    "crosses_above": [("new_value", "above"), ("old_value", "not_above")],
    "crosses_below": [("new_value", "below"), ("old_value", "not_below")],
}


def _bound(key: str) -> tuple[str, Comparison]:
    if key.startswith("minimum_"):
        return key.removeprefix("minimum_"), "at_least"
    if key.startswith("maximum_"):
        return key.removeprefix("maximum_"), "at_most"
    return key, "equal"


def _could_be_tags(values: Sequence[Any]) -> bool:
    texts = [one for one in values if isinstance(one, str)]
    return len(texts) == len(values) and sorted(set(texts)) == texts

"""`--fail-if 'messages_per_customer > +20%'`: what a change may do, read before it is tried and judged after."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.errors import InputError
from transforms.answers.compare import CHANGES
from transforms.answers.figures import FIGURES
from transforms.definitions.base import advice

METRICS: Mapping[str, str] = {**FIGURES, **CHANGES}
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_EXPRESSION = re.compile(
    r"\s*(?P<metric>\w+)\s*(?P<op>>=|<=|!=|>|<|=)\s*(?P<sign>[+-]?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)\s*"
)
_FORM = "give a metric, one of > >= < <= = != and a number: 'messages > 5000', 'messages > +500', 'messages > +20%'"


@dataclass(frozen=True)
class Limit:
    """One `--fail-if`.

    Attributes:
        text: as it was given.
        metric: of `METRICS`, over all workflows.
        op: how it is compared.
        number: with what.
        of: the figure after the change, the change itself, or the change in percent of the figure before.
    """

    text: str
    metric: str
    op: str
    number: float
    of: str

    def holds(self, before: float | None, after: float | None) -> bool:
        """Whether it is so; never of figures that there are none of."""
        if before is None or after is None:
            return False
        found = {"after": after, "change": after - before, "percent": percent(before, after)}[self.of]
        return _OPERATORS[self.op](found, self.number)


def percent(before: float, after: float) -> float:
    """The change in percent of what was before; of nothing to something it is infinite."""
    if not before:
        return float("inf") if after else 0.0
    return 100 * (after - before) / before


def parse_limit(option: str, given: str) -> Limit:
    """A limit as people type it.

    Args:
        option: where it was given, for the message.
        given: the text.

    Raises:
        InputError: it isn't one.
    """
    if (found := _EXPRESSION.fullmatch(given)) is None:
        raise InputError(f"{option} {given!r} isn't understood; {_FORM}")
    if found["metric"] not in METRICS:
        raise InputError(
            f"{option} {given!r}: no metric {found['metric']!r}; {advice(found['metric'], list(METRICS))}"
        )
    if found["percent"] and not found["sign"]:
        raise InputError(
            f"{option} {given!r}: a percentage is of the figure before, and has a sign; "
            f"give +{found['number']}% or -{found['number']}%"
        )
    of = "percent" if found["percent"] else "change" if found["sign"] else "after"
    number = float(found["sign"] + found["number"])
    return Limit(given.strip(), found["metric"], found["op"], number, of)

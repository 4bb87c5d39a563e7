"""A cron and its trigger's conditions → a formula: what is asked of customers, and what only the lanes can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from transforms.engine.layout.asked_values import AskedValue, Given, Holds, Rings, Within, answered, rings
from transforms.engine.layout.possible import UNKNOWN, Constant, Either, Every, Formula, Leaf, Not, Perhaps
from transforms.engine.layout.reach import may_ring
from transforms.engine.state import Tick
from transforms.program.checks import AnyCheck, Check, GroupCheck, Inside, RecentCheck, SignalCheck, TagCheck
from transforms.program.model import ZONE, Program
from transforms.timing.durations import epoch_us
from transforms.timing.zones import CUSTOMER


@dataclass(frozen=True)
class AskedTag:
    """Whether the customer has a tag; None: any."""

    tag: str | None


def ringing(cron: str, timezone: str | None, tick: Tick) -> Formula:
    """For whom a cron fires in the tick."""
    if timezone != CUSTOMER or not may_ring(cron, timezone, tick):
        return Constant(timezone != CUSTOMER and rings(cron, timezone or tick.timezone, tick))
    return Leaf(AskedValue(ZONE, Rings(cron)))


def met(checks: Sequence[AnyCheck], program: Program, tick: Tick) -> Formula:
    """For whom the conditions of a cron's trigger hold at some instant of the tick, as far as it can be told."""
    return Every(tuple(_met(one, program, tick) for one in checks))


def _met(check: AnyCheck, program: Program, tick: Tick) -> Formula:
    match check:
        case SignalCheck():
            return UNKNOWN
        case TagCheck():
            return _of_tags(check, program.tags)
        case GroupCheck(checks=checks):
            parts = tuple(_met(one, program, tick) for one in checks)
            group: Formula = Either(parts) if check.any else Every(parts)
            return Not(group) if check.negated else group
        case RecentCheck(source="attribute", column=column, window=window, inside=inside):
            within = Within(tick.cron_since - window, epoch_us(tick.now))
            return Perhaps(_of_value(within, column, inside, program))
        case Check(source="attribute", column=column, truth=truth, inside=inside):
            return _of_value(Holds(truth), column, inside, program)
        case Check(truth=truth):  # the facts of crons have no properties, and no decision was taken yet
            nothing = pl.Series([], dtype=pl.String)
            (verdict,), _ = answered([AskedValue("", Holds(truth))], nothing, program, tick)
            return Constant(bool(verdict[0]))
    return Constant(holds=False)


def _of_value(test: Holds | Within, column: int, inside: Inside | None, program: Program) -> Formula:
    """Of the value of the whole name, or if there is none of what another one has inside (semantics.md §5)."""
    name = program.attributes[column]
    if inside is None:
        return Leaf(AskedValue(name, test))
    own, given = Leaf(AskedValue(name, test, given=True)), Leaf(AskedValue(name, Given()))
    within = Leaf(AskedValue(program.attributes[inside.column], test, inside.path))
    return Either((own, Every((Not(given), within))))


def _of_tags(check: TagCheck, names: Sequence[str]) -> Formula:
    if check.tag is not None:
        return Leaf(AskedTag(names[check.tag]))
    lists = Either(tuple(_exactly(sorted(one), names) for one in check.lists))
    return Not(lists) if check.negated else lists


def _exactly(tags: Sequence[int], names: Sequence[str]) -> Formula:
    """Who has these tags and no others: at most who has all of them."""
    if not tags:
        return Not(Leaf(AskedTag(None)))
    return Perhaps(Every(tuple(Leaf(AskedTag(names[one])) for one in tags)))

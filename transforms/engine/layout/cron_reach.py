"""Whom the crons of a tick may let enter, found on columns of everybody (semantics.md §7).

A cron fires for all customers, but nothing comes of it for those who don't meet its triggers' conditions. To whom
nothing else happens in the tick, they needn't be read at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms.columns.arrays import places, positions
from transforms.engine.layout.asked_checks import AskedTag, met, ringing
from transforms.engine.layout.asked_values import AskedValue, answered
from transforms.engine.layout.fields import field_values
from transforms.engine.layout.possible import Constant, Either, Every, Formula, Some, asked_in, customers_of
from transforms.engine.state import Tick
from transforms.program.model import FIELDS, Program

_ROWS = 1_000_000  # of attributes at once


@dataclass(frozen=True)
class CronReach:
    """What the crons that fire in a tick ask of customers before they let them enter.

    Attributes:
        program: the compiled workflows.
        tick: its bounds, and the default zone.
        formula: when one of their triggers may fire.
    """

    program: Program
    tick: Tick
    formula: Formula

    @property
    def nobody(self) -> bool:
        """Whether no cron that lets customers enter fires: there is nothing to ask."""
        return self.formula == Either(())

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of which values must be given; fields of the profile are read of the customers."""
        return tuple(sorted({one.attribute for one in self._values} - set(FIELDS)))

    @property
    def tags(self) -> tuple[str, ...] | None:
        """The tags whose owners must be given; None: those of all tags."""
        tags = {one.tag for one in asked_in(self.formula) if isinstance(one, AskedTag)}
        named = tuple(sorted(one for one in tags if one is not None))
        return None if None in tags else named

    def among(
        self, customers: pl.LazyFrame, attributes: pl.LazyFrame, tags: pl.LazyFrame, by: str = "customer_id"
    ) -> pl.Series:
        """The customers for whom a cron trigger may fire in the tick: never one too few, perhaps some too many.

        Whoever isn't among them, and has neither facts, due steps nor alarms in the tick, nor an execution that awaits
        a cron (`active_customers`), is after it as before, without a row in any ledger. Conditions on windows and
        patterns count as met, all others are judged as the engine does. The frames are read as a stream, attributes
        `_ROWS` rows at once; kept are, per condition, the customers who differ from those without a value.

        Args:
            customers: one row per customer: `by`, `known`, `created_at`; and `customer_id`, where conditions ask for
                it. Those who aren't known, or only after the tick's end, are left out.
            attributes: one row per customer and attribute, at least of `self.attributes`: `by`, `attribute`, `value`
                (JSON text; null: removed), as the tick finds them. Whose attributes the tick itself changes before its
                facts (customer files, too-late events) must be looked at anyway, or be given as changed.
            tags: one row per customer and tag, at least of `self.tags`: `by`, `tag`.
            by: the column that tells customers apart, of one type in all frames; a number takes least time.

        Returns:
            Their `by`, each once, in any order.
        """
        nobody = Some(pl.DataFrame(schema={by: customers.collect_schema()[by]}))
        values = pl.concat([attributes.select(by, "attribute", "value"), *self._fields(customers, by)])
        answers: dict[Any, Some] = {
            **self._by_value(values, nobody),
            **self._by_tag(tags, nobody),
        }
        since = pl.col("created_at")
        known = customers.filter("known", since.is_null() | (since <= self.tick.now))
        found = customers_of(self.formula, answers, nobody).of(known.select(by))
        return found.unique().collect(engine="streaming").to_series()

    @property
    def _values(self) -> list[AskedValue]:
        return list(dict.fromkeys(one for one in asked_in(self.formula) if isinstance(one, AskedValue)))

    def _fields(self, customers: pl.LazyFrame, by: str) -> Iterable[pl.LazyFrame]:
        asked = {one.attribute for one in self._values}
        read = [name for name in FIELDS if name in asked]
        return (customers.select(by, attribute=pl.lit(name), value=field_values(name)) for name in read)

    def _by_value(self, values: pl.LazyFrame, nobody: Some) -> Mapping[AskedValue, Some]:
        """To whom each question about a value is answered with yes."""
        questions, asked = self._values, {one.attribute: list[AskedValue]() for one in self._values}
        for one in questions:
            asked[one.attribute].append(one)
        found = {one: [nobody.ids] for one in questions}
        for block in _blocks(values, asked):
            for name, rows in block.items():
                for one, owners in self._differing(asked[name], rows, nobody.ids.columns[0]):
                    found[one].append(owners)
        verdicts, _ = answered(questions, pl.Series([], dtype=pl.String), self.program, self.tick)
        of_null = [bool(one[0]) for one in verdicts]
        return {
            one: Some(pl.concat(found[one]), others=others)
            for one, others in zip(questions, of_null, strict=True)
        }

    def _differing(
        self, asked: list[AskedValue], rows: pl.DataFrame, by: str
    ) -> Iterator[tuple[AskedValue, pl.DataFrame]]:
        """Of each question about an attribute, the owners of those values that are answered otherwise than null."""
        verdicts, codes = answered(asked, rows["value"], self.program, self.tick)
        for one, verdict in zip(asked, verdicts, strict=True):
            yield one, rows.select(by)[places((verdict != verdict[0])[codes])]

    def _by_tag(self, tags: pl.LazyFrame, nobody: Some) -> Mapping[AskedTag, Some]:
        """Who has each tag, or any."""
        asked = dict.fromkeys(one for one in asked_in(self.formula) if isinstance(one, AskedTag))
        by = nobody.ids.columns[0]
        owners = [tags if one.tag is None else tags.filter(pl.col("tag") == one.tag) for one in asked]
        found = pl.collect_all([one.select(by).unique() for one in owners], engine="streaming")
        return {one: Some(ids) for one, ids in zip(asked, found, strict=True)}


def _blocks(values: pl.LazyFrame, asked: Iterable[str]) -> Iterator[Mapping[str, pl.DataFrame]]:
    """Some rows at once of each attribute that is asked about."""
    if not (names := list(asked)):
        return
    wanted = values.filter(pl.col("attribute").is_in(names))
    for rows in wanted.collect_batches(chunk_size=_ROWS, maintain_order=False, engine="streaming"):
        place = positions(rows["attribute"], names)
        yield {name: rows[places(place == number)] for number, name in enumerate(names)}


def cron_reach(program: Program, tick: Tick) -> CronReach:
    """What the crons that fire in a tick ask of customers before they let them enter."""
    fires = [
        (
            ringing(alarm.schedule.cron or "", alarm.schedule.timezone, tick),
            met(trigger.checks, program, tick),
        )
        for alarm in program.alarms
        if alarm.is_cron
        for trigger in alarm.triggers
    ]
    return CronReach(
        program, tick, Either(tuple(Every(one) for one in fires if one[0] != Constant(holds=False)))
    )

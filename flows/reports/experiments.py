"""Experiments from files of outcomes: their customers, what is refused, which group is the control group."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from flows.errors import InputError
from flows.formats.staging import placed, stage
from flows.formats.ways import Ways
from flows.settings import Settings, memory_bytes
from flows.warehouse import connect, frame, limit_memory
from transforms.answers import outcomes
from transforms.answers.experiment import control_of
from transforms.definitions.base import advice
from transforms.tables.frames import OUTCOMES

_ROWS = 'select line, reason, customer_id, "group", outcome, value, before from {rows} order by batch_order'
_SAID = {
    "no_customer_id": "no customer_id",
    outcomes.NO_GROUP: "no group",
    outcomes.TWO_GROUPS: "a customer in two groups",
    outcomes.NO_OUTCOME: "no outcome, write 0 where nothing came of it",
    outcomes.BAD_OUTCOME: "an outcome other than 0, 1, true, false, yes, no",
    outcomes.BAD_VALUE: "a value that is no number",
    outcomes.BAD_BEFORE: "a value of before that is no number",
}


@dataclass(frozen=True)
class Counted:
    """Customers of an experiment, and what people should know of how they were counted.

    Attributes:
        customers: see `transforms.answers.experiment.analyse`.
        refused: see `transforms.answers.outcomes.refusals`.
        shares: those that the groups were to have, where what was read says them.
        notes: sentences.
    """

    customers: pl.DataFrame
    refused: pl.DataFrame
    shares: dict[str, float] | None = None
    notes: tuple[str, ...] = ()


def read_outcomes(file: Path, settings: Settings) -> Counted:
    """The customers of a file of `customer_id, group, outcome`, perhaps `value` and `before`.

    Args:
        file: CSV, NDJSON, JSON or Parquet, perhaps compressed.
        settings: limits of files, encodings, memory.

    Raises:
        InputError: the file can't be read, lacks a column, or has no row that can be used.
    """
    ways = replace(Ways.of(settings), shapes={}, types={})
    with closing(connect()) as con:
        limit_memory(con, memory_bytes(settings.memory))
        source = ways.recognise(file, "outcomes")
        stage(con, source, "outcomes", settings.limits)
        rows = outcomes.judged(frame(con, _ROWS.format(rows=placed(con, source, "outcomes"))))
    refused = outcomes.refusals(rows)
    if rows.is_empty():
        raise InputError(
            f"{file}: holds no rows; needed: one a customer, with {', '.join(list(OUTCOMES)[:3])}"
        )
    customers = outcomes.customers_of(rows)
    if customers.is_empty():
        raise InputError(f"{file}: no row can be used: {'; '.join(refusal_sentences(refused))}")
    return Counted(customers, refused, notes=(*source.notes, *_notes(customers)))


def refusal_sentences(refused: pl.DataFrame) -> list[str]:
    """A sentence for each reason, with how many rows and the first of them."""
    return [_refusal(*row) for row in refused.iter_rows()]


def _refusal(
    reason: str, rows: int, customers: int, line: int, customer: str | None, given: str | None
) -> str:
    of = f" of {customers:,} customers" if reason == outcomes.TWO_GROUPS and customers > 1 else ""
    first = ", ".join(filter(None, (f"line {line}", customer, repr(given) if given else "")))
    told = "1 row is left out" if rows == 1 else f"{rows:,} rows{of} are left out"
    return f"{told}: {_SAID.get(reason, reason)} (first: {first})"


def _notes(customers: pl.DataFrame) -> list[str]:
    """What is said of customers who lack something that others have."""
    meant = {"value": "which counts as 0", "before": "which counts as the mean of the others"}
    lacking = {name: customers[name].null_count() for name in meant}
    return [
        f"{counted:,} of {customers.height:,} customers have no {name}, {meant[name]}"
        for name, counted in lacking.items()
        if 0 < counted < customers.height
    ]


def choose_control(groups: Sequence[str], given: str | None) -> tuple[str, str | None]:
    """The control group, and what is to be said of how it was chosen.

    Args:
        groups: in the order in which they appear.
        given: by the user.

    Raises:
        InputError: there is no such group.
    """
    if given is not None:
        if given not in groups:
            raise InputError(f"--control {given!r}: no such group; {advice(given, list(groups))}")
        return given, None
    named = control_of(list(groups))
    if named:
        return named, None
    if len(groups) == 1:
        return groups[0], None
    return groups[0], f"the control group is {groups[0]!r}, the first; name another with --control"


def check_shares(shares: Mapping[str, float], groups: Sequence[str]) -> None:
    """Refuse shares that aren't of these groups.

    Raises:
        InputError: a group is missing, or one isn't there.
    """
    for one in shares:
        if one not in groups:
            raise InputError(f"--shares {one}: no such group; {advice(one, list(groups))}")
    if missing := [one for one in groups if one not in shares]:
        raise InputError(
            f"--shares: names no share for {', '.join(map(repr, missing))}; give one for each group"
        )

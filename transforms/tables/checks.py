"""What tables that cross a border are held to while the program runs: their columns, and a backtest's their values too.

A fault here is one of the program, not of what it was given: bad rows of files are found, and told, before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from transforms.tables import frames
from transforms.tables.frames import Schema

STATUSES = ["running", "completed", "converted", "exited", "failed", "held_out", "paused"]


@dataclass(frozen=True)
class Rule:
    """What holds of every value of a column.

    Attributes:
        column: which column.
        allowed: what is allowed, in words.
        holds: whether a value is that; null where there is none.
    """

    column: str
    allowed: str
    holds: pl.Expr


@dataclass(frozen=True)
class Table:
    """A table at a border.

    Attributes:
        name: what it is called.
        columns: its columns; a table may have further ones.
        nullable: those that may be null.
        key: the column whose values are unique.
        rules: what holds of the others' values.
    """

    name: str
    columns: Schema
    nullable: Sequence[str] = ()
    key: str | None = None
    rules: Sequence[Rule] = ()


def _is_hash(column: str) -> Rule:
    return Rule(column, "32 hexadecimal digits", pl.col(column).str.contains("^[0-9a-f]{32}$"))


def _is_object(column: str) -> Rule:
    text = pl.col(column)
    return Rule(column, "a JSON object", text.str.starts_with("{") & text.str.ends_with("}"))


_ID = _is_hash("execution_id")
_STATUS = Rule("status", f"one of {', '.join(STATUSES)}", pl.col("status").is_in(STATUSES))

EXECUTIONS = Table(
    "executions",
    frames.chosen(
        frames.EXECUTIONS,
        *("execution_id", "workflow_id", "customer_id", "entered_at"),
        *("branch", "status", "ended_at", "converted_at"),
    ),
    nullable=("branch", "ended_at", "converted_at"),
    key="execution_id",
    rules=(_ID, _STATUS),
)
STEPS = Table("steps", frames.STEPS)
MESSAGES = Table(
    "messages",
    frames.MESSAGES,
    nullable=("template_id",),
    key="message_id",
    rules=(_is_hash("message_id"),),
)
WEBHOOKS = Table("webhooks", frames.WEBHOOKS)
GOAL_HITS = Table("goal_hits", frames.GOAL_HITS, nullable=("event_id",), rules=(_ID,))
PROFILES = Table("profiles", frames.PROFILES, key="customer_id", rules=(_is_object("attributes"),))


def check(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` if they are a `table`.

    Raises:
        ValueError: naming the table and its faults: column, what is allowed, a value given.
    """
    check_columns(table.name, table.columns, rows.schema)
    _refuse(table.name, [*_nulls(table, rows), *_repeated(table, rows), *_broken(table, rows)])
    return rows


def check_columns(name: str, columns: Schema, found: Mapping[str, pl.DataType]) -> None:
    """Look whether a table has these columns, of exactly these types; further ones are allowed, and texts as Enums.

    Raises:
        ValueError: naming the table, and each column with the type it should have, and has.
    """
    wrong = {column: kind for column, kind in columns.items() if not _is(found.get(column), kind)}
    _refuse(name, [f"{column}: {kind}: {found.get(column, 'missing')}" for column, kind in wrong.items()])


def _is(found: pl.DataType | None, kind: pl.DataType | type[pl.DataType]) -> bool:
    return found == kind or (kind == pl.String and isinstance(found, pl.Enum))


def _nulls(table: Table, rows: pl.DataFrame) -> Iterator[str]:
    for column in table.columns:
        if column not in table.nullable and rows[column].null_count():
            yield f"{column}: not null: null"


def _repeated(table: Table, rows: pl.DataFrame) -> Iterator[str]:
    if table.key and rows[table.key].n_unique() < len(rows):
        yield f"{table.key}: unique: {rows[table.key].filter(rows[table.key].is_duplicated())[0]!r}"


def _broken(table: Table, rows: pl.DataFrame) -> Iterator[str]:
    hold = rows.select(rule.holds.all().alias(str(number)) for number, rule in enumerate(table.rules))
    for rule, (held,) in zip(table.rules, hold.iter_columns(), strict=True):
        if not held:
            yield f"{rule.column}: {rule.allowed}: {rows.filter(~rule.holds)[rule.column][0]!r}"


def _refuse(name: str, faults: Sequence[str]) -> None:
    if faults:
        raise ValueError("\n  ".join([f"not a table of {name}:", *faults]))

"""The profile's fields, which conditions and schedules read like attributes (semantics.md §5)."""

import polars as pl

from transforms.engine.state import State
from transforms.program.model import CREATED_AT, CUSTOMER_ID, FIELDS, Program
from transforms.tables.frames import ATTRIBUTES
from transforms.timing.instants import written


def with_fields(state: State, program: Program, customers: pl.Series) -> pl.DataFrame:
    """The attributes (`frames.ATTRIBUTES`), with those fields that the program reads instead of attributes so named.

    A field is there from before all time, as what a customer's first file says; of those whom the tick makes
    known, since that instant.

    Args:
        state: before the tick.
        program: the compiled workflows.
        customers: the ids of those who have a `customer_id`.
    """
    read = [name for name in FIELDS if name in program.attributes]
    if not read:
        return state.attributes
    own = state.attributes.filter(~pl.col("attribute").is_in(FIELDS))
    nameless = customers.to_frame(CUSTOMER_ID).with_columns(since=pl.lit(None, ATTRIBUTES["set_at"]))
    owners = {CUSTOMER_ID: nameless, CREATED_AT: state.customers}
    return pl.concat([own, *(_rows(owners[name], name) for name in read)])


def field_values(name: str) -> pl.Expr:
    """The JSON text of a field, from the columns of customers; null for none."""
    return _FIELD[name]


def _rows(owners: pl.DataFrame, name: str) -> pl.DataFrame:
    rows = owners.select("customer_id", attribute=pl.lit(name), value=field_values(name), set_at="since")
    return rows.drop_nulls("value")


def _quoted(text: pl.Expr) -> pl.Expr:
    escaped = text.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.concat_str(pl.lit('"'), escaped, pl.lit('"'))


_FIELD = {CUSTOMER_ID: _quoted(pl.col("customer_id")), CREATED_AT: _quoted(written(pl.col("created_at")))}

"""Good rows of a batch in the order in which the archive keeps them."""

from duckdb import DuckDBPyConnection

from flows.formats.shapes import Kind
from flows.warehouse import chained

_ROWS = ("batch", "inbox/archive/events.sql")


def in_order(con: DuckDBPyConnection, kind: Kind, relation: str) -> str:
    """The query of the archive's rows of a relation: events by time and id, customers by id.

    Logs often are in the order of time: to see that takes a hundredth of sorting them.
    """
    good = ("good", f"from {relation}")
    if kind == "customers":
        return chained(good, final="inbox/archive/customers.sql")
    ((follow,),) = con.execute(chained(good, final="inbox/archive/events_follow.sql")).fetchall()
    return chained(good, _ROWS, final="from batch" if follow else "inbox/archive/events_sorted.sql")

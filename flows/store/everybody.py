"""All customers at once, as of before the transaction under way, for what no customer's key answers."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from flows.store.ledger import RECONSIDERED, named_files
from flows.store.pending import KEYS, decoded
from flows.store.relations import empty_tables, relations
from flows.store.store import Store
from flows.warehouse import shown, tidying

_SCHEMA = "everybody"
_ASKED = ("profiles", "attributes", "tags", "running", "ended", "steps", *KEYS)


@contextmanager
def everybody(store: Store, asked: Sequence[str] = _ASKED) -> Generator[None]:
    """Let queries of the block read relations of the ledger, as `everybody.profiles` and so on.

    Rows of customers have the places of their documents, `customer_key`; messages and webhook requests that wait are
    there too.

    Args:
        store: whose ledger they read.
        asked: which relations.
    """
    con = store.con
    con.execute(f"create schema {_SCHEMA}")
    try:
        con.execute(";".join(empty_tables(_SCHEMA, asked)))
        # What no tick has decided, no tick needs.
        files = [one for one in named_files(store.state) if one.relation != RECONSIDERED]
        queries = relations(store, files, _SCHEMA, asked, keyed=True)
        waiting = {f"waiting_{table}": decoded(con, store.state, table) for table in KEYS if table in asked}
        with shown(con, **waiting):
            for name, query in queries.items():
                more = f" union all by name select * from waiting_{name}" if name in KEYS else ""
                con.execute(f"create view {_SCHEMA}.{name} as {query}{more}")
            yield
    finally:
        with tidying():
            con.execute(f"drop schema {_SCHEMA} cascade")

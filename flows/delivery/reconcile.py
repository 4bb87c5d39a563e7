"""Whether the store and the send ledger say the same of what was handed over."""

import polars as pl
from duckdb import DuckDBPyConnection

from flows.delivery.kinds import MESSAGES, WEBHOOKS, Kind
from flows.delivery.open_ledger import ledger_file
from flows.delivery.send_ledger import SendLedger
from flows.settings import Settings
from flows.warehouse import frame

_COLUMNS = ["name", "parts", "measure", "kept", "counted"]


def ledger_differences(con: DuckDBPyConnection, settings: Settings) -> pl.DataFrame:
    """The messages and requests of which store and send ledger say different things.

    Args:
        con: a connection to what is published.
        settings: where the send ledger lies.

    Returns:
        One row per message or request: name (`send_ledger`), parts (its id), measure (`status`), kept (the store's),
        counted (the ledger's; null: it knows nothing of it). What is pending in the store may be answered already: the
        next run notes it.

    Raises:
        OnwardError: the send ledger can't be read.
    """
    if not ledger_file(settings).exists():
        return _empty()
    with SendLedger(ledger_file(settings)) as ledger:
        return pl.concat([_differing(con, ledger, kind) for kind in (MESSAGES, WEBHOOKS)])


def _differing(con: DuckDBPyConnection, ledger: SendLedger, kind: Kind) -> pl.DataFrame:
    handed_over = (
        f"select {kind.key} as id, status as kept from {kind.table} where status in ('sent', 'unknown')"
    )
    kept = frame(con, handed_over)
    settled = frame(con, f"select {kind.key} as id from {kind.table} where status <> 'pending'")
    counted = ledger.answers(kind).join(settled, on="id", how="semi")
    both = kept.join(counted, on="id", how="full", coalesce=True)
    differing = both.filter(pl.col("kept").ne_missing(pl.col("counted")))
    return differing.select(
        name=pl.lit("send_ledger"), parts="id", measure=pl.lit("status"), kept="kept", counted="counted"
    )


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))

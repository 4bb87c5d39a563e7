"""What a house must agree on after a run: the state file with itself, its ledger, and what is published."""

from collections.abc import Callable

import polars as pl

from flows.delivery.reconcile import ledger_differences
from flows.files import content_hash
from flows.reports.reconcile import differences
from flows.store import placing
from flows.store.check import check
from flows.store.documents import TABLES, unpack
from flows.store.ledger import BASE, CLOSED, CURRENT, LASTING, ledger_folder, named_files
from flows.store.opening import open_store
from flows.store.publish import PUBLISHED_STAMP
from flows.store.store import Store
from flows.store.tables import SMALL
from flows.warehouse import connect, run_sql
from tests.runs import House
from transforms.columns.arrays import NEVER

DOCUMENTS = {"customer_id": pl.String, "key": pl.Int64, "doc": pl.String}
DUE = {"workflow_id": pl.String, "at": pl.Int64, "key": pl.Int64}
IN_FLIGHT = {"workflow_id": pl.String, "version": pl.String, "n": pl.Int64}
OWNED = ("profiles", "attributes", "tags", "executions", "schedule_alarms", "window_amounts")
"""The tables whose rows of a customer people see, and documents hold."""


def assert_current(home: House) -> None:
    """Nothing waits, nothing is left out, and all that says the same thing twice says it alike."""
    with open_store(home.settings) as store:
        assert store.warnings == []
        # Its settings may have been others than these, and with them the caps and prices that views read.
        assert str(store.state.value(PUBLISHED_STAMP)).startswith(f"{store.state.commit} ")
        # What failed can be tried again until it is too old.
        assert {one for (one,) in store.state.query("select fields ->> 'status' from pending")} <= {"failed"}
        assert_whole(store)
        assert_published(home, store)
    assert check(home.settings).is_empty()


def assert_whole(store: Store) -> None:
    """The state file agrees with itself and with the files that it names."""
    state = store.state
    assert state.query("pragma integrity_check") == [("ok",)]
    documents = state.frame("select customer_id, key, doc from customers", DOCUMENTS)
    assert state.value("customers") in (None, str(len(documents)))
    assert documents["customer_id"].is_unique().all()
    assert (documents["key"] // 2**48 == placing.keys_of(documents["customer_id"]) // 2**48).all(), (
        "another bucket"
    )
    _assert_due(store, documents)
    for file in named_files(state):
        path = ledger_folder(store.settings) / file.name
        assert (path.stat().st_size, content_hash(path)) == (file.bytes, file.checksum), file
        assert pl.scan_parquet(path).select(pl.len()).collect().item() == file.rows, file
        assert file.last <= state.commit
        assert file.relation in (*LASTING, *CLOSED, *CURRENT)
        assert file.level <= BASE


def assert_published(home: House, store: Store) -> None:
    """What analysts read of customers is what their documents say; small tables are those of the state file."""
    documents = store.state.frame("select customer_id, key, doc from customers", DOCUMENTS)
    held = (
        unpack(documents) if len(documents) else {name: pl.DataFrame(schema=TABLES[name]) for name in TABLES}
    )
    watched = store.state.frame(
        "select * from watched_keys where kind = 'alarm' and tracked", SMALL["watched_keys"]
    )
    numbers = watched.select(pl.col("number").cast(pl.String).alias("key"), pl.col("key").alias("name"))
    alarms = held["schedule_alarms"].join(numbers, on="key").drop("key").rename({"name": "key"})
    expected: dict[str, pl.DataFrame] = {**held, "schedule_alarms": alarms}
    with connect(home.published, read_only=True) as con:
        read: Callable[[str], pl.DataFrame] = lambda query: con.sql(query).pl()  # noqa: E731
        for name in OWNED:
            columns = [one for one in TABLES[name] if one != "trigger_properties"]
            only = "where status in ('running', 'paused')" if name == "executions" else ""
            shown = read(f"from {name} {only}").select(columns)
            assert _same(shown, expected[name].select(columns)), name
        for name in set(SMALL) - {"watched_keys", "inbox_files"}:
            kept = store.state.frame(f"select {', '.join(SMALL[name])} from {name}", SMALL[name])
            found = read(f"from {name}").select(kept.columns)
            # A tick that found nothing isn't worth a publication.
            late = kept.join(found, on="tick_id", how="anti") if name == "ticks" else kept.clear()
            assert late.select("events", "facts", "steps").sum().row(0) == (0, 0, 0) if len(late) else True
            if name == "considered":  # rows that are in the ledger leave the state file
                found = found.join(kept, on=kept.columns, how="semi", nulls_equal=True)
            assert _same(found, kept.join(late, on=kept.columns, how="anti", nulls_equal=True)), name
        assert read("select * from messages where status = 'pending'").is_empty()
        assert ledger_differences(con, home.settings).is_empty()
        run_sql(con, "reports/reconcile/counted.sql")
        assert differences(con).is_empty()


def _assert_due(store: Store, documents: pl.DataFrame) -> None:
    """What is due, and how much is in flight, follows from the documents."""
    due = store.state.frame("select workflow_id, at, key from due", DUE)
    flights = store.state.frame("select workflow_id, version, n from in_flight", IN_FLIGHT)
    if documents.is_empty():
        assert due.is_empty()
        assert flights.is_empty()
        return
    held = unpack(documents)
    keys = documents.select("customer_id", "key")
    steps = held["executions"].select(
        "customer_id", "workflow_id", at=pl.col("due_at").dt.epoch("us").fill_null(NEVER)
    )
    tracked = store.state.query("select number from watched_keys where kind = 'alarm' and tracked")
    armed = held["schedule_alarms"].filter(
        pl.col("at").is_not_null(), pl.col("key").is_in([str(number) for (number,) in tracked])
    )
    alarms = armed.select("customer_id", workflow_id=pl.lit(""), at=pl.col("at").dt.epoch("us"))
    wanted = (
        pl.concat([steps, alarms]).join(keys, on="customer_id").select("workflow_id", "at", "key").unique()
    )
    # Of schedules that nobody keeps track of any more, instants may stay until their customers are read again.
    assert wanted.join(due, on=wanted.columns, how="anti").is_empty()
    assert due.filter(pl.col("workflow_id") != "").join(wanted, on=wanted.columns, how="anti").is_empty()
    counted = held["executions"].group_by("workflow_id", "version").agg(n=pl.len().cast(pl.Int64))
    assert _same(counted, flights)


def _same(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    lists = [name for name, kind in a.schema.items() if isinstance(kind, pl.List)]
    plain = [
        frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join("|")) if lists else frame
        for frame in (a, b)
    ]
    left, right = (one.select(a.columns).sort(a.columns) for one in plain)
    return left.equals(right.cast(dict(left.schema)))

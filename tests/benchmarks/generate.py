"""Synthetic load for the benchmarks: a shop's events over 90 days, as canonical Parquet files.

Activity is skewed (log-normal: a few customers do most), ids are strings, the nine event types are those of the seed's
three patterns, and a sixth of the events has a name that a workflow in `workflows/` looks for as a trigger, a goal or
to wait for. The same sizes and seed give the same input.

    python -m tests.benchmarks.generate FOLDER --events 1000000 --customers 100000
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
END = START + timedelta(days=DAYS)
DAY = timedelta(days=1)
WORKFLOWS = Path(__file__).with_name("workflows")
PATTERNS = Path(__file__).parents[2] / "data" / "patterns.yaml"  # the seed's three
PER_FILE = 10_000_000  # events in a file, to stay below what one may hold
CHUNK = 1_000_000
ROW_GROUP = 122_880  # as DuckDB writes the archive; it reads row groups in parallel
ACTIVITY_SIGMA = 1.2  # of the log-normal number of events per customer: the top 1 % do about 13 % of them
CATEGORIES = pl.Series(["coffee", "tea", "chocolate", "biscuits", "honey", "spices", "olive oil", "wine"])
SHARES = {
    "website_visit": 0.32,
    "product_view": 0.26,
    "email_open": 0.14,
    "cart_addition": 0.10,
    "price_check": 0.06,
    "review_read": 0.05,
    "purchase_completed": 0.05,
    "referral_made": 0.01,
    "review_submitted": 0.01,
}


@dataclass(frozen=True)
class Size:
    """How much to generate."""

    events: int
    customers: int
    seed: int = 1


@dataclass(frozen=True)
class Load:
    """Generated input: canonical Parquet files and the first instant after the last event."""

    folder: Path
    end: datetime = END

    @property
    def events(self) -> Path:
        """The pattern of the event files' names, for readers that take one."""
        return self.folder / "events-*.parquet"

    @property
    def files(self) -> list[Path]:
        """The event files, in the order of time."""
        return sorted(self.folder.glob(self.events.name))

    @property
    def customers(self) -> Path:
        """The customers; one in a hundred of those who act is missing."""
        return self.folder / "customers.parquet"


def generated(size: Size) -> Load:
    """The input of this size, made by a process of its own unless an earlier benchmark left it.

    A process of its own, because a child's peak memory starts at its parent's.
    """
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    name = f"{size.events}-{size.customers}-{size.seed}-{version}"
    load = Load(Path(tempfile.gettempdir()) / "onward-benchmarks" / name)
    if not load.customers.exists():
        sizes = {"--events": size.events, "--customers": size.customers, "--seed": size.seed}
        options = [str(part) for option in sizes.items() for part in option]
        subprocess.run([sys.executable, "-m", __name__, str(load.folder), *options], check=True)
    return load


def write_load(size: Size, folder: Path) -> None:
    """Write events and customers of this size to `folder`; the customers appear last, and whole."""
    folder.mkdir(parents=True, exist_ok=True)
    load = Load(folder)
    for number, chunks in groupby(enumerate(event_chunks(size)), lambda one: one[0] * CHUNK // PER_FILE):
        _write_file(folder / f"events-{number:02d}.parquet", (chunk for _, chunk in chunks))
        print(
            f"\r{min((number + 1) * PER_FILE, size.events):>12,} of {size.events:,} events",
            end="",
            file=sys.stderr,
        )
    print(file=sys.stderr)
    aside = load.customers.with_suffix(".part")
    customers(size).write_parquet(aside)
    aside.rename(load.customers)


def _write_file(path: Path, chunks: Iterable[pl.DataFrame]) -> None:
    writer = None
    for chunk in chunks:
        table = chunk.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=ROW_GROUP)
    assert writer is not None
    writer.close()


def customers(size: Size) -> pl.DataFrame:
    """Canonical customers with four attributes each; one in a hundred ids is left out."""
    random = np.random.default_rng(size.seed)
    count = size.customers
    since = START - timedelta(days=730) + pl.Series(random.integers(0, 790, count)) * DAY
    frame = pl.DataFrame(
        {
            "customer_id": customer_ids(np.arange(count)),
            "created_at": since.cast(pl.Datetime("us", "UTC")),
            "bought": random.poisson(2.0, count),
            "score": random.integers(0, 101, count),
            "consent": random.random(count) < 0.95,
            "favourite": CATEGORIES.gather(random.integers(0, len(CATEGORIES), count)),
        }
    ).filter(pl.Series(random.random(count) < 0.99))
    return frame.select(
        "customer_id",
        email=pl.concat_str("customer_id", pl.lit("@example.com")),
        created_at="created_at",
        attributes=json_object(
            total_purchases="bought", engagement_score="score", email_consent="consent", favourite="favourite"
        ),
        tags=pl.lit([], dtype=pl.List(pl.String)),
        timezone=pl.lit(None, pl.String),
    )


def event_chunks(size: Size, start: datetime = START, days: float = DAYS) -> Iterator[pl.DataFrame]:
    """Canonical events in the order of time, about a million at once."""
    random = np.random.default_rng((size.seed, int(start.timestamp())))
    activity = np.random.default_rng(size.seed).lognormal(0, ACTIVITY_SIGMA, size.customers).cumsum()
    chunks = -(-size.events // CHUNK)
    length = timedelta(days=days) / chunks
    for number in range(chunks):
        count = min(CHUNK, size.events - number * CHUNK)
        yield _chunk(random, activity, count, start + number * length, length)


def _chunk(
    random: np.random.Generator, activity: np.ndarray, count: int, start: datetime, length: timedelta
) -> pl.DataFrame:
    counts = random.multinomial(count, list(SHARES.values()))
    kinds = [_events(random, name, some) for name, some in zip(SHARES, counts, strict=True) if some]
    # Looked up in order, which is several times as fast as at random places of a long array.
    who = random.permutation(np.searchsorted(activity, np.sort(random.random(count)) * activity[-1]))
    since = pl.Series(random.integers(0, length // timedelta(microseconds=1), count)).cast(pl.Duration("us"))
    number = pl.Series(random.permutation(count)) + int(start.timestamp()) * 1000
    events = pl.concat(kinds, rechunk=True).with_columns(
        event_id=pl.concat_str(pl.lit("evt-"), number),
        customer_id=customer_ids(who),
        ts=pl.lit(start).cast(pl.Datetime("us", "UTC")) + since,
        received_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    columns = "event_id customer_id ts type name value properties attributes received_at"
    return events.sort("ts").select(columns.split())


def customer_ids(numbers: np.ndarray) -> pl.Series:
    """`cus-00000042`."""
    return pl.select(
        pl.concat_str(pl.lit("cus-"), pl.Series(numbers).cast(pl.String).str.zfill(8))
    ).to_series()


def _events(random: np.random.Generator, name: str, count: int) -> pl.DataFrame:
    """Events of one name, without who and when."""
    drawn = pl.DataFrame(
        {
            "cents": random.lognormal(8.3, 0.8, count).astype(np.int64) + 100,
            "small": random.integers(1, 6, count),
            "number": random.integers(0, 5000, count),
            "category": CATEGORIES.gather(random.integers(0, len(CATEGORIES), count)),
            "status": pl.Series(["subscribed", "unsubscribed"]).gather(
                (random.random(count) < 0.2).astype(int)
            ),
            "updates": random.random(count) < 0.3,
        }
    ).with_columns(amount=pl.col("cents") / 100)
    order = name == "purchase_completed"
    return drawn.select(
        type=pl.lit("behavioral"),
        name=pl.lit(name),
        value=pl.col("amount") if order else pl.lit(None, pl.Float64),
        properties=_properties(name),
        attributes=pl.when(pl.col("updates")).then(_updates(name)),
    )


def _updates(name: str) -> pl.Expr:
    """The profile updates that some events of a name carry."""
    match name:
        case "purchase_completed":
            return json_object(last_category="category", total_purchases="small")
        case "website_visit":
            return pl.when(pl.col("number") < 800).then(json_object(subscription_status="status"))
    return pl.lit(None, pl.String)


def _properties(name: str) -> pl.Expr:
    product: dict[str, str | pl.Expr] = {"product_id": "number", "category": "category", "price": "amount"}
    fields: dict[str, dict[str, str | pl.Expr]] = {
        "website_visit": {"page": pl.concat_str(pl.lit("/page/"), "number"), "device": pl.lit("mobile")},
        "product_view": product,
        "price_check": product,
        "cart_addition": {"cart_value": "amount", "items": "small", "category": "category"},
        "purchase_completed": {"order_id": "number", "items": "small", "category": "category"},
        "review_submitted": {"rating": "small", "product_id": "number"},
        "email_open": {"template_id": "category", "campaign": "number"},
    }
    return json_object(**fields.get(name, {"product_id": "number"}))


def json_object(**fields: str | pl.Expr) -> pl.Expr:
    """JSON text of an object with these columns as its values; the texts among them need no escapes."""
    values = {name: pl.col(value) if isinstance(value, str) else value for name, value in fields.items()}
    return pl.struct(one.alias(name) for name, one in values.items()).struct.json_encode()


def main() -> None:
    """Write a load and say how big it is."""
    parser = argparse.ArgumentParser(description="Write synthetic events and customers as canonical Parquet.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write_load(Size(given.events, given.customers, given.seed), given.folder)


if __name__ == "__main__":
    main()

"""One Parquet file per table, to which buckets' rows are appended as they come, in the buckets' order.

Whoever decides a bucket writes its rows, compressed; here row groups are copied as they are. So writing is done in
parallel, and once.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from flows.backtest.paths import Paths
from flows.files import aside_name, put_all_in_place
from flows.formats.parquet_footers import JoinedParquet


def write_part(rows: pl.DataFrame, file: Path) -> None:
    """Write a bucket's rows of a table."""
    rows.write_parquet(file, compression="zstd", compression_level=1)


class BucketTables:
    """Tables that grow bucket by bucket; made by `bucket_tables`."""

    def __init__(self, paths: Paths, tables: dict[str, JoinedParquet]) -> None:
        self._paths, self._tables = paths, tables
        self._decided: set[int] = set()
        self._next = 0

    def add(self, bucket: int) -> None:
        """Append a bucket's rows once those of all buckets before it are there; its files are gone then."""
        self._decided.add(bucket)
        while self._next in self._decided:
            for name, table in self._tables.items():
                part = self._paths.decided(name, self._next)
                table.append(part)
                part.unlink()
            self._next += 1


@contextmanager
def bucket_tables(paths: Paths, files: Mapping[str, Path]) -> Generator[BucketTables]:
    """Tables, whole when the block is left.

    Args:
        paths: where the buckets' rows are.
        files: the tables by their names, and where to write each.
    """
    with ExitStack() as stack:
        opened = {name: stack.enter_context(file.open("wb")) for name, file in files.items()}
        tables = {name: JoinedParquet(file) for name, file in opened.items()}
        yield BucketTables(paths, tables)
        for table in tables.values():
            table.finish()


@contextmanager
def outputs(out: Path, names: Iterable[str], gone: Iterable[str]) -> Generator[dict[str, Path]]:
    """Where to write the files of these names: they appear in `out` together when the block is left, or none does.

    Those that are `gone` are of an earlier backtest, and go then.
    """
    asides = {name: aside_name(out / name) for name in names}
    try:
        yield asides
        put_all_in_place({out / name: aside for name, aside in asides.items()})
        for name in gone:
            (out / name).unlink(missing_ok=True)
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)

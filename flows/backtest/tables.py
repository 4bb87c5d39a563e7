"""One Parquet file per table, to which buckets' rows are appended as they come, in the buckets' order.

Buckets hand their rows over as plain Arrow files: these are compressed once, here, and lie on disk only until then.
"""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.backtest.bucket import Paths
from flows.files import aside_name, put_in_place


class BucketTables:
    """Tables that grow bucket by bucket; made by `bucket_tables`."""

    def __init__(self, paths: Paths, asides: dict[str, Path], stack: ExitStack) -> None:
        self._paths, self._asides, self._stack = paths, asides, stack
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._decided: set[int] = set()
        self._next = 0

    def add(self, bucket: int) -> None:
        """Append a bucket's rows once those of all buckets before it are there; its files are gone then."""
        self._decided.add(bucket)
        while self._next in self._decided:
            for name in self._asides:
                self._append(name, self._paths.decided(name, self._next))
            self._next += 1

    def _append(self, name: str, file: Path) -> None:
        with pa.memory_map(str(file)) as source:
            rows = pa.ipc.open_file(source).read_all()
            if name not in self._writers:
                self._writers[name] = self._stack.enter_context(_writer(self._asides[name], rows.schema))
            self._writers[name].write_table(rows)
        file.unlink()


@contextmanager
def bucket_tables(paths: Paths, names: Sequence[str], out: Path) -> Generator[BucketTables]:
    """Tables `out/NAME.parquet`: they appear whole when the block is left, or not at all.

    Args:
        paths: where the buckets' rows are.
        names: the tables.
        out: the folder to write to; made if absent.
    """
    asides = {name: aside_name(out / f"{name}.parquet") for name in names}
    try:
        with ExitStack() as stack:
            yield BucketTables(paths, asides, stack)
        for name, aside in asides.items():
            put_in_place(aside, out / f"{name}.parquet")
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)


def _writer(file: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Without Arrow's own schema readers see Parquet's plain types, not the layout the rows came in.
    return pq.ParquetWriter(file, schema, compression="zstd", compression_level=1, store_schema=False)

"""Which event ids came before: their hashes, sorted, beside the archive, so that no tick reads all ids again.

A hash that isn't found says that the event is new. One that is found says where the id may be: there it is looked for
itself. The files tell of committed batches only, and are made again from the archive where they are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
from duckdb import DuckDBPyConnection

from flows.files import aside_name, put_in_place
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.warehouse import frame, literal, shown

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class SeenIds:
    """The hashes of the event ids of some batches that follow one another, in order.

    Attributes:
        first: the number of the first batch.
        last: that of the last one.
        content: the hash of the last one's input file, which says that it is still the same batch.
    """

    first: int
    last: int
    content: str
    hashes: Hashes

    def holds(self, ordered: Hashes) -> npt.NDArray[np.bool_]:
        """Which of some hashes, given in order, are among these."""
        if not self.hashes.size:
            return np.zeros(ordered.size, np.bool_)
        place = np.minimum(np.searchsorted(self.hashes, ordered), self.hashes.size - 1)
        return np.equal(self.hashes[place], ordered)

    def merged(self, later: "SeenIds") -> "SeenIds":
        """These and those of the batches after them."""
        # A stable sort merges two sorted halves in one pass.
        both = np.sort(np.concatenate([self.hashes, later.hashes]), kind="stable")
        return SeenIds(self.first, later.last, later.content, both)


Known = Sequence[SeenIds]


def read_known(con: DuckDBPyConnection, settings: Settings) -> Known:
    """The ids of all batches of the store, none of which a transaction has yet to commit; brings the files up to date.

    Raises:
        WarehouseError: an archived file can't be read.
    """
    known = caught_up(con, settings, _read(con, settings))
    _keep(settings, known)
    return known


def caught_up(con: DuckDBPyConnection, settings: Settings, known: Known) -> Known:
    """`known` and the ids of batches that came since, in few pieces: each is more than twice as long as the next.

    Raises:
        WarehouseError: an archived file can't be read.
    """
    pieces = list(known)
    query = "select batch_id, archive, content_hash from batches where kind = 'events' and batch_id > $1 order by 1"
    done = pieces[-1].last if pieces else 0
    for number, archive, content in con.execute(query, [done]).fetchall():
        file = archive_folder(settings) / "events" / archive
        ids = frame(con, f"select event_id from read_parquet({literal(file)})").to_series()
        pieces.append(SeenIds(done + 1, number, content, np.sort(_hashed(ids))))
        done = number
        while len(pieces) > 1 and pieces[-2].hashes.size <= 2 * pieces[-1].hashes.size:
            later = pieces.pop()
            pieces.append(pieces.pop().merged(later))
    return pieces


def known_before(con: DuckDBPyConnection, settings: Settings, known: Known, ids: pl.Series) -> pl.Series:
    """Those of some ids that are known.

    Raises:
        WarehouseError: an archived file can't be read.
    """
    hashes = _hashed(ids)
    ordered = np.sort(hashes)
    suspected = [np.zeros(0, np.uint64)]
    archives: list[str] = []
    for piece in known:
        if (found := ordered[piece.holds(ordered)]).size:
            suspected.append(found)
            archives += _archives(con, settings, piece)
    if not archives:
        return ids.clear()
    suspects = ids.filter(np.isin(hashes, np.concatenate(suspected)))
    source = f"read_parquet([{', '.join(archives)}])"
    present = f"select distinct event_id from {source} semi join suspected_ids using (event_id)"
    with shown(con, suspected_ids=suspects.to_frame("event_id")):
        return frame(con, present).to_series()


def _archives(con: DuckDBPyConnection, settings: Settings, piece: SeenIds) -> list[str]:
    query = "select archive from batches where kind = 'events' and batch_id between $1 and $2"
    folder = archive_folder(settings) / "events"
    return [literal(folder / name) for (name,) in con.execute(query, [piece.first, piece.last]).fetchall()]


def _hashed(ids: pl.Series) -> Hashes:
    """xxHash64: as `buckets.bucket_of`, one that doesn't change from version to version."""
    hashed: pl.Expr = plh.col("id").nchash.xxhash64()
    return ids.to_frame("id").select(hashed).to_series().to_numpy()


def _read(con: DuckDBPyConnection, settings: Settings) -> list[SeenIds]:
    """The files that follow one another from the first batch on, of batches that the store still has."""
    there = set(con.execute("select batch_id, content_hash from batches where kind = 'events'").fetchall())
    longest: dict[int, tuple[int, str, Path]] = {}
    for file in sorted(_folder(settings).glob("*.npy")):
        first, last, content = file.stem.split("-")
        if (int(last), content) in there:
            longest[int(first)] = int(last), content, file
    pieces: list[SeenIds] = []
    begin = 1
    while begin in longest:
        end, content, file = longest[begin]
        pieces.append(SeenIds(begin, end, content, np.load(file, mmap_mode="r")))
        begin = end + 1
    return pieces


def _keep(settings: Settings, known: Known) -> None:
    """Write what isn't there yet, then remove what it stands for."""
    files = {_file(settings, piece): piece for piece in known}
    for file, piece in files.items():
        if not file.exists():
            aside = aside_name(file)
            with aside.open("wb") as out:
                np.save(out, piece.hashes)
            put_in_place(aside, file)
    for file in _folder(settings).glob("*.npy"):
        if file not in files:
            file.unlink()


def _folder(settings: Settings) -> Path:
    return archive_folder(settings) / "event_ids"


def _file(settings: Settings, piece: SeenIds) -> Path:
    return _folder(settings) / f"{piece.first:08d}-{piece.last:08d}-{piece.content}.npy"

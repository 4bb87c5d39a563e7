"""Which event ids came before: their hashes, sorted, beside the archive, so that no tick reads all ids again.

A hash that isn't found says that the event is new. One that is found says where the id may be: there it is looked for
itself. The files tell of committed batches only, and are made again from the archive where they are missing.
"""

from dataclasses import dataclass
from mmap import MADV_DONTNEED, mmap
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.files import aside_name, put_in_place
from flows.inbox.admission import nothing_archived
from flows.store.archive import archive_folder
from flows.store.store import Store
from flows.warehouse import frame, one_file, parquet, read_sql, shown
from transforms.columns.ids import stable_hash

Hashes = npt.NDArray[np.uint64]
LARGEST = 2**24
"""Hashes in a piece at most: to put more together would take a tick longer than to look into two."""


@dataclass(frozen=True)
class HashedBatches:
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
        found = np.equal(self.hashes[place], ordered)
        if isinstance(self.hashes.base, mmap):
            # A look here and there maps nearly all of a file; without this a tick's memory grew with the history.
            self.hashes.base.madvise(MADV_DONTNEED)
        return found

    def is_to_join(self, later: "HashedBatches") -> bool:
        """Whether these are so few, beside those of the batches after them, that they are better in one piece."""
        return self.hashes.size <= min(2 * later.hashes.size, LARGEST - later.hashes.size)

    def merged(self, later: "HashedBatches") -> "HashedBatches":
        """These and those of the batches after them."""
        # A stable sort merges two sorted halves in one pass.
        both = np.sort(np.concatenate([self.hashes, later.hashes]), kind="stable")
        return HashedBatches(self.first, later.last, later.content, both)


class SeenIds:
    """The ids of all events that the store has batches of; made by `read_seen_ids`.

    They are kept in few pieces: large ones, and then each more than twice as long as the next.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = archive_folder(store.settings)
        self._pieces = self._stored()

    def catch_up(self) -> None:
        """Take in the batches that came since, those archived but not part of the state yet too.

        Raises:
            WarehouseError: an archived file can't be read.
        """
        done = self._pieces[-1].last if self._pieces else 0
        for number, archive, content in self._batches(done + 1):
            ids = self._event_ids(archive)
            self._append(HashedBatches(done + 1, number, content, np.sort(_hashed(ids))))
            done = number

    def among(self, ids: pl.Series) -> pl.Series:
        """Those of some ids that came before.

        Raises:
            WarehouseError: an archived file can't be read.
        """
        hashes = _hashed(ids)
        ordered = np.sort(hashes)
        meeting = [(piece, ordered[piece.holds(ordered)]) for piece in self._pieces]
        archives = [file for piece, some in meeting if some.size for file in self._archives(piece)]
        if not archives:
            return ids.clear()
        suspects = ids.filter(np.isin(hashes, np.concatenate([some for _, some in meeting])))
        con = self._store.con
        with shown(con, suspected_ids=suspects.to_frame("event_id")):
            return read_sql(con, "inbox/seen_ids/came_before.sql", archives=archives).to_series()

    def keep(self) -> None:
        """Write what isn't there yet, then remove what it stands for; not while a transaction has yet to commit."""
        files = {self._file(piece): piece for piece in self._pieces}
        for file, piece in files.items():
            if not file.exists():
                aside = aside_name(file)
                with aside.open("wb") as out:
                    np.save(out, piece.hashes)
                put_in_place(aside, file)
        for file in self._files():
            if file not in files:
                file.unlink()

    def _append(self, piece: HashedBatches) -> None:
        self._pieces.append(piece)
        while len(self._pieces) > 1 and self._pieces[-2].is_to_join(self._pieces[-1]):
            later = self._pieces.pop()
            self._pieces.append(self._pieces.pop().merged(later))

    def _event_ids(self, archive: str) -> pl.Series:
        file = self._folder / "events" / archive
        return frame(self._store.con, f"select event_id from {parquet(file)}").to_series()

    def _archives(self, piece: HashedBatches) -> list[str]:
        found = self._batches(piece.first, piece.last)
        return [one_file(self._folder / "events" / archive) for _, archive, _ in found]

    def _batches(self, first: int = 1, last: int | None = None) -> list[tuple[int, str, str]]:
        """The batches of events of these numbers, in order: number, archived file, hash of the content."""
        return self._store.state.rows("inbox/seen_ids/batches.sql", first=first, last=last)

    def _stored(self) -> list[HashedBatches]:
        """The files that follow one another from the first batch on, of batches that the store still has."""
        longest: dict[int, tuple[int, str, Path]] = {}
        for file in self._files():
            first, last, content = file.stem.split("-")
            if any(content == one for _, _, one in self._batches(int(last), int(last))):
                longest[int(first)] = int(last), content, file
        pieces: list[HashedBatches] = []
        begin = 1
        while begin in longest:
            end, content, file = longest[begin]
            hashes = _loaded(file)
            if hashes is None:
                # Made again from the archive, like one that is missing.
                file.unlink()
                break
            pieces.append(HashedBatches(begin, end, content, hashes))
            begin = end + 1
        return pieces

    def _files(self) -> list[Path]:
        return sorted((self._folder / "event_ids").glob("*.npy"))

    def _file(self, piece: HashedBatches) -> Path:
        return self._folder / "event_ids" / f"{piece.first:08d}-{piece.last:08d}-{piece.content}.npy"


def read_seen_ids(store: Store) -> SeenIds:
    """The ids of all batches of the store, none of which a transaction has yet to commit; brings the files up to date.

    Raises:
        WarehouseError: an archived file can't be read.
    """
    nothing_archived(store.state)
    seen = SeenIds(store)
    seen.catch_up()
    seen.keep()
    return seen


def _loaded(file: Path) -> Hashes | None:
    """The hashes of a file; None if it is damaged."""
    try:
        hashes = np.load(file, mmap_mode="r")
    except (ValueError, EOFError, SyntaxError, TokenError):
        return None
    return hashes if hashes.dtype == np.uint64 and hashes.ndim == 1 else None


def _hashed(ids: pl.Series) -> Hashes:
    return ids.to_frame("id").select(stable_hash("id")).to_series().to_numpy()

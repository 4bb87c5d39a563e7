"""The state file: SQLite, whose one transaction is a tick. Instants in it are microseconds since 1970, lists JSON.

SQLite, because a tick reads and writes some customers of many, each by key, and a commit survives a killed process
(docs/architecture.md has the measurements). One connection opens it, one at a time: `flows/store/lock.py`.
"""

import json
import os
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import polars as pl

from flows.errors import OnwardError, advice
from flows.files import aside_name, aside_of, put_in_place
from flows.warehouse import sql_text
from transforms.tables.frames import INSTANT, Schema
from transforms.timing.durations import epoch_us

VERSION = 1
APPLICATION = 0x4F6E7764
"""Says in the file's head whose it is ("Onwd")."""


class StateError(OnwardError):
    """The state file can't be used: which, and what SQLite said.

    Attributes:
        path: the state file.
        cause: SQLite's own message.
    """

    def __init__(self, path: Path, cause: object) -> None:
        self.path, self.cause = path, str(cause)
        found = advice(self.cause)
        super().__init__(f"{path}: {self.cause}" + (f": {found}" if found else ""))


class DamagedStateError(StateError):
    """The state file isn't one, or is damaged."""

    def __init__(self, path: Path, cause: object) -> None:
        super().__init__(path, cause)
        self.args = (
            f"{path}: damaged ({cause}). Nothing is lost: `onward rebuild` makes it again from the archived events, "
            "and nothing is sent twice",
        )


class StateFile:
    """An open state file; use it in a `with` statement.

    Attributes:
        path: where it lies.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, creating it with its tables when absent.

        Raises:
            DamagedStateError: it isn't a state file any more.
            StateError: another program's, a newer version's, or it can't be opened.
        """
        self.path = path
        self._db = _opened(path, read_only)
        self._before: sqlite3.Connection | None = None
        try:
            with _told(path):
                self._prepare(read_only)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; an open transaction is undone."""
        self._db.close()

    def rows(self, name: str, **given: Any) -> list[tuple[Any, ...]]:
        """Run one file of `sql/` and fetch its rows; `given` fill its `$name` placeholders.

        Raises:
            StateError: naming the file and SQLite's message.
        """
        return self.query(sql_text(name), **given)

    def query(self, text: str, **given: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement; as `rows`."""
        with _told(self.path):
            return self._db.execute(text, {name: _plain(one) for name, one in given.items()}).fetchall()

    def frame(self, text: str, schema: Schema, **given: Any) -> pl.DataFrame:
        """The rows of a statement as a frame with these columns, in order; as `rows`."""
        stored = {name: _stored(kind) for name, kind in schema.items()}
        found = pl.DataFrame(self.query(text, **given), schema=stored, orient="row")
        return found.select(_read(name, kind) for name, kind in schema.items())

    def write(self, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row; how many rows of the table it has changed.

        Raises:
            StateError: naming the file and SQLite's message.
        """
        with _told(self.path):
            return self._db.executemany(text, rows).rowcount

    def append(self, table: str, rows: pl.DataFrame) -> None:
        """Add a frame's rows to a table, by the names of their columns."""
        if len(rows):
            marks = ", ".join("?" * rows.width)
            names = ", ".join(f'"{name}"' for name in rows.columns)
            self.write(f"insert into {table} ({names}) values ({marks})", stored_rows(rows))

    def value(self, name: str) -> str | None:
        """What was noted under a name; None if nothing was."""
        found = self.query("select value from meta where name = $name", name=name)
        return str(found[0][0]) if found else None

    def note(self, name: str, value: object) -> None:
        """Note a value under a name."""
        self.query("insert or replace into meta values ($name, $value)", name=name, value=str(value))

    @property
    def commit(self) -> int:
        """How many times something was written that tables show."""
        return int(self.value("commit") or 0)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything in the block happens, or nothing of it."""
        self.query("begin immediate")
        try:
            yield
            self._commit()
        except BaseException:
            self._undo()
            raise

    def copy_aside(self) -> None:
        """Write the rest of the transaction into a copy of the file, which takes its place when it commits.

        A log of as many pages as that would take longer; a commit over more than a fifth of the customers does it.
        To be called before the transaction changes `customers` and `due`.
        """
        aside = aside_name(self.path)
        copy = _opened(aside, read_only=False)
        with _told(aside):
            copy.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_making()}")
            copy.execute("attach $path as old", {"path": f"{self.path.absolute().as_uri()}?mode=ro"})
            copy.execute("begin immediate")
            for (table,) in self.query("select name from sqlite_master where type = 'table'"):
                self._copy(copy, table)
        self._before, self._db = self._db, copy

    def _copy(self, copy: sqlite3.Connection, table: str) -> None:
        if table in ("customers", "due"):
            copy.execute(f"insert into {table} select * from old.{table}")
        elif rows := self.query(f"select * from {table}"):
            copy.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)

    def _commit(self) -> None:
        self.query("commit")
        if self._before is None:
            return
        self.query("detach old")
        with _told(self.path):
            self._before.rollback()
            # Only the file's one user can do that, and there is no log then: one of the file that is replaced would
            # be taken for the new file's, and whoever has that open would bring the new file's log into the old one.
            self._before.execute("pragma journal_mode = delete")
        self._before.close()
        self._before = None
        self._db.close()
        put_in_place(aside_of(self.path), self.path)
        self._db = _opened(self.path, read_only=False)
        self._prepare(read_only=False)

    def _undo(self) -> None:
        if self._before is not None:
            self._db.close()
            self._db, self._before = self._before, None
        if self._db.in_transaction:
            self._db.rollback()

    def check(self) -> None:
        """Read the whole file.

        Raises:
            DamagedStateError: it is damaged.
        """
        found = [said for (said,) in self.query("pragma quick_check") if said != "ok"]
        if found:
            raise DamagedStateError(self.path, found[0])

    def checkpoint(self) -> None:
        """Bring what was committed from the log into the file itself."""
        self.query("pragma wal_checkpoint(truncate)")

    def _prepare(self, read_only: bool) -> None:
        ((version,),) = self.query("pragma user_version")
        ((owner,),) = self.query("pragma application_id")
        if owner not in (0, APPLICATION) or (not owner and self.query("select name from sqlite_master")):
            raise StateError(self.path, "a SQLite file, but not Onward's; move it elsewhere and run again")
        if version > VERSION:
            raise StateError(
                self.path,
                f"written by a newer Onward (version {version}; this one knows up to {VERSION}); update Onward, or "
                "point data_dir elsewhere",
            )
        if read_only:
            return
        self.query("pragma journal_mode = wal")
        self.query("pragma synchronous = full")
        self.query("pragma cache_size = -65536")
        self.query("pragma temp_store = memory")
        if not owner:
            self._db.executescript(f"begin immediate; {_making()} commit;")


def _making() -> str:
    """The statements that make a new file."""
    head = f"pragma application_id = {APPLICATION}; pragma user_version = {VERSION};"
    return f"{sql_text('store/state/schema.sql')} {head}"


def stored_rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """A frame's rows as SQLite keeps them."""
    return frame.select(_written(name, kind) for name, kind in frame.schema.items()).rows()


def _opened(path: Path, read_only: bool) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _told(path):
        mode = "ro" if read_only else "rwc"
        # A thread of this process brings the log into the file while the main one publishes; never both at once.
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )


@contextmanager
def _told(path: Path) -> Generator[None]:
    """Errors of SQLite in the block become sentences for people."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise StateError(path, _cause(path, error)) from error
        raise DamagedStateError(path, error) from error


def _cause(path: Path, error: sqlite3.Error) -> str:
    """What SQLite said, and what it knows besides.

    Raises:
        OSError: the operating system says more clearly why nothing can be opened.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CANTOPEN:
        os.close(os.open(path.parent, os.O_RDONLY))
    return f"{error} while writing" if code == sqlite3.SQLITE_IOERR_WRITE else str(error)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return epoch_us(value)
    return json.dumps(list(value)) if isinstance(value, list | tuple) else value


def _stored(kind: Any) -> Any:
    if kind == INSTANT:
        return pl.Int64
    if kind == pl.Boolean:
        return pl.Int64
    return pl.String if isinstance(kind, pl.List) else kind


def _read(name: str, kind: Any) -> pl.Expr:
    if isinstance(kind, pl.List):
        return pl.col(name).str.json_decode(kind)
    return pl.col(name).cast(kind)


def _written(name: str, kind: Any) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.epoch("us")
    return json_list(name) if isinstance(kind, pl.List) else pl.col(name)


def json_list(name: str) -> pl.Expr:
    """A column of lists as JSON texts."""
    return pl.struct(l=name).struct.json_encode().str.slice(len('{"l":')).str.head(-1).alias(name)

"""`onward export`: what is published, with its rows, as one DuckDB file that needs no other, or as Parquet files."""

import shutil
from contextlib import closing
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.files import aside_name, put_all_in_place, put_in_place
from flows.reports.frames import open_reports
from flows.session import Say, drawn, silent
from flows.settings import Settings
from flows.store.comments import comments
from flows.store.publish import published_file
from flows.warehouse import connect, count, literal, quoted, run, run_sql, spill_folder


def export(settings: Settings, file: Path, say: Say = silent, *, force: bool = False) -> int:
    """Write every table and report as a table of a new DuckDB file; how many rows these have.

    Args:
        settings: where things lie.
        file: what to write.
        say: told what is being done.
        force: whether a file that is there may be replaced.

    Raises:
        InputError: the file is there, or is what is published.
        OnwardError: the store or the disk can't be used.
    """
    _refuse(file, settings, force=force)
    aside = aside_name(file)
    shutil.rmtree(spill_folder(aside), ignore_errors=True)
    with closing(connect(aside)) as con:
        names, rows = _attached(con, settings), 0
        for done, name in enumerate(names, 1):
            say(f"Writing {name} {drawn(done, len(names))}")
            query = f"create table {quoted(name)} as from published.{quoted(name)}"
            run(con, query, file=str(file), step=f"write {name}")
            rows += count(con, quoted(name))
        con.execute(comments(views=()))
        con.execute("detach published")
    put_in_place(aside, file)
    return rows


def export_parquet(settings: Settings, folder: Path, say: Say = silent, *, force: bool = False) -> int:
    """Write every table and report as a Parquet file `NAME.parquet` of a folder; how many rows these have.

    Args:
        settings: where things lie.
        folder: where to write; made if it isn't there.
        say: told what is being done.
        force: whether files that are there may be replaced.

    Raises:
        InputError: one of the files is there, or the folder is a file.
        OnwardError: the store or the disk can't be used.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file; --parquet writes a folder of files, give another name")
    with closing(connect()) as con:
        names = _attached(con, settings)
        files = {name: folder / f"{name}.parquet" for name in names}
        for file in files.values():
            _refuse(file, settings, force=force)
        asides = {file: aside_name(file) for file in files.values()}
        rows = 0
        for done, (name, file) in enumerate(files.items(), 1):
            say(f"Writing {name} {drawn(done, len(names))}")
            query = f"copy (from published.{quoted(name)}) to {literal(asides[file])} (format parquet)"
            rows += _written(con, query, file, name)
        con.execute("detach published")
    put_all_in_place(asides)
    return rows


def _written(con: DuckDBPyConnection, query: str, file: Path, name: str) -> int:
    ((rows,),) = run(con, query, file=str(file), step=f"write {name}").fetchall()
    return int(rows)


def _refuse(file: Path, settings: Settings, *, force: bool) -> None:
    """A file that is there is replaced if that is asked for, unless it is what is published."""
    if file.exists() and (not force or file.samefile(published_file(settings))):
        raise InputError(
            f"{file}: is there already; give another name{'' if force else ', or --force to replace it'}"
        )


def _attached(con: DuckDBPyConnection, settings: Settings) -> list[str]:
    """Attach what is published, made anew, as `published`; the names of what people know of it."""
    with open_reports(settings):
        published = published_file(settings)
    run(con, f"attach {literal(published)} as published (read_only)", file=str(published), step="open it")
    return [name for (name,) in run_sql(con, "reports/export/tables.sql").fetchall()]

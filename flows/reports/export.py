"""`onward export`: what is published, with its rows, as one DuckDB file that needs no other."""

import shutil
from contextlib import closing
from pathlib import Path

from flows.errors import InputError
from flows.files import aside_name, put_in_place
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
    if file.exists() and (not force or file.samefile(published_file(settings))):
        raise InputError(
            f"{file}: is there already; give another name{'' if force else ', or --force to replace it'}"
        )
    with open_reports(settings):
        published = published_file(settings)
    aside = aside_name(file)
    shutil.rmtree(spill_folder(aside), ignore_errors=True)
    with closing(connect(aside)) as con:
        run(con, f"attach {literal(published)} as published (read_only)", file=str(published), step="open it")
        names = [name for (name,) in run_sql(con, "reports/export/tables.sql").fetchall()]
        rows = 0
        for done, name in enumerate(names, 1):
            say(f"Writing {name} {drawn(done, len(names))}")
            query = f"create table {quoted(name)} as from published.{quoted(name)}"
            run(con, query, file=str(file), step=f"write {name}")
            rows += count(con, quoted(name))
        con.execute(comments(views=()))
        con.execute("detach published")
    put_in_place(aside, file)
    return rows

"""What analysts open: a copy of the state file and the reports as Parquet, replaced whole after a tick."""

from pathlib import Path

from flows.files import aside_name, copy_aside, is_copy, put_in_place
from flows.settings import Settings
from flows.store.state_file import STATE_FILE, Store, report_views
from flows.warehouse import literal, run


def mark_unpublished(settings: Settings) -> None:
    """Note, before anything changes, that the published copy falls behind; a killed run leaves the note."""
    _note(settings).parent.mkdir(parents=True, exist_ok=True)
    _note(settings).touch()


def is_unpublished(settings: Settings) -> bool:
    """Whether something changed since the last publication, or there was none."""
    return _note(settings).exists() or not (settings.published / STATE_FILE).exists()


def publish(store: Store) -> bool:
    """Replace `published/onward.duckdb` and `published/reports/*.parquet` by what the store holds now.

    Whoever has the old copy open keeps reading it; nobody sees half of a tick.

    Returns:
        False if nothing changed since the last publication, and nothing was written.

    Raises:
        WarehouseError: a report failed.
        OnwardError: the copy could not be written.
    """
    store.checkpoint()
    published = store.settings.published
    target = published / STATE_FILE
    files = {name: published / "reports" / f"{name}.parquet" for name in report_views()}
    if is_copy(target, store.path) and all(file.exists() for file in files.values()):
        _note(store.settings).unlink(missing_ok=True)
        return False
    for name, file in files.items():
        _write_report(store, name, file)
    _replace(copy_aside(store.path, target), target)
    _note(store.settings).unlink(missing_ok=True)
    return True


def _note(settings: Settings) -> Path:
    return settings.state / "unpublished"


def _write_report(store: Store, name: str, file: Path) -> None:
    aside = aside_name(file)
    query = f"copy (select * from {name}) to {literal(aside)} (format parquet)"
    run(store.con, query, file=f"sql/reports/{name}.sql", step="write the report")
    put_in_place(aside, file)


def _replace(aside: Path, target: Path) -> None:
    # Read-only, and without the log a visitor may have left: a log belongs to one copy, and a new copy
    # under an old log can't be opened.
    aside.chmod(0o444)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    put_in_place(aside, target)

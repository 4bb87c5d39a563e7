"""A verified copy of the state file, and the one before it."""

from datetime import timedelta

from flows.files import copy_aside, is_copy, put_in_place
from flows.recovery import backup_files
from flows.store import Store
from flows.warehouse import WarehouseError, connect, read_everything


def is_backup_due(store: Store, every: timedelta) -> bool:
    """Whether there is no backup, or the state file changed `every` or more after what the newest one holds.

    Ticks since then are decided again from the archive when a backup has to stand in, so an older one loses nothing.
    """
    store.checkpoint()
    newest, _ = backup_files(store.path)
    if not newest.exists():
        return True
    return store.path.stat().st_mtime - newest.stat().st_mtime >= every.total_seconds()


def backup(store: Store) -> bool:
    """Keep a copy of the state file under `state/backup/`, read back whole and compared before it counts.

    Returns:
        False if nothing changed since the last one, and nothing was written.

    Raises:
        WarehouseError: the copy reads differently from the state file; the last backup stays as it is.
        OnwardError: the copy could not be written.
    """
    store.checkpoint()
    newest, previous = backup_files(store.path)
    if is_copy(newest, store.path):
        return False
    aside = copy_aside(store.path, newest)
    with connect(aside, read_only=True) as copy:
        if read_everything(copy) != read_everything(store.con):
            raise WarehouseError("verify the backup", str(aside), "its rows differ from the state file's")
    if newest.exists():
        newest.replace(previous)
    put_in_place(aside, newest)
    return True

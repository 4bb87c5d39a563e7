"""A verified copy of the state file, and the one before it."""

from flows.files import copy_aside, is_copy, put_in_place
from flows.store.recovery import backup_files
from flows.store.state_file import Store
from flows.warehouse import WarehouseError, connect, read_everything


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

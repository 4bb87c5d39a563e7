"""Batches that are archived and not part of the state yet, noted for the next run if this one is killed."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from flows.files import write_text
from flows.settings import Settings
from flows.store.archive import Batch, archive_folder
from flows.store.store import Store

_BATCHES = TypeAdapter(list[Batch])


def keep_batches(settings: Settings, batches: Sequence[Batch]) -> None:
    """Note batches that lie in the archive whole."""
    file = _folder(settings) / f"{batches[0].batch_id:08d}.json"
    write_text(file, _BATCHES.dump_json(list(batches)).decode())


def kept_batches(store: Store) -> list[Batch]:
    """What a killed run had archived, in order; what the state has already isn't among it."""
    files = _files(store.settings)
    found = [one for file in files for one in _BATCHES.validate_json(file.read_bytes())]
    ((last,),) = store.state.rows("inbox/intake/last_batch.sql")
    return [one for one in found if one.batch_id > last]


def forget_batches(settings: Settings) -> None:
    """All that is archived is part of the state."""
    for file in _files(settings):
        file.unlink()


def _files(settings: Settings) -> list[Path]:
    return sorted(_folder(settings).glob("*.json"))


def _folder(settings: Settings) -> Path:
    return archive_folder(settings) / "portions"

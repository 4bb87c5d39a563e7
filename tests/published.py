"""To make the file that is published takes a fifth of a store's first tick, and tests make thousands of stores.

So each process that runs tests makes it once; further stores bring a copy of it up to date, as they do with their own
at each tick. That this comes to the same is held by `tests/store/test_made_file.py`.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from duckdb import DuckDBPyConnection

from flows.store import publish
from flows.store.made_file import made_file
from flows.store.shown import Shown
from flows.store.store import Store


@contextmanager
def made_once(folder: Path) -> Generator[None]:
    """Within the block, stores that have published nothing yet begin with a copy of another one's, kept in `folder`."""
    kept, others = folder / "published.duckdb", list[Path]()

    def made(store: Store, held: Shown, last: Path, file: Path) -> DuckDBPyConnection:
        if last.exists():
            return made_file(store, held, last, file)
        there = next((one for one in others if one.exists()), None)
        if there and not kept.exists():
            shutil.copyfile(there, kept)
        others.append(last)
        return made_file(store, held, kept, file)

    with patch.object(publish, "made_file", made):
        yield

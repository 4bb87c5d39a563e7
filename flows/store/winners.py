"""The winners among variants, in the archive: one file `archive/winners/<tick>-winners.json` per tick that made some.

They are made between two ticks; whoever chooses variants again, for a replay or a rebuilt state, reads them here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter, ValidationError

from flows.files import write_text
from flows.settings import Settings
from flows.store.archive import ArchiveError, archive_folder
from transforms.delivery.variants import WINNERS


@dataclass(frozen=True)
class Winner:
    """A row of winners, and what it was decided by.

    Attributes:
        counts: variant → how many customers got it, and how many of them responded.
    """

    workflow_id: str
    version: str
    branch: str
    step: str
    variant: str
    counts: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Made:
    """What was made after one tick.

    Attributes:
        since: the instant from which on messages are of these variants.
    """

    after_tick: int
    since: datetime
    winners: list[Winner]


_MADE = TypeAdapter(Made)


def keep_winners(settings: Settings, made: Made) -> None:
    """Archive winners; those made again after one tick replace its own."""
    file = _folder(settings) / f"{made.after_tick:08d}-winners.json"
    write_text(file, _MADE.dump_json(made, indent=1).decode())


def archived_winners(settings: Settings) -> Iterator[tuple[Path, Made]]:
    """All winners of the archive and their files, in the order they were made.

    Raises:
        ArchiveError: one can't be read.
    """
    for file in sorted(_folder(settings).glob("*.json")):
        try:
            yield file, _MADE.validate_json(file.read_bytes())
        except ValidationError as error:
            raise ArchiveError(file) from error


def read_winners(settings: Settings) -> pl.DataFrame:
    """All winners, as rows of `WINNERS`.

    Raises:
        ArchiveError: a file of the archive can't be read.
    """
    rows = [
        (one.workflow_id, one.version, one.branch, one.step, one.variant, made.since)
        for _, made in archived_winners(settings)
        for one in made.winners
    ]
    return pl.DataFrame(rows, schema=WINNERS, orient="row")


def _folder(settings: Settings) -> Path:
    return archive_folder(settings) / "winners"

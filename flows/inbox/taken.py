"""What a tick takes in, filled while the inbox is read."""

from dataclasses import dataclass, field

from flows.inbox.arrivals import Arrivals, WaitingFile, note_files
from flows.store.archive import Batch
from flows.store.state_file import StateFile


@dataclass
class TakenIn:
    """What a tick takes in: archived batches, which aren't part of the state yet, and what else lay in the inbox.

    Attributes:
        arrivals: the inbox as it was found.
        looked_into: the files that need not be looked into again, with the hashes of their contents.
        refused: a sentence for each file that can't be loaded.
        notes: what people should know of how files were read.
    """

    arrivals: Arrivals
    batches: list[Batch] = field(default_factory=list)
    looked_into: list[tuple[WaitingFile, str | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, state: StateFile) -> None:
        """Remember which files were looked into, inside the transaction that makes the batches part of the state."""
        note_files(state, self.looked_into, self.arrivals.gone)

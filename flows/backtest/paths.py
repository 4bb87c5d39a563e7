"""Where a backtest's scratch files lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The buckets of event times, events and customers, and what was decided of each bucket."""

    root: Path

    @property
    def event_times(self) -> Path:
        """The buckets of all events' times (`partition.Wanted.event_time`)."""
        return self.root / "event_times"

    @property
    def events(self) -> Path:
        """The buckets of events that are read whole."""
        return self.root / "events"

    @property
    def customers(self) -> Path:
        """The buckets of customers."""
        return self.root / "customers"

    def decided(self, table: str, bucket: int) -> Path:
        """A bucket's rows of one of the tables that a backtest writes, as a Parquet file."""
        return self.root / f"{table}-{bucket:05d}.parquet"

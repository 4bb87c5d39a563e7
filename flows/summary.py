"""What a tick did, in numbers and in words."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Dispatched:
    """What became of what was pending.

    Attributes:
        counts: messages and webhook requests by what became of them.
        warnings: what people should know of whom was written to, one sentence each.
    """

    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TickSummary:
    """What a tick did, in numbers.

    Attributes:
        counts: events that were not processed (or not yet), by reason; `refused_files` are files.
        dispatched: messages by what became of them at dispatch.
        refused: the inbox files that could not be loaded, a sentence each; a run that met some ends as failed.
        warnings: what people should know, one sentence each.
    """

    tick_id: int
    previous: datetime | None
    now: datetime
    batches: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0
    facts: int = 0
    steps: int = 0
    executions: int = 0
    messages: int = 0
    webhooks: int = 0
    paused: int = 0
    resumed: int = 0
    waves: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    dispatched: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything but the clock moved."""
        return any((self.batches, self.events, self.facts, self.steps, self.paused, self.resumed))

    @property
    def nothing_went_out(self) -> bool:
        """Whether messages were due, some failed, and none went out."""
        return bool(self.dispatched.get("failed")) and not self.dispatched.get("sent")

    @property
    def sentence(self) -> str:
        """The summary for people, one line per subject."""
        done = {
            name: getattr(self, name) for name in ("events", "executions", "steps", "messages", "webhooks")
        }
        turned = {"paused": self.paused, "resumed": self.resumed}
        left = {**self.counts, "duplicates": self.duplicates, "quarantined": self.quarantined}
        lines = {
            f"Tick {self.tick_id} until {self.now.isoformat()}": done,
            "Not processed": {name: n for name, n in left.items() if n},
            "Executions": {name: n for name, n in turned.items() if n},
            "Messages": self.dispatched,
        }
        return "\n".join(
            f"{subject}: {', '.join(f'{n:,} {name}' for name, n in numbers.items())}"
            for subject, numbers in lines.items()
            if numbers
        )

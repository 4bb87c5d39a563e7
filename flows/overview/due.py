"""What is due next: steps, schedules by a date, crons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.overview.versions import Version
from flows.store.state_file import StateFile
from transforms.definitions.schedules import schedule_of
from transforms.definitions.walk import triggers_of
from transforms.definitions.workflow import stored_workflow
from transforms.timing.durations import epoch_us, instant_at
from transforms.timing.zones import CUSTOMER

_LOOKS = (timedelta(days=8), timedelta(days=400))
"""How far ahead a cron is looked for, at first and then; one that fires less often isn't told."""


@dataclass(frozen=True)
class Due:
    """Something that happens without an event.

    Attributes:
        at: when.
        what: `step`, `date` (a schedule by a date attribute) or `cron`.
        workflow_id: of which workflow; None of a date, which several may share.
    """

    at: datetime
    what: str
    workflow_id: str | None


def next_due(state: StateFile, live: Sequence[Version], timezone: str, since: datetime) -> list[Due]:
    """What is due next, the earliest first: at most a step and a cron of each workflow, and a date.

    Args:
        state: where executions wait.
        live: the versions that customers enter now.
        timezone: of schedules and customers that name none.
        since: the last tick's end, after which crons fire.

    Raises:
        StateError: the state file can't be read.
    """
    rows = state.rows("overview/next_due.sql")
    steps = [Due(instant_at(at), "step" if name else "date", name or None) for name, at in rows]
    crons = [Due(at, "cron", one.workflow_id) for one in live if (at := _next_cron(one, timezone, since))]
    return sorted([*steps, *crons], key=lambda one: (one.at, one.what, one.workflow_id or ""))


def _next_cron(version: Version, timezone: str, since: datetime) -> datetime | None:
    return min(_cron_instants(version, timezone, since), default=None)


def _cron_instants(version: Version, timezone: str, since: datetime) -> Iterator[datetime]:
    """The next instant of each cron; in the customers' zones: of customers without one."""
    if '"cron"' not in version.definition:
        return
    from transforms.program.schedules import cron_instants

    for _, _, trigger in triggers_of(stored_workflow(version.definition)):
        schedule = schedule_of(trigger.type, trigger.config)
        if schedule is None or schedule.cron is None:
            continue
        zone = timezone if schedule.timezone in (None, CUSTOMER) else schedule.timezone
        for ahead in _LOOKS:
            found = cron_instants(schedule.cron, zone, epoch_us(since), epoch_us(since + ahead))
            if len(found):
                yield instant_at(int(found[0]))
                break

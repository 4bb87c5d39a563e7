"""What there was, for forecasts, in cohorts of executions that entered and end together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from transforms.answers.life_table import Past

MONDAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Cohort:
    """`n` executions that enter on a day; days are counted from `MONDAY`, ages from the day of entry.

    Attributes:
        ended: the age at which they end; None: in flight.
        messages: at each of these ages one message of each.
    """

    entered: int
    n: int = 1
    ended: int | None = None
    messages: tuple[int, ...] = ()
    workflow: str = "w"
    version: str = "v1"
    branch: str = "default"


def day(number: int) -> date:
    """The day so many days after `MONDAY`."""
    return MONDAY + timedelta(days=number)


def past(cohorts: Iterable[Cohort], until: int | None = None) -> Past:
    """Their executions and messages; with `until` as it is known when that day begins."""
    some = [one for one in cohorts if until is None or one.entered < until]
    executions, messages = [], []
    for one in some:
        own = {
            "workflow_id": one.workflow,
            "version": one.version,
            "branch": one.branch,
            "entered": day(one.entered),
        }
        end = None if one.ended is None else one.entered + one.ended
        known = end is not None and (until is None or end < until)
        executions.append({**own, "ended": day(end) if known and end is not None else None, "n": one.n})
        days = [one.entered + age for age in one.messages]
        messages += [{**own, "day": day(at), "n": one.n} for at in days if until is None or at < until]
    texts = {"workflow_id": pl.String, "version": pl.String, "branch": pl.String}
    return Past(
        pl.DataFrame(executions, schema={**texts, "entered": pl.Date, "ended": pl.Date, "n": pl.Int64}),
        pl.DataFrame(messages, schema={**texts, "entered": pl.Date, "day": pl.Date, "n": pl.Int64}),
    )


def active(*workflows: str, version: str = "v1") -> pl.DataFrame:
    """Active workflows, each with this present version."""
    return pl.DataFrame(
        {"workflow_id": list(workflows), "version": [version] * len(workflows)},
        schema={"workflow_id": pl.String, "version": pl.String},
    )

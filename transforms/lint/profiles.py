"""What profiles hold that rules can't read: consent, zones, dates and addresses that say nothing to them."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from transforms.columns.json_values import intern
from transforms.definitions.faults import shown_path
from transforms.definitions.schedules import schedule_of
from transforms.definitions.walk import Path, actions_of, conditions_of, triggers_of
from transforms.definitions.workflow import SendEmail, Workflow
from transforms.people.consent import FIELDS, UNKNOWN, read_consent
from transforms.people.spellings import told
from transforms.timing.instants import with_instants
from transforms.timing.zones import zone_name

ZONE = "timezone"
_OF_INSTANTS = ("before", "after", "within_last")
_COMPUTED = ("event.", "events.", "pattern.", "execution.")
_NO_ZONE = "is no time zone that is known, so that the default counts; write a name like Europe/Berlin"
_EXAMPLES = 3
VALUES: dict[str, pl.DataType | type[pl.DataType]] = {
    "attribute": pl.String,
    "value": pl.String,
    "customers": pl.Int64,
}
SHARED: dict[str, pl.DataType | type[pl.DataType]] = {
    "address": pl.String,
    "customers": pl.Int64,
    "some": pl.List(pl.String),
}


@dataclass(frozen=True)
class Profiles:
    """What customers have.

    Attributes:
        customers: how many are known.
        with_email: how many of them have an e-mail address.
        values: of the attributes of `read_attributes`, how many customers have each value (JSON text).
        shared: addresses that more than one customer has, how many have each, and some of them.
    """

    customers: int = 0
    with_email: int = 0
    values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VALUES))
    shared: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHARED))


def read_attributes(workflows: Sequence[Workflow]) -> list[str]:
    """The attributes whose values are looked at."""
    dates = (name for one in workflows for _, name in _date_attributes(one))
    return sorted({*FIELDS, ZONE, *dates})


def profile_findings(workflows: Sequence[Workflow], profiles: Profiles) -> Iterator[str]:
    """One sentence per likely mistake: what profiles have, how many of them, what to do.

    Args:
        workflows: valid ones, of which those that aren't active are passed over.
        profiles: of the store.
    """
    active = [one for one in workflows if one.is_live]
    for workflow in active:
        yield from _dates(workflow, profiles.values)
    yield from _zones(_of(profiles.values, ZONE))
    if any(isinstance(action, SendEmail) for one in active for _, action in actions_of(one)):
        yield from _consent(profiles.values)
        yield from _no_addresses(profiles)
        yield from _shared_addresses(profiles.shared)


def _date_attributes(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """Where an attribute of the profile is asked for as an instant, and which."""
    for path, _, trigger in triggers_of(workflow):
        schedule = schedule_of(trigger.type, trigger.config)
        if schedule and schedule.attribute:
            yield (*path, "config", "attribute"), schedule.attribute
    for path, _, condition in conditions_of(workflow):
        if condition.operator in _OF_INSTANTS and not condition.attribute.startswith(_COMPUTED):
            yield path, condition.attribute


def _dates(workflow: Workflow, values: pl.DataFrame) -> Iterator[str]:
    for path, name in _date_attributes(workflow):
        there = _of(values, name)
        lost = there.filter(~_is_instant(there["value"]))
        if lost.is_empty():
            continue
        example = json.dumps(json.loads(lost["value"][0]), ensure_ascii=False)[:100]
        yield (
            f"{workflow.workflow_id}: {shown_path(path)}: {lost['customers'].sum():,} of "
            f"{there['customers'].sum():,} customers with {name!r} have a value that is no date or time, such as "
            f"{example}; write it like 2026-03-01 or 2026-03-01T09:30:00Z"
        )


def _is_instant(values: pl.Series) -> pl.Series:
    """Whether JSON texts are instants (semantics.md §2)."""
    dictionary, codes = intern({"value": values}, ())
    return with_instants(dictionary)["instant"].is_not_null().gather(codes["value"])


def _zones(values: pl.DataFrame) -> list[str]:
    return told(ZONE, {value: n for value, n in _counts(values).items() if not _is_zone(value)}, _NO_ZONE)


def _is_zone(value: str) -> bool:
    """Whether JSON text is a zone, or says nothing."""
    given = json.loads(value)
    return isinstance(given, str) and (not given.strip() or zone_name(given) is not None)


def _consent(values: pl.DataFrame) -> Iterator[str]:
    for name in FIELDS:
        there = _of(values, name)
        unknown = read_consent(there["value"]).filter(pl.col("says") == "unknown")
        yield from told(name, _counts(there.join(unknown, on="value")), UNKNOWN)


def _no_addresses(profiles: Profiles) -> Iterator[str]:
    if profiles.customers and not profiles.with_email:
        yield (
            f"email: none of {profiles.customers:,} customers has an e-mail address, and workflows send; give customer "
            "files a column `email`, or events the attribute"
        )


def _shared_addresses(shared: pl.DataFrame) -> Iterator[str]:
    if shared.is_empty():
        return
    first = shared.sort("customers", "address", descending=[True, False]).head(_EXAMPLES)
    shown = "; ".join(f"{address} ({_listed(some, n)})" for address, n, some in zip(*first, strict=True))
    more = f"; and {len(shared) - _EXAMPLES:,} more" if len(shared) > _EXAMPLES else ""
    number = "1 address belongs" if len(shared) == 1 else f"{len(shared):,} addresses belong"
    yield (
        f"email: {number} to more than one customer, who each get every letter: {shown}{more}; give one person one "
        "customer_id"
    )


def _listed(some: Collection[str], number: int) -> str:
    return f"{', '.join(sorted(some))}{', …' if number > len(some) else ''}"


def _counts(values: pl.DataFrame) -> dict[str, int]:
    return dict(zip(values["value"], values["customers"], strict=True))


def _of(values: pl.DataFrame, attribute: str) -> pl.DataFrame:
    return values.filter(pl.col("attribute") == attribute).sort(
        "customers", "value", descending=[True, False]
    )

"""Ticks of the past that can be decided as one: what is decided doesn't depend on where ticks end (semantics.md §1)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from flows.store.archive import Batch, Manifest

_BASIS = (
    *("workflows", "frequency_caps", "max_lateness", "unreadable", "patterns", "send_times", "timezone"),
    "semantics",
)
_ROWS = 2_000_000
"""About so many rows are decided at once."""


def together(manifests: Iterable[Manifest], migrated_after: Collection[int]) -> Iterator[Manifest]:
    """Manifests, those that can be decided as one put together; such a one has the number and the end of the last.

    A tick goes with the one before it if both are decided by the same, and nothing that came in acts where its own tick
    begins: no customers' file, and no event that was late.

    Args:
        manifests: of ticks, in order.
        migrated_after: the ticks after which executions were moved.
    """
    before: Manifest | None = None
    for one in manifests:
        if before and _goes_with(before, one, migrated_after):
            before = replace(one, previous=before.previous, batches=[*before.batches, *one.batches])
            continue
        if before:
            yield before
        before = one
    if before:
        yield before


def _goes_with(before: Manifest, later: Manifest, migrated_after: Collection[int]) -> bool:
    return (
        all(getattr(before, name) == getattr(later, name) for name in _BASIS)
        and _has_begun(before)
        and not any(before.tick_id <= tick < later.tick_id for tick in migrated_after)
        and all(_is_in_time(one, later.previous) for one in later.batches)
        and sum(one.rows for one in (*before.batches, *later.batches)) < _ROWS
    )


def _has_begun(manifest: Manifest) -> bool:
    """Whether it is settled from when on crons fire: the first event, or the first tick if there was none."""
    if manifest.previous is not None:
        return True
    return any(one.earliest is not None and one.earliest <= manifest.now for one in manifest.batches)


def _is_in_time(batch: Batch, previous: datetime | None) -> bool:
    if batch.kind != "events" or batch.earliest is None or previous is None:
        return False
    return batch.earliest > previous

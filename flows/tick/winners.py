"""Winners among variants, made between two ticks from what their messages brought about, and archived.

Looking reads the messages and events of all time, so it is done once an hour, and only where a step lacks its winner.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from flows.definitions.folder import Definitions
from flows.store.everybody import everybody
from flows.store.prepared import archived_events
from flows.store.store import Store
from flows.store.ticks import last_tick
from flows.store.winners import Made, Winner, keep_winners, read_winners
from flows.warehouse import frame, parquet, shown, sql_text
from transforms.definitions.actions import Message
from transforms.delivery.steps import STEP, StepKey, steps_with_a_winner
from transforms.delivery.winners import Decided, decide_winners
from transforms.timing.durations import epoch_us

LOOK_EVERY = timedelta(hours=1)
_LOOKED = "looked_for_winners"
"""When the last look was, as the state file notes it."""
_NEXT = timedelta(microseconds=1)


def make_winners(store: Store, definitions: Definitions, now: datetime) -> list[str]:
    """Make and archive the winners that settled messages tell; safe to repeat after a crash.

    They count for messages after `now`: those until then were decided, and perhaps sent, without them.

    Args:
        store: after the tick that ended at `now`.
        definitions: the current workflows.
        now: the tick's end.

    Returns:
        A sentence for each winner.

    Raises:
        OnwardError: the archive or the store can't be used.
    """
    asked = steps_with_a_winner(definitions.workflows)
    if not asked or not _is_time(store, now):
        return []
    known = set(read_winners(store.settings).select(STEP).rows())
    open_steps = {key: message for key, message in asked.items() if key not in known}
    decided = decide_winners(_responses(store, open_steps, now), open_steps) if open_steps else []
    if decided:
        tick_id, _ = last_tick(store.state)
        keep_winners(store.settings, Made(tick_id, now + _NEXT, list(map(_winner, decided))))
    store.state.note(_LOOKED, epoch_us(now))
    return list(map(_sentence, decided))


def _is_time(store: Store, now: datetime) -> bool:
    looked = store.state.value(_LOOKED)
    return looked is None or epoch_us(now - LOOK_EVERY) >= int(looked)


def _responses(store: Store, messages: Mapping[StepKey, Message], now: datetime) -> pl.DataFrame:
    """The settled messages of some steps, each with whether it was responded to."""
    asked = pl.DataFrame(
        [(*key, one.winner.metric, one.winner.settle) for key, one in messages.items() if one.winner],
        schema={**dict.fromkeys((*STEP, "metric"), pl.String), "settle": pl.Duration("us")},
        orient="row",
    )
    query = sql_text("tick/winners/responses.sql").replace("{events}", parquet(*archived_events(store)))
    with everybody(store), shown(store.con, asked_steps=asked):
        return frame(store.con, query, now=now)


def _winner(decided: Decided) -> Winner:
    counts = {one.variant: (one.customers, one.responded) for one in decided.counts}
    return Winner(*decided.step, decided.variant, counts)


def _sentence(decided: Decided) -> str:
    workflow_id, _, branch, step = decided.step
    shares = ", ".join(
        f"{one.variant} {one.rate:.1%} of {one.customers:,}"
        for one in sorted(decided.counts, key=lambda one: one.rate, reverse=True)
    )
    return f"{workflow_id}, branch {branch}, step {step}: variant {decided.variant} has won ({shares})"

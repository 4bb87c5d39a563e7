"""The engine: state + facts + now → what was decided.

Lay out a lane for every customer with something to do, run the waves over all of them, read back what they did.
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from transforms.engine.layout.lay_out import open_lanes
from transforms.engine.ledger import Decided, read_back
from transforms.engine.state import Cap, State, Tick
from transforms.engine.waves.loop import run_waves
from transforms.program.model import Program
from transforms.signals.results import Signals

_NO_SIGNALS = Signals()


def decide(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    *,
    now: datetime,
    since: datetime | None = None,
    began: datetime | None = None,
    caps: Sequence[Cap] = (),
    timezone: str = "UTC",
    signals: Signals = _NO_SIGNALS,
) -> Decided:
    """Decide everything that is due until `now`, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        events: the facts that act in this tick, see `open_lanes`; their order doesn't matter.
        writes: the profile updates they carry, see `open_lanes`.
        now: the tick's end, inclusive; aware, UTC.
        since: the tick's start, exclusive: schedules fire after it, and what fell due before it, while its workflow was
            paused, acts then. None: the first tick.
        began: in the first tick, from when on (inclusive) crons fire; None: they don't.
        caps: frequency caps (semantics.md §11).
        timezone: the configured default.
        signals: where patterns turned true in the tick, and the signals that conditions read (`evaluate_signals`).
    """
    tick = Tick(now, since, began, caps, timezone)
    opened = open_lanes(program, state, events, writes, signals, tick)
    run_waves(opened.lanes)
    return read_back(opened)

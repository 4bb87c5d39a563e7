"""The engine: state + facts + tick → what was decided.

Lay out a lane for every customer with something to do, run the waves over all of them, read back what they did.
"""

from transforms.engine.introductions import introduced_by, with_introduced
from transforms.engine.lanes.memory import Observer, Scene
from transforms.engine.layout.lay_out import open_lanes
from transforms.engine.ledger import Decided, read_back
from transforms.engine.state import Facts, State, Tick
from transforms.engine.waves.loop import run_waves
from transforms.program.model import Program
from transforms.signals.results import Signals


def decide(
    program: Program,
    state: State,
    facts: Facts,
    signals: Signals,
    tick: Tick,
    observer: Observer | None = None,
) -> Decided:
    """Decide everything that is due until the tick's end, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        facts: what comes in the tick.
        signals: where patterns turned true in it, and the signals that conditions read (`evaluate_signals`).
        tick: its bounds, and the caps and time zone it decides by.
        observer: notes what is asked on the way (`Recorder` of one customer, `Tally` of all); it changes nothing of
            what is decided, though the waves then take more facts: those too that come to nothing.
    """
    introduced = introduced_by(state, facts)
    known = with_introduced(state, introduced)
    opened = open_lanes(program, known, facts, introduced, signals, tick, observer)
    if observer:
        opened.lanes.observer = observer
        observer.begin(
            Scene(opened.lanes, opened.texts, opened.events, opened.unseen, opened.event_rows, state.tags)
        )
    run_waves(opened.lanes)
    return read_back(opened)

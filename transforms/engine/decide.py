"""The engine: state + facts + tick → what was decided.

Lay out a lane for every customer with something to do, run the waves over all of them, read back what they did.
"""

from transforms.engine.introductions import introduced_by, with_introduced
from transforms.engine.layout.lay_out import open_lanes
from transforms.engine.ledger import Decided, read_back
from transforms.engine.state import Facts, State, Tick
from transforms.engine.waves.loop import run_waves
from transforms.program.model import Program
from transforms.signals.results import Signals


def decide(program: Program, state: State, facts: Facts, signals: Signals, tick: Tick) -> Decided:
    """Decide everything that is due until the tick's end, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        facts: what comes in the tick.
        signals: where patterns turned true in it, and the signals that conditions read (`evaluate_signals`).
        tick: its bounds, and the caps and time zone it decides by.
    """
    introduced = introduced_by(state, facts)
    opened = open_lanes(program, with_introduced(state, introduced), facts, introduced, signals, tick)
    run_waves(opened.lanes)
    return read_back(opened)

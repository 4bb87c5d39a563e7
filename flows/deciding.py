"""Decide what a tick's events and due steps bring, over the store: read state, run the engine, write the ledger.

Imported only when there is something to decide: an idle run shall not pay for importing the engine.
"""

from collections.abc import Sequence
from dataclasses import replace

from duckdb import DuckDBPyConnection

from flows.facts import read_facts
from flows.settings import Settings
from flows.state_tables import read_state, write_decided
from flows.summary import TickSummary
from flows.versions import older_versions
from transforms.compiling import compile_program
from transforms.folding import fold_attributes
from transforms.state import Cap
from transforms.waves import decide
from transforms.workflow import Workflow


def decide_pending(
    con: DuckDBPyConnection, settings: Settings, workflows: Sequence[Workflow], loaded: TickSummary
) -> TickSummary:
    """Decide what `tick_events` and whatever is due bring until the tick's end, and write it down.

    Args:
        con: the store, in the tick's transaction.
        settings: what bounds decisions.
        workflows: the current ones; executions of older versions finish on theirs (semantics.md §9).
        loaded: the summary so far, with the tick's number and bounds.
    """
    previous, now = loaded.previous, loaded.now
    caps = [Cap(one.messages, one.window) for one in settings.frequency_caps]
    program = compile_program(workflows, older_versions(con, workflows))
    facts = read_facts(con, "tick_events", program)
    stored = read_state(con, program, facts, previous=previous, now=now, caps=caps)
    # Updates that are too late to be seen by anything else act before all that this tick decides.
    state = replace(stored, attributes=fold_attributes(stored.attributes, facts.silent))
    decided = decide(program, state, facts.events, facts.writes, now=now, since=previous, caps=caps)
    final = fold_attributes(state.attributes, facts.writes, decided.attributes)
    write_decided(con, stored, facts, decided, final, tick_id=loaded.tick_id, processed_at=now)
    return replace(
        loaded,
        facts=decided.facts,
        steps=len(decided.steps),
        executions=decided.entries,
        messages=len(decided.messages),
        webhooks=len(decided.webhooks),
        waves=decided.waves,
    )

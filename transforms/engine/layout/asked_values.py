"""Questions about attributes' values, answered once for each distinct value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Array, Bools
from transforms.columns.json_values import NULL, Codes, intern, look_inside
from transforms.engine.lanes.customer_zones import read_clocks
from transforms.engine.state import Tick
from transforms.program.model import Program
from transforms.program.schedules import cron_instants
from transforms.timing.durations import epoch_us
from transforms.timing.instants import with_instants


@dataclass(frozen=True)
class Holds:
    """Whether a row of the program's truth table holds."""

    truth: int


@dataclass(frozen=True)
class Within:
    """Whether the value is an instant in `(since, until]`, µs."""

    since: int
    until: int


@dataclass(frozen=True)
class Rings:
    """Whether a cron fires in the tick, in the zone that the value names, else in the default one."""

    cron: str


@dataclass(frozen=True)
class Given:
    """Whether there is a value other than null."""


@dataclass(frozen=True)
class AskedValue:
    """What is asked of an attribute's value: of itself, or of what it has along a path of the program."""

    attribute: str
    test: Holds | Within | Rings | Given
    path: int | None = None
    given: bool = False  # null doesn't pass, whatever the test says


def answered(
    asked: Sequence[AskedValue], values: pl.Series, program: Program, tick: Tick
) -> tuple[list[Bools], Codes]:
    """Answer questions about values.

    Args:
        asked: the questions.
        values: JSON texts, null for none.
        program: whose truth table and paths they are about.
        tick: in which crons fire; it has the default zone too.

    Returns:
        Of each question a verdict for each distinct value, the first of which is null; and which each of `values` is.
    """
    dictionary, codes = intern({"value": values}, ())
    dictionary, inside = look_inside(dictionary, program.paths)
    if program.reads_instants:
        dictionary = with_instants(dictionary)
    return [_verdict(one, dictionary, inside, program, tick) for one in asked], codes["value"]


def _verdict(
    asked: AskedValue, dictionary: pl.DataFrame, inside: Array, program: Program, tick: Tick
) -> Bools:
    verdict = _tested(asked.test, dictionary, program, tick)
    if asked.path is not None:
        verdict = verdict[inside[asked.path]]
    return verdict & _given(dictionary) if asked.given else verdict


def _tested(
    test: Holds | Within | Rings | Given, dictionary: pl.DataFrame, program: Program, tick: Tick
) -> Bools:
    match test:
        case Holds(truth=truth):
            holds: Bools = dictionary.with_columns(holds=program.truths[truth])["holds"].to_numpy()
            return holds
        case Within(since=since, until=until):
            micros = dictionary["instant"].fill_null(NEVER).to_numpy()
            within: Bools = (since < micros) & (micros <= until)
            return within
        case Rings(cron=cron):
            every = np.arange(len(dictionary))
            clocks = read_clocks(tick.timezone, [], dictionary, every)
            return np.array([rings(cron, one, tick) for one in clocks.names])[clocks.of(every)]
        case Given():
            return _given(dictionary)


def _given(dictionary: pl.DataFrame) -> Bools:
    given: Bools = (dictionary["kind"] != NULL).to_numpy()
    return given


def rings(cron: str, zone: str, tick: Tick) -> bool:
    """Whether a cron fires in the tick, in a zone."""
    since, until = tick.cron_since, epoch_us(tick.now)
    return since < until and bool(cron_instants(cron, zone, since, until).size)

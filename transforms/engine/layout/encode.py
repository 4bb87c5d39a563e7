"""Frames of one tick → value codes, the truth table of all conditions, and what each event matches."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Bools, Ints, positions
from transforms.columns.factorize import factorize
from transforms.columns.json_values import (
    NULL_CODE,
    Codes,
    canonical,
    intern,
    look_inside,
    number_ranks,
    spelled,
)
from transforms.engine.lanes.checks import match_codes
from transforms.engine.layout.placed import Placed
from transforms.program.model import Program
from transforms.tables.frames import EVENT_PREFIX
from transforms.timing.instants import with_instants


@dataclass(frozen=True)
class Values:
    """The values of one tick as codes of one dictionary.

    Attributes:
        dictionary: see `json_values.intern`.
        truth: `[condition, code]`, whether the condition holds for the value.
        inside: `[path, code]`, what the value has along a path of the program.
        ranks: per code the place among all numbers, −1 for no number; empty if the program doesn't compare them.
        names: of follow-up facts → their codes; empty if the program doesn't ask.
        event_names: of the events; empty if the program doesn't ask.
        spelled: per code that of the text that spells it, −1 for none; see `json_values.spelled`.
        literals: the program's literals.
        events: `[event, property]`.
        contexts: `[running execution, property]`, of the facts that started them.
        starts: `[entry of Placed.starts, property]`, likewise.
        decisions, variants: of the running executions.
        writes: of the events' profile updates.
        attributes: of the profiles.
        alarms: of the values for which schedules were armed.
        instants: per code the instant it stands for, µs, `NEVER` for none; empty if the program doesn't ask.
        is_wall: per code whether that instant is a wall clock's.
    """

    dictionary: pl.DataFrame
    truth: Bools
    inside: Codes
    ranks: Ints
    names: Mapping[str, int]
    event_names: Codes
    spelled: Codes
    literals: Ints
    events: Codes
    contexts: Codes
    starts: Codes
    decisions: Codes
    variants: Codes
    writes: Codes
    attributes: Codes
    alarms: Codes
    instants: Ints
    is_wall: Bools


def as_codes(program: Program, placed: Placed) -> Values:
    """Code the properties of events, running executions and entries, written values and present attributes."""
    columns = {
        "write": placed.writes["value"],
        "attribute": placed.attributes["value"],
        "decision": _quoted(placed.executions["decision"]),
        "variant": _quoted(placed.executions["variant"]),
        "alarm": placed.alarms["value"],
    }
    starts = placed.starts
    for kind, frame in (("event", placed.events), ("context", placed.executions), ("start", starts)):
        columns |= {f"{kind} {name}": frame[column] for name, column in _given(program, frame).items()}
    names = (*program.named, *placed.attribute_names) if program.named else ()
    columns["name"] = _texts(placed.events["name"] if program.named else placed.events["name"].clear())
    literals = (*program.literals, *map(canonical, names))
    dictionary, codes = intern(columns, literals)
    dictionary, inside = look_inside(dictionary, program.paths)
    if program.reads_instants:
        dictionary = with_instants(dictionary)
    return Values(
        dictionary,
        _truth_table(program, dictionary),
        inside,
        number_ranks(dictionary) if program.compares else np.zeros(0, np.int64),
        dict(zip(names, codes[""][len(program.literals) :].tolist(), strict=True)),
        codes["name"],
        spelled(dictionary),
        codes[""].astype(np.int64),
        _stacked(program, codes, "event", len(placed.events)),
        _stacked(program, codes, "context", len(placed.executions)),
        _stacked(program, codes, "start", len(starts)),
        codes["decision"],
        codes["variant"],
        codes["write"],
        codes["attribute"],
        codes["alarm"],
        *_instants(dictionary),
    )


def _instants(dictionary: pl.DataFrame) -> tuple[Ints, Bools]:
    if "instant" not in dictionary.columns:
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return dictionary["instant"].fill_null(NEVER).to_numpy(), dictionary["is_wall"].to_numpy()


def match_events(program: Program, events: pl.DataFrame, values: Values) -> Bools:
    """Which events satisfy which matchers: `[event, matcher]`."""
    types, type_of = _among(events["type"], {one.type for one in program.matchers})
    names, name_of = _among(events["name"], {one.name for one in program.matchers if one.name is not None})
    kind = type_of * len(names) + name_of
    match = np.zeros((len(events), len(program.matchers)), np.bool_)
    for number in np.flatnonzero(np.bincount(kind)).tolist():
        fact_type, name = types[number // len(names)], names[number % len(names)]
        if matchers := program.matchers_of(fact_type, name):
            rows = np.flatnonzero(kind == number)
            codes = values.events.take(rows, axis=0)
            match[rows] = match_codes(program, values.truth, values.inside, codes, matchers)
    return match


def _among(texts: pl.Series, wanted: set[str]) -> tuple[list[str | None], Ints]:
    """The wanted texts and None for all others, and which of them each of `texts` is."""
    names = sorted(wanted)
    return [*names, None], positions(texts, names, len(names))


def _given(program: Program, frame: pl.DataFrame) -> dict[str, str]:
    """The program's properties that have any value in the frame, and their columns."""
    columns = {name: f"{EVENT_PREFIX}{name}" for name in program.properties}
    return {
        name: column
        for name, column in columns.items()
        if column in frame.columns and frame[column].null_count() < len(frame)
    }


def _quoted(texts: pl.Series) -> pl.Series:
    return pl.select(pl.concat_str(pl.lit('"'), texts, pl.lit('"'))).to_series()


def _texts(names: pl.Series) -> pl.Series:
    """Names as JSON text, whatever their characters."""
    distinct, number = factorize(names)
    return pl.Series([canonical(one) for one in distinct], dtype=pl.String)[number]


def _stacked(program: Program, codes: dict[str, Codes], kind: str, rows: int) -> Codes:
    stacked = np.full((rows, len(program.properties)), NULL_CODE, np.int32)
    for column, name in enumerate(program.properties):
        if (given := codes.get(f"{kind} {name}")) is not None:
            stacked[:, column] = given
    return stacked


def _truth_table(program: Program, dictionary: pl.DataFrame) -> Bools:
    verdicts = dictionary.select(one.alias(str(index)) for index, one in enumerate(program.truths))
    table = np.zeros((len(program.truths), len(dictionary)), np.bool_)
    for index, column in enumerate(verdicts):
        table[index] = column.to_numpy()
    return table

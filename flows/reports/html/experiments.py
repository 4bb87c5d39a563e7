"""What experiments show, as the page's panel: figures of each group, intervals as lines, and what can be concluded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.reports.experiment_answers import Answer
from transforms.answers.experiment import Comparison, Estimate, Experiment, Figures, Group
from transforms.answers.verdicts import MANY_LOOKS, ONE_LOOK
from transforms.answers.wording import UNKNOWN, amount, p_value, percent, probability

EDGE = 4.0
"""Free at both ends of the lines, in percent of their room."""


@dataclass(frozen=True)
class Stroke:
    """An interval as drawn: where it begins, ends, and its estimate lies, in percent of the room."""

    low: float
    high: float
    value: float | None


@dataclass(frozen=True)
class Forest:
    """How groups differ from the control group in one measure, on one scale.

    Attributes:
        measure: what is compared.
        zero: where no difference lies, in percent of the room.
        low: where the scale begins, as told.
        high: where it ends.
        rows: one for each group but the control group.
    """

    measure: str
    zero: float
    low: str
    high: str
    rows: list["ForestRow"]


@dataclass(frozen=True)
class ForestRow:
    """A group beside the control group.

    Attributes:
        group: its name.
        difference: its measure less the control group's, as told; likewise `lift` and `p`.
        lift: that in relation to the control group's.
        p: the p-value.
        shows: what one look shows: `more`, `less`, or nothing.
        line: the interval of one look, as drawn.
        any_time: the one that holds however often one looks.
        figures: the numbers that are told.
    """

    group: str
    difference: str
    lift: str
    p: str
    shows: str
    line: Stroke | None
    any_time: Stroke | None
    figures: Figures


def panel_of(answer: Answer) -> dict[str, object]:
    """What the page shows of an experiment, by the names of its template."""
    found = answer.found
    return {
        "title": answer.title,
        "value": answer.value,
        "groups": [_group(one, found) for one in found.groups],
        "has_values": any(one.mean for one in found.groups),
        "forests": list(_forests(found, answer.value.capitalize())),
        "ratio": _ratio(found),
        "alarms": found.ratio_alarms,
        "verdicts": answer.verdicts,
        "notes": answer.notes,
        "one_look": ONE_LOOK,
        "many_looks": MANY_LOOKS,
    }


def _group(group: Group, found: Experiment) -> dict[str, object]:
    return {
        "name": group.name,
        "is_control": group.name == found.control,
        "customers": group.customers,
        "converted": group.converted,
        "rate": group.rate.value,
        "rate_told": percent(group.rate),
        "best": group.best_rate,
        "best_told": probability(group.best_rate),
        "mean": group.mean and group.mean.value,
        "mean_told": amount(group.mean) if group.mean else UNKNOWN,
        "best_mean": group.best_mean,
        "best_mean_told": probability(group.best_mean),
    }


def _forests(found: Experiment, value: str) -> Iterator[Forest]:
    measures: Sequence[tuple[str, Sequence[tuple[Comparison, Figures | None]], bool]] = (
        ("Conversion", [(one, one.rate) for one in found.comparisons], True),
        (value, [(one, one.value) for one in found.comparisons], False),
        (
            f"{value}, less what that of before explains (CUPED)",
            [(one, one.adjusted) for one in found.comparisons],
            False,
        ),
    )
    for measure, pairs, of_rates in measures:
        rows = [
            (one.group, figures) for one, figures in pairs if figures and figures.difference.value is not None
        ]
        if rows:
            yield _forest(measure, rows, of_rates=of_rates)


def _forest(measure: str, rows: Sequence[tuple[str, Figures]], *, of_rates: bool) -> Forest:
    told = percent if of_rates else amount
    drawn = [one for _, figures in rows for one in (figures.difference, figures.any_time) if one]
    limits = [end for one in drawn for end in (one.low, one.high, one.value) if end is not None]
    low, high = min(0.0, *limits), max(0.0, *limits)

    def place(end: float) -> float:
        return EDGE + (100 - 2 * EDGE) * (end - low) / (high - low) if high > low else 50.0

    def stroke(one: Estimate | None) -> Stroke | None:
        if one is None or (one.low is None and one.high is None):
            return None
        ends = (low if one.low is None else one.low, high if one.high is None else one.high)
        return Stroke(place(ends[0]), place(ends[1]), None if one.value is None else place(one.value))

    return Forest(
        measure,
        place(0.0),
        told(Estimate(low, None, None), signed=True),
        told(Estimate(high, None, None), signed=True),
        [
            ForestRow(
                group,
                told(one.difference, signed=True),
                percent(one.lift, signed=True),
                p_value(one.p_value),
                one.shows or "",
                stroke(one.difference),
                stroke(one.any_time),
                one,
            )
            for group, one in rows
        ],
    )


def _ratio(found: Experiment) -> str:
    """Whether the groups are as large as was meant, in a sentence."""
    if found.ratio_p_value is None:
        return ""
    meant = "as was meant" if found.shares else "all alike"
    said = "aren't as large" if found.ratio_alarms else "are as large"
    return f"Sample ratio: the groups {said} {meant}; p {p_value(found.ratio_p_value)}"

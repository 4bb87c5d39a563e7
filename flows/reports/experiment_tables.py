"""Experiments on a terminal: figures of each group, then what can be concluded."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from rich.console import Console
from rich.text import Text

from flows.fitting import Column, print_table
from flows.formats.wording import one_line
from transforms.answers.experiment import Experiment, Figures
from transforms.answers.verdicts import VALUE, verdicts
from transforms.answers.wording import UNKNOWN, amount, p_value, percent, probability


@dataclass(frozen=True)
class _Column:
    heading: str
    cells: Sequence[str]


def print_experiment(
    found: Experiment, notes: Sequence[str], console: Console, *, title: str = "", value: str = VALUE
) -> None:
    """Print the figures, what should be known of them, and what they show.

    Args:
        found: the experiment.
        notes: what should be known.
        console: where.
        title: which experiment it is, where there are several.
        value: what a customer's value is called.
    """
    names = _Column("group", [one_line(one.name) for one in found.groups])
    if title:
        console.print(Text(f"{one_line(title)}\n", style="bold underline"), overflow="fold")
    _print("Conversion", names, _rates(found), console)
    if found.groups[0].mean:
        _print(value.capitalize(), names, _values(found), console)
    if found.explained is not None:
        _print(
            f"{value.capitalize()}, less what that of before explains (CUPED)",
            names,
            _adjusted(found),
            console,
        )
    for some in (notes, verdicts(found, value)):
        for sentence in some:
            console.print(Text(one_line(sentence, len(sentence))))
        if some is notes and notes:
            console.print()


def _rates(found: Experiment) -> list[_Column]:
    converted = [UNKNOWN if one.converted is None else f"{one.converted:,}" for one in found.groups]
    return [
        _Column("customers", [f"{one.customers:,}" for one in found.groups]),
        _Column("converted", converted),
        _Column("rate", [percent(one.rate) for one in found.groups]),
        *_differences([one.rate for one in found.comparisons], of_rates=True),
        _Column("best", [probability(one.best_rate) for one in found.groups]),
    ]


def _values(found: Experiment) -> list[_Column]:
    return [
        _Column("mean", [amount(one.mean) if one.mean else UNKNOWN for one in found.groups]),
        *_differences([one.value for one in found.comparisons], of_rates=False),
        _Column("best", [probability(one.best_mean) for one in found.groups]),
    ]


def _adjusted(found: Experiment) -> list[_Column]:
    return [
        _Column("mean", [amount(one.adjusted) if one.adjusted else UNKNOWN for one in found.groups]),
        *_differences([one.adjusted for one in found.comparisons], of_rates=False),
        _Column("best", [probability(one.best_adjusted) for one in found.groups]),
    ]


def _differences(figures: Sequence[Figures | None], *, of_rates: bool) -> list[_Column]:
    """How the groups differ from the control group, whose own cells are blank."""
    told = percent if of_rates else amount
    some = [one for one in figures if one]
    return [
        _Column("difference", ["", *(told(one.difference, signed=True) for one in some)]),
        _Column("lift", ["", *(percent(one.lift, signed=True) for one in some)]),
        _Column("p", ["", *(p_value(one.p_value) for one in some)]),
    ]


def _print(title: str, names: _Column, columns: Sequence[_Column], console: Console) -> None:
    told = [names, *(one for one in columns if any(one.cells))]
    rows = pl.DataFrame({one.heading: [cell or None for cell in one.cells] for one in told})
    print_table(console, title, rows, [Column(one.heading, one.heading) for one in told])

"""Experiments on a terminal: a table if all of its figures fit, else one figure below the other; none is cut."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from flows.formats.wording import one_line
from transforms.answers.experiment import Experiment, Figures
from transforms.answers.verdicts import verdicts
from transforms.answers.wording import UNKNOWN, amount, p_value, percent, probability

PIPE_WIDTH = 120
"""So wide is what nobody says the width of: a file, a pipe."""

_ENDLESS = 100_000


@dataclass(frozen=True)
class _Column:
    heading: str
    cells: Sequence[str]


def experiment_console() -> Console:
    """Where experiments are printed: as wide as the terminal, or as `COLUMNS` says."""
    console = Console(highlight=False, markup=False)
    is_said = console.is_terminal or "COLUMNS" in os.environ
    return console if is_said else Console(highlight=False, markup=False, width=PIPE_WIDTH)


def print_experiment(found: Experiment, notes: Sequence[str], console: Console) -> None:
    """Print the figures, what should be known of them, and what they show."""
    names = _Column("group", [one_line(one.name) for one in found.groups])
    _print("Conversion", names, _rates(found), console)
    if found.groups[0].mean:
        _print("Value per customer", names, _values(found), console)
    for some in (notes, verdicts(found)):
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
    columns = [
        _Column("mean", [amount(one.mean) if one.mean else UNKNOWN for one in found.groups]),
        *_differences([one.value for one in found.comparisons], of_rates=False),
        _Column("best", [probability(one.best_mean) for one in found.groups]),
    ]
    if found.explained is None:
        return columns
    adjusted = [
        amount(one.adjusted.difference, signed=True) if one.adjusted else UNKNOWN for one in found.comparisons
    ]
    return [*columns, _Column("difference (CUPED)", ["", *adjusted])]


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
    told = [one for one in columns if any(one.cells)]
    ways = (_a_row_each(names, told), _a_column_each(names, told), _below_each_other(names, told))
    console.print(Text(title, "bold"))
    console.print(next((one for one in ways if _breadth(one, console) <= console.width), ways[-1]), "")


def _breadth(table: Table, console: Console) -> int:
    """How wide a table is of which nothing is cut."""
    return Measurement.get(console, console.options.update(width=_ENDLESS), table).maximum


def _empty_table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))


def _a_row_each(names: _Column, columns: Sequence[_Column]) -> Table:
    """A row for each group."""
    table = _empty_table()
    for number, one in enumerate((names, *columns)):
        table.add_column(one.heading, justify="right" if number else "left", no_wrap=True)
    for cells in zip(*(one.cells for one in (names, *columns)), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _a_column_each(names: _Column, columns: Sequence[_Column]) -> Table:
    """A column for each group."""
    table = _empty_table()
    for heading in ("", *names.cells):
        table.add_column(Text(heading), no_wrap=True)
    for one in columns:
        table.add_row(*map(Text, (one.heading, *one.cells)))
    return table


def _below_each_other(names: _Column, columns: Sequence[_Column]) -> Table:
    """One group below the other."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for at, name in enumerate(names.cells):
        if at:
            table.add_row("")
        table.add_row(Text(names.heading), Text(name, "bold"))
        for one in columns:
            if one.cells[at]:
                table.add_row(Text(f"  {one.heading}"), Text(one.cells[at]))
    return table

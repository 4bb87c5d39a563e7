"""What every experiment of the store shows: each workflow that holds out, judged as by `onward experiment`."""

from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.experiments import choose_control
from flows.reports.workflow_experiments import read_workflow
from transforms.answers.experiment import Experiment, analyse
from transforms.answers.verdicts import verdicts
from transforms.answers.wording import UNKNOWN, percent

GROUP_HEADINGS = ("group", "customers", "converted", "rate")
"""Over the columns of `group_rows`."""


@dataclass(frozen=True)
class Verdict:
    """What one experiment shows.

    Attributes:
        workflow_id: of the workflow.
        found: its figures.
        sentences: what they show, the most important first.
        notes: what to know of how they were counted.
    """

    workflow_id: str
    found: Experiment
    sentences: tuple[str, ...]
    notes: tuple[str, ...]


def read_verdicts(con: DuckDBPyConnection, summary: pl.DataFrame) -> list[Verdict]:
    """The verdict of each workflow that has held anybody out, by its id; it reads the executions of these.

    Args:
        con: a connection to what is published.
        summary: `report_workflow_summary`.

    Raises:
        WarehouseError: a table can't be read.
    """
    held_out = summary.filter(pl.col("held_out") > 0)["workflow_id"].sort()
    return [_judged(con, one) for one in held_out]


def group_rows(found: Experiment) -> list[tuple[str, ...]]:
    """The groups of an experiment as people read them, under `GROUP_HEADINGS`; the control group first."""
    return [
        (
            one.name,
            f"{one.customers:,}",
            UNKNOWN if one.converted is None else f"{one.converted:,}",
            percent(one.rate),
        )
        for one in found.groups
    ]


def _judged(con: DuckDBPyConnection, workflow_id: str) -> Verdict:
    counted = read_workflow(con, workflow_id)
    control, _ = choose_control(counted.customers["group"].unique(maintain_order=True).to_list(), None)
    found = analyse(counted.customers, control, counted.shares)
    return Verdict(workflow_id, found, tuple(verdicts(found)), counted.notes)

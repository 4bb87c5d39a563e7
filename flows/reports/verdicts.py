"""What every experiment of the store shows, judged as by `onward experiment`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.experiment_answers import Answer, read_answers
from transforms.answers.draws import HOLDOUT
from transforms.answers.experiment import Experiment
from transforms.answers.wording import UNKNOWN, percent

GROUP_HEADINGS = ("group", "customers", "converted", "rate")
"""Over the columns of `group_rows`."""


@dataclass(frozen=True)
class Verdict:
    """What one experiment shows.

    Attributes:
        title: the workflow, and which of its experiments, unless that is its holdout.
        found: its figures.
        sentences: what they show, the most important first.
        notes: what to know of how they were counted.
    """

    title: str
    found: Experiment
    sentences: Sequence[str]
    notes: Sequence[str]


def read_verdicts(con: DuckDBPyConnection, workflows: Iterable[str], winners: pl.DataFrame) -> list[Verdict]:
    """The verdicts on all experiments of these workflows; it reads their executions.

    Args:
        con: a connection to what is published.
        workflows: their ids.
        winners: those among variants (`flows.store.winners.read_winners`).

    Raises:
        WarehouseError: a table can't be read.
    """
    return verdicts_of({one: read_answers(con, one, winners) for one in workflows})


def verdicts_of(answers: Mapping[str, Sequence[Answer]]) -> list[Verdict]:
    """The same of what was read: workflow → its experiments; by workflow."""
    return [_verdict(workflow, one) for workflow, some in sorted(answers.items()) for one in some]


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


def _verdict(workflow: str, answer: Answer) -> Verdict:
    is_holdout = answer.of is None or answer.of.kind == HOLDOUT
    title = workflow if is_holdout else f"{workflow}: {answer.title}"
    return Verdict(title, answer.found, answer.verdicts, answer.notes)

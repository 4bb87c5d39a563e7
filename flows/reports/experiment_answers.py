"""What came of experiments, of a file or of a workflow: figures, what should be known of them, what they show."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.reports.experiments import check_shares, choose_control, read_outcomes, refusal_sentences
from flows.reports.workflow_experiments import (
    ALWAYS,
    REVENUE,
    Period,
    WorkflowExperiment,
    read_experiments,
)
from flows.settings import Settings
from transforms.answers.experiment import Experiment, analyse
from transforms.answers.experiment_rows import experiment_rows
from transforms.answers.outcomes import REFUSALS
from transforms.answers.verdicts import VALUE, verdicts
from transforms.definitions.base import advice


@dataclass(frozen=True)
class Answer:
    """One experiment, ready to be shown.

    Attributes:
        found: its figures.
        notes: sentences on how customers were counted.
        refused: see `transforms.answers.outcomes.refusals`; of a workflow nothing is.
        value: what a customer's value is called.
        of: of a workflow which of its experiments it is.
    """

    found: Experiment
    notes: list[str]
    refused: pl.DataFrame
    value: str = VALUE
    of: WorkflowExperiment | None = None

    @property
    def title(self) -> str:
        """Which experiment it is; of a file nothing."""
        return self.of.title if self.of else ""

    @property
    def verdicts(self) -> list[str]:
        """What it shows, the most important first."""
        return verdicts(self.found, self.value)

    def document(self) -> dict[str, Any]:
        """All of it for JSON: of a workflow also `kind`, `branch` and `step`."""
        which = {name: getattr(self.of, name) for name in ("kind", "branch", "step")} if self.of else {}
        told = {"refused": self.refused.to_dicts(), "notes": self.notes, "verdicts": self.verdicts}
        return {**which, **asdict(self.found), **told}


def answer_of_file(
    file: Path, settings: Settings, control: str | None = None, shares: Mapping[str, float] | None = None
) -> Answer:
    """The experiment of a file of outcomes.

    Args:
        file: see `read_outcomes`.
        settings: limits of files, encodings, memory.
        control: the group that others are compared with; None: as `choose_control` says.
        shares: the part of all customers that each group was to have; None: equal ones.

    Raises:
        InputError: the file can't be used, or there is no such group.
    """
    counted = read_outcomes(file, settings)
    groups = counted.customers["group"].unique(maintain_order=True).to_list()
    chosen, note = choose_control(groups, control)
    if shares:
        check_shares(shares, groups)
    found = analyse(counted.customers, chosen, shares)
    notes = [*counted.notes, *([note] if note else []), *refusal_sentences(counted.refused)]
    return Answer(found, notes, counted.refused)


def answers_of_workflow(
    con: DuckDBPyConnection,
    workflow_id: str,
    winners: pl.DataFrame,
    period: Period = ALWAYS,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
) -> list[Answer]:
    """All experiments of a workflow: its holdout, its random splits, the variants of its messages.

    Args:
        con: what is published.
        workflow_id: the workflow.
        winners: those among variants (`flows.store.winners.read_winners`).
        period: which customers count.
        control: the arm that others are compared with, in the experiments that have it.
        shares: the part of all customers that each arm was to have, in the experiments that have these arms; None: as
            the workflow says.

    Raises:
        InputError: there is no such workflow or arm, or nobody entered it in the period.
    """
    some = read_experiments(con, workflow_id, winners, period)
    arms = list(dict.fromkeys(arm for one in some for arm in one.arms))
    if control is not None and control not in arms:
        raise InputError(f"--control {control!r}: no such group; {advice(control, arms)}")
    if shares and not any(set(shares) == set(one.arms) for one in some):
        check_shares(shares, arms if len(some) > 1 else some[0].arms)
    return [_answer(one, control, shares) for one in some]


def read_answers(con: DuckDBPyConnection, workflow: str, winners: pl.DataFrame) -> list[Answer]:
    """The experiments of a workflow, as `onward experiment` tells them; none where it has none, or nobody entered it.

    Args:
        con: a connection to what is published.
        workflow: its id.
        winners: see `flows.store.winners.read_winners`.

    Raises:
        WarehouseError: a table can't be read.
    """
    try:
        answers = answers_of_workflow(con, workflow, winners)
    except InputError:  # nobody entered it yet
        return []
    return [one for one in answers if one.of and len(one.of.arms) > 1]


def workflow_frame(
    con: DuckDBPyConnection, workflow_id: str, winners: pl.DataFrame, period: Period = ALWAYS
) -> pl.DataFrame:
    """All experiments of a workflow as one frame, for charts and notebooks; as for `answers_of_workflow`.

    Returns:
        One row per experiment, outcome (`conversion`, `value`, `value_adjusted`) and group, the control group first:
        `kind` (`holdout`, `split`, `variants`), `branch`, `step`, and the columns of `experiment_rows`.
    """
    which = ("kind", "branch", "step")
    return pl.concat(
        experiment_rows(one.found).select(
            *(pl.lit(getattr(one.of, name), pl.String).alias(name) for name in which), pl.all()
        )
        for one in answers_of_workflow(con, workflow_id, winners, period)
    )


def _answer(one: WorkflowExperiment, control: str | None, shares: Mapping[str, float] | None) -> Answer:
    chosen, note = choose_control(one.arms, control if control in one.arms else None)
    meant = shares if shares and set(shares) == set(one.arms) else one.counted.shares
    found = analyse(one.counted.customers, chosen, meant)
    return Answer(
        found, [*one.counted.notes, *([note] if note else [])], pl.DataFrame(schema=REFUSALS), REVENUE, one
    )

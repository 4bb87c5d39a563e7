"""Which variant of its message a customer gets: by weights, the same at every look, or the winner (A/B/n)."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.columns.arrays import Bools
from transforms.columns.ids import draw
from transforms.definitions.actions import Message
from transforms.definitions.workflow import Workflow
from transforms.delivery.steps import STEP, StepKey, messages_by_step

Floats = npt.NDArray[np.float64]

WINNERS: Mapping[str, pl.DataType] = {
    **dict.fromkeys((*STEP, "variant"), pl.String()),
    "from": pl.Datetime("us", "UTC"),
}
"""The columns of winners: since `from`, the step's messages are those of `variant`."""

NO_WINNERS = pl.DataFrame(schema=WINNERS)


def with_variants(workflows: Iterable[Workflow]) -> dict[StepKey, Message]:
    """What the steps of some workflows say whose messages have variants."""
    return {key: message for key, message in messages_by_step(workflows).items() if message.variants}


def chosen_variants(
    due: pl.DataFrame, messages: Mapping[StepKey, Message], winners: pl.DataFrame
) -> pl.Series:
    """The variant of each message; a pure function of workflow, step, customer, instant and winners.

    By weights: cumulative, in file order, divided by their sum, against `bucket("variant", workflow_id, step,
    customer_id)`, as `random_split` does it (semantics.md §9). From a winner's instant on it is the winner, but for
    the share `keep` of customers by a draw of their own, who stay on the weights.

    Args:
        due: one row per message: `STEP`, `customer_id`, `at`.
        messages: what each step of `due` says; steps that aren't there have no variants.
        winners: rows of `WINNERS`; of several for one step the latest that has begun counts.

    Returns:
        `variant`; null where the step has none.
    """
    if not messages:
        return pl.Series("variant", [None], dtype=pl.String).new_from_index(0, len(due))
    rows = due.select(*STEP, "customer_id", "at").with_row_index("row")
    found = [pl.DataFrame(schema={"row": pl.UInt32, "variant": pl.String})]
    for key, some in rows.partition_by(STEP, as_dict=True).items():
        message = messages.get(key)
        if message is not None and message.variants:
            of_step = winners.filter(pl.col(name) == value for name, value in zip(STEP, key, strict=True))
            found.append(some.select("row", variant=_variants(some, message, of_step)))
    chosen = rows.join(pl.concat(found), on="row", how="left", maintain_order="left")
    return chosen["variant"]


def _variants(due: pl.DataFrame, message: Message, winners: pl.DataFrame) -> pl.Series:
    """The variants of one step's messages."""
    names = [one.name for one in message.variants]
    workflow_id, step, customers = due["workflow_id"][0], due["step"][0], due["customer_id"]
    drawn = draw("variant", workflow_id, step, customers=customers)
    chosen = np.searchsorted(_bounds(message), drawn, side="right")
    kept = _kept(message, draw("variant_kept", workflow_id, step, customers=customers))
    for variant, begins in winners.select("variant", "from").sort("from").rows():
        if variant in names:
            won = (due["at"] >= begins).to_numpy() & ~kept
            chosen = np.where(won, names.index(variant), chosen)
    return pl.Series(names).gather(chosen)


def _bounds(message: Message) -> Floats:
    """Where on the way from 0 to 1 one variant ends and the next begins."""
    weights = np.cumsum([one.weight for one in message.variants])
    bounds: Floats = weights[:-1] / weights[-1]
    return bounds


def _kept(message: Message, drawn: Floats) -> Bools:
    """Who stays on the weights although there is a winner."""
    kept: Bools = drawn < (message.winner.keep if message.winner else 0.0)
    return kept

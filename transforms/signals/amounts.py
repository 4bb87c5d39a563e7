"""Amounts before and after a tick: rows of the store as columns, and back (semantics.md §8, cost)."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, Bools, Ints, positions
from transforms.columns.factorize import index_in
from transforms.signals.patterns import chain_ends
from transforms.signals.plan import SignalPlan, last_key
from transforms.signals.windows import Before, Behaviors, Span, Term, points_of
from transforms.tables.frames import AMOUNTS


def before_tick(plan: SignalPlan, customers: pl.Series, amounts: pl.DataFrame) -> Before:
    """The stored amounts (`frames.AMOUNTS`) of K customers, among whom their owners are."""
    sums = {term.key for term in plan.terms}
    amount = {key: np.full(len(customers), 0 if key in sums else ALWAYS) for key in plan.keys}
    there = {key: np.zeros(len(customers), np.bool_) for key in plan.keys}
    if len(amounts):
        lane = index_in(amounts["customer_id"], customers)
        number, stored = positions(amounts["key"], list(amount), -1), amounts["amount"].to_numpy()
        order = np.argsort(number, kind="stable")
        rows = np.split(order, np.searchsorted(number[order], range(len(amount))))[1:]
        for key, some in zip(amount, rows, strict=True):
            amount[key][lane[some]] = stored[some]
            there[key][lane[some]] = True
    return Before(amount, there)


def after_tick(
    plan: SignalPlan, customers: pl.Series, behaviors: Behaviors, before: Before, span: Span
) -> pl.DataFrame:
    """The amounts after a tick (`frames.AMOUNTS`), of those of K customers who have any.

    Args:
        plan: which amounts.
        customers: `[K]` ids.
        behaviors: the events of the tick.
        before: the amounts before it.
        span: its bounds.
    """
    found = [
        *((term.key, *_sum(term, behaviors, before, span)) for term in plan.terms),
        *_lasts(plan, behaviors, before),
        *_chains(plan, behaviors, before),
    ]
    rows = [_rows(customers, *one) for one in found]
    return pl.concat(rows) if rows else pl.DataFrame(schema=AMOUNTS)


def _sum(term: Term, behaviors: Behaviors, before: Before, span: Span) -> tuple[Ints, Bools]:
    points = points_of(term, behaviors, span)
    after, there = before.amount[term.key].copy(), before.there[term.key].copy()
    np.add.at(after, points.lane, points.delta)
    there[points.lane] = True
    return after, there


def _lasts(plan: SignalPlan, behaviors: Behaviors, before: Before) -> Iterator[tuple[str, Ints, Bools]]:
    for signal in plan.lasts:
        rows = behaviors.fresh_of(signal.name)
        key = last_key(signal)
        yield key, *_latest(before.amount[key], behaviors.lane[rows], behaviors.ts[rows])


def _chains(plan: SignalPlan, behaviors: Behaviors, before: Before) -> Iterator[tuple[str, Ints, Bools]]:
    for chain in plan.chains:
        rows, ends = chain_ends(chain, behaviors, before)
        for key, ended in zip(chain.keys, ends, strict=True):
            some = rows[ended]
            yield key, *_latest(before.amount[key], behaviors.lane[some], behaviors.at[some])


def _latest(before: Ints, lane: Ints, instants: Ints) -> tuple[Ints, Bools]:
    latest = before.copy()
    np.maximum.at(latest, lane, instants)
    return latest, latest != ALWAYS


def _rows(customers: pl.Series, key: str, amounts: Ints, there: Bools) -> pl.DataFrame:
    rows = np.flatnonzero(there)
    return pl.DataFrame(
        {
            "customer_id": customers[rows],
            "key": pl.Series([key], dtype=pl.String).new_from_index(0, rows.size),
            "amount": amounts[rows],
        },
        schema=AMOUNTS,
    )

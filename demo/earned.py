"""What the demo's workflows earned, with intervals, and what can't be concluded: every number is asked of the run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from demo.complete_journey import YEAR_START
from flows.reports.experiment_answers import Answer, answers_of_workflow
from flows.warehouse import frame
from transforms.answers.draws import HOLDOUT
from transforms.answers.earned import with_revenue
from transforms.answers.experiment import Comparison, Estimate, Experiment, analyse
from transforms.answers.wording import amount, p_value, size

MONTH = timedelta(days=30)
COUPONS = "Type A"
NOBODY_READ = (
    "None of these messages was ever sent to anybody: the orders are those of 2017, with or without them. So "
    "whatever differs between the groups above is chance, and a difference that is told of is one of the few that "
    "chance alone makes. What the text shows is how it is found out, and how small an effect would have been seen."
)
_MAILINGS = (
    "select customer_id, ts, properties ->> 'campaign_id' as campaign_id from events "
    "where name = 'campaign_mailing' and properties ->> 'campaign_type' = $campaign_type"
)
_CREDITED = (
    "select workflow_id, sum(revenue)::double as revenue from report_revenue "
    "where model = 'last_touch' and workflow_id is not null group by all"
)


def earnings(con: DuckDBPyConnection, winners: pl.DataFrame) -> Iterator[str]:
    """The text, by paragraphs.

    Args:
        con: what is published.
        winners: those among variants.
    """
    workflows = frame(con, "select distinct workflow_id from executions order by all")["workflow_id"]
    credited = dict(frame(con, _CREDITED).iter_rows())
    for workflow_id in workflows:
        answers = answers_of_workflow(con, workflow_id, winners)
        some = [one for one in answers if one.found.comparisons and one.found.groups[0].mean]
        yield from (_drawn(workflow_id, one) for one in some)
        if not any(one.of and one.of.kind == HOLDOUT for one in some):
            yield _without_control(workflow_id, credited.get(workflow_id))
    yield NOBODY_READ
    if mailed := _mailed(con):
        yield _not_drawn(*mailed)


def _drawn(workflow_id: str, answer: Answer) -> str:
    """An experiment of a workflow: groups that were drawn by lot."""
    found = answer.found
    sizes = ", ".join(f"{one.name} {one.customers:,}" for one in found.groups)
    title = f"{answer.title[:1].lower()}{answer.title[1:]}"
    told = " ".join(_compared(found, one) for one in found.comparisons)
    return f"{workflow_id}, {title} ({sizes} households). {told}"


def _compared(found: Experiment, one: Comparison) -> str:
    figures = one.adjusted or one.value
    if not figures or figures.difference.value is None:
        return f"Of {one.group} nothing can be said yet."
    group = next(other for other in found.groups if other.name == one.group)
    least = (
        figures.detectable
        and f"; one of {size(figures.detectable, of_rates=False)} each would show 4 times in 5"
    )
    shows = {"more": "so much is more than chance", "less": "so much less is more than chance"}
    shown = shows.get(figures.shows or "", f"that shows no difference{least or ''}")
    return (
        f"In the {MONTH.days} days after, each household of {one.group} spent "
        f"{amount(figures.difference, signed=True)} beyond those of {found.control}, all of them together "
        f"{_together(figures.difference, group.customers)}; p {p_value(figures.p_value)}: {shown}."
    )


def _together(found: Estimate, many: int) -> str:
    """What a difference is for so many households, in whole units of money, with its limits."""
    value, *limits = (
        "?" if one is None else f"{many * one:+,.0f}".replace("-", "−")
        for one in (found.value, found.low, found.high)
    )
    return f"{value} ({' … '.join(limits)})"


def _without_control(workflow_id: str, credited: float | None) -> str:
    """What can't be told of a workflow of which nobody was held out."""
    said = f"{workflow_id}: nobody was held out, so what it earned can't be told."
    if not credited:
        return said
    return f"{said} Orders of {credited:,.2f} came after its messages (last touch), and might have come without them."


def _mailed(con: DuckDBPyConnection) -> tuple[datetime, pl.DataFrame] | None:
    """All households before and after the first mailing of coupons with a month to either side; whom it went to."""
    mailings = frame(con, _MAILINGS, campaign_type=COUPONS)
    ((now,),) = con.execute("select max(now) from ticks").fetchall()
    starts = mailings.filter(pl.col("ts").is_between(YEAR_START + MONTH, now - MONTH))["ts"]
    if starts.is_empty():
        return None
    start = starts.sort()[0]
    to = mailings.filter(pl.col("ts") == start)["customer_id"].unique()
    mailed = pl.col("customer_id").is_in(to.implode())
    people = frame(con, "select customer_id from customers").with_columns(
        group=pl.when(mailed).then(pl.lit("mailed")).otherwise(pl.lit("others")),
        converted=pl.lit(None, pl.Boolean),
        exposed_at=pl.lit(start, pl.Datetime("us", "UTC")),
    )
    orders = frame(con, "select customer_id, ts, earned_at, cents from orders")
    return start, with_revenue(people, orders, MONTH)


def _not_drawn(start: datetime, spent: pl.DataFrame) -> str:
    """What can't be concluded of households that somebody chose."""
    after, before = (
        analyse(spent.with_columns(value=name, before=pl.lit(None, pl.Float64)), "others")
        for name in ("value", "before")
    )
    many = next(one.customers for one in after.groups if one.name == "mailed")
    same = before.comparisons[0].value is None or not before.comparisons[0].value.shows
    return (
        f"What can't be concluded: the coupon booklet of {start:%Y-%m-%d} went to {many:,} of {spent.height:,} "
        f"households. In the {MONTH.days} days after it each of these spent {_difference(after)} beyond the others; in "
        f"the {MONTH.days} days before it, when they had none, {_difference(before)}. Whom to mail was chosen, not "
        f"drawn by lot{'' if same else ', and by how much a household shops'}: what of it the booklet earned, no "
        "interval can say. Next time, hold some out."
    )


def _difference(found: Experiment) -> str:
    figures = found.comparisons[0].value
    return amount(figures.difference, signed=True) if figures else "nothing"

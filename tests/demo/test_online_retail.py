"""The mapping of Online Retail, on rows of its shape; the loader's part on the same rows."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from demo import online_retail
from flows.errors import InputError

LINES = pl.DataFrame(
    {
        "invoice_no": ["536365", "536365", "536366", "C536379", "A563185"],
        "stock_code": ["85123A", "85123A", "22423", "D", "B"],
        "description": ['CANDLE "RED"', 'CANDLE "RED"', None, "Discount", "Adjust bad debt"],
        "quantity": [6, 6, 1, -1, 1],
        "invoice_date": [datetime(2010, 12, 1, 8, 26)] * 4 + [datetime(2011, 8, 12, 14, 50)],
        "unit_price": [2.55, 2.55, 12.755, 27.5, 11062.06],
        "customer_id": [17850, 17850, None, 14527, None],
        "country": ["United Kingdom", "United Kingdom", "France", "United Kingdom", "United Kingdom"],
    },
    schema_overrides={"quantity": pl.Int32, "customer_id": pl.Int32},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "retail.parquet"
    LINES.write_parquet(path)
    return path


def test_each_line_is_an_event() -> None:
    found = online_retail.events(LINES)
    assert found.select("event_id", "customer_id", "name", "value").rows() == [
        ("line-536365-0001", "17850", "Product Ordered", 15.3),
        ("line-536365-0002", "17850", "Product Ordered", 15.3),
        ("line-536366-0001", None, "Product Ordered", 12.76),
        ("line-C536379-0001", "14527", "Order Cancelled", -27.5),
        ("line-A563185-0001", None, "Product Ordered", 11062.06),
    ]
    assert found["ts"][0] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert json.loads(found["properties"][0]) == {
        "invoice_no": "536365",
        "stock_code": "85123A",
        "description": 'CANDLE "RED"',
        "quantity": 6,
        "unit_price": 2.55,
        "country": "United Kingdom",
    }
    assert "description" not in json.loads(found["properties"][2])


def test_customers_have_the_country_of_their_newest_line() -> None:
    moved = LINES.head(1).with_columns(
        pl.lit("Norway").alias("country"),
        invoice_date=pl.lit(datetime(2011, 1, 1)),
        invoice_no=pl.lit("540000"),
    )
    found = online_retail.customers(pl.concat([moved, LINES]))
    assert found.select("customer_id", "attributes").rows() == [
        ("14527", '{"country":"United Kingdom"}'),
        ("17850", '{"country":"Norway"}'),
    ]


def test_ids_stored_as_floats_are_whole() -> None:
    found = online_retail.events(LINES.with_columns(pl.col("customer_id").cast(pl.Float64)))
    assert found["customer_id"].to_list() == ["17850", "17850", None, "14527", None]


def test_the_loader_quarantines_lines_without_a_customer(file: Path, tmp_path: Path) -> None:
    mapped, _ = online_retail.write_files(file, tmp_path / "out")
    staged, by_reason = online_retail.check(mapped)
    assert (staged.rows, staged.good, staged.bad) == (5, 3, 2)
    assert by_reason == {"no_customer_id": 2}


def test_the_command_prints_the_counts(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo.online_retail", str(file), "--out", str(tmp_path / "out")])
    assert online_retail.main() == 0
    assert "5 lines: 3 good, 2 to quarantine\n  2 no_customer_id\n" in capsys.readouterr().out


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    LINES.drop("country", "quantity").write_parquet(path)
    with pytest.raises(InputError, match="no column quantity, country; found invoice_no"):
        online_retail.read_lines(path)


@pytest.mark.parametrize("content", [None, b"not parquet"])
def test_an_unreadable_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "retail.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="can't be read as Parquet"):
        online_retail.read_lines(path)

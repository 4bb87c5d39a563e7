import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.delivery.dispatch import Policy, deliver, finish_unanswered
from flows.delivery.send_ledger import SendLedger
from flows.delivery.webhooks import webhook_channel
from flows.errors import OnwardError

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = {
    "webhook_id": pl.String, "execution_id": pl.String, "workflow_id": pl.String, "customer_id": pl.String,
    "at": pl.Datetime("us", "UTC"), "url": pl.String, "data": pl.String, "attributes": pl.String,
}  # fmt: skip
DATA = '{"x": "\\n", "customer_id": 0}'
ATTRIBUTES = '{"first_name": "Zoë"}'


def due(count: int) -> pl.DataFrame:
    rows = [
        (f"w{n}", f"e{n}", "cart", f"c{n}", AT - timedelta(hours=n), "https://a.example", DATA, ATTRIBUTES)
        for n in range(count)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SendLedger]:
    with SendLedger(tmp_path / "sends.sqlite", lambda: AT) as opened:
        yield opened


def dispatch(frame: pl.DataFrame, ledger: SendLedger, outbox: Path) -> pl.DataFrame:
    channel = webhook_channel(outbox)
    finish_unanswered(channel.kind, {channel.carrier.name: channel.carrier}, ledger)
    return deliver(channel, frame, ledger, Policy(2)).drop("recorded", "provider_id").sort("webhook_id")


def written(outbox: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (outbox / "webhooks.ndjson").read_text("utf-8").splitlines()]


def test_requests_are_queued_once_in_order(tmp_path: Path, ledger: SendLedger) -> None:
    for _ in range(2):
        result = dispatch(due(5), ledger, tmp_path)
        assert result.rows() == [(f"w{n}", "sent", None, AT) for n in range(5)]
    requests = written(tmp_path)
    assert [one["webhook_id"] for one in requests] == ["w4", "w3", "w2", "w1", "w0"]
    assert requests[-1] == {
        "webhook_id": "w0",
        "at": "2026-03-01T12:00:00.000000+00:00",
        "url": "https://a.example",
        "payload": {
            "x": "\n", "customer_id": "c0", "execution_id": "e0", "workflow_id": "cart",
            "customer_attributes": {"first_name": "Zoë"},
        },
    }  # fmt: skip


def test_nothing_due(tmp_path: Path, ledger: SendLedger) -> None:
    assert dispatch(due(0), ledger, tmp_path).columns == ["webhook_id", "status", "status_reason", "sent_at"]
    assert not (tmp_path / "webhooks.ndjson").exists()


def test_a_missing_outbox_is_made_and_a_blocked_one_is_an_error(tmp_path: Path, ledger: SendLedger) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OnwardError, match="can't be written"):
        dispatch(due(1), ledger, tmp_path / "out")
    (tmp_path / "out").unlink()
    assert dispatch(due(1), ledger, tmp_path / "out")["status"].to_list() == ["sent"]
    assert len(written(tmp_path / "out")) == 1

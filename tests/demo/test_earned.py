"""What the demo says its workflows earned: drawn groups, none held out, and households that somebody chose."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from demo.earned import NOBODY_READ, earnings
from flows.reports.frames import open_reports
from tests.runs import house, person
from tests.semantics.cases import Row, event, send, trigger, wait, workflow
from transforms.columns.ids import draw
from transforms.delivery.variants import NO_WINNERS

WHO = [f"h{number:02}" for number in range(40)]
START = datetime(2017, 2, 8, tzinfo=UTC)


def order(day: float, value: float, who: str) -> Row:
    ts = START + timedelta(days=day)
    return event("Order Completed", ts, who, value=value, event_id=f"{who}-{day}")


def test_the_text(tmp_path: Path) -> None:
    mailing = trigger("campaign_mailing", "external_event")
    mailing["config"] = {"source": "campaign_mailing"}
    home = house(
        tmp_path,
        workflow(wait("1d"), workflow_id="coupons", on=mailing, holdout=0.5),
        workflow(
            send(template_id=None, subject="Hi", content="Hi"), workflow_id="thanks", on="Order Completed"
        ),
    )
    home.customers("people", *map(person, WHO))
    mailed = WHO[:20]
    home.events(
        "year",
        *(
            event(
                "campaign_mailing", START, who, type="external_event", properties={"campaign_type": "Type A"}
            )
            for who in mailed
        ),
        *(order(-3 - number % 2, 50 + number, who) for number, who in enumerate(mailed)),
        *(order(-4, 1 + number % 2, who) for number, who in enumerate(WHO[20:])),
        *(order(5, 60 + number % 7, who) for number, who in enumerate(WHO)),
    )
    home.tick(START + timedelta(days=40))
    with open_reports(home.settings) as con:
        told = list(earnings(con, NO_WINNERS))
    held = sum(one < 0.5 for one in draw("holdout", "coupons", customers=_series(mailed)))
    assert told[0].startswith(
        f"coupons, holdout (held_out {held}, treated {20 - held} households). In the 30 days after, each household of "
        "treated spent "
    )
    assert "that shows no difference" in told[0]
    assert told[1] == "thanks: nobody was held out, so what it earned can't be told."
    assert told[2] == NOBODY_READ
    assert told[3].startswith(
        "What can't be concluded: the coupon booklet of 2017-02-08 went to 20 of 40 households."
    )
    assert "in the 30 days before it, when they had none, +58.00 (" in told[3]
    assert "and by how much a household shops" in told[3]


def _series(names: list[str]) -> pl.Series:

    return pl.Series(names)

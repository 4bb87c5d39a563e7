"""The demo's own files: workflows and templates are valid, and every mail has its text."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from demo.__main__ import HERE, fresh_settings
from flows.definitions.folder import load_definitions, read_definitions
from flows.delivery.rules import known_names, load_rules
from tests.oracle.interpreter import decide
from tests.semantics.cases import Result, Row, at, case, customer, event

WORKFLOWS, TEMPLATES, CONTENT = HERE / "workflows", HERE / "templates", HERE / "content"
NAMES = ["big_basket", "coupon_follow_up", "lapsed_shopper", "welcome"]


def test_every_workflow_is_valid() -> None:
    found = read_definitions(WORKFLOWS, None, TEMPLATES)
    assert [workflow.workflow_id for workflow in found.workflows] == NAMES
    assert not load_definitions(WORKFLOWS, None, TEMPLATES).faults


def test_every_rule_is_valid_and_for_workflows_that_are_there() -> None:
    workflows = read_definitions(WORKFLOWS, None, TEMPLATES).workflows
    found = load_rules(CONTENT, known_names(workflows, None))
    assert found.faults == ()
    assert [one.name for one in found.rules] == [
        "brief_for_regulars", "quiet_hour_for_families", "thanks_to_regulars"
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_named_as_its_workflow(name: str) -> None:
    assert f"\nworkflow_id: {name}\n" in (WORKFLOWS / f"{name}.yaml").read_text(encoding="utf-8")


def test_every_template_is_used_and_has_a_text() -> None:
    used = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.iterdir())
    names = {path.name.partition(".")[0] for path in TEMPLATES.glob("*.j2")} - {"layout"}
    assert {name for name in names if f"template_id: {name}," not in used} == set()
    assert {name for name in names if not (TEMPLATES / f"{name}.txt.j2").is_file()} == set()


def test_the_environment_cannot_move_the_build_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv("ONWARD_DATA_DIR", str(mine))
    monkeypatch.setattr("demo.__main__.BUILD", tmp_path / "build")
    settings = fresh_settings()
    assert settings.data_dir == tmp_path / "build"
    assert mine.is_dir()
    assert (settings.workflows, settings.templates, settings.content) == (WORKFLOWS, TEMPLATES, CONTENT)
    assert [(cap.messages, cap.window.days) for cap in settings.frequency_caps] == [(3, 7)]
    assert settings.max_send_delay.days == 8


def decided(name: str, *events: Row, **attributes: Any) -> Result:
    """What the workflow of that name makes of ann's events within a year."""
    declared = YAML(typ="safe", pure=True).load((WORKFLOWS / f"{name}.yaml").read_text(encoding="utf-8"))
    return decide(case(declared, *events, customers=[customer(**attributes)], end=at(days=365)))


def order(day: int, value: float = 20.0, *, same_visit: bool = False, **properties: Any) -> Row:
    return event(
        "Order Completed",
        at(days=day),
        event_id=f"basket-{day}-{same_visit}",
        value=value,
        properties={"same_visit": same_visit, **properties},
    )


def mailing(day: int, kind: str = "Type A") -> Row:
    return event("campaign_mailing", at(days=day), type="external_event", properties={"campaign_type": kind})


def redeemed(day: int, kind: str = "Type A") -> Row:
    return event("Coupon Redeemed", at(days=day), properties={"campaign_type": kind})


def statuses(result: Result) -> list[str]:
    return [row["status"] for row in sorted(result.executions, key=lambda row: row["entered_at"])]


def test_no_order_is_lost_to_the_watch_of_lapsed_shoppers() -> None:
    result = decided("lapsed_shopper", order(0), order(28), order(28, same_visit=True), order(60), order(110))
    assert statuses(result) == ["exited", "converted", "converted", "completed"]
    assert [row["at"] for row in sorted(result.messages, key=lambda row: row["at"])] == [
        at(days=day) for day in (56, 88, 102, 138, 152)
    ]


def test_a_redemption_of_the_same_kind_ends_the_follow_up() -> None:
    result = decided("coupon_follow_up", mailing(0), redeemed(2, "Type B"), redeemed(8))
    assert statuses(result) == ["converted"]
    assert [row["template_id"] for row in result.messages] == ["coupon_arrived"]


def test_only_type_a_mailings_are_followed_up() -> None:
    assert decided("coupon_follow_up", mailing(0, "Type B")).executions == []


def test_who_redeems_regularly_gets_one_reminder() -> None:
    result = decided("coupon_follow_up", mailing(0), coupons_redeemed=3)
    assert [(row["template_id"], row["at"]) for row in result.messages] == [("coupon_reminder", at(days=14))]
    assert result.executions[0]["ended_at"] - at() == timedelta(days=43)


@pytest.mark.parametrize(
    ("value", "attributes", "second"),
    [
        (46.0, {}, "welcome_full_basket"),
        (45.0, {}, "welcome_quick_shop"),
        (46.0, {"kids_count": "3+"}, "welcome_family"),
        (46.0, {"kids_count": "0"}, "welcome_full_basket"),
    ],
)
def test_the_second_welcome_suits_the_household(value: float, attributes: Row, second: str) -> None:
    result = decided("welcome", order(0, value), total_purchases=1, **attributes)
    assert [(row["template_id"], row["at"]) for row in result.messages] == [
        ("welcome_hello", at()),
        (second, at(days=2)),
    ]


def test_only_the_first_order_is_welcomed() -> None:
    assert decided("welcome", order(0), total_purchases=2).executions == []


def test_a_big_basket_is_thanked_for_once_in_30_days() -> None:
    result = decided(
        "big_basket",
        order(0, 149.99),
        order(1, 150.0, department="MEAT"),
        order(20, 200.0),
        order(31, 200.0, department="DRUG GM"),
    )
    assert [(row["template_id"], row["at"]) for row in result.messages] == [
        ("big_basket_fresh", at(days=2)),
        ("big_basket_thanks", at(days=32)),
    ]
    assert [row["reason"] for row in result.refusals] == ["reentry_after"]

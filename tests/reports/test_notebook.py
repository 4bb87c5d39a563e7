"""Answers for notebooks: their frames against literal rows and the views, and what their pictures tell."""

import re
import sys
from pathlib import Path

import polars as pl
import pytest

import onward
from flows.errors import InputError, OnwardError
from flows.reports.charts.picture import Picture
from onward import funnel, journey_map, lift_forest, open_reports, survival
from tests.reports.notebooks import WORKFLOW, project
from tests.runs import House
from tests.semantics.cases import at


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    return project(tmp_path_factory.mktemp("project") / "demo")


def words(picture: Picture) -> list[str]:
    """The texts in a picture, as they stand in its SVG."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg)


def assert_needs_nothing_else(picture: Picture) -> None:
    found = picture._repr_html_()
    assert "<svg" in found
    assert set(re.findall(r"https?://[^\"'\s<>]+", found)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"<script|<image|@import|url\((?!['\"]?#)", found)


def test_funnel(home: House) -> None:
    found = funnel(WORKFLOW, home.settings)
    shown = ("step", "entered", "passed", "left_here_converted")
    assert found.frame.select(shown).rows() == [("0", 18, 18, 0), ("1", 18, 15, 3), ("2", 15, 15, 0)]
    told = words(found)
    assert {"0 send_email hello", "1 wait 7d", "2 add_tag asked", "went on", "converted"} <= set(told)
    assert [one for one in told if "(" in one] == ["18 (100.0 %)", "18 (100.0 %)", "15 (83.3 %)"]
    assert_needs_nothing_else(found)


def test_survival(home: House) -> None:
    found = survival(WORKFLOW, home.settings)
    days = found.frame.filter(pl.col("days").is_in([0, 1, 2, 5, 12, 20, 21, 30]))
    rows = days.select("arm", "days", "at_risk", "conversions", pl.col("share").round(6)).rows()
    assert rows == [
        ("held_out", 0, 22, 0, 0),
        ("held_out", 1, 22, 0, 0),
        ("held_out", 2, 22, 0, 0),
        ("held_out", 5, 22, 1, round(1 / 22, 6)),
        ("held_out", 12, 21, 0, round(1 / 22, 6)),
        ("held_out", 20, 21, 0, round(1 / 22, 6)),
        ("held_out", 21, 19, 0, round(1 / 22, 6)),
        ("held_out", 30, 19, 0, round(1 / 22, 6)),
        ("treated", 0, 18, 0, 0),
        ("treated", 1, 18, 0, 0),
        ("treated", 2, 15, 3, round(3 / 18, 6)),
        ("treated", 5, 15, 0, round(3 / 18, 6)),
        ("treated", 12, 15, 1, round(4 / 18, 6)),
        ("treated", 20, 14, 0, round(4 / 18, 6)),
        ("treated", 21, 14, 0, round(4 / 18, 6)),
        ("treated", 30, 14, 0, round(4 / 18, 6)),
    ]
    assert found.frame["days"].max() == 30
    assert {"treated: 22.2 % (9.0 … 48.9)", "held_out: 4.5 % (0.7 … 28.1)", "days since the entry"} <= set(
        words(found)
    )
    assert_needs_nothing_else(found)


def test_an_entry_is_watched_until_the_next_one(home: House) -> None:
    rows = survival("again", home.settings).frame.filter(pl.col("days").is_in([2, 4, 5, 10])).rows()
    # Of three entries Ann's second reaches the goal after two days, her first is watched for four, Bob's for ten.
    third = round(1 / 3, 9)
    assert [(*row[1:5], round(row[5], 9)) for row in rows] == [
        ("treated", 2, 3, 1, third),
        ("treated", 4, 2, 0, third),
        ("treated", 5, 1, 0, third),
        ("treated", 10, 1, 0, third),
    ]


def test_lift_forest(home: House) -> None:
    found = lift_forest(reports=home.settings)
    (row,) = found.frame.to_dicts()
    assert (row["workflow_id"], row["group"], row["control"], row["shows"]) == (
        WORKFLOW,
        "treated",
        "held_out",
        None,
    )
    assert (row["converted"], row["customers"]) == (4, 18)
    assert (row["control_converted"], row["control_customers"]) == (1, 22)
    assert row["lift"] == pytest.approx((4 / 18) / (1 / 22) - 1)
    assert row["difference"] == pytest.approx(4 / 18 - 1 / 22)
    assert row["lift_low"] < 0 < row["lift_high"]
    told = {
        f"{WORKFLOW}: treated",
        "22.2 % of 18 against 4.5 % of 22",
        row["lift_told"],
        "no difference shown",
    }
    assert told <= set(words(found))
    assert row["lift_told"].startswith("+388.9 % (−18.7 …")
    assert_needs_nothing_else(found)
    with pytest.raises(
        InputError, match="nothing to compare: all who entered coupon_follow_up were treated, or"
    ):
        lift_forest(WORKFLOW, home.settings, since=at(days=19))


def test_journey_map(home: House) -> None:
    found = journey_map(WORKFLOW, home.settings)
    assert found.frame.equals(funnel(WORKFLOW, home.settings).frame)
    told = words(found)
    ends = told[told.index("entered") :]
    assert {
        "send email",
        "hello",
        "7d",
        "asked",
        "22 held out",
        "converted",
        "completed",
        "exited",
        "failed",
    } <= set(told)
    for number in ("18", "3", "15", "0"):
        assert number in ends
    assert_needs_nothing_else(found)


def test_a_workflow_that_nobody_entered(home: House) -> None:
    found = funnel("quiet", home.settings)
    assert found.frame.select("step", "entered", "pct_of_entries").rows() == [("0", 0, 0.0), ("1", 0, 0.0)]
    assert words(found).count("0 (0.0 %)") == 2
    assert "hello" in words(journey_map("quiet", home.settings))
    with pytest.raises(InputError, match="quiet: nobody entered it yet"):
        survival("quiet", home.settings)


def test_names_that_are_unknown(home: House) -> None:
    for ask in (funnel, survival, journey_map):
        with pytest.raises(InputError, match=r"'coupon_folow_up'.*did you mean 'coupon_follow_up'"):
            ask("coupon_folow_up", home.settings)
    with pytest.raises(InputError, match="did you mean 'coupon_follow_up'"):
        lift_forest("coupon_folow_up", home.settings)


def test_before_anything_has_run(tmp_path: Path) -> None:
    (tmp_path / "onward.toml").write_text('data_dir = "data"\n')
    with pytest.raises(
        InputError, match="no workflow that a run has seen; nothing has run here yet"
    ) as raised:
        funnel("w", tmp_path)
    assert raised.value._render_traceback_() == [f"InputError: {raised.value}"]


def test_without_goal_or_holdout(home: House) -> None:
    with pytest.raises(InputError, match="plain: conversions aren't known"):
        survival("plain", home.settings)
    with pytest.raises(InputError, match="nothing to compare: all who entered plain were treated"):
        lift_forest("plain", home.settings)


def test_where_the_reports_lie(home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home.root.parent
    rows = funnel(WORKFLOW, home.settings).frame
    for place in (folder, str(folder), folder / "onward.toml"):
        assert funnel(WORKFLOW, place).frame.equals(rows)
    with open_reports(folder) as con:
        assert funnel(WORKFLOW, con).frame.equals(rows)
        assert con.sql("select count(*) from executions").fetchall() == [(46,)]
    monkeypatch.chdir(folder)
    assert funnel(WORKFLOW).frame.equals(rows)
    with pytest.raises(InputError, match=r"onward\.toml: no such file; give the folder of a project"):
        funnel(WORKFLOW, tmp_path)
    with pytest.raises(InputError, match="nowhere: no such file; give the folder"):
        funnel(WORKFLOW, tmp_path / "nowhere")


def test_pictures_are_saved(home: House, tmp_path: Path) -> None:
    found = funnel(WORKFLOW, home.settings)
    for name, begins in (("a.svg", b"<svg"), ("a.html", b"<!doctype html>"), ("a.PNG", b"\x89PNG")):
        found.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)
    with pytest.raises(InputError, match=r"\.svg, \.png or \.html"):
        found.save(tmp_path / "a.pdf")
    with pytest.raises(OnwardError, match="a file lies where a folder should be"):
        found.save(tmp_path / "a.svg" / "b.svg")


def test_without_altair_the_numbers_are_there(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith("flows.reports.charts.")]:
        if not name.endswith(".picture"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "altair", None)
    found = funnel(WORKFLOW, home.settings)
    assert found.frame.height == 3
    with pytest.raises(InputError, match=r"pip install 'onward\[notebook\]'"):
        found.chart  # noqa: B018
    shown = found._repr_html_()
    assert "onward[notebook]" in shown
    assert "<table" in shown
    assert repr(found).startswith(f"Funnel of {WORKFLOW}\nshape: (3, 14)")


def test_what_the_package_offers() -> None:
    assert {"open_reports", "funnel", "survival", "lift_forest", "journey_map"} <= set(onward.__all__)
    assert onward.open_reports is open_reports

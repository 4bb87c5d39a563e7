"""The HTML page: its numbers are the views', whatever names there are is only text, and it asks nobody for anything."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.reports.html.page import write_page
from flows.reports.scope import Scope
from tests.reports.html_page import HOSTILE, Elements, full_house, rows_of
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, tag, wait, workflow

WORKFLOWS = ("all", "held", "none")
COUNTED = (
    *("entered", "passed", "waiting_here", "left_here_converted", "left_here_exited", "left_here_failed"),
    "pct_of_entries",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    return full_house(tmp_path_factory.mktemp("home"))


def text_of(home: House, *workflows: str) -> str:
    file = home.root / "page.html"
    write_page(home.settings, file, Scope(workflows))
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(home: House) -> str:
    return text_of(home)


@pytest.fixture(scope="module")
def found(text: str) -> Elements:
    return Elements(text)


def told(row: dict[str, Any], names: Any) -> dict[str, str]:
    return {one: "" if row[one] is None else str(row[one]) for one in names}


def same(shown: list[dict[str, str | None]], rows: list[dict[str, Any]]) -> bool:
    """Whether a table shows these rows, in any order, with the columns that it has."""
    wanted = [told(row, [one for one in shown[0] if one in row]) for row in rows]
    kept = [{name: value for name, value in one.items() if name in wanted[0]} for one in shown]
    return sorted(kept, key=repr) == sorted(wanted, key=repr) and bool(wanted)


def test_the_summary_is_the_view_s(home: House, found: Elements) -> None:
    assert same(found.tables[None, "report_workflow_summary"], rows_of(home, "report_workflow_summary"))


@pytest.mark.parametrize("workflow_id", WORKFLOWS)
def test_figures_are_those_of_the_summary(home: House, text: str, workflow_id: str) -> None:
    article = text[text.index(f'data-workflow="{workflow_id}"') :]
    shown = re.findall(
        r'<dd data-column="(\w+)" data-value="([^"]*)"', article[: article.index("</article>")]
    )
    (row,) = rows_of(home, "report_workflow_summary", f"workflow_id = '{workflow_id}'")
    assert len(shown) >= 7
    assert dict(shown) == told(row, dict(shown))


@pytest.mark.parametrize(
    "view", ["report_drop_off", "report_entry_cohorts", "report_message_engagement", "report_time_to_goal"]
)
def test_tables_are_the_views_by_workflow(home: House, found: Elements, view: str) -> None:
    for one in ("all", "held"):
        assert same(found.tables[one, view], rows_of(home, view, f"workflow_id = '{one}'"))


def test_messages_by_day_are_sums_of_the_view_s(home: House, found: Elements) -> None:
    shown = found.tables[None, "report_messages_daily"]
    wanted = home.rows(
        "select day, sum(accepted), sum(sent) from report_messages_daily group by day order by day desc"
    )
    assert [(one["day"], int(one["accepted"] or 0), int(one["sent"] or 0)) for one in shown] == [
        (str(day), accepted, sent) for day, accepted, sent in wanted
    ]


def test_revenue_by_model_sums_to_all_of_it(home: House, found: Elements) -> None:
    sums: dict[str | None, Decimal] = {}
    for one in found.tables[None, "report_revenue"]:
        sums[one["model"]] = sums.get(one["model"], Decimal(0)) + Decimal(one["revenue"] or 0)
    assert set(sums.values()) == {3 * Decimal("12.34")}
    assert same(found.tables["all", "report_revenue"], rows_of(home, "report_revenue", "workflow_id = 'all'"))


def test_who_waits_where(home: House, found: Elements) -> None:
    wanted = home.rows(
        "select branch, step, count(*) from waiting where workflow_id = 'all' group by all order by all"
    )
    shown = [(one["branch"], one["step"], int(one["waiting"] or 0)) for one in found.tables["all", "waiting"]]
    assert sorted(shown, key=str) == sorted(wanted, key=str)
    assert wanted


def steps_on_maps(text: str, workflow_id: str) -> Elements:
    article = text[text.index(f'data-workflow="{workflow_id}"') :]
    return Elements(article[: article.index("</article>")].partition(">")[2])


@pytest.mark.parametrize("workflow_id", ["all", "held"])
def test_steps_of_the_map_are_those_of_the_drop_off(home: House, text: str, workflow_id: str) -> None:
    shown = steps_on_maps(text, workflow_id).having("data-step")
    rows = rows_of(home, "report_drop_off", f"workflow_id = '{workflow_id}'")
    assert {
        (one["data-branch"], one["data-step"], *(one[f"data-{name.replace('_', '-')}"] for name in COUNTED))
        for one in shown
    } == {(row["branch"], row["step"], *(str(row[name]) for name in COUNTED)) for row in rows}
    assert len(shown) == len(rows)


def assert_map_of_views(home: House, text: str, workflow_id: str) -> None:
    """Its ends are the summary's, and whoever passed a step is on one of its lines."""
    found = steps_on_maps(text, workflow_id)
    (row,) = rows_of(home, "report_workflow_summary", f"workflow_id = '{workflow_id}'")
    ends = {one["data-end"]: int(one["data-customers"] or 0) for one in found.having("data-end")}
    assert ends == {"entry": row["total_executions"], **{one: row[one] for one in list(ends)[1:]}}
    steps = rows_of(home, "report_drop_off", f"workflow_id = '{workflow_id}'")
    going: dict[tuple[str | None, str | None], int] = {}
    for line in found.having("data-target"):
        key = line.get("data-branch"), line["data-source"]
        going[key] = going.get(key, 0) + int(line["data-customers"] or 0)
    assert {one: n for one, n in going.items() if one[1] != "entry"} == {
        (one["branch"], one["step"]): one["passed"] for one in steps
    }
    assert sum(n for one, n in going.items() if one[1] == "entry") == row["total_executions"]


@pytest.mark.parametrize("workflow_id", WORKFLOWS)
def test_lines_and_ends_of_the_map_are_those_of_the_views(home: House, text: str, workflow_id: str) -> None:
    if workflow_id == "none":
        ends = steps_on_maps(text, "none").having("data-customers")
        assert {one["data-customers"] for one in ends} == {"0"}
    else:
        assert_map_of_views(home, text, workflow_id)


def test_versions_are_on_one_map(tmp_path: Path) -> None:
    fork = action("random_split", weights={"a": 0.5, "b": 0.5}, paths={"a": [tag("a")], "b": [tag("b")]})
    home = house(tmp_path, workflow(fork, wait("1h")))
    home.customers("people", *(person(f"c{one}") for one in range(12)))
    home.events("1", *(event("go", at(5), f"c{one}") for one in range(6)))
    home.tick(at(10))
    home.define(workflow(tag("plain"), wait("1h"), tag("end")))
    home.events("2", *(event("go", at(15), f"c{one}") for one in range(6, 12)))
    home.tick(at(20))
    assert_map_of_views(home, text_of(home), "w")


def test_samples_are_of_those_who_stand_there(home: House, text: str) -> None:
    for one in steps_on_maps(text, "all").having("data-samples"):
        names = re.findall(r'\["([^"]+)", "2026', str(one["data-samples"]))
        waiting = home.rows(
            f"select customer_id from waiting where workflow_id = 'all' and branch = '{one['data-branch']}' "
            f"and step = '{one['data-step']}'"
        )
        assert set(names) <= {who for (who,) in waiting}
        assert len(names) == min(5, int(one["data-waiting-here"] or 0)) > 0


def test_a_workflow_nobody_entered_has_a_map_of_its_steps(text: str) -> None:
    found = steps_on_maps(text, "none")
    assert [(one["data-step"], one["data-entered"]) for one in found.having("data-step")] == [
        ("0", "0"),
        ("1", "0"),
    ]


def test_names_are_text_whatever_they_are(text: str, found: Elements) -> None:
    assert HOSTILE in found.words
    scripts = [given.get("type") for tag, given in found.all if tag == "script"]
    assert scripts == ["application/json", None]
    assert not found.having("onclick")
    assert "<script>alert" not in text


def test_the_page_asks_nobody_for_anything(text: str, found: Elements) -> None:
    assert not found.having("src")
    assert not [one for one in found.having("href") if not str(one["href"]).startswith("#")]
    assert not re.findall(r"https?:|url\(|@import|fetch\(|XMLHttp", text)
    (policy,) = (one["content"] for one in found.having("http-equiv"))
    assert str(policy).startswith("default-src 'none'")
    assert len(text) < 250_000


def test_as_of_is_the_last_tick(found: Elements) -> None:
    assert [one["data-as-of"] for one in found.having("data-as-of")] == ["2026-03-05 00:00 UTC"]


def test_only_the_workflows_that_are_asked_for(home: House) -> None:
    found = Elements(text_of(home, "held"))
    assert [one["data-workflow"] for one in found.having("data-workflow")] == ["held"]
    assert {one["workflow_id"] for one in found.tables[None, "report_workflow_summary"]} == {"held"}


def test_a_page_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    assert "No executions yet" in text_of(house(tmp_path))


def test_two_hundred_steps_make_a_small_page(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(*(tag(f"tag_{one}") for one in range(200))))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    text = text_of(home)
    assert len(steps_on_maps(text, "w").having("data-step")) == 200
    assert len(text) < 500_000

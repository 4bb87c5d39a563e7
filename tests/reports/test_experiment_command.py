"""`onward experiment`: files of every format, what is refused, the printed form, workflows of the store."""

import gzip
import json
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from flows.cli import app
from flows.errors import InputError
from flows.reports.experiment_tables import print_experiment
from flows.reports.experiments import check_shares, choose_control, read_outcomes, refusal_sentences
from flows.reports.frames import open_reports
from flows.reports.workflow_experiments import NO_HITS, read_workflow
from flows.settings import Settings
from tests.runs import house, person
from tests.semantics.cases import action, at, condition, event, trigger, wait, workflow
from transforms.answers.experiment import analyse

ROWS = [
    {"customer_id": f"c{number}", "group": "control" if number % 2 else "treated", "outcome": number % 3 == 0}
    | {"value": float(number % 7), "before": float(number % 5)}
    for number in range(60)
]


def written(folder: Path, suffix: str) -> Path:
    file, rows = folder / f"outcomes.{suffix}", pl.DataFrame(ROWS)
    if suffix == "parquet":
        rows.write_parquet(file)
    elif suffix == "json":
        file.write_text(json.dumps(ROWS))
    elif suffix == "ndjson":
        rows.write_ndjson(file)
    else:
        text = rows.write_csv().encode()
        file.write_bytes(gzip.compress(text) if suffix == "csv.gz" else text)
    return file


def text(folder: Path, content: str) -> Path:
    file = folder / "outcomes.csv"
    file.write_text(content)
    return file


def experiment(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["experiment", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "ndjson", "json", "parquet"])
def test_every_format_gives_the_same(suffix: str, tmp_path: Path) -> None:
    found = read_outcomes(written(tmp_path, suffix), Settings())
    expected = [
        (one["customer_id"], one["group"], one["outcome"], one["value"], one["before"]) for one in ROWS
    ]
    assert found.customers.rows() == expected
    assert found.refused.is_empty()


def test_all_figures_as_json(tmp_path: Path) -> None:
    found = experiment(str(written(tmp_path, "csv")))
    assert found["control"] == "control"
    assert [(one["name"], one["customers"], one["converted"]) for one in found["groups"]] == [
        ("control", 30, 10),
        ("treated", 30, 10),
    ]
    (one,) = found["comparisons"]
    assert one["rate"]["difference"]["value"] == 0
    assert one["rate"]["p_value"] == 1
    assert one["adjusted"]["difference"]["value"] is not None
    assert found["refused"] == found["notes"] == []
    assert experiment(str(written(tmp_path, "csv")), "--control", "treated")["control"] == "treated"


def test_a_published_trial_of_rates(tmp_path: Path) -> None:
    """The Physicians' Health Study's myocardial infarctions (Agresti 2013, 2.2): of 11,034 with placebo 189 had one."""
    rows = [
        f"{group}{number},{group},{number < had:d}"
        for group, had, size in (("placebo", 189, 11_034), ("aspirin", 104, 11_037))
        for number in range(size)
    ]
    found = experiment(str(text(tmp_path, "\n".join(["customer_id,group,outcome", *rows]))))
    rate = found["comparisons"][0]["rate"]
    assert [rate["difference"][name] for name in ("value", "low", "high")] == pytest.approx(
        (-0.0077, -0.0107, -0.0047), abs=1e-4
    )
    assert rate["lift"]["value"] == pytest.approx(1 / 1.82 - 1, abs=1e-3)
    assert rate["p_value"] < 0.0001
    assert rate["shows"] == rate["shows_any_time"] == "less"


def test_a_published_trial_of_values(tmp_path: Path) -> None:
    """The National Supported Work trial (LaLonde 1986; Dehejia and Wahba 1999): earnings of 1978, in dollars.

    Of values with their means and deviations: 6,349.14 (7,867.40) of 185 and 4,554.80 (5,483.84) of 260; Welch's test,
    computed with scipy from these: difference 1,794.34 (474.0, 3,114.7), p 0.0079.
    """
    rows = [
        f"{group}{number},{group},0,{value}"
        for group, size, mean, deviation in (
            ("control", 260, 4554.80, 5483.84),
            ("treated", 185, 6349.14, 7867.40),
        )
        for number, value in enumerate(spread(size, mean, deviation))
    ]
    found = experiment(str(text(tmp_path, "\n".join(["customer_id,group,outcome,value", *rows]))))
    value = found["comparisons"][0]["value"]
    assert [value["difference"][name] for name in ("value", "low", "high")] == pytest.approx(
        (1794.34, 474.0, 3114.7), abs=0.1
    )
    assert value["p_value"] == pytest.approx(0.0079, abs=1e-4)
    assert value["shows"] == "more"
    assert found["ratio_alarms"], "260 and 185 aren't halves"


def spread(size: int, mean: float, deviation: float) -> list[float]:
    """So many values, with this mean and this deviation."""
    even = pl.Series(range(size), dtype=pl.Float64)
    return ((even - even.mean()) / even.std() * deviation + mean).to_list()


def test_columns_under_other_spellings(tmp_path: Path) -> None:
    file = text(tmp_path, "Customer ID;GROUP;Outcome\n007;a;yes\n8;b;no\n")
    found = read_outcomes(file, Settings())
    assert found.customers.select("customer_id", "group", "converted").rows() == [
        ("007", "a", True),
        ("8", "b", False),
    ]
    assert found.notes[0] == "the column 'Customer ID' is read as 'customer_id'"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "customer_id,grp,outcomes\na,x,1\n",
            "lacks the columns group, outcome; found: customer_id, grp, outcomes; needed: customer_id, group, "
            "outcome, and perhaps value and before; did you mean 'grp' for group? Rename it; did you mean 'outcomes' "
            "for outcome? Rename it",
        ),
        (
            "customer_id,group,bought\na,x,1\n",
            "lacks the column outcome; found: customer_id, group, bought; needed",
        ),
        ("customer_id,group,outcome\n", "holds no rows"),
        ("", "holds no rows"),
        (
            "customer_id,group,outcome\na,,1\n",
            "no row can be used: 1 row is left out: no group (first: line 2, a)",
        ),
        ('customer_id,group,outcome\n"a,x,1\n', "line 2: the quote"),
    ],
)
def test_files_that_cant_be_used(content: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"outcomes\.csv: ") as error:
        read_outcomes(text(tmp_path, content), Settings())
    assert told in str(error.value)


def test_refused_rows_are_told_with_the_first(tmp_path: Path) -> None:
    file = text(
        tmp_path,
        "customer_id,group,outcome,value\na,x,1,3\nb,x,0,\nb,y,0,\nc,x,1,\nc,y,1,\nd,y,maybe,\n,x,1,\ne,y,0,inf\n",
    )
    found = read_outcomes(file, Settings())
    assert refusal_sentences(found.refused) == [
        "4 rows of 2 customers are left out: a customer in two groups (first: line 3, b, 'x and y')",
        "1 row is left out: an outcome other than 0, 1, true, false, yes, no (first: line 7, d, 'maybe')",
        "1 row is left out: no customer_id (first: line 8)",
        "1 row is left out: a value that is no number (first: line 9, e, 'inf')",
    ]
    assert found.customers["customer_id"].to_list() == ["a"]


def test_customers_without_a_value_are_told(tmp_path: Path) -> None:
    found = read_outcomes(
        text(tmp_path, "customer_id,group,outcome,value,before\na,x,1,3,\nb,y,0,,\n"), Settings()
    )
    assert found.notes == ("1 of 2 customers have no value, which counts as 0",)


def test_control_and_shares() -> None:
    assert choose_control(["a", "Holdout"], None) == ("Holdout", None)
    assert choose_control(["a", "b"], "b") == ("b", None)
    assert choose_control(["b", "a"], None) == (
        "b",
        "the control group is 'b', the first; name another with --control",
    )
    with pytest.raises(
        InputError, match="'contrl': no such group; allowed: x, control; did you mean 'control'"
    ):
        choose_control(["x", "control"], "contrl")
    with pytest.raises(InputError, match="names no share for 'b'"):
        check_shares({"a": 1}, ["a", "b"])
    with pytest.raises(InputError, match="c: no such group"):
        check_shares({"a": 1, "c": 2}, ["a", "b"])


@pytest.mark.parametrize(
    "shares", ["x", "control=0", "control=nan", "=3", "control=1,control=2", "control=1"]
)
def test_shares_that_are_none(shares: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["experiment", str(written(tmp_path, "csv")), "--shares", shares])
    assert isinstance(result.exception, InputError)
    assert "--shares" in str(result.exception)


def test_a_name_that_cant_be_printed_breaks_no_table(tmp_path: Path) -> None:
    rows = pl.DataFrame([one | {"group": f"{one['group']}\n\x1b[31m"} for one in ROWS])
    rows.write_parquet(tmp_path / "a.parquet")
    result = CliRunner().invoke(app, ["experiment", str(tmp_path / "a.parquet")])
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "control��[31m" in result.stdout


def test_parquet_has_numbers_that_are_none(tmp_path: Path) -> None:
    rows = pl.DataFrame(ROWS).with_columns(value=pl.Series([float("nan"), float("inf"), -1.5, 2.0] * 15))
    rows.write_parquet(tmp_path / "a.parquet")
    found = experiment(str(tmp_path / "a.parquet"))
    assert found["notes"] == ["30 of 60 customers have no value, which counts as 0"]
    assert [one["mean"]["value"] for one in found["groups"]] == [1, -0.75]


def test_other_commands_start_without_scipy() -> None:
    code = "import sys, flows.cli; sys.exit('scipy' in sys.modules or 'polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("width", [44, 60, 80, 100, 120, 200])
def test_no_figure_is_cut(width: int, tmp_path: Path) -> None:
    rows = pl.DataFrame([one | {"value": 123_456.78 * number} for number, one in enumerate(ROWS)])
    file = tmp_path / "large.csv"
    rows.write_csv(file)
    found = analyse(read_outcomes(file, Settings()).customers, "control")
    console = Console(width=width, record=True, highlight=False, file=StringIO())
    print_experiment(found, ["a note"], console)
    lines = console.export_text().splitlines()
    assert all(len(one.rstrip()) <= width for one in lines)
    table = "\n".join(lines[: lines.index("a note")])
    assert "…" not in table.replace(" … ", "")
    for figure in ("33.3 % (19.2 … 51.2)", "0.0 % (−23.4 … +23.4)", "3,580,246.62"):
        assert figure in table


def test_a_workflow_of_the_store(tmp_path: Path) -> None:
    built = house(
        tmp_path,
        workflow(
            wait("7d"),
            holdout=0.5,
            goal=trigger("buy") | {"window": "3d"},
            reentry={"policy": "after", "duration": "1d"},
        ),
    )
    people = [f"c{number:02}" for number in range(40)]
    built.customers("people", *(person(one) for one in people))
    visits = [event("go", at(days=day), one) for one in people for day in (0, 2)]
    buys = [event("buy", at(days=1), one) for one in people[:10]] + [
        event("buy", at(days=4), one) for one in people
    ]
    built.events("day", *visits, *buys)
    built.tick(at(days=2, minutes=1))
    with open_reports(built.settings) as con:
        found = read_workflow(con, "w")
        assert found.customers.height == 40
        assert found.customers.filter("converted")["customer_id"].sort().to_list() == people[:10]
        assert found.customers.filter("converted")["group"].n_unique() == 2
        assert found.shares == {"held_out": 0.5, "treated": 0.5}
        assert found.notes[0] == "converted: reached the goal within 3d after the first entry"
        assert found.notes[1].startswith("of 40 of 40 customers that time isn't over at 2026-03-04 00:01 UTC")
        late = read_workflow(con, "w", since=at(days=1))
        assert "customers had entered before 2026-03-03 00:00 UTC" in late.notes[-1]
        again = late.customers.filter(pl.col("group") == "treated")["customer_id"]
        assert set(again) < set(people[:10]), "of those treated only who bought isn't running any more"
        with pytest.raises(InputError, match="nobody entered it in this period"):
            read_workflow(con, "w", until=at() - timedelta(days=1))
        with pytest.raises(InputError, match="x: neither a file nor a workflow that has run; workflows: w"):
            read_workflow(con, "x")


def test_a_workflow_whose_goal_has_no_hits(tmp_path: Path) -> None:
    asking = trigger("buy", when=[condition("execution.decision", "equals", "a")])
    built = house(tmp_path, workflow(action("add_tag", tag="x"), holdout=0.5, goal=asking))
    built.customers("people", *(person(f"c{number}") for number in range(20)))
    built.events("day", *(event("go", at(), f"c{number}") for number in range(20)))
    built.tick(at(days=1))
    with open_reports(built.settings) as con:
        found = read_workflow(con, "w")
    assert found.notes == (NO_HITS,)
    assert analyse(found.customers, "held_out").groups[0].converted is None


def test_a_goal_that_has_changed_is_told(tmp_path: Path) -> None:
    built = house(tmp_path, workflow(wait("1d"), goal=trigger("buy") | {"window": "3d"}, holdout=0.2))
    built.customers("people", person("ann"), person("bob"))
    built.events("first", event("go", at(), "ann"))
    built.tick(at(days=1))
    built.define(workflow(wait("1d"), goal=trigger("order") | {"window": "9d"}, holdout=0.6))
    built.events("second", event("go", at(days=1.5), "bob"))
    built.tick(at(days=20))
    with open_reports(built.settings) as con:
        found = read_workflow(con, "w")
    assert found.shares == {"held_out": pytest.approx(0.4), "treated": pytest.approx(0.6)}
    assert found.notes == (
        "converted: reached the goal within 9d after the first entry",
        "an older version had a shorter window: of its entries nothing is known of what came after that",
        "the goal has changed between versions: each fact counts by the goal of its time",
    )

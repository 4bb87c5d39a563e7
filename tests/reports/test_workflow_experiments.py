"""All experiments of a workflow of the store: who is drawn where, and what customers spent."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.errors import InputError
from flows.reports.experiment_answers import Answer, answers_of_workflow, workflow_frame
from flows.reports.frames import open_reports
from flows.reports.workflow_experiments import ALWAYS, Period, read_workflow
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, event, send, trigger, wait, workflow
from transforms.columns.ids import draw
from transforms.delivery.variants import NO_WINNERS

WHO = [f"c{number:02}" for number in range(60)]
SPLIT = action("random_split", weights={"a": 1, "b": 1, "c": 2})
LETTERS = send(subject="Hello", content="Hello", template_id=None, variants=[
    {"name": "plain"}, {"name": "question", "subject": "Well?"},
])  # fmt: skip
WORKFLOW = workflow(
    wait("1d"), SPLIT, LETTERS, wait("30d"), goal=trigger("sign") | {"window": "5d", "exit": False}
)


def order(day: float, value: float, who: str, name: str = "Order Completed", **properties: object) -> Row:
    return event(name, at(days=day), who, value=value, event_id=f"{name}-{who}-{day}", properties=properties)


def entered(root: Path, *workflows: Row, day: float = 2) -> House:
    home = house(root, *workflows)
    home.customers("people", *map(person, WHO))
    home.events("first", *(event("go", at(days=day), one) for one in WHO))
    return home


def arms_of(*parts: str, bounds: tuple[float, ...], names: tuple[str, ...]) -> list[str]:
    """The arm of each of `WHO`, by the draw of semantics.md §6."""
    return [
        names[sum(share >= bound for bound in bounds)] for share in draw(*parts, customers=pl.Series(WHO))
    ]


def answers(home: House, winners: pl.DataFrame = NO_WINNERS, period: Period = ALWAYS) -> list[Answer]:
    with open_reports(home.settings) as con:
        return answers_of_workflow(con, "w", winners, period)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    """All enter on day 2, are drawn on day 3; in arm c all buy for 10 on day 4; half of all on days 0 and 2."""
    held = workflow(wait("1d"), workflow_id="held", holdout=0.5, goal=trigger("sign") | {"window": "5d"})
    home = entered(tmp_path_factory.mktemp("drawn"), WORKFLOW, held)
    arms = split_arms()
    home.events(
        "orders",
        *(order(4, 10, who) for who, arm in zip(WHO, arms, strict=True) if arm == "c"),
        *(order(0, 7, who) for who in WHO[::2]),
        *(order(2, 5, who) for who in WHO[::2]),
        *(event("sign", at(days=2.5), who) for who in WHO[:5]),
        *(event("sign", at(days=6), who) for who in WHO[5:15]),
        order(9, 100, WHO[0]),
    )
    home.tick(at(days=12))
    return home


def split_arms() -> list[str]:
    return arms_of("split", "w", "1", bounds=(0.25, 0.5), names=("a", "b", "c"))


def test_a_split_and_variants_of_a_message(home: House) -> None:
    split, variants = answers(home)
    assert (split.title, variants.title) == ("Random split, step 1", "Variants of the message, step 2")
    assert [(one.name, one.customers) for one in split.found.groups] == [
        (name, split_arms().count(name)) for name in "abc"
    ]
    halves = arms_of("variant", "w", "2", bounds=(0.5,), names=("plain", "question"))
    assert [(one.name, one.customers) for one in variants.found.groups] == [
        (name, halves.count(name)) for name in ("plain", "question")
    ]
    assert split.found.shares == pytest.approx({"a": 0.25, "b": 0.25, "c": 0.5})
    assert split.found.threshold == pytest.approx(0.025)
    assert not split.found.ratio_alarms


def test_only_hits_after_the_draw_count(home: House) -> None:
    split, _ = answers(home)
    expected = {name: split_arms()[5:15].count(name) for name in "abc"}
    assert {one.name: one.converted for one in split.found.groups} == expected


def test_revenue_after_the_draw_and_before_it(home: House) -> None:
    split, _ = answers(home)
    assert [one.mean and one.mean.value for one in split.found.groups] == [0, 0, 10]
    with open_reports(home.settings) as con:
        counted = answers_of_workflow(con, "w", NO_WINNERS)[0].of
    assert counted
    customers = counted.counted.customers.sort("customer_id")
    assert customers["before"].to_list() == [12.0, 0.0] * 30
    assert "revenue: what a customer spent in the 5d after that, less refunds" in split.notes


def test_the_notes_and_the_control_group(home: House) -> None:
    split, _ = answers(home)
    assert split.notes == [
        "converted: reached the goal within 5d after the draw",
        "revenue: what a customer spent in the 5d after that, less refunds",
        "the control group is 'a', the first; name another with --control",
    ]
    with open_reports(home.settings) as con:
        found = answers_of_workflow(con, "w", NO_WINNERS, control="c")
        assert [one.found.control for one in found] == ["c", "plain"]
        with pytest.raises(InputError, match="'d': no such group; allowed: a, b, c, plain, question"):
            answers_of_workflow(con, "w", NO_WINNERS, control="d")
        with pytest.raises(InputError, match="--shares d: no such group"):
            answers_of_workflow(con, "w", NO_WINNERS, shares={"a": 1, "d": 1})
        shared = answers_of_workflow(con, "w", NO_WINNERS, shares={"plain": 1, "question": 3})
    assert [one.found.shares for one in shared][1] == {"plain": 1, "question": 3}


def test_as_one_frame(home: House) -> None:
    with open_reports(home.settings) as con:
        found = workflow_frame(con, "w", NO_WINNERS)
    assert found.group_by("kind", "step", "outcome", maintain_order=True).len().rows() == [
        ("split", "1", "conversion", 3),
        ("split", "1", "value", 3),
        ("variants", "2", "conversion", 2),
        ("variants", "2", "value", 2),
        ("variants", "2", "value_adjusted", 2),
    ]
    value = found.filter(outcome="value", kind="split")
    assert value.select("group", "is_control", "estimate", "difference").rows() == [
        ("a", True, 0, None),
        ("b", False, 0, 0),
        ("c", False, 10, 10),
    ]
    variants = found.filter(kind="variants")
    assert variants.filter(outcome="value_adjusted")["difference_low"].null_count() == 1
    assert variants["explained"].is_not_null().all()


def test_the_command(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    told = json.loads(CliRunner().invoke(app, ["experiment", "w", "--json"]).stdout)
    assert list(told) == ["workflow_id", "experiments"]
    assert [(one["kind"], one["branch"], one["step"]) for one in told["experiments"]] == [
        ("split", "default", "1"),
        ("variants", "default", "2"),
    ]
    assert told["experiments"][0]["groups"][2]["mean"]["value"] == 10
    printed = CliRunner().invoke(app, ["experiment", "w"]).stdout
    assert printed.index("Random split, step 1") < printed.index("Variants of the message, step 2")
    assert "Revenue per customer" in printed
    refused = CliRunner().invoke(app, ["experiment", "w", "--new-only"])
    assert "--new-only: says nothing without --since" in str(refused.exception)


def test_a_winner_ends_the_draw(home: House) -> None:
    with open_reports(home.settings) as con:
        ((version,),) = con.execute(
            "select version from workflow_versions where workflow_id = 'w'"
        ).fetchall()

    def since(instant: datetime) -> list[Answer]:
        row = {"workflow_id": "w", "version": version, "branch": "default", "step": "2", "variant": "plain"}
        return answers(home, pl.DataFrame([row | {"from": instant}], schema=NO_WINNERS.schema))

    assert [one.title for one in since(at(days=1))] == ["Random split, step 1"]
    (_, later) = since(at(days=5))
    assert "a winner was made: customers who came after 2026-03-07 00:00 UTC don't count" in later.notes


def test_a_holdout_tells_revenue_too(home: House) -> None:
    with open_reports(home.settings) as con:
        found = read_workflow(con, "held")
        (answer,) = answers_of_workflow(con, "held", NO_WINNERS)
    customers = found.customers.sort("customer_id")
    assert customers["value"].to_list() == [10.0 if arm == "c" else 0.0 for arm in split_arms()]
    assert customers["before"].to_list() == [12.0, 0.0] * 30, "what was ordered at the entry came before it"
    assert customers.filter("converted")["customer_id"].to_list() == WHO[:15]
    assert (answer.title, answer.found.control) == ("Holdout", "held_out")
    assert any("revenue per customer, less what that of before explains" in one for one in answer.verdicts)


def test_who_had_come_before_can_be_left_out(tmp_path: Path) -> None:
    once_a_day = {"policy": "after", "duration": "1d"}
    long = workflow(wait("20d"), holdout=0.5, reentry=once_a_day)
    home = entered(tmp_path, long, workflow(wait("1d"), workflow_id="plain"))
    home.customers("more", *(person(f"n{number:02}") for number in range(20)))
    later = [*WHO, *(f"n{number:02}" for number in range(20))]
    home.events("again", *(event("go", at(days=8), one) for one in later))
    home.tick(at(days=30))
    with open_reports(home.settings) as con:
        biased = read_workflow(con, "w", since=at(days=5))
        found = read_workflow(con, "w", since=at(days=5), new_only=True)
    held = sum(share < 0.5 for share in draw("holdout", "w", customers=pl.Series(WHO)))
    assert biased.customers.height == 20 + held
    assert "--new-only leaves out whoever came before" in biased.notes[-1]
    assert found.customers.height == 20
    assert not [one for one in found.notes if "had entered before" in one]
    with open_reports(home.settings) as con:
        (nothing,) = answers_of_workflow(con, "plain", NO_WINNERS)
    assert [(one.name, one.mean) for one in nothing.found.groups] == [("treated", None)], "nobody ordered"
    assert nothing.verdicts == ["Only one group, treated: there is nothing to compare it with"]


def test_a_period_in_which_nobody_enters_but_some_are_drawn(home: House) -> None:
    found = answers(home, period=Period(since=at(days=2.5)))
    assert [one.found.groups[0].customers > 0 for one in found] == [True, True]
    with pytest.raises(InputError, match="w: nobody entered it in this period"):
        answers(home, period=Period(since=at(days=5)))


def test_a_message_that_does_not_go_out_counts(home: House) -> None:
    assert not home.rows("select 1 from messages where status = 'sent'"), "all were too late"
    assert sum(one.customers for one in answers(home)[1].found.groups) == 60


@pytest.mark.slow
def test_changed_weights_are_told_and_other_arms_are_another_experiment(tmp_path: Path) -> None:
    home = entered(tmp_path, workflow(action("random_split", weights={"a": 1, "b": 1})))
    home.tick(at(days=3))
    for number, weights in enumerate(({"a": 1, "b": 3}, {"a": 1, "z": 1})):
        home.define(workflow(action("random_split", weights=weights)))
        more = [f"m{number}-{place}" for place in range(20)]
        home.customers(f"more-{number}", *map(person, more))
        home.events(f"more-{number}", *(event("go", at(days=4 + number), one) for one in more))
        home.tick(at(days=6 + number))
    newest, before = answers(home)
    assert [one.name for one in newest.found.groups] == ["a", "z"]
    assert sum(one.customers for one in newest.found.groups) == 20
    assert sum(one.customers for one in before.found.groups) == 80
    assert before.found.shares == pytest.approx({"a": 0.4375, "b": 0.5625})
    assert any(one.startswith("weights have changed between versions") for one in before.notes)


def document(found: Any) -> Any:
    return json.loads(json.dumps(found))


def test_documents_are_json(home: House) -> None:
    for one in answers(home):
        told = document(one.document())
        assert told["verdicts"]
        assert {"kind", "branch", "step", "control", "groups", "comparisons"} <= set(told)

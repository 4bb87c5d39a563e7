"""`onward customers` and `onward quarantine`: who and what is found, as workflows would decide, and what is said."""

import csv
import io
import json
from pathlib import Path

import pytest

from flows.reports.customers import find_customers
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, tag, trigger, workflow
from tests.tick.test_command_line import Onward, home, onward, says
from transforms.definitions.conditions import Condition
from transforms.definitions.where import parse_where

__all__ = ["home", "onward"]

PEOPLE: list[Row] = [
    person("ann", plan="pro", orders=3, address={"city": "Köln"}, tags=["vip"]),
    person("bob", plan="free", orders=12, seen_at=at(-60).isoformat()),
    person("cid", plan=None, timezone="Europe/Berlin"),
    {"customer_id": "dan", "email": None, "created_at": None, "attributes": {"orders": "many"}, "tags": []},
]
ASKED = [
    "plan = pro",
    "plan != pro",
    "plan in_list [pro, free] and orders > 3",
    "orders >= 3",
    "orders < 5",
    "plan not_exists",
    "email ends_with @example.com",
    "email not_exists",
    "timezone = Europe/Berlin",
    "tags contains vip",
    "address.city = Köln",
    "customer_id in_list [ann, dan]",
    "seen_at within_last 2h",
]


@pytest.fixture
def people(tmp_path: Path) -> House:
    built = house(tmp_path)
    built.customers("people", *PEOPLE)
    return built


def found(home: House, where: str) -> list[str]:
    answer = find_customers(home.settings, parse_where(where), at(10), 100)
    assert answer is not None
    assert answer.count == len(answer.rows)
    return list(answer.rows["customer_id"])


def test_who_is_found(people: House) -> None:
    people.tick(at(10))
    assert {where: found(people, where) for where in ASKED[:7]} == {
        "plan = pro": ["ann"],
        "plan != pro": ["bob", "cid", "dan"],
        "plan in_list [pro, free] and orders > 3": ["bob"],
        "orders >= 3": ["ann", "bob"],
        "orders < 5": ["ann", "cid"],
        "plan not_exists": ["cid", "dan"],
        "email ends_with @example.com": ["ann", "bob", "cid"],
    }


def test_workflows_decide_the_same(people: House) -> None:
    """Each question as a trigger's conditions: whoever enters is whoever is found."""
    people.define(
        *(
            workflow(tag("t"), workflow_id=f"w{number}", on=trigger("go", when=written(parse_where(where))))
            for number, where in enumerate(ASKED)
        )
    )
    people.events("go", *(event("go", at(10), one["customer_id"]) for one in PEOPLE))
    people.tick(at(10))
    for number, where in enumerate(ASKED):
        entered = people.rows(
            f"select customer_id from executions where workflow_id = 'w{number}' order by all"
        )
        assert found(people, where) == [name for (name,) in entered], where


def written(conditions: list[Condition]) -> list[Row]:
    return [one.model_dump(mode="json") for one in conditions]


def test_customers_are_told(onward: Onward, people: House) -> None:
    says(onward("customers"), 0, "nothing was loaded yet")
    people.tick(at(10))
    says(
        onward("customers", "--where", "orders >= 3", "--limit", "1"),
        0,
        "customer  email            orders",
        "ann       ann@example.com  3",
        "2 customers, of whom the first 1 are shown",
    )
    narrow = onward("customers", "--where", "address.city exists and tags contains vip", COLUMNS="30")
    says(narrow, 0, 'address.city: {"city": "Köln"}', "tags:         vip", "1 customer")
    says(onward("customers", "--where", "plan = a", "--where", "orders > 1"), 0, "0 customers")
    as_json = json.loads(onward("customers", "--where", "plan = pro", "--json").stdout)
    assert as_json["count"] == 1
    assert as_json["customers"][0]["attributes"]["address"] == {"city": "Köln"}


def test_what_cant_be_asked(onward: Onward, people: House) -> None:
    people.tick(at(10))
    says(
        onward("customers", "--where", "plan is pro"),
        2,
        "--where 'plan is pro': 'is' behind 'plan' is no operator",
    )
    says(
        onward("customers", "--where", "plna = pro"),
        2,
        "no customer has an attribute 'plna'",
        "did you mean 'plan'?",
    )
    says(onward("customers", "--limit", "-1"), 2, "--limit")


def test_refused_rows(onward: Onward, people: House) -> None:
    says(onward("quarantine"), 0, "nothing was loaded yet")
    assert onward("quarantine", "--csv").stdout == "file,line,reason,quarantined_at,row\n"
    good = event("go", at(5))
    people.events("a", good, {**good, "ts": "yesterday"}, {**good, "ts": "soon, perhaps"})
    people.events("b", {**good, "customer_id": ""})
    people.tick(at(10))
    told = onward("quarantine")
    says(told, 0, "2 rows: ", "a.ndjson, line 2", "1 row: ", "b.ndjson, line 1", "3 rows; --csv prints each")
    groups = json.loads(onward("quarantine", "--json").stdout)
    assert [one["rows"] for one in groups] == [2, 1]
    rows = list(csv.DictReader(io.StringIO(onward("quarantine", "--csv").stdout)))
    assert [(Path(one["file"]).name, one["line"]) for one in rows] == [
        ("a.ndjson", "2"),
        ("a.ndjson", "3"),
        ("b.ndjson", "1"),
    ]
    assert json.loads(rows[1]["row"])["ts"] == "soon, perhaps"
    by_reason = onward("quarantine", "--reason", groups[1]["reason"].upper(), "--json")
    assert json.loads(by_reason.stdout) == groups[1:]
    says(onward("quarantine", "--reason", "nothing like it"), 0, "no refused row has 'nothing like it'")
    says(onward("quarantine", "--csv", "--json"), 2, "allowed is one of them")


def test_nothing_refused(onward: Onward, people: House) -> None:
    people.tick(at(10))
    says(onward("quarantine"), 0, "no row was ever refused")

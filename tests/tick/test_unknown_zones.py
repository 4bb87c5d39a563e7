"""The tick tells whose time zone nobody knows, where a zone is asked for."""

from pathlib import Path

from tests.runs import House, house, person
from tests.semantics.cases import Row, at, changed, event, send, workflow

QUIET: Row = {"quiet_hours": {"start": "21:00", "end": "22:00"}}
SAID = "is no time zone that is known; Europe/Paris counts instead. Write a name like Europe/Berlin"


def crowd(tmp_path: Path, **given: Row) -> House:
    home = house(tmp_path, workflow(send(), **given), timezone="europe/paris")
    home.customers(
        "people",
        *(person(who, timezone="GMT+2") for who in ("ann", "bob")),
        person("cy", timezone=" europe/berlin "),
        person("dee", timezone="W. Europe Standard Time"),
        person("eve", timezone="Mars/Base"),
        person("flo"),
    )
    home.events("go", *(event("go", at(5), who) for who in ("ann", "bob", "cy", "dee", "eve", "flo")))
    return home


def test_unknown_zones_are_told_with_how_many_have_them(tmp_path: Path) -> None:
    home = crowd(tmp_path, **QUIET)
    home.events("moved", changed("timezone", "Moon", at(4), customer_id="flo"))
    assert home.tick(at(10)).warnings == [
        f'timezone: 2 customers have "GMT+2", which {SAID}',
        f'timezone: 1 customer has "Mars/Base", which {SAID}',
        f'timezone: 1 customer has "Moon", which {SAID}',
    ]


def test_nothing_is_told_where_no_zone_is_asked_for(tmp_path: Path) -> None:
    assert crowd(tmp_path).tick(at(10)).warnings == []


def test_many_unknown_zones_are_summed_up(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send(), **QUIET))
    people = [f"c{number}" for number in range(15)]
    home.customers("people", *(person(who, timezone=f"Mars/{who}") for who in people))
    home.events("go", *(event("go", at(5), who) for who in people))
    found = home.tick(at(10)).warnings
    assert len(found) == 11
    assert found[-1].startswith(
        "timezone: 5 customers have one of 5 further values, each of which is no time zone"
    )

"""Every recipe of docs/recipes.md, taken from the page as it stands there and run as its reader would."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from flows.settings import read_settings
from tests.runs import House, person
from tests.semantics.cases import START, Row, changed, event

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FILES = re.compile(r"^```(?:yaml|toml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Told = list[tuple[float, str]]
"""Hours since the first instant, a Monday's midnight UTC, and the subject of a letter or the tag that was set then."""


def hour(at: float, name: str, who: str = "ann", **given: object) -> Row:
    """An event some hours after the first instant; `value` aside, keywords are properties."""
    own = {"value": given.pop("value")} if "value" in given else {}
    return event(name, START + timedelta(hours=at), who, properties=given, **own)


def turned(at: float, attribute: str, value: object, who: str) -> Row:
    return changed(attribute, value, START + timedelta(hours=at), customer_id=who)


def three(at: float, name: str, who: str) -> list[Row]:
    return [hour(at + place, name, who) for place in range(3)]


DAY = 24
PEOPLE = {
    "Wait until nine": [person("ann"), person("bob"), person("cy", timezone="Europe/Berlin")],
    "Start on a date": [
        person("ann", trial_ends_at="2026-03-10"),
        person("bob", trial_ends_at="2026-03-10", plan="paid"),
        person("cy", trial_ends_at="2026-03-10", timezone="Asia/Tokyo"),
    ],
    "Wait until a date": [person("ann", trip_starts="2026-03-20T12:00:00Z"), person("bob")],
    "Branch before waiting for a change": [person("ann"), person("bob", plan="paid"), person("cy")],
}
FACTS = {
    "Wait until nine": [hour(8, "signed_up"), hour(9, "signed_up", "bob"), hour(8.5, "signed_up", "cy")],
    "Write in business hours only": [
        hour(7, "asked_for_an_offer"),
        hour(4 * DAY + 16, "asked_for_an_offer", "bob"),
    ],
    "Start on a date": [],
    "Wait until a date": [hour(1, "booked"), hour(1, "booked", "bob")],
    "The first time ever": [hour(5, "order"), hour(9, "order")],
    "Branch before waiting for a change": [
        *(hour(10, "saw_prices", who) for who in ("ann", "bob", "cy")),
        turned(20, "plan", "paid", "cy"),
    ],
    "The same order, not any order": [
        *(hour(1, "order_placed", who, order_id="A1") for who in ("ann", "bob")),
        hour(10, "parcel_sent", order_id="B2"),
        hour(10, "parcel_sent", "bob", order_id="A1"),
    ],
    "Interest without an order": [
        hour(0.5, "order", "bob"),
        *(hour(at, "product_view", who) for at in (1, 2) for who in ("ann", "bob")),
        *(hour(3, "cart_addition", who) for who in ("ann", "bob")),
    ],
    "Somebody has gone quiet": [
        *three(0, "visit", "ann"),
        *three(0, "visit", "bob"),
        hour(16 * DAY, "visit", "bob"),
        hour(0, "visit", "cy"),
    ],
    "Until they buy": [
        *(hour(1, "cart_left", who, value=80) for who in ("ann", "bob")),
        hour(1, "cart_left", "cy", value=20),
        hour(10, "order"),
    ],
    "Not more than one letter a week": [
        *(hour(at, "liked", what=what) for at, what in ((1, "A cup"), (50, "A plate"), (170, "A bowl")))
    ],
}
EXPECTED: dict[str, dict[str, Told]] = {
    "Wait until nine": {
        "ann": [(9, "Good morning")],
        "bob": [(33, "Good morning")],
        "cy": [(32, "Good morning")],
    },
    "Write in business hours only": {"ann": [(8, "Your offer")], "bob": [(7 * DAY + 8, "Your offer")]},
    "Start on a date": {"ann": [(5 * DAY + 9, "Three days left")], "cy": [(5 * DAY, "Three days left")]},
    "Wait until a date": {"ann": [(1, "Booked"), (17 * DAY + 12, "Tomorrow")], "bob": [(1, "Booked")]},
    "The first time ever": {"ann": [(5, "Thank you for your first order")]},
    "Branch before waiting for a change": {"ann": [(58, "An offer")]},
    "The same order, not any order": {"ann": [(73, "Order A1 takes longer")]},
    "Interest without an order": {"ann": [(3, "Can we help?")]},
    "Somebody has gone quiet": {
        "ann": [(14 * DAY + 2, "We miss you"), (21 * DAY + 2, "gone")],
        "bob": [(14 * DAY + 2, "We miss you"), (30 * DAY, "We miss you"), (37 * DAY, "gone")],
    },
    "Until they buy": {
        "ann": [(2, "Your cart is waiting")],
        "bob": [(2, "Your cart is waiting"), (26, "Ten per cent off")],
    },
    "Not more than one letter a week": {"ann": [(1, "A cup is here"), (170, "A bowl is here")]},
}


def laid_out(title: str, root: Path) -> House:
    """A project with the recipe's files, and the customers it is tried with."""
    for name, text in FILES.findall(RECIPES[title]):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (root / "data/inbox/events").mkdir(parents=True)
    (root / "data/inbox/customers").mkdir()
    settings = root / "onward.toml"
    # One tick stands for many here, and decides letters of weeks before.
    found = read_settings(
        settings if settings.exists() else None, data_dir=root / "data", max_send_delay="99d"
    )
    home = House(found)
    home.customers("people", *PEOPLE.get(title, [person("ann"), person("bob"), person("cy")]))
    return home


def told(home: House) -> dict[str, Told]:
    """What became of whom: letters and tags, in order."""
    subjects = {line["message_id"]: line["subject"] for line in home.outbox()}
    letters = home.rows('select customer_id, "at", message_id from messages')
    tags = home.rows("select customer_id, \"at\", 'gone' from steps where action_type = 'add_tag'")
    found: dict[str, Told] = {}
    for who, at, what in sorted([*letters, *tags]):
        found.setdefault(who, []).append(((at - START) / timedelta(hours=1), subjects.get(what, what)))
    return found


def test_every_recipe_is_tried() -> None:
    assert list(RECIPES) == list(FACTS) == list(EXPECTED)
    assert all(FILES.findall(text) for text in RECIPES.values())
    assert PAGE.count("```yaml") + PAGE.count("```toml") == sum(
        len(FILES.findall(one)) for one in RECIPES.values()
    )


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_does_what_it_says(title: str, tmp_path: Path) -> None:
    home = laid_out(title, tmp_path)
    if FACTS[title]:
        home.events("facts", *FACTS[title])
    summary = home.tick(START + timedelta(days=40))
    assert summary.warnings == []
    assert told(home) == EXPECTED[title]

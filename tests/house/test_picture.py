"""The picture of the rooms shows the table of today, and draws only what doesn't follow from the rest."""

from tests.house.picture import COLUMNS, FILE, PANELS, direct, picture, shelves

CHAIN = {"a": frozenset[str](), "b": frozenset({"a"}), "c": frozenset({"a", "b"})}


def test_the_committed_picture_is_of_todays_table() -> None:
    assert FILE.read_text(encoding="utf-8") == picture(), "run: python -m tests.house.picture"


def test_every_room_has_a_place_of_its_own() -> None:
    for folder, imports in PANELS.items():
        assert COLUMNS[folder].keys() == imports.keys()
        shelf = shelves(imports)
        assert len({(COLUMNS[folder][room], shelf[room]) for room in imports}) == len(imports)


def test_rooms_stand_above_what_they_import() -> None:
    assert shelves(CHAIN) == {"a": 0, "b": 1, "c": 2}


def test_what_follows_from_other_arrows_is_not_drawn() -> None:
    assert list(direct(CHAIN)) == [("b", "a"), ("c", "b")]

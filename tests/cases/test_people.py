"""Consent, addresses, zones and names as other systems write them."""

from pathlib import Path

from tests.cases.runs import ran


def test_21_a_blank_name_is_no_name(tmp_path: Path) -> None:
    found, _ = ran("21-blank-name-default", tmp_path)
    assert found.subjects() == ["Hi you"] * 3


def test_23_a_no_in_any_spelling_is_a_no(tmp_path: Path) -> None:
    found, _ = ran("23-consent-spellings", tmp_path)
    outcomes = dict(found.rows("select customer_id, outcome from steps"))
    assert outcomes == dict.fromkeys(("text", "no", "zero", "upper", "title"), "suppressed:consent")
    assert found.subjects() == []

"""Consent, addresses, zones and names as other systems write them."""

from pathlib import Path

from tests.cases.runs import ran


def test_14_dates_that_are_read_are_not_warned_of(tmp_path: Path) -> None:
    found, _ = ran("14-attribute-time-spellings", tmp_path)
    assert "data: 0 warnings" in found.onward("validate", "--data").out


def test_19_a_complaint_counts_for_the_address(tmp_path: Path) -> None:
    found, _ = ran("19-complaint-same-address", tmp_path)
    assert found.rows("select customer_id, status, status_reason from messages") == [
        ("ann-new", "suppressed", "complaint")
    ]


def test_20_an_address_is_read_or_shown_with_what_is_wrong(tmp_path: Path) -> None:
    found, _ = ran("20-address-there-but-unusable", tmp_path)
    became = {
        one: rest for one, *rest in found.rows("select customer_id, status, status_reason from messages")
    }
    assert became == {
        "idn": ["sent", "missing: event.source"],
        "display": ["sent", "missing: event.source"],
        "dot": [
            "suppressed",
            'not a usable e-mail address: "ann.@example.com": An email address cannot have a period immediately '
            "before the @-sign.",
        ],
        "none": ["suppressed", "no e-mail address"],
    }
    sent_to = {line["customer_id"]: line["to"] for line in found.house.outbox()}
    assert sent_to == {"idn": "ann@xn--mller-kva.example", "display": "ann@example.com"}


def test_21_a_blank_name_is_no_name(tmp_path: Path) -> None:
    found, _ = ran("21-blank-name-default", tmp_path)
    assert found.subjects() == ["Hi you"] * 3


def test_23_a_no_in_any_spelling_is_a_no(tmp_path: Path) -> None:
    found, _ = ran("23-consent-spellings", tmp_path)
    outcomes = dict(found.rows("select customer_id, outcome from steps"))
    assert outcomes == dict.fromkeys(("text", "no", "zero", "upper", "title"), "suppressed:consent")
    assert found.subjects() == []


def test_24_zones_are_read_as_other_systems_write_them(tmp_path: Path) -> None:
    found, _ = ran("24-zone-unknown-silent", tmp_path)
    entered = dict(found.rows("select customer_id, strftime(entered_at, '%H:%M') from executions"))
    assert entered == {
        "Europe/Berlin": "07:00",
        "europe/berlin": "07:00",
        "W. Europe Standard Time": "07:00",
        "GMT+2": "09:00",
        "+02:00": "09:00",
    }
    checked = found.onward("validate", "--data")
    assert [line.split(", which")[0] for line in checked.err.splitlines()] == [
        'warning: timezone: 1 customer has "+02:00"',
        'warning: timezone: 1 customer has "GMT+2"',
    ]

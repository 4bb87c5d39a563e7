"""Cases of text files: quotes, line ends, delimiters, headers, JSON."""

from pathlib import Path

from tests.cases.runs import ran


def test_01_a_quote_that_is_never_closed_mixes_no_records(tmp_path: Path) -> None:
    found, ended = ran("01-unclosed-quote", tmp_path)
    assert [one.code for one in ended] == [2]
    assert "people.csv: line 2: the quote" in ended[0].err + ended[0].out
    assert all("example.com" not in subject for subject in found.subjects())


def test_04_lines_may_end_in_cr_alone(tmp_path: Path) -> None:
    found, ended = ran("04-cr-line-ends", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id, email from customers order by all") == [
        ("ann", "ann@example.com"),
        ("bob", "bob@example.com"),
    ]


def test_05_blanks_at_either_end_of_ids_names_zones_and_addresses_do_not_count(tmp_path: Path) -> None:
    found, ended = ran("05-trailing-blanks", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id, email, timezone, known from customers order by all") == [
        ("ann", "ann@example.com", "Europe/Berlin", True),
        ("bob", "bob@example.com", "Europe/Berlin", True),
    ]
    assert found.rows("select customer_id, reason from suppressions") == [("bob", "unsubscribe")]
    assert found.rows("select customer_id, status from messages order by all") == [
        ("ann", "sent"),
        ("bob", "suppressed"),
    ]
    assert found.subjects() == ["Hi Ann"]


def test_11_nameless_columns_without_content_are_left_out(tmp_path: Path) -> None:
    found, ended = ran("11-trailing-empty-columns", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id, attributes from customers order by all") == [
        ("ann", '{"first_name":"Ann"}'),
        ("bob", '{"first_name":"Bob"}'),
    ]


def test_18_further_columns_of_events_are_properties(tmp_path: Path) -> None:
    found, ended = ran("18-extra-columns-dropped", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id, properties from events order by all") == [
        ("ann", '{"source":"the radio"}'),
        ("bob", '{"source":"a friend"}'),
    ]


def test_22_objects_one_after_the_other_are_read(tmp_path: Path) -> None:
    found, ended = ran("22-concatenated-json", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select customer_id from events order by all") == [("ann",), ("bob",)]


def test_25_the_delimiter_is_that_of_the_header_read_as_csv(tmp_path: Path) -> None:
    found, ended = ran("25-header-delimiter", tmp_path)
    assert [one.code for one in ended] == [0, 0]
    assert found.rows("select customer_id, email, attributes from customers order by all") == [
        ("ann", "ann@example.com", '{"address (street, no, city)":"Ring 5, Bonn"}'),
        ("bob", "bob@example.com", "{}"),
    ]


def test_26_a_known_column_may_be_spelt_in_another_way(tmp_path: Path) -> None:
    found, ended = ran("26-column-in-capitals", tmp_path)
    assert [one.code for one in ended] == [0]
    assert found.rows("select email, attributes from customers") == [
        ("ann@example.com", '{"First_Name":"Ann"}')
    ]
    assert found.subjects() == ["Hi you"]
    assert "people.csv: the column 'Email' is read as 'email'" in ended[0].err

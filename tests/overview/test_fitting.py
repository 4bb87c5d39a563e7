"""Tables on a terminal of any width: nothing is cut, nothing is wider than it, and what isn't shown is named."""

import io
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from flows.fitting import LEAST_WIDTH, PIPE_WIDTH, Column, print_table, report_console
from flows.reports.terminal import DAILY, DROP_OFF, REST, SUMMARY, WEEKS, print_moves

COLUMNS = (
    Column("id", "who"),
    Column("label", "what it\nis called", folds=True),
    Column("total", "to-\ntal"),
    Column("late", "late", 2),
    Column("early", "ear-\nly", 1),
    Column("took_seconds", "took", 3),
)
ROW = {
    "id": "lapsed_shopper",
    "label": "λόγος μύθος",
    "total": 155_764,
    "late": 1,
    "early": 149_563,
    "took_seconds": 3600.0,
}


def printed(width: int, *rows: dict[str, Any], columns: tuple[Column, ...] = COLUMNS) -> str:
    """What is printed of rows under the title `Title`, without the spaces at the ends of lines."""
    console = Console(file=io.StringIO(), width=width)
    print_table(console, "Title", pl.DataFrame(list(rows), infer_schema_length=None), columns, rest=REST)
    text = console.file.getvalue()
    assert max(map(cell_len, text.split("\n"))) <= width
    return "\n".join(line.rstrip() for line in text.split("\n"))


def test_with_room_for_all_it_is_as_wide_as_its_cells() -> None:
    assert printed(80, ROW, ROW | {"id": "w", "total": None}) == (
        "Title\n"
        "                what it          to-           ear-\n"
        "who             is called        tal  late       ly   took\n"
        "──────────────────────────────────────────────────────────\n"
        "lapsed_shopper  λόγος μύθος  155,764     1  149,563  1.0 h\n"
        "w               λόγος μύθος        -     1  149,563  1.0 h\n\n"
    )


def test_labels_are_folded_before_columns_give_way_by_rank() -> None:
    assert printed(43, ROW) == (
        "Title\n"
        "                what it        to-     ear-\n"
        "who             is called      tal       ly\n"
        "───────────────────────────────────────────\n"
        "lapsed_shopper  λόγος      155,764  149,563\n"
        "                μύθος\n"
        "not shown for want of width: late, took;\n"
        "--json or --csv has all\n\n"
    )


def test_without_room_for_what_is_essential_rows_become_blocks_of_every_column() -> None:
    assert printed(33, ROW, ROW | {"id": "a_workflow_with_a_longer_name"}) == (
        "Title\n"
        "who:               lapsed_shopper\n"
        "what it is called: λόγος μύθος\n"
        "total:             155,764\n"
        "late:              1\n"
        "early:             149,563\n"
        "took:              1.0 h\n\n"
        "who:\n"
        "a_workflow_with_a_longer_name\n"
        "what it is called: λόγος μύθος\n"
        "total:             155,764\n"
        "late:              1\n"
        "early:             149,563\n"
        "took:              1.0 h\n\n"
    )


def test_an_id_wider_than_the_terminal_goes_on_in_the_next_line() -> None:
    long = "x" * 45
    assert f"who:\n{'x' * 40}\n{'x' * 5}\nwhat it is called:" in printed(40, ROW | {"id": long})


def test_characters_of_two_cells_count_twice() -> None:
    text = printed(60, ROW | {"label": "新規登録のお客様へのご案内メール👩‍👩‍👧です🇯🇵"})
    assert max(map(cell_len, text.split("\n"))) <= 60
    assert "新規登録のお客様へのご案内メール👩‍👩‍👧です🇯🇵" in "".join(re.findall(r"[^\x00-\x7f─]+", text))


def test_what_would_break_lines_and_colours_is_a_space() -> None:
    text = printed(80, ROW | {"label": "a\nb\tc\x1b[31m[red]:smile:"})
    assert "a b c [31m[red]:smile:" in text
    assert "\x1b" not in text


def test_differences_have_a_sign() -> None:
    columns = (Column("n", "n"), Column("by", "by", is_signed=True))
    lines = printed(40, *({"n": n, "by": n} for n in (1200, 0, -1200)), columns=columns).split("\n")
    assert lines[3:6] == [" 1,200  +1,200", "     0       0", "-1,200  -1,200"]


def test_a_migration_says_who_goes_where_at_any_width(capsys: pytest.CaptureFixture[str]) -> None:
    texts = {"branch": "default", "step": "0", "action_type": "wait", "label": "1h", "to_branch": "vip"}
    texts |= {"to_step": "12", "to_type": "send_email", "to_label": "cart_reminder", "reason": None}
    plan = pl.DataFrame([{"number": 1, **texts, "executions": 1_234_567, "due": None}])
    for width in range(40, 201, 16):
        print_moves(plan, 2, Console(width=width))
        words = capsys.readouterr().out.split()
        assert {"1", "default", "0", "1h", "1,234,567", "vip/12", "send_email", "cart_reminder"} <= set(words)


@pytest.mark.parametrize(
    "columns", [SUMMARY, DROP_OFF, DAILY, WEEKS], ids=["summary", "drop-off", "daily", "weeks"]
)
def test_every_table_says_at_least_two_things_where_it_is_narrowest(columns: tuple[Column, ...]) -> None:
    assert sum(one.rank == 0 for one in columns) >= 2
    ranks = [one.rank for one in columns if one.rank]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))


def test_every_table_of_the_command_line_is_one_of_these() -> None:
    """None of another module is fitted by other rules."""
    flows = Path(__file__).parents[2] / "flows"
    using = [file.name for file in flows.rglob("*.py") if "rich.table" in file.read_text(encoding="utf-8")]
    assert using == ["fitting.py"]


# Any width, any cells

IDS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=60)
WIDE_IDS = st.text("日本語字東京", min_size=1, max_size=30)
LABELS = st.lists(st.text("αβγδεζηあいうえお☎", min_size=1, max_size=25), min_size=1, max_size=4).map(
    " ".join
)
NUMBERS = st.integers(-9_999_999_999, 9_999_999_999)
ROWS = st.fixed_dictionaries(
    {
        "id": IDS | WIDE_IDS,
        "label": LABELS,
        **dict.fromkeys(("total", "late", "early"), NUMBERS),
        "took_seconds": st.floats(0, 1e9),
    }
)
GREEK_AND_KANA = re.compile("[\u0370-\u03ffあ-ん☎]")


def hidden(text: str) -> list[str]:
    """The headings that a line below the table names."""
    _, told, line = text.partition("not shown for want of width: ")
    return " ".join(line.split()).partition("; --json")[0].split(", ") if told else []


def check(width: int, rows: list[dict[str, Any]]) -> None:
    """Nothing is lost that isn't named."""
    text = printed(width, *rows)
    assert "…" not in text
    gone = hidden(text)
    assert set(gone) <= {"late", "early", "took"}
    words = text.split()
    for name in ("total", "late", "early"):
        assert name in gone or all(f"{row[name]:,}" in words for row in rows)
    for row in rows:
        assert row["id"] in (words if cell_len(row["id"]) <= width else text.replace("\n", ""))
    read = "".join(GREEK_AND_KANA.findall(text))
    assert read == "".join(row["label"].replace(" ", "") for row in rows)


@pytest.mark.parametrize("width", [40, 41, 59, 60, 79, 80, 100, 119, 120, 160, 199, 200])
@pytest.mark.parametrize("size", [1, 14, 40, 60])
def test_nothing_is_cut_at_some_widths(width: int, size: int) -> None:
    for number in (0, 155_764, -9_999_999_999):
        counts = dict.fromkeys(("total", "late", "early"), number)
        check(width, [ROW | counts | {"id": "w" * size}, ROW | counts | {"id": "語" * (size // 2 + 1)}])


@given(width=st.integers(40, 200), rows=st.lists(ROWS, min_size=1, max_size=4))
def test_nothing_is_cut_at_any_width(width: int, rows: list[dict[str, Any]]) -> None:
    check(width, rows)


# Where it is printed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, PIPE_WIDTH),
        ("", PIPE_WIDTH),
        ("0", PIPE_WIDTH),
        ("wide", PIPE_WIDTH),
        ("77", 77),
        ("1", LEAST_WIDTH),
    ],
)
def test_a_pipe_is_wide_and_plain_unless_columns_says_how_wide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str | None, expected: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if given is not None:
        monkeypatch.setenv("COLUMNS", given)
    console = report_console()
    assert console.width == expected
    print_table(console, "Title", pl.DataFrame([ROW]), COLUMNS)
    assert "\x1b" not in capsys.readouterr().out

"""One bad file never stops a tick: it is set aside with its reason, and what can be no file is passed over by name."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from flows.errors import InputError
from flows.inbox import refusals
from flows.tick.run import run_tick
from tests.formats.mutants import mutant
from tests.runs import Format, House, house, person
from tests.semantics.cases import at, event, send, workflow


@pytest.fixture
def home(tmp_path: Path) -> House:
    """A workflow that writes to whoever goes, and Ann, who went."""
    built = house(tmp_path, workflow(send("hello", content="Hi")))
    built.customers("people", person("ann"), person("bob"))
    built.events("good", event("go", at(5)))
    return built


STOPS_DUCKDB = ("zstd.parquet", 3810)
"""A damaged file after which DuckDB 2.0 does nothing more until the database is opened again."""


def refused(home: House, kind: str = "events") -> Path:
    return home.settings.inbox / "refused" / kind


def passed_over(home: House, minute: int = 10) -> str:
    told = home.tick(at(minute))
    assert told.refused == []
    assert len(home.outbox()) == 1
    return "\n".join(told.warnings)


@pytest.mark.parametrize("format_", ["ndjson.gz", "csv.gz", "ndjson.zst", "parquet"])
def test_a_broken_file_is_set_aside_and_everything_else_goes_on(home: House, format_: Format) -> None:
    rows = [event("go", at(6 + n / 1000), event_id=f"{n:x}{n * 7919:x}") for n in range(2000)]
    broken = home.events("broken", *rows, format=format_)
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) * 2 // 3])
    home.events("later", event("go", at(7), "bob"))
    told = home.tick(at(10))
    assert (told.messages, told.dispatched["sent"], told.counts) == (2, 2, {"refused_files": 1})
    assert home.rows("select reason, n from tick_counts") == [("refused_files", 1)]
    (sentence,) = told.refused
    assert str(broken) in sentence
    aside = refused(home) / broken.name
    assert str(aside) in sentence
    reason = aside.with_name(f"{broken.name}.reason.txt").read_text()
    assert sentence.partition(". It was set aside")[0] in reason
    assert not broken.exists()

    aside.rename(broken)
    assert len(home.tick(at(20)).refused) == 1
    aside.unlink()
    broken.write_bytes(whole)
    assert home.tick(at(30)).refused == []
    assert home.rows("select count(*) from events") == [(2002,)]


def test_what_was_set_aside_before_stays_beside_the_next_of_its_name(home: House) -> None:
    for minute, content in ((10, b"PAR1 one"), (20, b"PAR1 two")):
        (home.settings.inbox / "events" / "day.x.parquet").write_bytes(content)
        assert len(home.tick(at(minute)).refused) == 1
    assert (refused(home) / "day.x.parquet").read_bytes() == b"PAR1 one"
    assert (refused(home) / "day-2.x.parquet").read_bytes() == b"PAR1 two"
    assert (refused(home) / "day-2.x.parquet.reason.txt").is_file()


def test_a_bad_customer_file_is_set_aside_among_customers(home: House) -> None:
    (home.settings.inbox / "customers" / "who.csv").write_text("who,when\n1,2\n")
    assert "who, when" in home.tick(at(10)).refused[0]
    assert (refused(home, "customers") / "who.csv").is_file()
    assert len(home.outbox()) == 1


def test_a_file_that_can_not_be_moved_is_said_and_not_read_again(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(_source: Path, _target: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(refusals, "_move", read_only)
    half = home.settings.inbox / "events" / "half.parquet"
    half.write_bytes(b"PAR1 and no more")
    (sentence,) = home.tick(at(10)).refused
    assert "could not be set aside (Read-only file system)" in sentence
    assert (half.exists(), len(home.outbox())) == (True, 1)
    assert home.tick(at(20)).refused == []
    half.write_bytes(b"PAR1 and a little more")
    assert len(home.tick(at(30)).refused) == 1


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Thumbs.db",
            "desktop.ini",
            ".DS_Store",
            ".day.ndjson.Xy12",
            "x.part",
            "x.ndjson.tmp",
            "X.CRDOWNLOAD",
        ),
        *("day.csv~", "~$day.csv", "day.ndjson.reason.txt"),
    ],
)
def test_what_can_be_no_delivery_is_passed_over_and_named(home: House, name: str) -> None:
    (home.settings.inbox / "events" / name).write_bytes(b"\x00\xff half a li")
    assert f"passed over events/{name}" in passed_over(home)
    assert (home.settings.inbox / "events" / name).exists()


def test_folders_sockets_and_links_that_lead_to_no_file_are_named(home: House, tmp_path: Path) -> None:
    events = home.settings.inbox / "events"
    (events / "sub").mkdir()
    os.mkfifo(events / "pipe.ndjson")
    (events / "nowhere.ndjson").symlink_to("gone.ndjson")
    (events / "round.ndjson").symlink_to("round.ndjson")
    (events / "folder.ndjson").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(events / "s"))
        said = passed_over(home)
    for name, why in (
        ("sub", "a folder"),
        ("folder.ndjson", "a folder"),
        ("pipe.ndjson", "a socket, pipe or device"),
        ("s", "a socket, pipe or device"),
        ("nowhere.ndjson", "a link that leads nowhere"),
        ("round.ndjson", "a link that leads nowhere"),
    ):
        assert f"events/{name} ({why}" in said


def test_what_lies_beside_the_folders_is_named(home: House) -> None:
    (home.settings.inbox / "lost.ndjson").write_text("{}")
    (home.settings.inbox / ".gitkeep").touch()
    said = passed_over(home)
    assert "lost.ndjson (lies beside the folders events and customers: move it into one)" in said
    assert ".gitkeep" not in said


def test_a_link_to_a_file_is_read_and_set_aside_as_one(home: House, tmp_path: Path) -> None:
    (tmp_path / "far.ndjson").write_text(home.events("far", event("go", at(6), "bob")).read_text())
    (home.settings.inbox / "events" / "far.ndjson").unlink()
    (home.settings.inbox / "events" / "far.ndjson").symlink_to("../../../far.ndjson")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    (home.settings.inbox / "events" / "bad.parquet").symlink_to("../../../bad.parquet")
    told = run_tick(home.settings, at(10))
    assert (told.messages, len(told.refused)) == (2, 1)
    assert (refused(home) / "bad.parquet").read_bytes() == b"PAR1 and no more"


def test_a_file_that_stops_the_database_is_set_aside_and_everything_else_goes_on(home: House) -> None:
    damaged = home.settings.inbox / "events" / "0.parquet"
    damaged.write_bytes(mutant(*STOPS_DUCKDB))
    told = home.tick(at(10))
    assert (told.messages, told.dispatched["sent"]) == (1, 1)
    (sentence,) = told.refused
    assert str(damaged) in sentence
    assert [one.name for one in refused(home).iterdir() if one.suffix == ".parquet"] == ["0.parquet"]


def test_an_inbox_that_is_a_file_is_said(home: House) -> None:
    shutil.rmtree(home.settings.inbox)
    home.settings.inbox.write_text("{}")
    with pytest.raises(InputError, match="inbox: is no folder"):
        run_tick(home.settings, at(10))

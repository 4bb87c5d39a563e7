"""`onward init`: what it writes works at once, and nothing that is there is replaced."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.errors import InputError
from flows.project.begin import FILES, begin_project
from tests.tick.test_command_line import Onward, onward, says

__all__ = ["onward"]


def test_everything_works_at_once(onward: Onward, tmp_path: Path) -> None:
    says(onward("init"), 0, "data/workflows/welcome.yaml", "onward validate\n  onward test\n  onward run")
    says(onward("validate", "--strict"), 0, "valid: 1 workflow")
    says(onward("test"), 0, "3 tests passed")
    says(onward("run"), 0, "4 events, 3 executions, 6 steps, 3 messages", "Messages: 3 sent")
    says(onward("status"), 0, "welcome: active, version 1, 2 in flight", "a step of welcome")
    (letter, *_) = sorted((tmp_path / "data" / "outbox").rglob("*.eml"))
    assert "Hello" in letter.read_text()
    says(onward("init"), 2, "has onward.toml, .gitignore,", "nothing is replaced")


def test_into_another_folder(onward: Onward, tmp_path: Path) -> None:
    found = json.loads(onward("init", "shops/one", "--json").stdout)
    assert found["next"][0] == "cd shops/one"
    assert all((tmp_path / file).is_file() for file in found["written"])


def test_nothing_is_written_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "data" / "tests").mkdir(parents=True)
    (tmp_path / "data" / "tests" / "welcome.yaml").write_text("mine")
    (tmp_path / "data" / "tests.schema.json").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"has data/tests/welcome.yaml, data/tests.schema.json already"):
        begin_project(tmp_path, datetime.now(UTC), ["data/tests.schema.json"])
    assert sorted(one.name for one in tmp_path.rglob("*")) == [
        "data",
        "tests",
        "tests.schema.json",
        "welcome.yaml",
    ]
    assert (tmp_path / "data" / "tests" / "welcome.yaml").read_text() == "mine"


@pytest.mark.parametrize("file", ["shop", "shop/data", "shop/data/inbox"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("a file")
    with pytest.raises(InputError, match=f"{file}: is a file, where a folder should be"):
        begin_project(tmp_path / "shop", datetime.now(UTC))


def test_sample_events_are_of_the_hour_before(tmp_path: Path) -> None:
    now = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert len(begin_project(tmp_path, now)) == len(FILES)
    times = pl.read_ndjson(tmp_path / "data" / "inbox" / "events" / "sample.ndjson")["ts"]
    assert times.to_list() == [
        "2026-03-01T23:35:00Z",
        "2026-03-01T23:50:00Z",
        "2026-03-01T23:55:00Z",
        "2026-03-02T00:20:00Z",
    ]

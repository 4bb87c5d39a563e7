"""`onward validate` of a folder, a file and text, and what it warns of."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.runs import House
from tests.semantics.cases import Row, at, condition, tag, wait, workflow
from tests.tick.test_command_line import Onward, home, onward, says

__all__ = ["home", "onward"]

KEEN: Row = {"keen": {"pattern": "sequence", "events": [{"type": "view", "minCount": 2}]}}
ON_KEEN = workflow(tag("t"), workflow_id="k", on={"type": "pattern", "config": {"pattern": "keen"}})
LETTER = workflow({"type": "send_email", "config": {"template_id": "hello"}}, workflow_id="l")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Definitions that are nobody's store: `shop/journeys/*.json` beside patterns and templates."""
    shop = tmp_path / "shop"
    for folder in ("journeys", "templates"):
        (shop / folder).mkdir(parents=True)
    (shop / "patterns.yaml").write_text(json.dumps(KEEN))
    (shop / "templates" / "hello.txt.j2").write_text("Hello {{ name }}")
    for one in (ON_KEEN, LETTER):
        write(shop / "journeys", one)
    return shop


def write(folder: Path, given: Row) -> Path:
    path = folder / f"{given['workflow_id']}.json"
    path.write_text(json.dumps({"workflow_name": "W", **given}))
    return path


def test_a_folder_is_read_with_what_lies_beside_it(onward: Onward, project: Path) -> None:
    read = ("2 workflows, 1 pattern", "shop/patterns.yaml and", "shop/templates")
    says(onward("validate", str(project / "journeys")), 0, *read)
    (project / "patterns.yaml").unlink()
    says(onward("validate", str(project / "journeys")), 2, "k.json", "keen")
    (project / "templates" / "hello.txt.j2").rename(project / "templates" / "hallo.txt.j2")
    says(onward("validate", str(project / "journeys")), 2, "l.json", "did you mean 'hallo'?")


def test_a_folder_with_workflows_in_it(onward: Onward, project: Path) -> None:
    (project / "journeys").rename(project / "workflows")
    says(onward("validate", str(project)), 0, "2 workflows, 1 pattern")


def test_one_file_of_any_kind(onward: Onward, project: Path) -> None:
    says(onward("validate", str(project / "journeys" / "k.json")), 0, "1 workflow, 1 pattern")
    says(onward("validate", str(project / "patterns.yaml")), 0, "0 workflows, 1 pattern")
    letter = project / "templates" / "hello.txt.j2"
    says(onward("validate", str(letter)), 0, "valid: ")
    letter.write_text("{% if %}")
    says(onward("validate", str(letter)), 2, "hello.txt.j2:1:1 ", "Jinja2")
    (project / "patterns.yaml").write_text("keen: {pattern: sequence}")
    says(onward("validate", str(project / "patterns.yaml")), 2, "patterns.yaml:1:1 keen.events: missing key")
    bad = write(project / "journeys", {**LETTER, "actoins": []})
    says(onward("validate", str(bad)), 2, "l.json:", "actoins")


def test_standard_input(onward: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))

    given(b"workflow_id: w\nworkflow_name: W\ntriggers: []\n")
    says(onward("validate", "-"), 0, "valid: 1 workflow")
    given(b"workflow_id: w\nworkflow_name: W\n")
    says(onward("validate", "-"), 2, "stdin:1:1 triggers: missing key 'triggers'")
    given(b"\xff")
    says(onward("validate", "-"), 2, "stdin:1:1 not UTF-8 text")


def test_warnings_are_said_and_with_strict_fail(onward: Onward, project: Path) -> None:
    young = workflow(tag("t", when=[condition("age", "less_than", 18)]), workflow_id="y")
    path = str(write(project / "journeys", young))
    said = "warning: y: actions[0].conditions[0]: less_than 18 also holds for everybody without 'age'"
    says(onward("validate", path), 0, said)
    says(onward("validate", path, "--strict"), 2, said, "--strict")
    none = json.dumps([{"messages": 0, "window": "1d"}])
    says(
        onward("validate", path, ONWARD_FREQUENCY_CAPS=none),
        0,
        "warning: settings: frequency_caps[0]: messages = 0",
    )


def test_a_backtest_into_the_inbox(onward: Onward, home: House, tmp_path: Path) -> None:
    given = inputs_apart(home, tmp_path)
    warned = onward(*given, "--out", str(home.settings.inbox))
    says(warned, 0, "1 executions", "warning: --out", "is a folder of inputs")
    found = onward(*given, "--out", str(tmp_path / "out"))
    says(found, 0, "1 executions")
    assert "warning" not in found.stderr


@pytest.mark.parametrize("held", ["people.ndjson", "events.ndjson", "patterns.yaml", "workflows"])
@pytest.mark.parametrize("depth", ["", "deep/er"])
def test_a_backtest_into_a_folder_that_holds_an_input(
    onward: Onward, home: House, tmp_path: Path, held: str, depth: str
) -> None:
    given = inputs_apart(home, tmp_path)
    out, inside = tmp_path / "out", tmp_path / "out" / depth / held
    inside.parent.mkdir(parents=True)
    shutil.move(tmp_path / "inputs" / held, inside)
    given = [str(inside) if Path(one).name == held else one for one in given]
    before = sorted(out.rglob("*"))
    says(
        onward(*given, "--out", str(out)), 2, f"--out {out}: holds {inside}, which this", "folder of its own"
    )
    assert sorted(out.rglob("*")) == before


@pytest.mark.parametrize("link", ["input", "out"])
def test_a_link_does_not_hide_that_a_folder_holds_an_input(
    onward: Onward, home: House, tmp_path: Path, link: str
) -> None:
    given = inputs_apart(home, tmp_path)
    events, out = tmp_path / "inputs" / "events.ndjson", tmp_path / "out"
    if link == "out":
        out.symlink_to(tmp_path / "inputs")
    else:
        out.mkdir()
        given[given.index(str(events))] = str(out / "link.ndjson")
        (out / "link.ndjson").symlink_to(events)
    says(onward(*given, "--out", str(out)), 2, f"--out {out}: holds ", "folder of its own")


def inputs_apart(home: House, root: Path) -> list[str]:
    """A backtest whose inputs all lie in a folder `inputs` of their own, but for `--out`."""
    inputs = root / "inputs"
    shutil.copytree(home.settings.workflows, inputs / "workflows")
    (inputs / "patterns.yaml").write_text("{}")
    shutil.copy(home.settings.inbox / "customers" / "people.ndjson", inputs)
    shutil.copy(home.settings.inbox / "events" / "go.ndjson", inputs / "events.ndjson")
    files = {
        "--workflows": "workflows",
        "--patterns": "patterns.yaml",
        "--customers": "people.ndjson",
        "--events": "events.ndjson",
    }
    named = [part for option, name in files.items() for part in (option, str(inputs / name))]
    return ["backtest", *named, "--end", "2026-03-03"]


def test_a_map_of_a_step_where_nobody_stands(onward: Onward, home: House) -> None:
    home.define(workflow(wait("1h"), tag("a"), tag("b")))
    home.tick(at(10))
    home.define(workflow(wait("1h"), tag("c")))
    moved = ("Would move 1 executions", "warning: --map 2=1 moves nobody: no execution stands there")
    says(onward("migrate", "w", "--map", "2=1", "--map", "1=end", "--dry-run"), 0, *moved)
    nobody = ("No executions", "warning: --map 1=end moves nobody")
    says(onward("migrate", "w", "--map", "1=end", "--to", "1", "--dry-run"), 0, *nobody)


def test_unknown_variables_are_warned_of(onward: Onward, home: House) -> None:
    meant = "warning: ONWARD_DATADIR in the environment is no setting, and does nothing; did you mean ONWARD_DATA_DIR?"
    home.tick(at(10))
    says(onward("status", ONWARD_DATADIR="x", ONWARD_XYZ="x"), 0, meant)
    says(
        onward("validate", ONWARD_DATADIR="x", ONWARD_XYZ="x"),
        0,
        meant,
        "ONWARD_XYZ in the environment is no",
    )
    says(onward("validate", "--strict"), 2, "--strict: warnings are failures")

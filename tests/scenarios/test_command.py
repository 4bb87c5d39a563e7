"""`onward test` and `onward activate` as people call them: what is printed, and the exit codes."""

import json
import sys
from pathlib import Path

import pytest

from flows.cli import main
from tests.scenarios.houses import CART, House, expecting, house

PASSING = expecting("messages: [{subject: Hi Ann}]")
FAILING = expecting("messages: [{subject: Bye}]")
FILE = "# A cart.\nworkflow_id: cart\nworkflow_name: Cart\nis_active: draft  # soon\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("ONWARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    built = house(tmp_path)
    given = {key: value for key, value in CART.items() if not key.startswith("workflow_")}
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in given.items())
    (built.settings.workflows / "cart.yaml").write_text(FILE + lines)
    return built


def onward(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["onward", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_test_that_fails_exits_with_1_until_it_is_recorded(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write(FAILING)
    assert onward(monkeypatch, "test") == 1
    shown = capsys.readouterr()
    assert "- subject: Bye" in shown.out
    assert shown.err == "1 of 1 test failed\n"
    assert onward(monkeypatch, "test", "--record") == 0
    assert onward(monkeypatch, "test") == 0
    assert capsys.readouterr().out.endswith("ok      one\n1 test passed\n")


def test_faults_exit_with_2(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert onward(monkeypatch, "test", str(home.write("tests: [{nam: one}]"))) == 2
    assert "some.yaml:1:10 tests[0].nam: unknown key 'nam'; allowed:" in capsys.readouterr().err
    home.write(PASSING)
    assert onward(monkeypatch, "test", "-k", "two") == 2
    assert capsys.readouterr().err == "no test has 'two' in its name\n"


def test_all_faults_are_told_at_once(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of tests, workflows, templates and rules: a rule that is left out would make a test pass that shouldn't."""
    home.write("tests: [{nam: one}]")
    (home.settings.workflows / "odd.yaml").write_text("workflow_id: odd\nnonsense: 1\n")
    (home.settings.templates / "odd.txt.j2").write_text("{% if %}")
    home.settings.content.mkdir()
    (home.settings.content / "rules.yaml").write_text("rules: [{name: x, tekst: Hi}]")
    assert onward(monkeypatch, "test") == 2
    told = capsys.readouterr().err
    for place in ("tests/some.yaml:1:10", "workflows/odd.yaml:2:1", "odd.txt.j2:1:1", "rules.yaml:1:"):
        assert place in told
    assert told.endswith("; no test was run\n")


def test_programs_are_answered_in_json(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write(PASSING)
    assert onward(monkeypatch, "test", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["name"], one["passed"], one["differences"]) == ("one", True, [])


def test_a_workflow_is_activated_once_its_tests_pass(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.settings.workflows / "cart.yaml"
    home.write(FAILING)
    assert onward(monkeypatch, "activate", "cart") == 1
    assert file.read_text().startswith(FILE)
    home.write(PASSING)
    assert onward(monkeypatch, "activate", "cart") == 0
    assert file.read_text().startswith(FILE.replace("draft", "true"))
    assert capsys.readouterr().out.endswith("cart.yaml: cart is active; 1 test passed\n")
    home.write(FAILING)
    assert onward(monkeypatch, "activate", "cart", "--off") == 0
    assert file.read_text().startswith(FILE.replace("draft", "false"))
    assert capsys.readouterr().out.endswith("cart.yaml: cart is paused\n")
    assert onward(monkeypatch, "activate", "carts") == 2
    assert "no valid workflow 'carts'" in capsys.readouterr().err

"""`onward activate` and drafts: nobody enters what isn't tested."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.definitions.folder import Definitions
from flows.definitions.given import places_of
from flows.errors import InputError, OnwardError
from flows.scenarios.activate import check_tested, set_active
from flows.scenarios.run import Against, run_tests
from flows.settings import Settings
from tests.runs import house as running_house
from tests.runs import person
from tests.scenarios.houses import CART, expecting, house
from transforms.definitions.reading import read_workflow
from transforms.definitions.workflow import Workflow, version_of
from transforms.program.compile import compile_program

HEAD = "# A cart.\nworkflow_id: cart\nworkflow_name: Cart # its name\n"
REST = "\n# Who enters.\ntriggers: []\n"
EDITS = {
    (HEAD + "is_active: false   # not yet\n" + REST, True): HEAD + "is_active: true   # not yet\n" + REST,
    (HEAD + "is_active: draft\n" + REST, True): HEAD + "is_active: true\n" + REST,
    (HEAD + 'is_active: "draft"  # "so"\n' + REST, True): HEAD + 'is_active: true  # "so"\n' + REST,
    (HEAD + "is_active: draft\n" + REST, False): HEAD + "is_active: false\n" + REST,
    (HEAD + "is_active: true", False): HEAD + "is_active: false",
    (HEAD + REST, True): HEAD + REST,
    (HEAD + REST, False): HEAD + "is_active: false\n" + REST,
    (HEAD + "description: >-\n  Two\n  lines.\n" + REST, False): HEAD
    + "description: >-\n  Two\n  lines.\nis_active: false\n"
    + REST,
    ("triggers: []\nworkflow_id: cart", False): "triggers: []\nworkflow_id: cart\nis_active: false\n",
    (HEAD.replace("\n", "\r\n") + "triggers: []\r\n", False): HEAD.replace("\n", "\r\n")
    + "is_active: false\r\ntriggers: []\r\n",
    ('{"workflow_id": "cart", "is_active": false}\n', True): '{"workflow_id": "cart", "is_active": true}\n',
    ('{"is_active": "draft", "workflow_id": "cart"}\n', True): '{"is_active": true, "workflow_id": "cart"}\n',
}


@pytest.mark.parametrize(("text", "active"), EDITS)
def test_only_is_active_is_edited(tmp_path: Path, text: str, active: bool) -> None:
    file = tmp_path / "cart.yaml"
    file.write_bytes(text.encode())
    assert set_active(file, active) == (EDITS[text, active] != text)
    assert file.read_bytes().decode() == EDITS[text, active]
    assert not set_active(file, active)


@pytest.mark.parametrize(
    "text", ["{workflow_id: cart, triggers: []}\n", HEAD + "is_active: &it false\nholdout: *it\n" + REST]
)
def test_what_cant_be_edited_is_said_to_whoever_can(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cart.yaml"
    file.write_text(text)
    said = "true" if "&it" in text else "false"
    with pytest.raises(InputError, match=rf"write there yourself:\nis_active: {said}$"):
        set_active(file, said == "true")
    assert file.read_text() == text


def test_what_isnt_tested_isnt_activated(tmp_path: Path) -> None:
    inactive = {**CART, "is_active": False}
    home = house(tmp_path, inactive)
    home.write(expecting("messages: [{subject: Hi Ann}]"))

    def tested() -> int:
        return check_tested("cart", run_tests(None, home.settings, also=["cart"]))

    assert tested() == 1
    home.write(expecting("messages: []").replace("80", "8"))
    with pytest.raises(
        InputError, match=r"cart isn't tested: nobody enters it in any of 1 tests, and none names it"
    ):
        tested()
    home.write(expecting("messages: []", "no_executions: [{workflow: cart}]").replace("80", "8"))
    assert tested() == 1
    home.write(expecting("messages: []"))
    with pytest.raises(OnwardError, match=r"cart stays as it is: 1 of its 1 tests fail\n  one  \(.*:2\)"):
        tested()


DRAFT = {**CART, "is_active": "draft"}


def test_a_draft_lets_nobody_enter_but_in_tests() -> None:
    draft = Workflow.model_validate(DRAFT)
    assert not draft.is_live
    assert [flow.enters for flow in compile_program([draft]).flows] == [False]
    against = Against.of(Definitions((draft,)), places_of(None, Settings()), Settings())
    assert [flow.enters for flow in compile_program(against.workflows).flows] == [True]
    assert against.unnamed == {"cart"}


def test_nobody_enters_a_draft_in_a_run_and_who_is_in_it_waits(tmp_path: Path) -> None:
    home = running_house(tmp_path, CART)
    home.customers("people", person("ann"), person("ben"))
    left = {"type": "behavioral", "name": "left", "properties": {"cart_value": 80}}
    at = datetime(2026, 3, 1, tzinfo=UTC)
    home.events("a", {"event_id": "1", "customer_id": "ann", "ts": at, **left})
    home.tick(at)
    home.define(DRAFT)
    home.events("b", {"event_id": "2", "customer_id": "ben", "ts": at.replace(hour=1), **left})
    home.tick(at.replace(hour=2))
    rows = home.rows("select customer_id, status from executions")
    assert rows == [("ann", "paused")]
    assert home.rows("select count(*) from messages") == [(0,)]


def test_versions_of_workflows_without_drafts_stay() -> None:
    """The hashes of before there were drafts."""
    versions = {
        (): "969f1aeb04343bf3",
        (("is_active", True),): "969f1aeb04343bf3",
        (("is_active", False),): "4514e043546dec76",
    }
    for given, version in versions.items():
        assert version_of(Workflow.model_validate({**CART, **dict(given)})) == version
    assert version_of(Workflow.model_validate(DRAFT)) not in versions.values()


def test_a_misspelt_draft_is_a_fault() -> None:
    from transforms.definitions.faults import DefinitionError

    with pytest.raises(
        DefinitionError, match="given 'Draft'; allowed: true, false, draft; did you mean 'draft'"
    ):
        read_workflow(HEAD + "is_active: Draft\n" + REST, "cart.yaml")

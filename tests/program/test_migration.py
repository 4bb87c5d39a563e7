"""Where executions in flight go in another version of their workflow."""

import polars as pl
import pytest

from tests.semantics.cases import Row, action, send, tag, wait, workflow
from transforms.definitions.workflow import Workflow, version_of
from transforms.program.migration import NO_COUNTERPART, plan_moves, read_maps, steps_of

BEFORE = workflow(send("hello"), wait("1d"), send("bye"))
AFTER = workflow(send("hello"), tag("x"), wait("2d"), send("bye"))
MOVE = ("step", "to_step", "resets", "reason")


def read(declared: Row) -> Workflow:
    return Workflow.model_validate(declared)


def standing(*steps: str) -> pl.DataFrame:
    """Executions of the old version, one at each of these steps."""
    return pl.DataFrame(
        {"number": 1, "version": version_of(read(BEFORE)), "branch": "default", "step": steps}
    )


def sent(*pairs: tuple[str, str]) -> pl.DataFrame:
    """Where executions stand, and under the name of which step they have sent something."""
    rows = [(version_of(read(BEFORE)), "default", *pair) for pair in pairs]
    schema = dict.fromkeys(["version", "branch", "step", "sent"], pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


def moves(at: pl.DataFrame, maps: list[str], sends: pl.DataFrame) -> list[tuple[object, ...]]:
    source, target = steps_of(read(BEFORE)), steps_of(read(AFTER))
    return plan_moves(at, source, target, read_maps(maps, source, target), sends).select(MOVE).rows()


def test_steps_end_with_the_end_of_each_branch() -> None:
    found = steps_of(read(BEFORE), ["gone"])
    assert found.select("branch", "step", "action_type", "label").rows() == [
        ("default", "0", "send_email", "hello"), ("default", "1", "wait", "1d"), ("default", "2", "send_email", "bye"),
        ("default", "end", "end", ""), ("gone", "end", "end", ""),
    ]  # fmt: skip


def test_an_execution_goes_to_the_step_of_its_name_if_that_is_of_its_type() -> None:
    assert moves(standing("0", "1", "end"), [], sent()) == [
        ("0", "0", False, None), ("1", None, True, NO_COUNTERPART), ("end", "end", False, None),
    ]  # fmt: skip


def test_a_map_says_where_to_go_and_another_type_begins_anew() -> None:
    assert moves(standing("1", "2"), ["1=2", "default/2=1"], sent()) == [
        ("1", "2", False, None), ("2", "1", True, None),
    ]  # fmt: skip


def test_what_has_sent_as_a_step_that_is_still_ahead_stays() -> None:
    said = "has sent as step 3 already, which is still ahead"
    found = moves(standing("1", "2"), ["1=2", "2=end"], sent(("1", "3"), ("2", "3")))
    assert found == [("1", "2", False, said), ("2", "end", True, None)]


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (["1"], "'1' is not a map; give OLD=NEW"),
        (["7=2"], "no step '7' in the versions in flight; allowed: default/0"),
        (["1=9"], "no step '9' in the new version"),
        (["1=2", "default/1=3"], "--map gives default/1 two targets; allowed: one"),
    ],
)
def test_a_map_that_is_none_says_what_is_allowed(maps: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        moves(standing("1"), maps, sent())


def test_a_step_without_a_branch_is_one_of_any_branch() -> None:
    branch = {"name": "vip", "conditions": [], "actions": [wait("1d")]}
    both = steps_of(read(workflow(wait("1d"), action("end_workflow"), branches=[branch])))
    assert sorted(read_maps(["0=end"], both, both).rows()) == [
        ("default", "0", "default", "end"), ("vip", "0", "vip", "end"),
    ]  # fmt: skip

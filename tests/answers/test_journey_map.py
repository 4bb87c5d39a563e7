"""The layout of a journey map: by literal places, and for any workflow nothing overlaps and nothing is left out."""

import time
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.journey_map import (
    DOWN,
    ENDS,
    FORK,
    HEIGHT,
    WIDTH,
    Branch,
    JourneyMap,
    Node,
    Step,
    curve,
    journey_map,
)  # fmt: skip
from transforms.program.steps import choices

SPLIT = [Step("0", ("yes", "default"), 10, 10), Step("0.yes.0", (), 6, 5), Step("1", (), 9, 8)]


def places(found: JourneyMap) -> dict[tuple[str | None, str], Node]:
    return {(one.branch, one.name): one for one in found.nodes}


def flows(found: JourneyMap) -> list[tuple[str, str, str | None, int]]:
    return [(one.source, one.target, one.name, one.customers) for one in found.lines]


def test_steps_of_one_branch_stand_below_one_another() -> None:
    found = journey_map([Branch("default", 7, [Step("1", (), 4, 3), Step("0", (), 7, 4)])])
    at = places(found)
    assert at["default", "0"].y == HEIGHT + DOWN
    assert at["default", "1"].y == 2 * (HEIGHT + DOWN)
    completed = at[None, "completed"]
    assert at["default", "0"].x == at["default", "1"].x == at[None, "entry"].x
    assert completed.x + completed.width / 2 == at[None, "entry"].x + WIDTH / 2
    assert flows(found) == [("entry", "0", None, 7), ("0", "1", None, 4), ("1", "completed", None, 3)]


def test_a_decision_without_a_path_goes_past_the_others_and_joins_them() -> None:
    found = journey_map([Branch("default", 10, SPLIT)])
    assert flows(found)[1:] == [
        ("0", "0.yes.0", "yes", 6),
        ("0.yes.0", "1", None, 5),
        ("0", "1", "default", 4),
        ("1", "completed", None, 8),
    ]
    at = places(found)
    assert at["default", "0.yes.0"].y == at["default", "0"].y + HEIGHT + FORK
    assert at["default", "0.yes.0"].x < at["default", "0"].x


def test_whoever_came_by_in_a_version_without_the_paths_goes_past_them() -> None:
    steps = [Step("0", (), 10, 10), Step("0.yes.0", (), 6, 6)]
    assert flows(journey_map([Branch("default", 10, steps)]))[1:] == [
        ("0", "0.yes.0", "yes", 6),
        ("0.yes.0", "completed", None, 6),
        ("0", "completed", "else", 4),
    ]


def test_branches_stand_side_by_side_and_one_may_have_no_steps() -> None:
    found = journey_map([Branch("vip", 3, [Step("0", (), 3, 3)]), Branch("default", 2, [])])
    assert flows(found) == [
        ("entry", "0", "vip", 3),
        ("0", "completed", None, 3),
        ("entry", "completed", "default", 2),
    ]
    assert [one.branch for one in found.lines] == ["vip", "vip", "default"]


def test_a_workflow_without_steps_leads_from_the_entry_to_its_end() -> None:
    assert flows(journey_map([Branch("default", 2, [])])) == [("entry", "completed", None, 2)]
    assert flows(journey_map([])) == [("entry", "completed", None, 0)]


def test_a_path_s_name_may_have_dots() -> None:
    steps = [Step("0", ("v1.2", "b"), 2, 2), Step("0.v1.2.0", (), 1, 1), Step("0.b.0", (), 1, 1)]
    assert [one.name for one in journey_map([Branch("x", 2, steps)]).lines[1:3]] == ["v1.2", "b"]


def test_curves_go_straight_down_or_bend() -> None:
    assert curve([(5, 0), (5, 10), (20, 30)]) == "M5 0V10C5 20 20 20 20 30"


def test_the_decisions_of_a_step_are_read_from_its_label() -> None:
    assert choices("branch_decision", "yes, default") == ("yes", "default")
    assert choices("random_split", "plain 50%, by shelf 50%") == ("plain", "by shelf")
    assert choices("wait_for_event", "action buy or 2d") == ("event", "timeout")
    assert choices("wait_for_event", "action buy") == ("event",)
    assert choices("send_email", "yes, default") == ()


@st.composite
def columns(draw: st.DrawFn, prefix: str = "", depth: int = 3) -> list[Step]:
    """The steps of a branch, or of a path: any shape of nested paths."""
    found: list[Step] = []
    for place in range(draw(st.integers(1 if prefix else 0, 4))):
        name, n = f"{prefix}{place}", draw(st.integers(0, 100))
        paths = draw(st.lists(st.sampled_from(["a", "b", "c.d"]), unique=True, max_size=3)) if depth else []
        found.append(Step(name, tuple([*paths, "default"] if paths else []), n, n))
        for path in paths:
            found += draw(columns(f"{name}.{path}.", depth - 1))
    return found


BRANCHES = st.lists(columns(), min_size=1, max_size=3).map(
    lambda found: [Branch(f"branch {place}", 5, steps) for place, steps in enumerate(found)]
)


@given(BRANCHES)
def test_any_map_keeps_its_rules(branches: list[Branch]) -> None:
    """All are asked of one map: to draw a workflow and lay it out takes longer than to look."""
    found = journey_map(branches)
    every_step_is_drawn_once_and_nothing_overlaps(branches, found)
    lines_lead_down_and_whoever_passes_a_step_is_on_one_of_them(branches, found)
    lines_cross_no_step(found)
    steps_stand_below_those_around_and_before_them(branches, found)


def every_step_is_drawn_once_and_nothing_overlaps(branches: list[Branch], found: JourneyMap) -> None:
    wanted = Counter((one.name, step.name) for one in branches for step in one.steps)
    assert Counter((one.branch, one.name) for one in found.nodes if one.kind == "step") == wanted
    assert [one.name for one in found.nodes if one.kind == "end"] == list(ENDS)
    for place, one in enumerate(found.nodes):
        assert 0 <= one.x <= found.width - one.width
        assert 0 <= one.y <= found.height - one.height
        assert not any(overlap(one, other) for other in found.nodes[place + 1 :])


def overlap(one: Node, other: Node) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def lines_lead_down_and_whoever_passes_a_step_is_on_one_of_them(
    branches: list[Branch], found: JourneyMap
) -> None:
    at = places(found)
    for line in found.lines:
        rows = [y for _, y in line.points]
        assert rows == sorted(rows)
        target = at.get((line.branch, line.target)) or at[None, line.target]
        assert line.points[-1] == (target.x + target.width / 2, target.y)
    reached = {(one.branch, one.target) for one in found.lines}
    left = {(one.branch, one.source) for one in found.lines}
    for branch in branches:
        for step in branch.steps:
            assert (branch.name, step.name) in reached & left


def lines_cross_no_step(found: JourneyMap) -> None:
    for line in found.lines:
        for (x, y), (to_x, to_y) in pairwise(line.points):
            around = Node("line", "", None, min(x, to_x), y, abs(to_x - x), to_y - y)
            assert not any(overlap(around, one) for one in found.nodes)


def steps_stand_below_those_around_and_before_them(branches: list[Branch], found: JourneyMap) -> None:
    at = places(found)
    for branch in branches:
        for step in branch.steps:
            head, _, place = step.name.rpartition(".")
            before = f"{head}.{int(place) - 1}".lstrip(".") if int(place) else head.rpartition(".")[0]
            here = at[branch.name, step.name]
            above = at.get((branch.name, before)) or at[None, "entry"]
            assert here.y >= above.y + above.height


def test_two_hundred_steps_are_laid_out_at_once() -> None:
    nested = [
        Step(f"{one}{inner}", ("a", "b") if not inner else (), 1, 1)
        for one in range(50)
        for inner in ("", ".a.0", ".a.1", ".b.0")
    ]
    begun = time.process_time()
    found = journey_map([Branch("default", 1, nested)])
    assert time.process_time() - begun < 0.25
    assert len(found.nodes) == 200 + 1 + len(ENDS)

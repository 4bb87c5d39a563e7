"""Whatever is left out of the workflows that come with Onward, one of their tests fails."""

from pathlib import Path

import pytest

from tests.scenarios.mutants import declared, spots, undetected, without

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("cart_abandonment", "welcome_series")
DEMO = ("big_basket", "coupon_follow_up", "lapsed_shopper", "welcome")


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_the_sample_workflows_can_be_left_out(name: str) -> None:
    valid, left = undetected(ROOT / "data", name)
    assert valid >= 7
    assert left == []


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMO)
def test_nothing_of_the_demo_workflows_can_be_left_out(name: str) -> None:
    valid, left = undetected(ROOT / "demo", name)
    assert valid >= 7
    assert left == []


def test_every_workflow_has_a_file_of_tests() -> None:
    for house, names in (("data", SAMPLES), ("demo", DEMO)):
        assert {one.stem for one in (ROOT / house / "workflows").iterdir()} == set(names)
        assert {one.stem for one in (ROOT / house / "tests").iterdir()} == set(names)


def test_mutants_reach_into_paths_and_criteria() -> None:
    workflow = declared(ROOT / "demo/workflows/lapsed_shopper.yaml")
    found = list(spots(workflow))
    assert ("actions", 0, "paths", "timeout", 0, "paths", "plain", 0) in found
    assert ("goal", "conditions", 0) in found
    shorter = without(workflow, ("actions", 0, "paths", "timeout", 2))
    assert len(shorter["actions"][0]["paths"]["timeout"]) == 4

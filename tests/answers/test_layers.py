"""A graph in layers: a drawing by hand, and laws of any graph."""

from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.layers import HEIGHT, WIDTH, Arrow, Box, Layers, components, layers

EDGES = st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=16)


def test_causes_stand_above_what_they_cause() -> None:
    assert layers({("a", "b"), ("b", "c"), ("a", "c")}) == Layers(
        boxes=(Box("a", 26.0, 0.0), Box("b", 0.0, 100.0), Box("c", 26.0, 200.0)),
        arrows=(
            Arrow("a", "b", ((121.0, 44.0), (95.0, 100.0))),
            Arrow("a", "c", ((121.0, 44.0), (229.0, 100.0), (229.0, 144.0), (121.0, 200.0))),
            Arrow("b", "c", ((95.0, 144.0), (121.0, 200.0))),
        ),
        width=242.0,
        height=244.0,
    )


def test_to_and_fro_are_two_arrows_beside_each_other() -> None:
    assert layers({("a", "b"), ("b", "a")}).arrows == (
        Arrow("a", "b", ((87.0, 44.0), (87.0, 100.0))),
        Arrow("b", "a", ((103.0, 100.0), (103.0, 44.0))),
    )


def test_nothing_and_what_leads_to_itself() -> None:
    assert layers(()) == layers({("a", "a")}) == Layers((), (), 0.0, 0.0)


@given(EDGES)
def test_each_box_once_apart_from_the_others_and_within_the_drawing(edges: set[tuple[str, str]]) -> None:
    found = layers(edges)
    drawn = {one for one in edges if one[0] != one[1]}
    assert sorted(one.name for one in found.boxes) == sorted({name for edge in drawn for name in edge})
    for one in found.boxes:
        assert 0 <= one.x <= found.width - WIDTH
        assert 0 <= one.y <= found.height - HEIGHT
        near = [other for other in found.boxes if other.y == one.y and abs(other.x - one.x) < WIDTH]
        assert near == [one]


@given(EDGES)
def test_each_arrow_begins_and_ends_at_its_boxes(edges: set[tuple[str, str]]) -> None:
    found = layers(edges)
    boxes = {one.name: one for one in found.boxes}
    assert {(one.source, one.target) for one in found.arrows} == {one for one in edges if one[0] != one[1]}
    for arrow in found.arrows:
        for name, (x, y) in ((arrow.source, arrow.points[0]), (arrow.target, arrow.points[-1])):
            assert boxes[name].x <= x <= boxes[name].x + WIDTH
            assert y in (boxes[name].y, boxes[name].y + HEIGHT)


@given(EDGES)
def test_without_circles_every_arrow_leads_down(edges: set[tuple[str, str]]) -> None:
    order = TopologicalSorter[str]()
    for source, target in edges:
        order.add(target, source)
    try:
        order.prepare()
    except CycleError:
        return
    for arrow in layers(edges).arrows:
        heights = [y for _, y in arrow.points]
        assert heights == sorted(heights)


def test_what_hangs_together() -> None:
    edges = {("a", "b"), ("c", "d"), ("e", "d"), ("f", "g"), ("g", "f")}
    assert components(edges) == [{("c", "d"), ("e", "d")}, {("a", "b")}, {("f", "g"), ("g", "f")}]


@given(EDGES)
def test_no_arrow_leads_from_one_part_to_another(edges: set[tuple[str, str]]) -> None:
    found = components(edges)
    assert sorted(one for part in found for one in part) == sorted(edges)
    names = [{name for edge in part for name in edge} for part in found]
    assert sum(map(len, names)) == len(set().union(*names))

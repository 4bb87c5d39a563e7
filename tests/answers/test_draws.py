"""Where workflows draw by lot, in all versions of them."""

from tests.semantics.cases import Row, action, send, wait, workflow
from transforms.answers.draws import draws_of
from transforms.definitions.workflow import Workflow

SUBJECTS = [{"name": "a", "subject": "A"}, {"name": "b", "subject": "B", "weight": 3}]


def split(**weights: float) -> Row:
    return action("random_split", weights=weights)


def read(*actions: Row, **given: object) -> Workflow:
    return Workflow.model_validate(workflow(*actions, **given))


def draws(*versions: Workflow) -> list[tuple[object, ...]]:
    """Those of versions that are called 1, 2 and so on."""
    found = draws_of({str(number): one for number, one in enumerate(versions, 1)})
    return [(one.kind, one.branch, one.step, one.arms, one.shares) for one in found]


def test_splits_and_variants_wherever_they_stand() -> None:
    inner = action("random_split", weights={"x": 1, "y": 1}, paths={"y": [send(variants=SUBJECTS)]})
    branches = [{"name": "vip", "conditions": [], "actions": [split(big=2, small=6)]}]
    assert draws(read(wait("1d"), inner, send(), branches=branches)) == [
        ("split", "vip", "0", ("big", "small"), {"1": (0.25, 0.75)}),
        ("split", "default", "1", ("x", "y"), {"1": (0.5, 0.5)}),
        ("variants", "default", "1.y.0", ("a", "b"), {"1": (0.25, 0.75)}),
    ]


def test_nothing_is_drawn_where_there_is_one_way_only() -> None:
    assert draws(read(split(only=1), send(variants=SUBJECTS[:1]), send())) == []


def test_versions_with_the_same_arms_are_one_and_others_another() -> None:
    assert draws(read(split(a=1, b=1)), read(split(b=3, a=1)), read(split(a=1, c=1))) == [
        ("split", "default", "0", ("a", "c"), {"3": (0.5, 0.5)}),
        ("split", "default", "0", ("b", "a"), {"2": (0.75, 0.25), "1": (0.5, 0.5)}),
    ]


def test_changed_weights_are_known() -> None:
    changed, kept = (
        draws_of({"1": read(split(a=1, b=1)), "2": read(split(a=weight, b=2))})[0] for weight in (1, 2)
    )
    assert (changed.has_changed, kept.has_changed) == (True, False)

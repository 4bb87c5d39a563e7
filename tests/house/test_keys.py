"""docs/workflow-keys.md: as the models have it, with every key, and examples that are valid and use it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.house.key_sections import ALIKE, KINDS, SECTIONS, WORKFLOW, Kind, Model
from tests.house.keys import DOCS, anchor, examples, models_in, own_keys, whole, written
from transforms.definitions.base import Definition
from transforms.definitions.reading import read_content_rules, read_patterns, read_scenarios, read_workflow
from transforms.definitions.schedules import SCHEDULE_KEYS
from transforms.definitions.triggers import CROSSINGS, OWN_KEYS
from transforms.definitions.walk import triggers_of

CASES = [
    (kind, section.model, key)
    for kind in KINDS
    for section in kind.sections
    for key in own_keys(section.model)
]


def read(kind: Kind, example: str) -> Any:
    """What the reader of its kind of file makes of an example."""
    text = whole(kind, example)
    match kind.name:
        case "workflow":
            return read_workflow(text, "example.yaml")
        case "patterns":
            return read_patterns(text, "patterns.yaml")
        case "content":
            return read_content_rules(text, "rules.yaml")
    return read_scenarios(text, "tests.yaml", {"welcome"})[0]


def models(value: Any) -> Iterator[BaseModel]:
    """Every model in it."""
    if isinstance(value, BaseModel):
        yield value
        value = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from models(one)


def test_the_page_is_as_the_models_have_it() -> None:
    assert DOCS.read_text(encoding="utf-8") == written(), "run: python -m tests.house.keys"


def test_every_model_has_a_section() -> None:
    """Whatever can stand in a file, from its root down, and what that inherits from."""
    reached: set[Model] = set()
    left = [section.model for kind in KINDS for section in kind.sections]
    while left:
        model = left.pop()
        if model not in reached:
            reached.add(model)
            left += [one for field in model.model_fields.values() for one in models_in(field.annotation)]
            left += [one for one in model.__mro__[1:] if issubclass(one, Definition)]
    silent = {one for one in reached if not own_keys(one)}
    assert reached - silent - ALIKE.keys() == SECTIONS.keys()


def test_alike_are_alike() -> None:
    for one, other in ALIKE.items():
        assert [key.told for key in own_keys(one).values()] == [key.told for key in own_keys(other).values()]


@pytest.mark.parametrize(
    ("kind", "model", "key"), CASES, ids=[f"{one.__name__}-{key}" for _, one, key in CASES]
)
def test_a_key_has_a_sentence_and_a_valid_example_that_uses_it(kind: Kind, model: Model, key: str) -> None:
    one = own_keys(model)[key]
    assert one.told.endswith(".")
    found = read(kind, examples(kind.name)[model.__name__][key])
    field = next(name for name, keys in model.spellings().items() if keys == one.spellings)
    if (kind.name, key) != ("content", "rules"):
        assert any(isinstance(each, model) and field in each.model_fields_set for each in models(found))


def test_there_is_no_example_of_what_is_no_key() -> None:
    for kind in KINDS:
        wanted = {one.model.__name__: set(own_keys(one.model)) for one in kind.sections}
        assert {name: set(keys) for name, keys in examples(kind.name).items()} == wanted


def test_the_keys_of_a_config_are_those_that_mean_something() -> None:
    known = {*OWN_KEYS.values(), *CROSSINGS, *(key for keys in SCHEDULE_KEYS.values() for key in keys)}
    assert examples("config").keys() - {"PROPERTY", "minimum_PROPERTY", "maximum_PROPERTY"} == known


@pytest.mark.parametrize("key", examples("config"))
def test_an_example_of_a_config_is_valid_and_uses_the_key(key: str) -> None:
    example: Any = examples("config")[key]
    config = {name for _, _, one in triggers_of(read(WORKFLOW, example["example"])) for name in one.config}
    start = key.removesuffix("PROPERTY")
    assert any(name == key or (start != key and name.startswith(start)) for name in config)


def test_titles_are_places_of_their_own() -> None:
    titles = [anchor(one.title) for kind in KINDS for one in kind.sections]
    assert len(titles) == len(set(titles))

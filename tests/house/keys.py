"""Every key of workflow files and the files beside them, with an example each: the models say what, files say how.

`python -m tests.house.keys` writes `docs/workflow-keys.md`. The examples are in `tests/house/key_examples/`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from inspect import get_annotations
from typing import Any, get_args

from pydantic import BaseModel

from tests.house.key_sections import ALIKE, KINDS, SECTIONS, Kind, Model
from tests.house.rooms import ROOT
from transforms.definitions.base import Definition
from transforms.definitions.triggers import Goal, Trigger
from transforms.definitions.yaml_text import read_yaml
from transforms.timing.durations import spoken

DOCS, EXAMPLES = ROOT / "docs" / "workflow-keys.md", ROOT / "tests" / "house" / "key_examples"
DURATION = "a duration, like `2d`"


@dataclass(frozen=True)
class Key:
    """A key as it is told: preferred spelling first."""

    spellings: tuple[str, ...]
    allowed: str
    default: str
    told: str


@cache
def own_keys(model: Model) -> dict[str, Key]:
    """The keys that a model declares itself, by the spelling that people should use."""
    properties = model.model_json_schema()
    if "$ref" in properties:
        properties = properties["$defs"][properties["$ref"].rpartition("/")[2]]
    found = {}
    for name in get_annotations(model):
        if name not in model.model_fields:
            continue
        spellings = model.spellings()[name]
        field = model.model_fields[name]
        allowed = words(properties["properties"][spellings[0]])
        default = "needed" if field.is_required() else f"default: {default_told(field.get_default())}"
        found[spellings[0]] = Key(spellings, allowed, default, field.description or "")
    return found


def default_told(value: Any) -> str:
    """A default as one would write it."""
    match value:
        case None | () | "":
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{spoken(value)}`" if value else "`0`"
        case tuple():
            return f"`[{', '.join(value)}]`"
        case BaseModel():
            given = ", ".join(f"{name}: {one}" for name, one in value if one is not None)
            return f"`{{{given}}}`"
        case {}:
            return "none"
        case float() | int():
            return f"`{value:g}`"
    return f"`{value}`" if value else "none"


def words(schema: Mapping[str, Any]) -> str:
    """What may stand there, by its JSON Schema."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if options := schema.get("anyOf", schema.get("oneOf")):
        if any("smhdw" in one.get("pattern", "") for one in options):
            return DURATION
        if len(options) > 6:
            return _link("ActionBase")
        told = dict.fromkeys(words(one) for one in options if one.get("type") != "null")
        return " or ".join(told)
    if "enum" in schema or "const" in schema:
        values = [f"`{one}`" for one in schema.get("enum", [schema.get("const")])]
        return " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
    return _PLAIN.get(str(schema.get("type")), _any)(schema)


def _link(name: str) -> str:
    model = next((one for one in [*SECTIONS, *ALIKE] if one.__name__ == name), None)
    if model is None:
        return "any value" if name == "JsonValue" else "`{}`"
    title = SECTIONS[ALIKE.get(model, model)].title
    return f"[{title}](#{anchor(title)})"


def anchor(title: str) -> str:
    """The place that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _any(schema: Mapping[str, Any]) -> str:
    return "any value" if not isinstance(schema.get("type"), list) else "an instant, like `2026-03-01T09:00`"


def _list(schema: Mapping[str, Any]) -> str:
    each = words(schema["items"])
    return "a list of texts" if each == "text" else f"a list, each {each}"


def _mapping(schema: Mapping[str, Any]) -> str:
    more = schema.get("additionalProperties")
    return f"a mapping, name → {words(more)}" if isinstance(more, dict) and more else "a mapping"


def _number(schema: Mapping[str, Any]) -> str:
    noun = "a whole number" if schema["type"] == "integer" else "a number"
    if "minimum" in schema and "maximum" in schema:
        return f"{noun} from {schema['minimum']:g} to {schema['maximum']:g}"
    bounds = {"minimum": "of at least", "exclusiveMinimum": "greater than"}
    return next((f"{noun} {told} {schema[key]:g}" for key, told in bounds.items() if key in schema), noun)


_PLAIN = {
    "string": lambda _: "text",
    "boolean": lambda _: "`true` or `false`",
    "array": _list,
    "object": _mapping,
    "number": _number,
    "integer": _number,
}


def places(model: Model) -> Iterator[str]:
    """Where such a mapping may stand: the keys of what."""
    for owner in SECTIONS:
        spelt = {field: keys[0] for field, keys in owner.spellings().items()}
        found = [
            f"`{spelt[name]}`"
            for name, field in owner.model_fields.items()
            if spelt[name] in own_keys(owner)
            and any(issubclass(one, model) for one in models_in(field.annotation))
        ]
        if found:
            yield f"{', '.join(found)} of {_link(owner.__name__)}"


def models_in(annotation: Any) -> Iterator[Model]:
    """The models of mappings that a type consists of."""
    if isinstance(annotation, type) and issubclass(annotation, Definition):
        yield ALIKE.get(annotation, annotation)
    for one in get_args(annotation):
        yield from models_in(one)


def examples(kind: str) -> dict[str, dict[str, str]]:
    """Name of a model → key → lines of a file."""
    found: Any = read_yaml((EXAMPLES / f"{kind}.yaml").read_text(encoding="utf-8")).value
    return found


def whole(kind: Kind, example: str) -> str:
    """The file that an example is a part of."""
    given = re.findall(r"^\w+", example, re.MULTILINE)
    return "\n".join([*(line for key, line in kind.base.items() if key not in given), example])


def written() -> str:
    """The page."""
    return "\n".join([*_HEAD, *(line for kind in KINDS for line in _kind(kind))]) + "\n"


_HEAD = (
    "# Every key, one example each",
    "",
    "`python -m tests.house.keys` writes this page from the models that read the files, and a test reads each example "
    "by them. What the keys mean to the instant: [decision-language.md](decision-language.md), "
    "[semantics.md](semantics.md); whole files: [recipes.md](recipes.md). Editors know the keys, too, by "
    "the first line of a file: `# yaml-language-server: $schema=…`.",
    "",
    "A duration is a number of seconds, or a number and a unit: `90s`, `30m`, `12h`, `2d`, `1w`. An instant is UTC, "
    "unless it says a zone.",
    "",
)


def _kind(kind: Kind) -> Iterator[str]:
    shown = examples(kind.name)
    yield from (f"## {kind.title}", "", kind.told, "")
    yield from (", ".join(f"[{one.title}](#{anchor(one.title)})" for one in kind.sections), "")
    for section in kind.sections:
        stands = list(places(section.model))
        yield from (f"### {section.title}", "")
        if stands:
            yield from (f"Stands in {'; '.join(stands)}.", "")
        if section.model is Goal:
            yield from ("Beside the keys of [a trigger](#a-trigger):", "")
        for name, key in own_keys(section.model).items():
            also = "".join(f" (or `{one}`)" for one in key.spellings[1:])
            facts = f"{key.allowed}; {key.default}"
            yield from _shown(name, key.told, facts, also, shown[section.model.__name__][name])
        if section.model is Trigger:
            yield from _config()


def _shown(name: str, told: str, allowed: str, also: str, example: str) -> Sequence[str]:
    facts = f" *{allowed[0].upper()}{allowed[1:]}.*" if allowed else ""
    return (f"#### `{name}`{also}", "", f"{told}{facts}", "", "```yaml", example.rstrip("\n"), "```", "")


def _config() -> Iterator[str]:
    yield from ("### keys of a trigger's config", "")
    yield from (
        "All that are given must fit. So in `event` of [what is waited for](#what-is-waited-for).",
        "",
    )
    for name, one in examples("config").items():
        yield from _shown(name, one["told"], "", "", one["example"])


if __name__ == "__main__":
    DOCS.write_text(written(), encoding="utf-8")

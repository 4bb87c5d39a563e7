"""What is said of settings that aren't valid, and of environment variables that are none of them.

A value is shown only where it can't be a secret.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from transforms.definitions.base import KEY_FAULT, advice, nearest
from transforms.definitions.templated import VALUE_FAULT

PREFIX = "ONWARD_"
_OTHERS = ("ONWARD_DEBUG",)
"""Variables that are no settings, and mean something all the same."""
_NAMED = "env:"
"""How a secret begins that names the variable in which it is."""


def fault_told(fault: ErrorDetails, settings: type[BaseModel]) -> str:
    """A fault that pydantic found in settings: where, what is allowed, and the nearest of it."""
    loc = fault["loc"]
    # The type of a sender stands between its name and its settings.
    shown = (*loc[:2], *loc[3:]) if loc[0:1] == ("senders",) else loc
    place = ".".join(map(str, shown)) or "settings"
    if fault["type"] == "missing":
        return f"{place}: missing key {loc[-1]!r}"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key {loc[-1]!r}; {advice(loc[-1], _settings_at(loc[:-1], settings))}"
    if fault["type"] in ("value_error", VALUE_FAULT, KEY_FAULT):
        # Worded for people already, with what was given.
        return f"{place}: {fault['msg'].removeprefix('Value error, ')}"
    if fault["type"] == "union_tag_invalid":
        return f"{place}: no sender is of type {_tag(fault)!r}; {advice(_tag(fault), _tags(fault))}"
    if fault["type"] == "literal_error" and not _may_be_secret(fault):
        allowed = _tags(fault)
        return f"{place}: given {fault['input']!r}; {advice(fault['input'], allowed)}"
    return f"{place}: {fault['msg']}" + ("" if _may_be_secret(fault) else f" (given: {fault['input']!r})")


def unknown_variables(settings: BaseModel, environment: Collection[str]) -> list[tuple[str, str | None]]:
    """The variables that begin like settings and are none, each with the setting's that is meant, if one is near.

    Args:
        settings: as they were read; variables that their secrets name are known.
        environment: the names of all variables.
    """
    names = [field.upper() for field in type(settings).model_fields]
    known = {*_OTHERS, *_named_in(settings)}
    found = {
        one: one.upper().removeprefix(PREFIX).partition("__")[0]
        for one in sorted(environment)
        if one.upper().startswith(PREFIX) and one not in known
    }
    return [(one, nearest(name, names)) for one, name in found.items() if name not in names]


def variable_told(name: str, meant: str | None) -> str:
    """The sentence for an unknown variable."""
    hint = f"; did you mean {PREFIX}{meant}?" if meant else ""
    return f"{name} in the environment is no setting, and does nothing{hint}"


def _named_in(value: Any) -> Iterator[str]:
    """The variables that secrets name, however deep they stand."""
    match value:
        case SecretStr():
            given = value.get_secret_value()
            if given.startswith(_NAMED):
                yield given.removeprefix(_NAMED)
        case BaseModel():
            for one in vars(value).values():
                yield from _named_in(one)
        case Mapping():
            for one in value.values():
                yield from _named_in(one)
        case list() | tuple():
            for one in value:
                yield from _named_in(one)


def _tags(fault: ErrorDetails) -> list[str]:
    """What pydantic says is allowed: names in quotes, with commas or `or` between."""
    said = fault.get("ctx", {})
    text = str(said.get("expected_tags") or said.get("expected") or "")
    return [part.strip().strip("'") for part in text.replace(" or ", ", ").split(", ")]


def _tag(fault: ErrorDetails) -> str:
    return str(fault.get("ctx", {}).get("tag"))


def _settings_at(loc: tuple[int | str, ...], settings: type[BaseModel]) -> list[str]:
    """The names of the settings that there are at a place."""
    models: list[type[BaseModel]] = [settings]
    for part in loc:
        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        if fields:
            models = [model for one in fields for model in _models_in(one.annotation)]
        else:  # a sender's name, or its type
            models = [one for one in models if _is_of_type(one, part)] or models
    return sorted({name for one in models for name in one.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models_in(one)


def _is_of_type(model: type[BaseModel], name: str | int) -> bool:
    return "type" in model.model_fields and name in get_args(model.model_fields["type"].annotation)


def _may_be_secret(fault: ErrorDetails) -> bool:
    """Whether what was given may be, or hold, a secret: also one in a wrong place, such as `sender` for `senders`."""
    in_place = {"senders", "links"} & set(fault["loc"])
    return bool(in_place) or fault["type"] == "extra_forbidden" or isinstance(fault["input"], dict | list)

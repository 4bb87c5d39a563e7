"""What every part of a definition file shares: closed sets of keys, spellings, and all faults at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PlainSerializer,
    Strict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError

from transforms.definitions.templated import NO_TEMPLATE, VALUE_FAULT
from transforms.timing.durations import parse_duration

KEY_FAULT = "key_fault"
"""The type of errors about a key whose message is already written for people."""

CONDITION, GROUP = "{condition}", "{group}"
"""What pydantic's locations call the two kinds of things in a list of conditions; no keys of files."""


def nearest(given: object, allowed: list[str]) -> str | None:
    """The allowed name closest to `given`, if one is close."""
    close = get_close_matches(given, allowed, n=1) if isinstance(given, str) else []
    return close[0] if close else None


def advice(given: object, allowed: list[str]) -> str:
    """`allowed: …; did you mean 'x'?`, the end of a message about a name."""
    close = nearest(given, allowed)
    return f"allowed: {', '.join(allowed) or 'none'}" + (f"; did you mean {close!r}?" if close else "")


def refusal(message: str) -> PydanticCustomError:
    """An error to raise in a validator, worded for people (pydantic's own wording is replaced later)."""
    return PydanticCustomError(VALUE_FAULT, "{message}", {"message": message})


def fault(path: tuple[str | int, ...], message: str) -> InitErrorDetails:
    """A fault of the value at `path` inside the mapping under validation."""
    return InitErrorDetails(type=refusal(message), loc=path, input=None)


def key_fault(path: tuple[str | int, ...], message: str) -> InitErrorDetails:
    """A fault of the key at the end of `path`."""
    kind = PydanticCustomError(KEY_FAULT, "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=path, input=None)


def as_list(given: object) -> Sequence[Any]:
    """What stands where a list should stand, if it is one; else an empty list."""
    return given if isinstance(given, list | tuple) else ()


def seconds(duration: timedelta) -> int | float:
    """The canonical spelling of a duration."""
    total = duration.total_seconds()
    return int(total) if total % 1 == 0 else total


Name = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    NO_TEMPLATE,
    PlainSerializer(seconds, return_type=int | float),
    WithJsonSchema(
        {
            "description": "Seconds, or a number and a unit: 90s, 30m, 12h, 2d, 1w.",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhdw]\s*$"},
            ],
        }
    ),
]


class _Checked(dict[str, Any]):
    """A mapping whose keys were checked: pydantic calls the validator of a recursive model twice."""


class Definition(BaseModel):
    """A mapping in a definition file. Unknown keys are faults; one pass reports every fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, ser_json_timedelta="float")

    @classmethod
    def normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The mapping with accepted layouts brought to the one the model has."""
        return given

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterable[InitErrorDetails]:  # noqa: ARG003
        """Faults across several keys; `given` may hold anything under any key."""
        return ()

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterable[InitErrorDetails]:  # noqa: ARG003
        """Faults of names that other files must define; `known` is the context of the validation."""
        return ()

    @classmethod
    def spellings(cls) -> dict[str, tuple[str, ...]]:
        """Field name → the keys it is read from, the preferred one first."""
        return {name: _spellings(name, field) for name, field in cls.model_fields.items()}

    @classmethod
    def _keys(cls) -> list[str]:
        return sorted(key for spellings in cls.spellings().values() for key in spellings)

    @model_validator(mode="wrap")
    @classmethod
    def _report_everything(
        cls, given: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if not isinstance(given, dict) or isinstance(given, _Checked):
            return handler(given)
        normal = cls.normalized(given)
        names = cls.unknown_names(normal, info.context or {})
        faults = [*cls._key_faults(normal), *cls.faults_in(normal), *names]
        if not faults:
            return handler(_Checked(normal))
        try:
            handler(_Checked(cls._first_spellings(normal)))
        except ValidationError as error:
            lines = error.errors(include_url=False)
            faults += [_again(line) for line in lines if line["type"] != "missing" or len(line["loc"]) > 1]
        raise ValidationError.from_exception_data(cls.__name__, faults)

    @classmethod
    def _key_faults(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        allowed = cls._keys()
        unknown = [key for key in given if key not in allowed]
        for key in unknown:
            yield key_fault((key,), f"unknown key {key!r}; {advice(key, allowed)}")
        misspelt = {nearest(key, allowed) for key in unknown}
        for name, keys in cls.spellings().items():
            found = [key for key in keys if key in given]
            for key in found[1:]:
                yield key_fault((key,), f"given both {found[0]!r} and {key!r}; allowed: one of them")
            if not found and cls.model_fields[name].is_required() and misspelt.isdisjoint(keys):
                also = "".join(f" (or {key!r})" for key in keys[1:])
                yield key_fault((keys[0],), f"missing key {keys[0]!r}{also}")

    @classmethod
    def _first_spellings(cls, given: dict[str, Any]) -> dict[str, Any]:
        found = (next((key for key in keys if key in given), None) for keys in cls.spellings().values())
        return {key: given[key] for key in found if key is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of the mapping, with every accepted spelling of a key."""
        schema = handler.resolve_ref_schema(handler(core))
        for field, keys in cls.spellings().items():
            if len(keys) > 1:
                _accept_spellings(schema, keys, required=cls.model_fields[field].is_required())
        return schema


def _spellings(name: str, field: FieldInfo) -> tuple[str, ...]:
    alias = field.validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (name,)


def _again(line: ErrorDetails) -> InitErrorDetails:
    if line["type"] == KEY_FAULT:
        return key_fault(line["loc"], line["msg"])
    if line["type"] == VALUE_FAULT:
        return fault(line["loc"], line["msg"])
    return InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))


def _accept_spellings(schema: dict[str, Any], keys: tuple[str, ...], required: bool) -> None:
    properties = schema["properties"]
    properties |= dict.fromkeys(keys, properties[keys[0]])
    one_each: list[dict[str, Any]] = [{"required": [key]} for key in keys]
    if required:
        schema["required"].remove(keys[0])
        rule: dict[str, Any] = {"oneOf": one_each}
    else:
        rule = {"oneOf": [*one_each, {"not": {"anyOf": one_each}}]}
    schema.setdefault("allOf", []).append(rule)

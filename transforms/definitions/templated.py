"""`{{ … }}` where a plain value stands: nothing would ever fill it in, so it is a fault that says so."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, JsonValue, ValidationInfo
from pydantic_core import PydanticCustomError

VALUE_FAULT = "value_fault"
"""The type of errors about a value whose message is already written for people."""

STORED: Mapping[str, Any] = {"stored": True}
"""The context in which a definition is read that once was valid: rules that came later don't count."""

_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SAYS = (
    "given {shown}, a template, which nothing fills in here; allowed: a plain value, or in a goal, exit, wait or "
    "update_attribute {{from: event.order_id}}, that property of the event that started the execution"
)


def is_templated(value: object) -> bool:
    """Whether a text of the value, however deep, holds `{{ … }}`."""
    if isinstance(value, dict):
        return any(map(is_templated, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_templated, value))
    return isinstance(value, str) and _TEMPLATE.search(value) is not None


def template_refusal(value: object) -> PydanticCustomError:
    """The error about a value that is a template."""
    text = repr(value)
    message = _SAYS.format(shown=text if len(text) <= 60 else f"{text[:59]}…")
    return PydanticCustomError(VALUE_FAULT, "{message}", {"message": message})


def is_stored(info: ValidationInfo) -> bool:
    """Whether the definition is one of the store, not of a file."""
    return bool((info.context or {}).get("stored"))


def _refuse(value: Any, info: ValidationInfo) -> Any:
    if is_templated(value) and not is_stored(info):
        raise template_refusal(value)
    return value


Plain = Annotated[JsonValue, AfterValidator(_refuse)]
"""Any value without templates in it."""

NO_TEMPLATE = BeforeValidator(_refuse)
"""Refuses templates before anything else is said of the value."""

"""Secrets of the settings: where they lie, and texts without them.

A setting is the secret itself, as a rule from the environment (`ONWARD_SENDERS__SHOP__API_KEY=…`), or names where it
is: `env:NAME`, a variable of that name, or `prefect:NAME`, a Secret block of the Prefect server of the run.
"""

import json
import os
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from flows.errors import InputError

BLANKED = "•••"
_TOO_SHORT = 4  # whoever has a shorter secret has none, and to blank it would blank half of every text
_READ, _SHOWN = 5000, 300  # characters
_Given = TypeVar("_Given", bound=BaseModel)


def resolved(settings: _Given, setting: str) -> _Given:
    """Settings in which every secret is the secret itself, looked up where its setting says that it lies.

    Args:
        settings: a model of `flows/sending.py`, with secrets however deep.
        setting: what people call it, such as `senders.shop`; errors name what is in it by this.

    Raises:
        InputError: a variable or a block isn't there, is empty, or isn't what its setting takes; says which setting.
    """
    found = {name: _resolved(value, f"{setting}.{name}") for name, value in vars(settings).items()}
    try:
        return type(settings).model_validate(found)
    except ValidationError as error:
        faults = "; ".join(
            one["msg"].removeprefix("Value error, ") for one in error.errors(include_input=False)
        )
        raise InputError(f"{setting}: {faults}") from None  # what is found in it is secret


def redacted(text: str, secrets: Iterable[str]) -> str:
    """A text in which every one of some secrets is blanked; the longest first, since one may be part of another."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _TOO_SHORT:
            text = text.replace(secret, BLANKED)
    return text


def shown(words: str, secrets: Iterable[str]) -> str:
    """What somebody else said, as it may be shown: one line, not long, without secrets."""
    plain = (one if one.isprintable() else " " for one in redacted(words, secrets)[:_READ])
    return " ".join("".join(plain).split())[:_SHOWN]


def _resolved(value: Any, setting: str) -> Any:
    if isinstance(value, SecretStr):
        return SecretStr(_looked_up(value.get_secret_value(), setting))
    if isinstance(value, BaseModel):
        return resolved(value, setting)
    if isinstance(value, dict):
        return {name: _resolved(one, f"{setting}.{name}") for name, one in value.items()}
    return value


def _looked_up(given: str, setting: str) -> str:
    where, _, name = given.partition(":")
    found = given
    if where == "env":
        found = _of_environment(name, setting)
    elif where == "prefect":
        found = _of_prefect(name, setting)
    if not found.strip():
        raise InputError(
            f"{setting}: the secret is empty; set it, or name where it is: `env:NAME` or `prefect:NAME`"
        )
    return found


def _of_environment(name: str, setting: str) -> str:
    if name not in os.environ:
        raise InputError(
            f"{setting}: names the environment variable {name!r}, which isn't set; set it for whoever runs Onward"
        )
    return os.environ[name]


def _of_prefect(name: str, setting: str) -> str:
    # Half a second, and most settings name no block.
    from prefect.blocks.system import Secret

    try:
        block = Secret.load(name)
    except ValueError as error:
        raise InputError(
            f"{setting}: names the Prefect block {name!r}, which isn't there; make a Secret block of that name in the "
            "Prefect server that PREFECT_API_URL names, or write `env:NAME`"
        ) from error
    except Exception as error:
        raise InputError(
            f"{setting}: names the Prefect block {name!r}, which can't be read ({type(error).__name__}); look whether "
            "the Prefect server that PREFECT_API_URL names is there, or write `env:NAME`"
        ) from error
    assert isinstance(block, Secret)
    value = block.value.get_secret_value()
    return value if isinstance(value, str) else json.dumps(value)

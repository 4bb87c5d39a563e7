"""What decisions rest on besides the facts: definitions and settings, of now or of an archived tick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from flows.definitions.folder import Definitions
from flows.settings import Settings
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.triggers import Goal
from transforms.definitions.workflow import Workflow

CapRow = tuple[int, timedelta, str | None, str | None]
"""messages, window, channel, message_class"""


@dataclass(frozen=True)
class Rules:
    """What a tick decides by.

    Attributes:
        workflows: the current ones, active or not.
        patterns: by name.
        caps: see `CapRow`.
        send_times: of all workflows that don't declare their own.
        timezone: the default of customers without one.
        unreadable: the ids of workflows whose files had faults: their executions stay running or paused.
        counted: goals by which hits of workflows are counted instead of their versions' own, by workflow.
    """

    workflows: Sequence[Workflow]
    patterns: Mapping[str, Pattern]
    caps: Sequence[CapRow]
    max_lateness: timedelta
    send_times: Sequence[QuietHours | SendWindow] = ()
    timezone: str = "UTC"
    unreadable: Sequence[str] = field(default=())
    counted: Mapping[str, Goal] = field(default_factory=dict)


def rules_of(settings: Settings, definitions: Definitions) -> Rules:
    """The rules of now."""
    return Rules(
        definitions.workflows,
        definitions.patterns,
        [(one.messages, one.window, one.channel, one.message_class) for one in settings.frequency_caps],
        settings.max_lateness,
        settings.send_times,
        settings.timezone,
        definitions.unreadable,
    )


def written_patterns(patterns: Mapping[str, Pattern]) -> dict[str, Any]:
    """Patterns as JSON values, defaults left out."""
    written: dict[str, Any] = _patterns().dump_python(
        dict(sorted(patterns.items())), mode="json", exclude_defaults=True
    )
    return written


def read_patterns(written: Mapping[str, Any]) -> dict[str, Pattern]:
    """What `written_patterns` wrote."""
    return _patterns().validate_python(dict(written))


def written_send_times(send_times: Sequence[QuietHours | SendWindow]) -> dict[str, Any]:
    """Send times as JSON values, by what they are."""
    return {
        "quiet_hours" if isinstance(one, QuietHours) else "send_window": one.model_dump(
            mode="json", exclude_defaults=True
        )
        for one in send_times
    }


def read_send_times(written: Mapping[str, Any]) -> list[QuietHours | SendWindow]:
    """What `written_send_times` wrote."""
    models: dict[str, type[QuietHours] | type[SendWindow]] = {
        "quiet_hours": QuietHours,
        "send_window": SendWindow,
    }
    return [models[name].model_validate(one) for name, one in written.items()]


@cache
def _patterns() -> TypeAdapter[dict[str, Pattern]]:
    return TypeAdapter(dict[str, Pattern])

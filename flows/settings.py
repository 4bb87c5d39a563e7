"""One typed settings object, from `onward.toml` and `ONWARD_…` environment variables.

The environment wins over the file (`ONWARD_DATA_DIR=/srv/onward onward run`); paths in the file are relative
to the file. Durations are written as in workflow files: seconds, or `<number><s|m|h|d|w>`.
"""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from flows.errors import InputError
from flows.sending import Links, Mailbox, Route, Senders, Throttle
from flows.setting_faults import fault_told
from transforms.definitions.base import advice
from transforms.definitions.clocks import parse_zone
from transforms.definitions.schedules import parse_cron
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.timing.durations import parse_duration

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


Zone = Annotated[str, AfterValidator(parse_zone)]

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_TOO_MUCH = 2**60
_MEMORY = re.compile(rf"([0-9]+(?:\.[0-9]+)?) ?({'|'.join(_UNITS)})")


def memory_bytes(given: str) -> int:
    """An amount of memory, such as `4GB` or `512 MiB`, in bytes.

    Raises:
        ValueError: of another form, less than one byte, or more than any machine has.
    """
    found = _MEMORY.fullmatch(given.strip())
    amount = int(min(float(found[1]) * _UNITS[found[2]], _TOO_MUCH)) if found else 0
    if not 0 < amount < _TOO_MUCH:
        raise ValueError(f"{given!r} is no amount of memory: give a number and a unit, like 4GB or 512MiB")
    return amount


def _is_memory(given: str) -> str:
    memory_bytes(given)
    return given


def _is_encoding(given: str) -> str:
    try:
        "".encode(given)
    except LookupError as error:
        raise ValueError(
            f"{given!r} is no encoding; known are latin-1, cp1252, utf-16, shift-jis and so on"
        ) from error
    return given


_CHANNELS = ("email",)
_FILES = "eml"
"""The sender that there is without settings."""
MOST_OF_A_CAP = 10_000
"""The newest so many messages of each customer are kept in memory."""


class FrequencyCap(BaseModel):
    """At most `messages` accepted messages in any window of length `window` (semantics.md §11).

    With a `channel` or a `message_class` it counts, and holds back, only messages of those.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: int = Field(ge=0, le=MOST_OF_A_CAP)
    window: Duration
    channel: Annotated[str, Field(min_length=1)] | None = None
    message_class: Annotated[str, Field(min_length=1)] | None = None


class Limits(BaseModel):
    """What one input file may hold before it is refused as a whole (or, for a line, quarantined)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decompressed_bytes: int = Field(default=8 * 1024**3, gt=0)
    line_bytes: int = Field(default=1024**2, gt=0)
    columns: int = Field(default=1000, gt=0)


class WeeklyReport(BaseModel):
    """Who gets the report by mail once a week, and when, in the settings' `timezone`; without recipients nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: list[Mailbox] = []
    cron: Annotated[str, BeforeValidator(parse_cron)] = "0 7 * * 1"


class Settings(BaseSettings):
    """Where things lie and how the engine is bounded; every field has a sensible default."""

    model_config = SettingsConfigDict(
        env_prefix="ONWARD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        toml_file="onward.toml",
        hide_input_in_errors=True,  # it may be a secret
    )

    data_dir: Path = Path("data")
    workflows_dir: Path | None = None
    patterns_file: Path | None = None
    templates_dir: Path | None = None
    content_dir: Path | None = None
    tests_dir: Path | None = None

    frequency_caps: list[FrequencyCap] = []
    max_lateness: Duration = timedelta(days=7)
    max_future: Duration = timedelta(days=1)
    max_send_delay: Duration = timedelta(hours=24)
    timezone: Zone = "UTC"
    quiet_hours: QuietHours | None = None
    send_window: SendWindow | None = None

    shapes: dict[str, str] = Field(
        default={}, description="File name pattern → canonical, seed or segment, where recognition is wrong."
    )
    encodings: dict[str, Annotated[str, AfterValidator(_is_encoding)]] = Field(
        default={}, description="File name pattern → encoding of text files that aren't UTF-8."
    )
    types: dict[str, Literal["text", "number", "boolean", "json"]] = Field(
        default={}, description="Column of CSV files → its type, whatever its cells spell."
    )
    limits: Limits = Limits()

    memory: Annotated[str, AfterValidator(_is_memory)] = "4GB"
    backup_every: Duration = Field(
        default=timedelta(hours=1), description="Without effect since version 0.2."
    )
    publish_every: Duration = Field(default=timedelta(), description="Without effect since version 0.2.")
    processes: int | None = Field(default=None, ge=1, description="None: as many as there are processors.")

    environment: Literal["production", "staging"] = Field(
        default="production", description="staging: whatever is sent goes to a trap, and no webhook leaves."
    )
    staging_to: Mailbox | None = Field(
        default=None,
        description="In staging, the one address that all mail goes to; None: files in the outbox.",
    )
    sender: str = Field(default="eml", description="The name of a sender: one of `senders`, or eml.")
    senders: Senders = {}
    routes: list[Route] = []
    from_address: Mailbox = "Onward <onward@example.com>"
    reply_to: Mailbox | None = None
    batch_size: int = Field(default=500, gt=0)
    throttle: Throttle = Throttle()
    links: Links = Links()
    weekly_report: WeeklyReport = WeeklyReport()

    revenue: list[str] = Field(
        default=["Order Completed"], description="Names of events that earn their `value`."
    )
    refunds: list[str] = Field(default=["Order Refunded"], description="Names of events that give it back.")
    costs: dict[str, Annotated[Decimal, Field(ge=0, lt=1_000_000, decimal_places=6)]] = Field(
        default={}, description="Sender or channel → what a message costs; the sender's comes first."
    )

    @field_validator("costs")
    @classmethod
    def _are_of_senders(cls, costs: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        """What costs must be a channel, or a sender; if the senders have faults, these are told first."""
        if "senders" in info.data:
            allowed = sorted({*_CHANNELS, _FILES, *info.data["senders"]})
            for name in costs:
                if name not in allowed:
                    raise ValueError(f"{name!r} is neither a sender nor a channel; {advice(name, allowed)}")
        return costs

    @property
    def send_times(self) -> list[QuietHours | SendWindow]:
        """When messages may go: what bounds workflows that don't say it themselves; quiet hours first."""
        return [one for one in (self.quiet_hours, self.send_window) if one]

    @property
    def memory_bytes(self) -> int:
        """What a run may use, in bytes."""
        return memory_bytes(self.memory)

    @property
    def workflows(self) -> Path:
        """The folder of workflow files."""
        return self.workflows_dir or self.data_dir / "workflows"

    @property
    def patterns(self) -> Path:
        """The file of pattern definitions."""
        return self.patterns_file or self.data_dir / "patterns.yaml"

    @property
    def templates(self) -> Path:
        """The folder of message templates (`<template_id>.txt.j2`, `.html.j2`)."""
        return self.templates_dir or self.data_dir / "templates"

    @property
    def content(self) -> Path:
        """The folder of personalization rules."""
        return self.content_dir or self.data_dir / "content"

    @property
    def tests(self) -> Path:
        """The folder of the workflows' tests."""
        return self.tests_dir or self.data_dir / "tests"

    @property
    def inbox(self) -> Path:
        """Where new files are picked up: `inbox/events/` and `inbox/customers/`."""
        return self.data_dir / "inbox"

    @property
    def state(self) -> Path:
        """The engine's own folder: state file, ledger, archive, send ledger, lock."""
        return self.data_dir / "state"

    @property
    def published(self) -> Path:
        """What analysts open: a file of views, made anew after every tick."""
        return self.data_dir / "published"

    @property
    def outbox(self) -> Path:
        """Where the built-in sender writes messages and webhook requests."""
        return self.data_dir / "outbox"

    @property
    def trap(self) -> Path:
        """Where files of mails and webhook requests go: to the outbox, in staging to a folder of it of their own."""
        return self.outbox / "staging" if self.environment == "staging" else self.outbox

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read settings from `file` (default: `onward.toml` here, if there) and the environment.

    Raises:
        InputError: the file is missing, isn't TOML, or a value isn't allowed; every fault is named.
    """
    path = file or Path("onward.toml")
    if not path.is_file() and (path.is_symlink() or path.is_dir()):
        raise InputError(f"{path}: no file of settings, but {_other_than_file(path)}; mend or remove it")
    if file and not file.is_file():
        raise InputError(f"{file}: no such settings file; create it or leave out --settings")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        found = FileSettings(**overrides)
    except ValidationError as error:
        faults = "\n".join(f"  {fault_told(fault, Settings)}" for fault in error.errors())
        raise InputError(f"settings ({path} and ONWARD_… variables) are not valid:\n{faults}") from error
    except SettingsError as error:
        raise InputError(
            f"settings (ONWARD_… variables) are not valid:\n  {error}; lists and mappings are given as JSON"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    # Of a class that other processes know too.
    plain = Settings.model_construct(found.model_fields_set, **dict(found))
    return _anchored(plain, path.parent)


def _other_than_file(path: Path) -> str:
    return "a folder" if path.is_dir() else "a link that leads nowhere"


def _anchored(settings: Settings, base: Path) -> Settings:
    paths = ("data_dir", "workflows_dir", "patterns_file", "templates_dir", "content_dir", "tests_dir")
    given = {name: getattr(settings, name) for name in paths}
    return settings.model_copy(update={name: base / path for name, path in given.items() if path is not None})

"""Settings of the decision language: send times, caps, zone, memory; and what people read when they are wrong."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from flows.errors import InputError
from flows.setting_faults import unknown_variables, variable_told
from flows.settings import FrequencyCap, Settings, memory_bytes, read_settings
from transforms.definitions.send_times import QuietHours, SendWindow


def settings(folder: Path, text: str) -> Settings:
    file = folder / "onward.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file)


def test_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, "")
    assert (found.quiet_hours, found.send_window, found.processes) == (None, None, None)
    assert (found.timezone, found.memory, found.memory_bytes) == ("UTC", "4GB", 4 * 10**9)


def test_send_times_caps_and_limits(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        'timezone = "Europe/Berlin"\nmemory = "1.5 GiB"\nprocesses = 2\n'
        '[quiet_hours]\nstart = "21:00"\nend = 08:00:00\n'
        '[send_window]\nstart = "09:00"\nend = "17:00"\ndays = ["tue", "mon"]\ntimezone = "UTC"\n'
        '[[frequency_caps]]\nmessages = 3\nwindow = "7d"\nchannel = "sms"\nmessage_class = "offers"\n',
    )
    assert found.quiet_hours == QuietHours(start=time(21), end=time(8))
    assert found.send_window == SendWindow(start=time(9), end=time(17), days=("mon", "tue"), timezone="UTC")
    assert found.frequency_caps == [
        FrequencyCap(messages=3, window=timedelta(days=7), channel="sms", message_class="offers")
    ]
    assert (found.timezone, found.memory_bytes, found.processes) == ("Europe/Berlin", 3 * 2**29, 2)


def test_costs_are_of_senders_and_channels(tmp_path: Path) -> None:
    mine = "[senders.mine]\ntype = 'postmark'\nserver_token = 'env:TOKEN'\n"
    found = settings(tmp_path, f"{mine}[costs]\nemail = 0.0008\nmine = 1\n")
    assert found.costs == {"email": Decimal("0.0008"), "mine": Decimal(1)}


def test_the_environment_sets_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_QUIET_HOURS__START", "22:00")
    monkeypatch.setenv("ONWARD_QUIET_HOURS__END", "07:00")
    assert settings(tmp_path, "").quiet_hours == QuietHours(start=time(22), end=time(7))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('timezone = "customer"', "timezone: given 'customer'; allowed: the name of a time zone, like "),
        (
            'memory = "lots"',
            "memory: 'lots' is no amount of memory: give a number and a unit, like 4GB or 512MiB",
        ),
        ("processes = 0", "processes: Input should be greater than or equal to 1 (given: 0)"),
        ("tiemzone = 'UTC'", "tiemzone: unknown key 'tiemzone'; allowed: backup_every, "),
        (
            "[throttle]\nper_hours = 3",
            "throttle.per_hours: unknown key 'per_hours'; allowed: domain_per_hour, per_hour, ",
        ),
        ("[senders.postmark]", "senders.postmark.server_token: missing key 'server_token'"),
        (
            "[senders.mine]\ntype = 'postmark'\nserver_tokn = 'x'",
            "senders.mine.server_tokn: unknown key 'server_tokn'; allowed: ",
        ),
        (
            '[quiet_hours]\nstart = "9"\nend = "08:00"',
            "quiet_hours.start: given '9'; allowed: a time of day like",
        ),
        (
            '[quiet_hours]\nstart = "09:00"\nend = "09:00"',
            "quiet_hours.end: quiet hours end when they start;",
        ),
        (
            '[quiet_hours]\nstrat = "09:00"',
            "quiet_hours.strat: unknown key 'strat'; allowed: end, start, timezone;",
        ),
        ('[send_window]\nstart = "09:00"', "send_window.end: missing key 'end'"),
        ("environment = 'prod'", "environment: given 'prod'; allowed: production, staging"),
        ("[senders.mine]\nhost = 'x'", "senders.mine: no sender is of type 'mine'; allowed: eml, smtp, "),
        ("[costs]\nemail = -0.1", "costs.email: Input should be greater than or equal to 0 (given: -0.1)"),
        ("[costs]\nemail = 'cheap'", "costs.email: Input should be a valid decimal (given: 'cheap')"),
        ("[costs]\nfax = 1", "costs: 'fax' is neither a sender nor a channel; allowed: email, eml"),
        (
            "[costs]\nmine = 1\n[senders.mine]\ntype = 'postmark'",
            "senders.mine.server_token: missing key 'server_token'",
        ),
    ],
)
def test_faults(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        settings(tmp_path, text)
    assert f"\n  {said}" in str(caught.value)


def test_amounts_of_memory() -> None:
    assert [memory_bytes(text) for text in ("1KB", "2 MB", "0.5GB", "1TB", "1GiB")] == [
        *(1000, 2_000_000, 500_000_000, 10**12, 2**30)
    ]
    for wrong in ("", "4", "4gb", "0GB", "-1GB"):
        with pytest.raises(ValueError, match="no amount of memory"):
            memory_bytes(wrong)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tiemzone = 'UTC'", "timezone"),
        ("[senders.mine]\ntype = 'postmark'\nserver_tokn = 'x'", "server_token"),
        ("[senders.mine]\ntype = 'smpt'", "smtp"),
        ("environment = 'stagging'", "staging"),
        ("[costs]\nmail = 0.001", "email"),
        ("timezone = 'Europe/Berln'", "Europe/Berlin"),
        ("types = {zip = 'txt'}", "text"),
        ("[senders.mine]\ntype = 'smtp'\nhost = 'h'\n[senders.mine.dkim]\nselecter = 'x'", "selector"),
    ],
)
def test_the_nearest_setting_is_named(tmp_path: Path, text: str, meant: str) -> None:
    with pytest.raises(InputError, match=rf"; did you mean '{meant}'\?"):
        settings(tmp_path, text)


def test_variables_that_are_no_settings(tmp_path: Path) -> None:
    read = settings(tmp_path, "[senders.mine]\ntype = 'postmark'\nserver_token = 'env:ONWARD_TOKEN'")
    known = ["ONWARD_TOKEN", "ONWARD_DEBUG", "onward_data_dir", "ONWARD_LIMITS__LINE_BYTES", "HOME"]
    assert unknown_variables(read, known) == []
    assert unknown_variables(
        read, ["ONWARD_XYZ", "ONWARD_DATADIR", "Onward_Tokens", "ONWARD_LIMITTS__COLUMNS"]
    ) == [
        ("ONWARD_DATADIR", "DATA_DIR"),
        ("ONWARD_LIMITTS__COLUMNS", "LIMITS"),
        ("ONWARD_XYZ", None),
        ("Onward_Tokens", None),
    ]
    assert variable_told("ONWARD_DATADIR", "DATA_DIR").endswith("did you mean ONWARD_DATA_DIR?")


def test_no_value_that_may_be_secret_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        settings(tmp_path, "[senders.mine]\ntype = 'smtp'\nhost = 'h'\nsecurity = 'hunter2'")
    assert "hunter2" not in str(caught.value)

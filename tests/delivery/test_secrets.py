import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.errors import InputError
from flows.secrets import redacted, resolved, shown
from flows.sending import HttpSettings, Links, SmtpSettings, secrets_of
from flows.settings import read_settings

CANARY = "canary-7f3a91-don't-tell"
ROOT = Path(__file__).parents[2]


def smtp(password: str) -> SmtpSettings:
    return SmtpSettings(type="smtp", host="mail.example", username="me", password=SecretStr(password))


def test_a_secret_is_itself_or_lies_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", CANARY)
    assert list(secrets_of(resolved(smtp(CANARY), "senders.shop"))) == [CANARY]
    assert list(secrets_of(resolved(smtp("env:MAIL_PASSWORD"), "senders.shop"))) == [CANARY]
    web = HttpSettings(
        type="http", url="https://a.example", body="{}", headers={"X-Key": SecretStr("env:MAIL_PASSWORD")}
    )
    assert resolved(web, "senders.web").headers["X-Key"].get_secret_value() == CANARY


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            "env:NOT_THERE",
            "senders.shop.password: names the environment variable 'NOT_THERE', which isn't set",
        ),
        ("env:BLANK", "senders.shop.password: the secret is empty"),
        ("  ", "senders.shop.password: the secret is empty"),
    ],
)
def test_a_missing_secret_names_its_setting(monkeypatch: pytest.MonkeyPatch, given: str, words: str) -> None:
    monkeypatch.setenv("BLANK", " ")
    with pytest.raises(InputError, match=words):
        resolved(smtp(given), "senders.shop")


def test_a_key_of_links_that_lies_elsewhere_is_measured_there(monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links(public_url="https://mail.example", key=SecretStr("env:LINKS_KEY"))
    monkeypatch.setenv("LINKS_KEY", "k" * 32)
    assert resolved(links, "links").key == SecretStr("k" * 32)
    monkeypatch.setenv("LINKS_KEY", CANARY)
    with pytest.raises(InputError, match="links: public_url needs a key of 32 characters") as told:
        resolved(links, "links")
    assert CANARY not in repr(told.value)
    assert told.value.__cause__ is None


def test_texts_are_blanked() -> None:
    assert (
        redacted("user me, key abcdef, abcdefgh", ["abcdef", "abcdefgh", "me", ""]) == "user me, key •••, •••"
    )


def test_settings_and_models_never_show_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    shown = smtp(CANARY)
    logging.getLogger("x").warning("%s %r %s", shown, shown, shown.model_dump())
    assert CANARY not in caplog.text + shown.model_dump_json()


FAULTY = {
    "a number": f'[senders.shop]\ntype = "smtp"\nhost = "h"\npassword = [1, "{CANARY}"]\n',
    "an unknown field": f'[senders.shop]\ntype = "smtp"\nhost = "h"\npasswort = "{CANARY}"\n',
    "no sender's type": f'[senders.shop]\ntype = "{CANARY[:3]}"\napi_key = "{CANARY}"\n',
    "a missing field": f'[senders.shop]\ntype = "smtp"\npassword = "{CANARY}"\n',
    "in the wrong table": f'[sender.shop]\ntype = "resend"\napi_key = "{CANARY}"\n',
    "in no table": f'api_key = "{CANARY}"\n',
    "a list of links": f'[links]\nkey = ["{CANARY}"]\n',
    "a short key": f'[links]\npublic_url = "https://a.example"\nkey = "{CANARY}"\n',
}


@pytest.mark.parametrize("fault", FAULTY)
def test_faults_of_settings_never_show_a_secret(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "onward.toml"
    file.write_text(FAULTY[fault])
    with pytest.raises(InputError) as told:
        read_settings(file)
    chain = [told.value, told.value.__cause__, told.value.__context__]
    assert CANARY not in "".join(f"{one} {one!r}" for one in chain)
    assert str(told.value).count("\n") >= 1


def test_a_traceback_for_developers_shows_no_secret(tmp_path: Path) -> None:
    """Also where what reads the settings isn't the command line, and pydantic's own error gets out."""
    code = "from flows.settings import Settings; Settings()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ONWARD_DEBUG": "1"}
    environment["ONWARD_SENDERS"] = (
        f'{{"shop": {{"type": "smtp", "password": "{CANARY}", "port": "{CANARY}"}}}}'
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "ValidationError" in ran.stderr
    assert CANARY not in ran.stderr + ran.stdout


@pytest.fixture
def prefect_server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_a_secret_may_lie_in_a_block_of_prefect() -> None:
    from prefect.blocks.system import Secret

    Secret(value=CANARY).save("mail-password")
    Secret(value="0123456789").save("number")
    assert list(secrets_of(resolved(smtp("prefect:mail-password"), "senders.shop"))) == [CANARY]
    assert list(secrets_of(resolved(smtp("prefect:number"), "senders.shop"))) == ["0123456789"]
    with pytest.raises(
        InputError, match=r"senders\.shop\.password: names the Prefect block 'none', which isn't there"
    ):
        resolved(smtp("prefect:none"), "senders.shop")


def test_words_of_others_are_one_line_without_secrets() -> None:
    assert (
        shown("a\r\n\x1b[31m\u2028b\x85 s3cret\ud800" + "x" * 400, ["s3cret"])
        == ("a [31m b ••• " + "x" * 400)[:300]
    )

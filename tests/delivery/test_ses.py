"""Mails by Amazon SES: to moto's server, and to one that refuses, stumbles or hangs up."""

import base64
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from pydantic import SecretStr

from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.ses import SesSender, open_sender
from flows.errors import InputError, OnwardError
from flows.sending import SesSettings
from tests.delivery.mails import Recorded, outgoing, several

REGION = "eu-west-1"
KEY, SECRET = "AKIACANARY00000EXAMPLE", "canary-ses-91b7-secret"
NOWHERE = "http://127.0.0.1:9"
ROOT = Path(__file__).parents[2]


def sender(url: str, patience: tuple[float, float] = (0.01, 0.5), **changes: Any) -> SesSender:
    given = {
        "type": "ses", "region": REGION, "base_url": url, "access_key_id": SecretStr(KEY),
        "secret_access_key": SecretStr(SECRET), "timeout": 2,
    }  # fmt: skip
    return open_sender("shop", SesSettings.model_validate(given | changes), patience)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "sesv2", region_name=REGION, endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )
    client.create_email_identity(EmailIdentity="onward@example.com")
    yield url
    server.stop()


def test_each_mail_arrives_once_as_it_was_prepared(moto: str) -> None:
    mails = several(
        20, text="Grüße\n", html="<p>x</p>\n", unsubscribe=("https://a.example/u",), one_click=True
    )
    made, recorded = sender(moto), Recorded()
    made.hand_over("key", made.prepare(mails), recorded)
    assert recorded.statuses == ["sent"] * 20
    (backends,) = (one for one in ses_backends.values() if one[REGION].sent_messages)
    taken = backends[REGION].sent_messages
    assert sorted(one.raw_data for one in taken) == sorted(map(message_bytes, mails))
    assert {one.id for one in taken} == {one.provider_id for one in recorded.answers.values()}
    assert all(one.source == "onward@example.com" for one in taken)
    parsed = message_from_string(taken[0].raw_data, policy=policy.SMTP)
    assert parsed["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


def test_a_mail_that_is_rejected_fails_alone(moto: str) -> None:
    made, recorded = sender(moto), Recorded()
    mails = several(3)
    mails[1] = outgoing(message_id="b" * 32, sender="Other <a@other.example>")
    made.hand_over("key", made.prepare(mails), recorded)
    assert sorted(recorded.statuses) == ["failed", "sent", "sent"]
    assert "Did not have authority" in (recorded.answers["b" * 32].detail or "")


class Ses(ThreadingHTTPServer):
    """A server that answers every mail as `reply` says.

    Attributes:
        quota: the mails a second that the account may send; None: it may not ask.
        requests: what it was asked.
        sender: a sender to it.
    """

    reply: "Reply"
    quota: float | None = None
    requests: list[dict[str, Any]]
    sender: SesSender

    def sent(self, reply: "Reply", count: int = 2, sender: SesSender | None = None) -> Recorded:
        """What a hand-over of mails told that were all answered so."""
        self.reply, self.requests = reply, []
        made, recorded = sender or self.sender, Recorded()
        made.hand_over("key", made.prepare(several(count)), recorded)
        return recorded


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Ses

    def do_GET(self) -> None:
        """What the account may do."""
        if self.server.quota is None:
            self.says(403, {"message": "not allowed"}, "AccessDeniedException")
        else:
            self.says(200, {"SendQuota": {"MaxSendRate": self.server.quota}})

    def do_POST(self) -> None:
        """A mail."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.reply(self, request)

    def says(self, status: int, body: Any, code: str = "") -> None:
        """A reply in the form of AWS's."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


Reply = Callable[[_Handler, dict[str, Any]], None]


@pytest.fixture(scope="module")
def ses() -> Iterator[Ses]:
    with Ses(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.sender = sender(f"http://127.0.0.1:{server.server_address[1]}", timeout=0.5)
        yield server
        server.sender.client.close()
        server.shutdown()
        thread.join()


def says(status: int, code: str = "", words: str = "words") -> Reply:
    return lambda handler, _: handler.says(status, {"message": words} if code else {"MessageId": "m-1"}, code)


def hangs_up(handler: _Handler, _: dict[str, Any]) -> None:
    handler.connection.close()
    handler.close_connection = True


def is_silent(handler: _Handler, _: dict[str, Any]) -> None:
    time.sleep(0.8)
    handler.close_connection = True


def garbles(handler: _Handler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5")
    handler.end_headers()
    handler.wfile.write(b"{nope")


def test_a_request_has_the_mail_its_envelope_and_its_tags(ses: Ses) -> None:
    message = outgoing(workflow_id="cart abandoned", step="2.yes.0", variant="b", message_class="offers")
    ses.reply, ses.requests = says(200), []
    made = replace(ses.sender, configuration_set="shop-events")
    made.hand_over("key", made.prepare([message]), Recorded())
    (request,) = ses.requests
    tags = {one["Name"]: one["Value"] for one in request.pop("EmailTags")}
    assert tags == {
        "message_id": "a" * 32, "workflow_id": "cart_abandoned", "step": "2_yes_0", "variant": "b",
        "message_class": "offers",
    }  # fmt: skip
    assert base64.b64decode(request.pop("Content")["Raw"]["Data"]).decode() == message_bytes(message)
    assert request == {
        "FromEmailAddress": "onward@example.com", "Destination": {"ToAddresses": ["zoe@example.com"]},
        "ConfigurationSetName": "shop-events",
    }  # fmt: skip


@pytest.mark.parametrize("reply", [hangs_up, is_silent, garbles, says(500, "InternalFailure")])
def test_without_a_clear_reply_nobody_knows_and_nothing_is_sent_again(ses: Ses, reply: Reply) -> None:
    assert ses.sent(reply).statuses == ["unknown"] * 2
    assert len(ses.requests) == 2


def test_what_is_too_fast_goes_out_later(ses: Ses) -> None:
    left = [2]

    def at_first_too_fast(handler: _Handler, request: dict[str, Any]) -> None:
        left[0] -= 1
        (says(429, "TooManyRequestsException") if left[0] >= 0 else says(200))(handler, request)

    assert ses.sent(at_first_too_fast, 1).statuses == ["sent"]
    assert len(ses.requests) == 3


@pytest.mark.parametrize("reply", [says(429, "TooManyRequestsException"), says(503, "ServiceUnavailable")])
def test_what_stays_too_fast_is_deferred(ses: Ses, reply: Reply) -> None:
    assert ses.sent(reply).statuses == ["deferred"] * 2
    assert len(ses.requests) > 2


def test_a_route_s_pool_is_a_configuration_set(ses: Ses) -> None:
    ses.reply, ses.requests = says(200), []
    made = replace(ses.sender, configuration_set="shop-events", requests=1)
    made.hand_over("key", made.prepare([outgoing(pool="offers"), outgoing(message_id="b" * 32)]), Recorded())
    assert [one["ConfigurationSetName"] for one in ses.requests] == ["offers", "shop-events"]


def test_a_mail_that_breaks_a_rule_fails(ses: Ses) -> None:
    recorded = ses.sent(says(400, "BadRequestException", "Illegal address"))
    assert {(one.status, one.detail) for one in recorded.answers.values()} == {
        ("failed", "BadRequestException: Illegal address")
    }


NOT_VERIFIED = (
    "Email address is not verified. The following identities failed the check in region EU-WEST-1: "
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("LimitExceededException", "Daily message quota exceeded"),
        ("AccountSuspendedException", ""),
        ("SendingPausedException", ""),
        ("MailFromDomainNotVerifiedException", ""),
        ("NotFoundException", "Configuration set <x> does not exist"),
        ("UnrecognizedClientException", f"The security token {SECRET} is invalid"),
        ("SignatureDoesNotMatch", ""),
        ("MessageRejected", f"{NOT_VERIFIED}onward@example.com, c1@example.org"),
        ("MessageRejected", f"{NOT_VERIFIED}example.com"),
    ],
)
def test_what_ses_has_against_the_account_ends_the_run_and_fails_no_mail(
    ses: Ses, code: str, words: str
) -> None:
    ses.reply, ses.requests, recorded = says(400, code, words), [], Recorded()
    with pytest.raises(OnwardError, match=rf"senders\.shop: Amazon SES takes nothing .*{code}") as told:
        ses.sender.hand_over("key", ses.sender.prepare(several(50)), recorded)
    assert set(recorded.statuses) == {"deferred"}
    assert len(ses.requests) <= 4
    assert SECRET not in str(told.value)


def test_a_recipient_that_a_new_account_may_not_write_to_fails_alone(ses: Ses) -> None:
    reply = says(400, "MessageRejected", f"{NOT_VERIFIED}c0@elsewhere.example")
    assert ses.sent(reply).statuses == ["failed"] * 2


def test_nobody_there_ends_the_run_and_nothing_is_unknown() -> None:
    made, recorded = sender(NOWHERE), Recorded()
    with pytest.raises(OnwardError, match=r"senders\.shop: Amazon SES can't be reached"):
        made.hand_over("key", made.prepare(several(10)), recorded)
    assert set(recorded.statuses) == {"deferred"}


def test_mails_go_as_fast_as_the_account_may_send(ses: Ses) -> None:
    ses.quota = 50
    began = time.monotonic()
    assert ses.sent(says(200), 20, replace(ses.sender)).statuses == ["sent"] * 20
    ses.quota = None
    assert 0.36 <= time.monotonic() - began < 5


def test_half_of_the_keys_is_told() -> None:
    with pytest.raises(InputError, match="access_key_id and secret_access_key go together"):
        sender(NOWHERE, secret_access_key=None)


def test_no_keys_at_all_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    made, recorded = sender(NOWHERE, access_key_id=None, secret_access_key=None), Recorded()
    with pytest.raises(OnwardError, match="Unable to locate credentials"):
        made.hand_over("key", made.prepare(several(2)), recorded)
    assert set(recorded.statuses) == {"deferred"}


def test_a_region_that_is_none_is_told() -> None:
    with pytest.raises(InputError, match=r"senders\.shop: .*; look at senders\.shop\.region"):
        open_sender("shop", SesSettings(type="ses", region="no where"))


def test_no_secret_is_shown(ses: Ses, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ses.sent(says(200))
    assert SECRET not in f"{ses.sender!r} {ses.sender.prepare(several(1))!r} {caplog.text}"
    assert KEY not in repr(ses.sender)


def test_without_boto3_people_are_told_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from flows.errors import InputError\n"
        "try:\n    import flows.delivery.senders.ses\nexcept InputError as error:\n    print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "pip install 'onward[ses]'" in ran.stdout


def test_ses_can_not_be_asked() -> None:
    made = sender(NOWHERE)
    assert (made.ask(b"", ["a"]), made.repeatable) == ([], False)

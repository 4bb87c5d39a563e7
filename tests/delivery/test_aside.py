"""What a process of its own composes, while this one hands over, is what this one would compose."""

import json
import multiprocessing
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import TypeAdapter

from flows.delivery.dispatch import Channel, Composed, Policy, deliver
from flows.delivery.kinds import MESSAGES
from flows.delivery.messages import message_channel
from flows.delivery.send_ledger import Part, SendLedger
from flows.delivery.senders import ses, smtp
from flows.delivery.senders.base import Sender
from flows.delivery.senders.eml import EmlSender
from flows.delivery.sources import writer_of
from flows.errors import OnwardError
from flows.sending import Senders
from flows.settings import read_settings
from tests.delivery.providers.setting import CASES, Clock
from tests.delivery.test_dispatch import CONTENTS, Keeper, due, message, outcome
from transforms.definitions.content_rules import Rule

FRAME = due(
    *(message(one, rules=["vip"] if one % 2 else []) for one in range(8)),
    message(8, attributes="{}"),
    message(9, email="nobody"),
)
RULES = [Rule(name="vip", text="For you, {{ first_name }}:", place="before")]


def sender(kind: str, folder: Path) -> Sender:
    """A sender of a kind, with what makes its bytes as special as can be."""
    if kind == "eml":
        return EmlSender(folder / "outbox")
    if kind in CASES:
        return CASES[kind].sender("http://127.0.0.1:9", Clock())
    key = folder / "dkim.pem"
    private = rsa.generate_private_key(65537, 2048)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    signing = {"domain": "shop.example", "selector": "a", "key_file": key}
    given: dict[str, dict[str, Any]] = {
        "smtp": {"type": "smtp", "host": "127.0.0.1", "dkim": signing},
        "ses": {"type": "ses", "region": "eu-west-1", "access_key_id": "a", "secret_access_key": "b"},
    }
    settings = TypeAdapter(Senders).validate_python({"shop": given[kind]})["shop"]
    found: Sender = {"smtp": smtp, "ses": ses}[kind].open_sender("shop", settings)
    return found


def channel(folder: Path, by: Sender) -> Channel:
    links = {"public_url": "https://a.example", "key": "k" * 32}
    settings = read_settings(None, data_dir=folder, from_address="Shop <news@shop.example>", links=links)
    contents = {(key, None): one for key, one in CONTENTS.items()}
    return message_channel(writer_of(settings, contents, RULES), by)


@pytest.mark.parametrize("kind", ["eml", "smtp", "ses", *CASES])
def test_another_process_makes_the_same_bytes(kind: str, tmp_path: Path) -> None:
    given = channel(tmp_path, sender(kind, tmp_path))
    here = given.compose(FRAME, 4)
    assert (len(here.held_back), sum(len(one.notes) for one in here.parts)) == (1, 9)
    assert pickle.loads(pickle.dumps(given.compose))(FRAME, 4) == here  # noqa: S301


def test_what_is_composed_aside_is_handed_over_and_noted_alike(tmp_path: Path) -> None:
    found = []
    for name, policy in (("here", Policy(3)), ("aside", Policy(3, aside_from=1))):
        by = Keeper()
        with SendLedger(tmp_path / f"{name}.sqlite") as ledger:
            result = deliver(channel(tmp_path, by), FRAME, ledger, policy).sort("message_id")
        found.append((result.drop("sent_at").rows(), sorted(by.calls)))
    assert found[0] == found[1]
    assert len(found[0][1]) == 4


def dying(rows: pl.DataFrame, _: int) -> Composed:
    """Composes here, and is killed in another process."""
    if multiprocessing.parent_process():
        os.kill(os.getpid(), signal.SIGKILL)
    (name,) = rows["message_id"]
    return Composed([Part(json.dumps([[name, ""]]).encode(), {name: None})])


def test_of_a_process_that_is_killed_nothing_is_lost(tmp_path: Path) -> None:
    by, frame = Keeper(), due(*(message(one) for one in range(3)))
    with SendLedger(tmp_path / "sends.sqlite") as ledger:
        with pytest.raises(
            OnwardError, match=r"process that writes what goes out was ended by signal 9.*run again"
        ):
            deliver(Channel(MESSAGES, dying, by), frame, ledger, Policy(1, aside_from=1))
        handed_over = by.handed_over
        assert ledger.query("select id from sends where status = 'sent' order by id") == [
            (one,) for one in sorted(handed_over)
        ]
        again = deliver(channel(tmp_path, by), frame, ledger, Policy(2))
    assert {status for status, *_ in outcome(again)} == {"sent"}
    assert sorted(by.handed_over) == sorted(frame["message_id"])


def interrupting(_: pl.DataFrame, __: int) -> Composed:
    """Lets Ctrl-C reach the caller while it waits."""
    os.kill(os.getppid(), signal.SIGINT)
    signal.pause()
    return Composed([])


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    with SendLedger(tmp_path / "sends.sqlite") as ledger, pytest.raises(KeyboardInterrupt):
        deliver(Channel(MESSAGES, interrupting, Keeper()), due(message()), ledger, Policy(2, aside_from=1))
    assert not multiprocessing.active_children()

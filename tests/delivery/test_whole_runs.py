"""Runs that send through real servers on this machine: ways, staging, throttles, secrets, and what a run ends with."""

import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from flows.errors import InputError
from flows.settings import read_settings
from tests.delivery.mail_server import PASSWORD, USER, Post, mail_server
from tests.delivery.providers.descriptions import KEY, Resend
from tests.delivery.providers.server import Manner, Provider
from tests.delivery.test_standing import assert_reconciled
from tests.runs import House, house, onward, person
from tests.semantics.cases import Row, action, at, event, send, workflow

LINKS = {"unsubscribe_mailto": "stop@shop.example"}
MAIL = send("hello", subject="Hi {{ first_name }}", content="Dear {{ first_name }}")


def smtp(port: int, **more: Any) -> dict[str, Any]:
    return {"type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", **more}


def built(folder: Path, *workflows: Row, senders: Mapping[str, Any], **given: Any) -> House:
    """A house that sends by `shop`, with three people who go."""
    shop: dict[str, Any] = {"sender": "shop", "from_address": "Shop <news@shop.example>", "links": LINKS}
    plain = house(folder, *(workflows or (workflow(MAIL),)))
    settings = read_settings(None, data_dir=plain.root, senders=senders, **{**shop, **given})
    home = House(settings)
    home.customers("people", *(person(f"c{n}", first_name=f"N{n}") for n in range(3)))
    home.events("1", *(event("go", at(n), f"c{n}") for n in range(3)))
    return home


def mails(post: Post) -> list[EmailMessage]:
    taken = [one for name in sorted(post.taken) for one in post.taken[name]]
    return [message_from_bytes(one, policy=policy.default) for one in taken]


def statuses(home: House) -> list[tuple[Any, ...]]:
    return home.rows("select status, count(*) from messages group by all order by all")


def test_mails_come_to_a_mail_server_once(tmp_path: Path) -> None:
    post = Post(replies={"c1": "550 5.1.1 no such user"})
    with mail_server(post) as port:
        home = built(tmp_path, senders={"shop": smtp(port)})
        for minute in (9, 10):
            home.tick(at(minute))
    assert statuses(home) == [("failed", 1), ("sent", 2)]
    first, second = mails(post)
    assert (first["To"], first["From"], first["Subject"]) == (
        "c0@example.com",
        "Shop <news@shop.example>",
        "Hi N0",
    )
    assert first["List-Unsubscribe"].startswith("<mailto:stop@shop.example?")
    assert first["Message-ID"] != second["Message-ID"]
    ((reason,),) = home.rows("select status_reason from messages where status = 'failed'")
    assert "550 5.1.1 no such user" in reason
    assert_reconciled(home)


def test_a_route_takes_another_sender_and_address(tmp_path: Path) -> None:
    receipt = {**workflow(send("r", subject="Receipt", content="Thanks")), "workflow_id": "receipts"}
    routes = [{"workflows": ["receipts"], "sender": "other", "from_address": "orders@shop.example"}]
    news, orders = Post(), Post()
    with mail_server(news) as one, mail_server(orders) as two:
        senders = {"shop": smtp(one), "other": smtp(two)}
        home = built(tmp_path, workflow(MAIL), receipt, senders=senders, routes=routes)
        home.tick(at(9))
    assert {mail["From"] for mail in mails(orders)} == {"orders@shop.example"}
    assert {mail["Subject"] for mail in mails(news)} == {"Hi N0", "Hi N1", "Hi N2"}
    assert home.rows("select sender, count(*) from messages group by all order by all") == [
        ("other", 3),
        ("shop", 3),
    ]


def test_in_staging_everything_is_a_file_apart(tmp_path: Path) -> None:
    post = Post()
    with mail_server(post) as port:
        both = workflow(MAIL, action("trigger_webhook", url="https://shop.example/hook"))
        home = built(tmp_path, both, senders={"shop": smtp(port)}, environment="staging")
        home.tick(at(9))
    assert post.connections == 0
    outbox = home.settings.outbox
    assert sorted(one.name for one in outbox.iterdir()) == ["staging"]
    assert len(list(outbox.rglob("*.eml"))) == 3
    assert len((outbox / "staging" / "webhooks.ndjson").read_text().splitlines()) == 3


def test_in_staging_one_address_can_take_all(tmp_path: Path) -> None:
    post = Post()
    public = {"public_url": "https://mail.shop.example", "key": "k" * 32}
    with mail_server(post) as port:
        given = {"environment": "staging", "staging_to": "QA <qa@shop.example>", "links": public}
        home = built(tmp_path, senders={"shop": smtp(port)}, **given)
        home.tick(at(9))
    assert list(post.taken) == ["qa@shop.example"]
    assert sorted(mail["X-Original-To"] for mail in mails(post)) == [f"c{n}@example.com" for n in range(3)]
    assert statuses(home) == [("sent", 3)]


@pytest.mark.parametrize(("first", "then"), [("production", "staging"), ("staging", "production")])
def test_staging_and_production_share_no_folder(first: str, then: str, tmp_path: Path) -> None:
    with mail_server(Post()) as port:
        home = built(tmp_path, senders={"shop": smtp(port)}, environment=first)
        home.tick(at(9))
        other = House(home.settings.model_copy(update={"environment": then}))
        before = home.rows("select count(*) from ticks")
        with pytest.raises(InputError, match=rf"send ledger of {first}.*Give {then} a `data_dir` of its own"):
            other.tick(at(10))
        assert home.rows("select count(*) from ticks") == before


def test_what_a_throttle_holds_back_goes_out_later(tmp_path: Path) -> None:
    post = Post()
    with mail_server(post) as port:
        home = built(tmp_path, senders={"shop": smtp(port)}, throttle={"per_hour": 2})
        home.tick(at(9))
        assert statuses(home) == [("pending", 1), ("sent", 2)]
        home.tick(at(10))
        assert statuses(home) == [("pending", 1), ("sent", 2)]
        with sqlite3.connect(home.settings.state / "sends.sqlite") as db:
            db.execute("update sends set at = at - 3600 * 1000000")
        db.close()
        home.tick(at(11))
    assert statuses(home) == [("sent", 3)]
    assert sorted(post.taken) == [f"c{n}@example.com" for n in range(3)]


def test_what_waits_too_long_expires(tmp_path: Path) -> None:
    post = Post()
    with mail_server(post) as port:
        home = built(
            tmp_path,
            senders={"shop": smtp(port)},
            throttle={"per_hour": 1},
            max_send_delay=timedelta(hours=2),
        )
        for minute in (9, 60 * 3):
            home.tick(at(minute))
    assert statuses(home) == [("expired", 2), ("sent", 1)]


def test_a_provider_that_loses_its_answer_gets_the_same_again(tmp_path: Path) -> None:
    with Provider(Resend()) as provider:
        provider.manners = [Manner(hangs_up="after")]
        home = built(tmp_path, senders={"shop": {"type": "resend", "api_key": KEY, "base_url": provider.url}})
        home.tick(at(9))
        assert provider.faults == []
        assert len(provider.received) == 2
        assert len(provider.taken) == 3
    assert statuses(home) == [("sent", 3)]
    ids = home.rows("select provider_id is not null from messages")
    assert ids == [(True,)] * 3


def test_settings_that_can_t_be_meant_stop_a_run_before_it_decides(tmp_path: Path) -> None:
    home = built(tmp_path, senders={"shop": smtp(1)}, links={})
    with pytest.raises(InputError, match="nobody could unsubscribe"):
        home.tick(at(9))
    assert not home.published.exists()
    secret = {"shop": {**smtp(1), "username": "u", "password": "env:NOT_SET_ANYWHERE"}}
    with pytest.raises(InputError, match="NOT_SET_ANYWHERE"):
        built(tmp_path / "2", senders=secret).tick(at(9))


def test_a_run_of_which_every_message_failed_says_so_and_ends_with_one(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send("hello", content="{{ first_name * 3 }}")))
    home.customers("people", person("ann", first_name="Ann"))
    home.events("1", event("go", at(0), "ann"))
    done = onward("run", "--now", at(9).isoformat(), cwd=tmp_path, **home.environment())
    assert done.returncode == 1
    assert "every message that was due failed" in done.stderr
    assert onward("run", "--now", at(10).isoformat(), cwd=tmp_path, **home.environment()).returncode == 0


@pytest.mark.parametrize("debug", [{}, {"ONWARD_DEBUG": "1"}])
def test_a_secret_is_nowhere(tmp_path: Path, debug: dict[str, str]) -> None:
    """Not in what runs say, nor in any file they leave: of a mail server that refuses it, and of one that takes it."""
    post = Post()
    with mail_server(post, auth=True) as port:
        home = built(tmp_path, senders={})
        (tmp_path / "onward.toml").write_text(
            f'data_dir = "data"\nsender = "shop"\nfrom_address = "news@shop.example"\n'
            f'[links]\nunsubscribe_mailto = "stop@shop.example"\n'
            f'[senders.shop]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nusername = "{USER}"\n'
        )
        said = []
        for number, password in enumerate(("canary-wrong-31ab", PASSWORD)):
            environment = {"ONWARD_SENDERS__SHOP__PASSWORD": password, **debug}
            done = onward("run", "--now", at(9 + number).isoformat(), cwd=tmp_path, **environment)
            said.append((done.returncode, done.stdout + done.stderr))
    assert [code for code, _ in said] == [1, 0], said
    assert statuses(home) == [("sent", 3)]
    left = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    for canary in ("canary-wrong-31ab", PASSWORD):
        assert canary not in "".join(text for _, text in said)
        assert canary.encode() not in left

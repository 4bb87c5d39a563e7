"""`onward preview` and `onward send-test`: messages made as dispatch makes them, shown, or sent to a mail server."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.delivery.planned import planned_messages
from flows.delivery.policies import link_places
from flows.delivery.samples import make_messages, read_person
from flows.errors import InputError, OnwardError
from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.winners import Made as Winners
from flows.store.winners import Winner, keep_winners
from tests.delivery.mail_server import Post, mail_server
from tests.runs import House
from transforms.delivery.link_places import LinkPlaces, leading_nowhere
from transforms.delivery.links import links_of
from transforms.delivery.signatures import TokenError, read_token

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
KEY = "0123456789abcdef" * 4
MAIL = {"subject": "Hello {{ first_name }}", "template_id": "hello"}
WORKFLOW: dict[str, Any] = {
    "workflow_id": "cart",
    "triggers": [{"type": "behavioral", "config": {"action": "cart"}}],
    "branches": [
        {
            "name": "vip",
            "conditions": [{"attribute": "vip", "operator": "equals", "value": True}],
            "actions": [
                {"type": "send_email", "config": {"subject": "For you", "content": "Dear {{ first_name }}"}}
            ],
        }
    ],
    "actions": [
        {"type": "send_email", "config": MAIL},
        {"type": "wait", "config": {"duration": "1d"}},
        {
            "type": "send_email",
            "config": {
                "subject": "Again",
                "content": "Again",
                "variants": [{"name": "a", "subject": "Variant A"}, {"name": "b", "subject": "Variant B"}],
            },
        },
    ],
}
TEMPLATE = (
    "<p>Hello {{ first_name }}, it comes to {{ event.total }}.</p>"
    '<a href="{{ message.unsubscribe_url }}">Unsubscribe</a>'
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("house")
    made = House(Settings(data_dir=root))
    for folder in ("workflows", "inbox/events", "inbox/customers"):
        (root / folder).mkdir(parents=True)
    made.define(WORKFLOW, {**WORKFLOW, "workflow_id": "silent", "branches": [], "actions": []})
    (made.settings.workflows / "broken.yaml").write_text("workflow_id: broken\nnonsense: 1\n")
    made.template("hello.html.j2", TEMPLATE)
    made.template("wrong.txt.j2", "{% if %}")
    made.template("alone.txt.j2", "---\nsubject: Alone\n---\nHello {{ first_name }}")
    people = [
        {
            "customer_id": "c1",
            "email": "zoe@example.com",
            "attributes": {"first_name": "Zoë & <b>", "locale": "de"},
        },
        {"customer_id": "c2", "email": "nobody", "attributes": {}},
    ]
    made.customers("people", *people)
    made.events(
        "events",
        *(
            {"event_id": f"e{n}", "customer_id": "c1", "ts": NOW - timedelta(hours=n), "type": "behavioral",
             "name": "cart", "properties": {"total": 40 + n}}
            for n in (1, 2)
        ),
    )  # fmt: skip
    made.tick(NOW)
    return made


def onward(house: House, *arguments: str, settings: str = "") -> Result:
    file = house.root / "onward.toml"
    file.write_text(f'data_dir = "{house.root}"\n{settings}')
    return CliRunner().invoke(app, [*arguments, "--settings", str(file)])


def preview(house: House, out: Path, *arguments: str, settings: str = "") -> tuple[Result, str]:
    told = onward(house, "preview", *arguments, "--out", str(out), settings=settings)
    return told, unescape(out.read_text(encoding="utf-8")) if out.is_file() else ""


def test_a_workflow_for_a_customer_of_the_store(house: House, tmp_path: Path) -> None:
    told, page = preview(house, tmp_path / "page.html", "cart", "--customer", "c1")
    assert told.exit_code == 0
    assert told.stdout == f"4 messages. Written to {tmp_path / 'page.html'}\n"
    assert "For the customer c1." in page
    assert "Hello Zoë &amp; &lt;b&gt;, it comes to 42." in page  # the first cart's: the execution still runs
    assert "cart, branch vip, step 0" in page
    assert page.count("(the one that this customer gets)") == 2  # in the list and at the message
    assert {"Variant A", "Variant B"} <= set(page.replace(">", "<").split("<"))


def test_a_workflow_for_somebody_made_up(house: House, tmp_path: Path) -> None:
    told, page = preview(house, tmp_path / "page.html", "cart", "--sample")
    assert told.exit_code == 0
    assert "For somebody made up." in page
    assert "Hello Anna" in page
    assert "(the one that this customer gets)" not in page
    assert "without a value: message.unsubscribe_url" in page


def test_a_template_as_the_step_that_has_it_says_it(house: House, tmp_path: Path) -> None:
    told, page = preview(house, tmp_path / "page.html", "hello")
    assert told.exit_code == 0
    assert "cart, step 0" in page
    _, page = preview(house, tmp_path / "page.html", "alone")
    assert "template alone" in page
    assert "Hello Anna" in page


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("wrong", [], "wrong.txt.j2, line 1: "),
        ("hello", ["--customer", "c2"], 'not a usable e-mail address: "nobody"'),
    ],
)
def test_one_that_can_t_be_made_is_shown_so(
    house: House, tmp_path: Path, name: str, arguments: list[str], says: str
) -> None:
    told, page = preview(house, tmp_path / "page.html", name, *arguments)
    assert told.exit_code == 1
    assert says in told.stderr
    assert says in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "'nothing' is no workflow and no template; allowed: alone, cart, hello, silent, wrong"),
        (["silent"], "silent: this workflow sends no mail"),
        (["broken"], "broken: the file of this workflow has faults; mend them"),
        (["cart", "--customer", "c9"], "--customer c9: no such customer"),
        (
            ["cart", "--customer", "c1", "--sample"],
            "--sample makes somebody up; give either it or --customer",
        ),
    ],
)
def test_what_can_t_be_meant(house: House, tmp_path: Path, arguments: list[str], says: str) -> None:
    told, page = preview(house, tmp_path / "page.html", *arguments)
    assert isinstance(told.exception, InputError)
    assert says in str(told.exception)
    assert page == ""


@pytest.mark.parametrize("name", [".", "none/page.html"])
def test_a_page_goes_into_a_folder_that_is_there(house: House, tmp_path: Path, name: str) -> None:
    told, _ = preview(house, tmp_path / name, "cart")
    assert str(told.exception).startswith(f"--out {tmp_path / name}: names a file in a folder that is there")


def test_faults_of_rules_are_shown(house: House, tmp_path: Path) -> None:
    content = house.settings.content
    content.mkdir()
    file = content / "rules.yaml"
    try:
        file.write_text("rules:\n  - {name: hi, text: Hi, colour: red}\n", encoding="utf-8")
        told, page = preview(house, tmp_path / "page.html", "alone")
    finally:
        shutil.rmtree(content)
    assert told.exit_code == 1
    assert told.stderr.startswith(f"{file}:2:")
    assert f"{file}:2:" in page
    assert "Hello Anna" in page


def test_once_there_is_a_winner_it_is_what_customers_get(house: House) -> None:
    (last,) = (one for one in planned_messages(house.settings, "cart") if one.step == "2")
    with open_reports(house.settings) as con:
        person = read_person(con, "c1")

    def own() -> str:
        return make_messages(house.settings, [last], person, NOW, "preview")[0].name

    before = own()
    other = "b" if "variant a" in before else "a"
    won = Winner("cart", last.key[1], "default", "2", other, {})
    keep_winners(house.settings, Winners(1, NOW - timedelta(hours=1), [won]))
    try:
        assert own() == f"cart, step 2, variant {other} (the one that this customer gets)" != before
    finally:
        shutil.rmtree(archive_folder(house.settings) / "winners")


def test_what_is_shown_is_what_goes_out(house: House) -> None:
    with open_reports(house.settings) as con:
        person = read_person(con, "c1")
    planned = planned_messages(house.settings, "cart")
    made = {one.name: one.letter for one in make_messages(house.settings, planned, person, NOW, "preview")}
    rows = house.rows("select step, subject, content_hash, variant from messages where customer_id = 'c1'")
    assert rows
    for step, subject, content_hash, variant in rows:
        name = f"cart, step {step}" + (
            f", variant {variant} (the one that this customer gets)" if variant else ""
        )
        letter = made[name]
        assert letter is not None
        assert (letter.recorded["subject"], letter.recorded["content_hash"]) == (subject, content_hash)


def test_its_links_look_real_and_unsubscribe_nobody(house: House, tmp_path: Path) -> None:
    links = f'[links]\npublic_url = "https://mail.shop.example"\nkey = "{KEY}"\n'
    _, page = preview(house, tmp_path / "page.html", "hello", "--customer", "c1", settings=links)
    token = page.partition("https://mail.shop.example/unsubscribe/")[2].partition('"')[0]
    assert len(token) > 80
    with pytest.raises(TokenError):
        read_token(KEY, "unsubscribe", token)


def test_an_own_page_learns_of_nobody_either() -> None:
    own = LinkPlaces(unsubscribe_url="https://shop.example/stop?c={{ customer_id }}&m={{email}}")
    found = links_of(leading_nowhere(own), "m1", "c1", "zoe@example.com")
    assert found.unsubscribe_url == "https://shop.example/stop?c=sample&m=sample"
    assert leading_nowhere(link_places(Settings().links)) == LinkPlaces()


@pytest.fixture
def post() -> Iterator[tuple[Post, str]]:
    """A mail server, and the settings of a sender that sends to it."""
    taken = Post()
    with mail_server(taken) as port:
        smtp = (
            f'[senders.shop]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\ntimeout = 5\n'
        )
        yield taken, f'sender = "shop"\nfrom_address = "Shop <news@shop.example>"\n{smtp}'


def test_one_message_goes_to_whoever_tries_it(house: House, post: tuple[Post, str]) -> None:
    server, settings = post
    whom = ["--to", "me@shop.example", "--customer", "c1"]
    told = onward(house, "send-test", "cart", *whom, "--step", "0", settings=settings)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("cart, step 0: 'Hello Zoë & <b>' sent to me@shop.example by shop")
    (content,) = server.taken["me@shop.example"]
    mail = message_from_bytes(content, policy=policy.default)
    assert (mail["To"], mail["From"]) == ("me@shop.example", "Shop <news@shop.example>")
    assert mail["Message-ID"].startswith("<test-")
    assert house.rows("select count(*) from messages where message_id like 'test-%'") == [(0,)]


def test_each_try_is_a_message_of_its_own(house: House, post: tuple[Post, str]) -> None:
    server, settings = post
    for _ in range(2):
        onward(house, "send-test", "alone", "--to", "Me <me@shop.example>", settings=settings)
    first, second = (message_from_bytes(one)["Message-ID"] for one in server.taken["me@shop.example"])
    assert first != second


def test_another_step_s_message(house: House, post: tuple[Post, str]) -> None:
    server, settings = post
    onward(house, "send-test", "cart", "--to", "me@shop.example", "--step", "vip/0", settings=settings)
    assert message_from_bytes(server.taken["me@shop.example"][0])["Subject"] == "For you"
    told = onward(house, "send-test", "cart", "--to", "me@shop.example", "--step", "1", settings=settings)
    assert str(told.exception) == "--step 1: no step that sends mail; allowed: vip/0, 0, 2"


def test_in_staging_it_goes_where_everything_goes(house: House, post: tuple[Post, str]) -> None:
    server, settings = post
    staging = f'environment = "staging"\nstaging_to = "qa@shop.example"\n{settings}'
    told = onward(house, "send-test", "alone", "--to", "me@shop.example", settings=staging)
    assert "sent to qa@shop.example by shop" in told.stdout
    assert message_from_bytes(server.taken["qa@shop.example"][0])["X-Original-To"] == "me@shop.example"
    files = f'environment = "staging"\n{settings}'
    told = onward(house, "send-test", "alone", "--to", "me@shop.example", settings=files)
    assert "sent to me@shop.example by eml" in told.stdout
    assert set(server.taken) == {"qa@shop.example"}


@pytest.mark.parametrize(
    ("set_up", "says"),
    [
        ({"replies": {"me": "550 5.1.1 no such user"}}, "shop: the message to me@shop.example was refused: "),
        (
            {"replies": {"me": "451 4.7.1 later"}},
            "shop: the message to me@shop.example was refused for now; try again later",
        ),
        ({"hang_up": {"me": "dot"}}, "shop: the message was handed over and there was no clear answer"),
    ],
)
def test_what_isn_t_sent_is_told(
    house: House, post: tuple[Post, str], set_up: dict[str, dict[str, str]], says: str
) -> None:
    server, settings = post
    vars(server).update(set_up)
    told = onward(house, "send-test", "alone", "--to", "me@shop.example", settings=settings)
    assert isinstance(told.exception, OnwardError)
    assert str(told.exception).startswith(says)
    assert "me@shop.example" not in json.dumps(told.stdout)


def test_an_address_that_none_is(house: House) -> None:
    told = onward(house, "send-test", "alone", "--to", "me")
    assert isinstance(told.exception, InputError)
    assert str(told.exception).startswith('--to: not a usable e-mail address: "me": ')

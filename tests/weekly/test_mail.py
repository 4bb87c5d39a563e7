"""The week's report by mail: to a real mail server, each week once, whatever happens in between."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.delivery.open_ledger import open_ledger
from flows.delivery.standing import hold, read_standing, release, resolve
from flows.errors import InputError, OnwardError
from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.lock import run_lock
from flows.store.opening import LOCK_FILE, open_store
from flows.weekly.letter import Letter, write_letter
from flows.weekly.mail import Mailing, mail_report
from flows.weekly.numbers import read_weekly
from tests.delivery.mail_server import Post, mail_server
from tests.runs import House, house, person
from tests.semantics.cases import event, trigger, wait, workflow

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
LETTER = Letter("Weekly", "text", "<p>html</p>", ())
ANN, BOB = "ann@shop.example", "bob@shop.example"


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    taken = Post()
    with mail_server(taken) as port:
        yield taken, port


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a store with a workflow that holds out a half, after a tick."""
    thanks = workflow(wait("30d"), workflow_id="thanks", on="buy", holdout=0.5, goal=trigger("again"))
    made = house(tmp_path_factory.mktemp("store"), thanks)
    people = [f"c{n}" for n in range(20)]
    made.customers("people", *map(person, people), {"customer_id": ""})
    made.events("buys", *(event("buy", MONDAY - timedelta(days=2), one) for one in people))
    made.tick(MONDAY - timedelta(minutes=5))
    return made.root


def shop(store: Path, root: Path, port: int, *to: str, **given: Any) -> House:
    """A copy of the store below `root`, about which mails go by a server on this port."""
    smtp = {"type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "timeout": "5s"}
    settings = {
        "senders": {"shop": smtp},
        "sender": "shop",
        "from_address": "Shop <news@shop.example>",
        "weekly_report": {"to": to},
        **given,
    }
    return House(Settings(data_dir=shutil.copytree(store, root / "data"), **settings))


def mail(made: House, now: datetime = MONDAY) -> Mailing:
    """Mail a letter that costs nothing to write."""
    return mail_report(made.settings, clock=lambda: now, write=lambda *_: LETTER)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_everybody_gets_it_once_a_week(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    server, port = post
    made = shop(store, tmp_path, port, f"Ann <{ANN}>", BOB, ANN)
    first = mail(made)
    assert first.sentence == f"report of 2026-W10 mailed by shop to {ANN}, {BOB}"
    again = mail(made, MONDAY + timedelta(days=6, hours=16))
    assert again.sentence == f"report of 2026-W10: {ANN}, {BOB} had it already"
    assert {to: len(mails) for to, mails in server.taken.items()} == {ANN: 1, BOB: 1}
    assert mail(made, MONDAY + timedelta(days=7)).sentence.startswith("report of 2026-W11 mailed")
    ids = [parsed(one)["Message-ID"] for one in server.taken[ANN]]
    assert [one.partition("@")[0][:17] for one in ids] == ["<report-2026-W10-", "<report-2026-W11-"]


def test_what_the_mail_says(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    server, port = post
    made = shop(store, tmp_path, port, ANN, timezone="Europe/Berlin")
    mail_report(made.settings, clock=lambda: MONDAY)
    (content,) = server.taken[ANN]
    found = parsed(content)
    ((treated,),) = made.rows("select count(*) from executions where status = 'running'")
    ((reason,),) = made.rows("select reason from quarantine")
    assert (found["From"], found["To"]) == ("Shop <news@shop.example>", ANN)
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Subject"] == f"Weekly report 2026-03-02: {treated} entered, 0 reached the goal, 0 messages"
    text, page = found.get_body(("plain",)), found.get_body(("html",))
    assert text
    assert page
    for part in (text.get_content(), page.get_content()):
        for said in (
            "The week until 2026-03-02 07:55 Europe/Berlin",
            "Experiment: thanks",
            "held_out",
            "fixed horizon",
            f"refused rows: {reason.partition(':')[0]}",
            "Outbox: nothing is pending",
        ):
            assert " ".join(said.split()) in " ".join(part.split())
    (attached,) = found.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (
        "onward-report-2026-03-02.html",
        "text/html",
    )
    assert "<!doctype html>" in attached.get_content().lower()


def test_a_page_that_is_too_large_stays_at_home(store: Path, tmp_path: Path) -> None:
    made = shop(store, tmp_path, 1)
    with open_reports(made.settings) as con:
        weekly = read_weekly(con, made.settings, lambda: MONDAY)
    assert weekly
    assert [len(write_letter(weekly, "UTC", most).attachments) for most in (1_000_000, 1000)] == [1, 0]
    letter = write_letter(weekly, "UTC", 1000)
    for text in (letter.text, letter.html):
        assert "is too large to attach: `onward report --html FILE`" in " ".join(text.split())


def test_in_staging_all_go_to_the_trap(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    server, port = post
    made = shop(store, tmp_path, port, ANN, BOB, environment="staging", staging_to="qa@shop.example")
    mail(made)
    mail(made)
    assert list(server.taken) == ["qa@shop.example"]
    assert sorted(parsed(one)["X-Original-To"] for one in server.taken["qa@shop.example"]) == [ANN, BOB]


def test_what_is_put_off_goes_with_the_next_run_and_to_nobody_twice(
    store: Path, tmp_path: Path, post: tuple[Post, int]
) -> None:
    server, port = post
    server.replies["bob"] = "451 4.7.1 greylisted"
    made = shop(store, tmp_path, port, ANN, BOB)
    first = mail(made)
    assert (first.waits, first.arrived) == (True, False)
    assert f"{BOB}: put off or held: 451 4.7.1 greylisted; run again this week" in first.sentence
    server.replies.clear()
    assert mail(made, MONDAY + timedelta(minutes=5)).arrived
    assert {to: len(mails) for to, mails in server.taken.items()} == {ANN: 1, BOB: 1}


def test_what_is_refused_is_tried_again_once_asked(
    store: Path, tmp_path: Path, post: tuple[Post, int]
) -> None:
    server, port = post
    server.replies["bob"] = "550 5.1.1 no such user"
    made = shop(store, tmp_path, port, BOB)
    first = mail(made)
    assert (first.waits, first.arrived) == (False, False)
    assert first.sentence == f"{BOB}: refused: 550 5.1.1 no such user; mend that and run again"
    server.replies.clear()
    assert mail(made).arrived


def test_what_got_no_answer_is_held_until_somebody_has_looked(
    store: Path, tmp_path: Path, post: tuple[Post, int]
) -> None:
    server, port = post
    server.hang_up["bob"], server.once = "dot", True
    made = shop(store, tmp_path, port, BOB)
    for _ in range(2):
        told = mail(made)
        assert [one.status for one in told.mails] == ["unknown"]
        assert "`onward outbox resolve --as again report-2026-W10-" in told.sentence
    assert read_standing(made.settings).counts.select("kind", "state").rows() == [("report", "unknown")]
    assert resolve(made.settings, [told.mails[0].message_id], "again") == 1
    assert mail(made).arrived


def test_what_is_held_stays(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    server, port = post
    made = shop(store, tmp_path, port, ANN)
    with open_store(made.settings) as opened:
        open_ledger(opened)
    hold(made.settings, ())
    assert mail(made).waits
    release(made.settings, ())
    assert mail(made).arrived
    assert list(server.taken) == [ANN]


def test_a_tick_at_work_keeps_no_mail_back(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    _, port = post
    made = shop(store, tmp_path, port, ANN)
    with run_lock(made.settings.state / LOCK_FILE):
        assert mail(made).arrived


def test_a_store_that_never_sent_gets_a_ledger_that_its_ticks_take_for_their_own(
    store: Path, tmp_path: Path, post: tuple[Post, int]
) -> None:
    _, port = post
    made = shop(store, tmp_path, port, ANN)
    mail(made)
    with open_store(made.settings) as opened, open_ledger(opened) as ledger:
        assert ledger.query("select kind, status from sends") == [("report", "sent")]
        assert ledger.environment == "production"


def test_what_keeps_it_from_being_mailed(store: Path, tmp_path: Path, post: tuple[Post, int]) -> None:
    _, port = post
    made = shop(store, tmp_path / "made", port, ANN)
    with pytest.raises(InputError, match=r"weekly_report\.to: names nobody; set it, like `to = "):
        mail_report(made.settings.model_copy(update={"weekly_report": Settings().weekly_report}))
    example = made.settings.model_copy(update={"from_address": Settings().from_address})
    with pytest.raises(
        InputError, match="from_address: the weekly report would go out by the sender 'shop' from"
    ):
        mail_report(example)
    empty = house(tmp_path / "empty", weekly_report={"to": [ANN]})
    with pytest.raises(InputError, match="nothing was loaded yet"):
        mail_report(empty.settings)
    with open_store(empty.settings):
        pass
    with pytest.raises(InputError, match="there was no tick yet"):
        mail_report(empty.settings)
    gone = made.settings.senders["shop"].model_copy(update={"port": 1})
    with pytest.raises(OnwardError, match=r"senders\.shop: the mail server 127.0.0.1:1 can't be reached"):
        mail_report(made.settings.model_copy(update={"senders": {"shop": gone}}), write=lambda *_: LETTER)


def told(root: Path, *arguments: str, settings: str = "") -> Result:
    file = root / "onward.toml"
    file.write_text(f'data_dir = "data"\n{settings}')
    return CliRunner().invoke(app, [*arguments, "--settings", str(file)])


def test_the_command(store: Path, tmp_path: Path) -> None:
    shop(store, tmp_path, 1)
    settings = f'[weekly_report]\nto = ["{ANN}"]\n'
    first = told(tmp_path, "report", "--mail", settings=settings)
    assert (first.exit_code, first.stdout[19:]) == (0, f"mailed by eml to {ANN}\n"), first.output
    again = json.loads(told(tmp_path, "report", "--mail", "--json", settings=settings).stdout)
    assert (again["sender"], again["mails"][0]["status"], again["mails"][0]["before"]) == (
        "eml",
        "sent",
        True,
    )
    both = told(tmp_path, "report", "--mail", "--since", "2026-01-01", "--csv", "x", settings=settings)
    assert str(both.exception) == "--mail sends the week's report whole: give it without --csv, --since"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('[weekly_report]\nto = ["ann"]\n', "weekly_report.to.0: 'ann' isn't an e-mail address"),
        (
            "[weekly_report]\nrecipients = []\n",
            "weekly_report.recipients: unknown key 'recipients'; allowed: cron, to",
        ),
        ('[weekly_report]\ncorn = ""\n', "did you mean 'cron'?"),
        ('[weekly_report]\ncron = "mondays"\n', "weekly_report.cron: given 'mondays'; allowed: five fields"),
        ('[weekly_report]\ncron = "0 25 * * 1"\n', "whose hour no cron has"),
        ("[weekly_reports]\nto = []\n", "did you mean 'weekly_report'?"),
    ],
)
def test_settings_that_can_t_be_meant(tmp_path: Path, settings: str, says: str) -> None:
    found = told(tmp_path, "validate", settings=settings)
    assert isinstance(found.exception, InputError)
    assert says in str(found.exception)


def test_validate_knows_the_example_that_nobody_mails_from(tmp_path: Path) -> None:
    (tmp_path / "data/workflows").mkdir(parents=True)
    smtp = '[senders.shop]\ntype = "smtp"\nhost = "127.0.0.1"\n'
    found = told(tmp_path, "validate", settings=f'sender = "shop"\n{smtp}[weekly_report]\nto = ["{ANN}"]\n')
    assert "from_address: the weekly report would go out" in str(found.exception)

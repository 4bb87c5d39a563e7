"""The Prefect deployments against real servers of their own, on loopback; one schedule that really runs."""

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prefect.client.schemas.objects import FlowRun, State, TaskRun
from ruamel.yaml import YAML

os.environ["DO_NOT_TRACK"] = "1"

from prefect import Flow, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_API_PORT,
    temporary_settings,
)
from prefect.states import Completed, Pending
from prefect.testing.utilities import prefect_test_harness

from flows.errors import InputError, OnwardError
from flows.reports import message_chart
from flows.serve import deployments
from flows.serve import server as server_module
from flows.serve.deployments import report, serve, tick, weekly_report
from flows.serve.tasks import WHILE_PUT_OFF
from flows.serve.until_stopped import let_go
from flows.settings import Settings, read_settings
from flows.store.lock import run_lock
from flows.store.opening import LOCK_FILE
from flows.store.publish import PUBLISHED_FILE, published_file
from flows.tick.run import run_tick
from flows.warehouse import connect
from tests.delivery.mail_server import Post, mail_server

pytestmark = pytest.mark.prefect

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
ONWARD = [sys.executable, "-c", "from flows.cli import main; main()"]
TASKS = {"check_definitions", "load_and_decide", "dispatch", "publish_views", "show_tick"}
WORKFLOW = {
    "workflow_id": "thanks",
    "workflow_name": "Thanks",
    "triggers": [{"type": "behavioral", "config": {"action": "purchase"}}],
    "actions": [
        {
            "type": "send_email",
            "config": {"template_id": "thanks", "subject": "Thanks", "content": "Thanks!"},
        },
        {"type": "trigger_webhook", "config": {"url": "https://example.com/hook"}},
        {"type": "add_tag", "config": {"tag": "buyer"}},
        {"type": "wait", "config": {"duration": "30d"}},
    ],
}
TABLES = {
    "executions": "* exclude (tick_id)",
    "steps": "* exclude (tick_id, processed_at)",
    "messages": "* exclude (tick_id, sent_at)",
    "webhooks": "* exclude (tick_id, sent_at)",
    "tags": "*",
    "ticks": "* exclude (started_at, finished_at)",
}
Tables = dict[str, list[tuple[Any, ...]]]
Found = TypeVar("Found")


@pytest.fixture(scope="module", autouse=True)
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's own Prefect is read or written, by this process's children either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("PREFECT_API_URL", raising=False)
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A server for flows that are called in this process."""
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=120), quiet:
        yield


def settle(folder: Path, at: datetime = NOW - timedelta(hours=1), **given: str) -> Path:
    """A data folder with one workflow, customer and purchase; its settings file, with these settings."""
    for name in ("workflows", "inbox/customers", "inbox/events"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "data/workflows/thanks.json").write_text(json.dumps(WORKFLOW))
    buy(folder, "c1", at)
    settings = {"data_dir": "data", **given}
    (folder / "onward.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in settings.items()))
    return folder / "onward.toml"


def buy(folder: Path, customer: str, at: datetime) -> None:
    """Put a new customer and what they bought into the inbox."""
    profile = {"customer_id": customer, "email": f"{customer}@example.com"}
    event = {"customer_id": customer, "type": "behavioral", "name": "purchase", "ts": at.isoformat()}
    (folder / f"data/inbox/customers/{customer}.ndjson").write_text(json.dumps(profile) + "\n")
    (folder / f"data/inbox/events/{customer}.ndjson").write_text(json.dumps(event) + "\n")


def tables(file: Path) -> Tables:
    """What is published."""
    with connect(published_file(read_settings(file)), read_only=True) as con:
        return {
            name: sorted(con.execute(f"select {columns} from {name}").fetchall(), key=repr)
            for name, columns in TABLES.items()
        }


def until(found: Callable[[], Found], seconds: float = 60) -> Found:
    """What `found` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.5)
    return result


def task_runs(state: State[Any]) -> list[TaskRun]:
    with get_client(sync_client=True) as client:
        ids = [state.state_details.flow_run_id]
        return client.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": ids}))


@pytest.mark.usefixtures("server")
def test_the_tick_flow_does_what_a_plain_run_does(tmp_path: Path) -> None:
    flow_file, plain_file = settle(tmp_path / "flow"), settle(tmp_path / "plain")
    state = tick(str(flow_file), NOW.isoformat(), return_state=True)
    summary = run_tick(read_settings(plain_file), NOW)
    assert state.is_completed()
    assert state.message == summary.sentence
    assert tables(flow_file) == tables(plain_file)
    assert [len(tables(flow_file)[name]) for name in ("messages", "webhooks", "tags")] == [1, 1, 1]
    # The server records task runs a moment after they end.
    until(
        lambda: (
            {one.state_type for one in task_runs(state)} == {StateType.COMPLETED}
            and len(task_runs(state)) == len(TASKS)
        )
    )
    assert {one.name.rsplit("-", 1)[0] for one in task_runs(state)} == TASKS


def effects(file: Path) -> tuple[list[str], Tables]:
    """What ticks have left behind: every file, and the tables as they are published."""
    data = read_settings(file).data_dir
    return sorted(str(one.relative_to(data)) for one in data.rglob("*")), tables(file)


@pytest.mark.usefixtures("server")
def test_the_flow_and_a_plain_run_have_the_same_effects_tick_by_tick(tmp_path: Path) -> None:
    flow_file, plain_file = files = [settle(tmp_path / way) for way in ("flow", "plain")]
    for minutes, customer in ((0, None), (5, "c2"), (10, None), (15, "c3")):
        at = NOW + timedelta(minutes=minutes)
        if customer:
            for file in files:
                buy(file.parent, customer, at - timedelta(minutes=1))
        state = tick(str(flow_file), at.isoformat(), return_state=True)
        assert state.message == run_tick(read_settings(plain_file), at).sentence
        assert effects(flow_file) == effects(plain_file)


@pytest.mark.usefixtures("server")
def test_a_refused_file_fails_the_flow_after_everything_else(tmp_path: Path) -> None:
    file = settle(tmp_path)
    (tmp_path / "data/inbox/events/half.parquet").write_bytes(b"PAR1 and no more")
    state = tick(str(file), NOW.isoformat(), return_state=True)
    assert state.is_failed()
    assert "half.parquet" in str(state.message)
    assert [len(tables(file)[name]) for name in ("messages", "webhooks", "tags")] == [1, 1, 1]


@pytest.mark.usefixtures("server")
def test_every_tick_publishes_whatever_publish_every_says(tmp_path: Path) -> None:
    file = settle(tmp_path, backup_every="1h", publish_every="1h")
    tick(str(file), NOW.isoformat(), return_state=True)
    buy(tmp_path, "c2", NOW + timedelta(minutes=1))
    state = tick(str(file), (NOW + timedelta(minutes=5)).isoformat(), return_state=True)
    assert state.is_completed()
    assert len(tables(file)["messages"]) == 2


@pytest.mark.usefixtures("server")
def test_a_tick_without_news_publishes_nothing(tmp_path: Path) -> None:
    file = settle(tmp_path)
    run_tick(read_settings(file), NOW)
    published = published_file(read_settings(file)).stat()
    state = tick(str(file), (NOW + timedelta(minutes=5)).isoformat(), return_state=True)
    assert state.is_completed()
    assert published_file(read_settings(file)).stat().st_ino == published.st_ino


def artifacts(state: State[Any]) -> dict[str, str]:
    """What a run has left: key → the artifact itself."""
    with get_client(sync_client=True) as client:
        body = {"artifacts": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
        found = client.request("POST", "/artifacts/filter", json=body).json()
    return {one["key"]: one["data"] for one in found}


@pytest.mark.usefixtures("server")
def test_the_report_flow_leaves_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_chart, "can_draw", lambda: True)
    monkeypatch.setattr(message_chart, "message_chart", lambda *_: b"picture")
    file = settle(tmp_path)
    held_out = {**WORKFLOW, "workflow_id": "held_out", "holdout": 1}
    (tmp_path / "data/workflows/held_out.json").write_text(json.dumps(held_out))
    run_tick(read_settings(file), NOW)
    found = artifacts(report(str(file), return_state=True))
    assert set(found) == {"workflow-summary", "drop-off", "experiments", "messages"}
    held, thanks = json.loads(found["workflow-summary"])
    assert (thanks["workflow"], thanks["total"], thanks["verdict"]) == ("thanks", "1", "")
    assert held["verdict"].startswith("[experiments](http://")
    assert held["verdict"].endswith("/artifacts/key/experiments)")
    steps = json.loads(found["drop-off"])
    assert [(row["step"], row["action"]) for row in steps if row["workflow"] == "thanks"] == [
        *(("0", "send_email thanks"), ("1", "trigger_webhook https://example.com/hook")),
        *(("2", "add_tag buyer"), ("3", "wait 30d")),
    ]
    assert found["experiments"].startswith("## held_out\n\n| group | customers | converted | rate |\n")
    assert "| held_out | 1 | - |" in found["experiments"]
    assert found["messages"].endswith("(data:image/png;base64,cGljdHVyZQ==)")


@pytest.mark.usefixtures("server")
def test_an_artifact_that_can_t_be_made_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no table today")

    monkeypatch.setattr("flows.serve.artifacts.create_table_artifact", broken)
    state = tick(str(settle(tmp_path)), NOW.isoformat(), return_state=True)
    assert state.is_completed()
    assert set(artifacts(state)) == {"onward-tick"}
    assert "artifact workflow-summary: left out (RuntimeError: no table today)" in caplog.text
    assert "artifact drop-off: left out" in caplog.text


class Once(dict[str, str]):
    """Replies that a mail server gives once."""

    def get(self, key: str, default: Any = None) -> Any:
        return self.pop(key, default)


@pytest.mark.usefixtures("server")
def test_the_week_s_report_is_mailed_once_however_often_the_flow_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "WHILE_PUT_OFF", replace(WHILE_PUT_OFF, delays=(0, 0)))
    file = settle(tmp_path)
    run_tick(read_settings(file), NOW)
    post = Post(replies=Once(ann="451 4.7.1 greylisted"))
    with mail_server(post) as port:
        settings = (
            f'data_dir = "data"\nsender = "shop"\nfrom_address = "news@shop.example"\n[senders.shop]\ntype = "smtp"\n'
            f'host = "127.0.0.1"\nport = {port}\ntls = "none"\n[weekly_report]\nto = ["ann@shop.example"]\n'
        )
        file.write_text(settings)
        first, second = (weekly_report(str(file), return_state=True) for _ in range(2))
    assert (first.is_completed(), second.is_completed()) == (True, True), (first.message, second.message)
    assert first.message.endswith("mailed by shop to ann@shop.example")
    assert second.message.endswith("ann@shop.example had it already")
    (content,) = post.taken["ann@shop.example"]
    mail = message_from_bytes(content, policy=policy.default)
    assert mail["Message-ID"].startswith("<report-")
    assert "thanks" in mail.get_body(("plain",)).get_content()
    assert [one.get_content_type() for one in mail.iter_attachments()] == ["text/html"]


@pytest.mark.usefixtures("server")
def test_a_week_s_report_for_nobody_is_none(tmp_path: Path) -> None:
    state = weekly_report(str(settle(tmp_path)), return_state=True)
    assert (state.is_completed(), state.message) == (
        True,
        "Nobody is to get it: weekly_report.to is empty",
    )


def test_the_week_s_report_is_served_by_the_settings_clock_if_somebody_is_to_get_it(tmp_path: Path) -> None:
    served = deployments.times_of(read_settings(settle(tmp_path)), "* * * * *")
    assert weekly_report not in dict(served)
    weekly = {"to": ["ann@shop.example"], "cron": "30 6 * * 5"}
    settings = Settings(weekly_report=weekly, timezone="Europe/Berlin")
    schedule = dict(deployments.times_of(settings, "* * * * *"))[weekly_report]
    assert (schedule.cron, schedule.timezone) == ("30 6 * * 5", "Europe/Berlin")


@pytest.mark.usefixtures("server")
def test_a_mistake_fails_the_run_with_its_message_and_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    missing = tick(str(tmp_path / "none.toml"), return_state=True)
    assert missing.is_failed()
    assert "no such settings file" in missing.message
    file = str(settle(tmp_path))
    wrong = tick(file, "tomorrow", return_state=True)
    assert wrong.message.startswith("now 'tomorrow' is not an instant")
    ahead = tick(file, "9999-01-01", return_state=True)
    assert "ahead of the clock" in ahead.message
    assert tick(file, "9999-01-01", force=True, return_state=True).is_completed()
    assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text])


@pytest.mark.usefixtures("server")
def test_a_tick_is_refused_while_another_run_holds_the_store(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    file = settle(tmp_path)
    with run_lock(read_settings(file).state / LOCK_FILE):
        state = tick(str(file), NOW.isoformat(), return_state=True)
    assert state.is_failed()
    assert f"another run is in progress (pid {os.getpid()}" in state.message
    assert "Traceback" not in "".join([*capfd.readouterr(), caplog.text])


def test_serve_refuses_what_is_no_cron_expression(tmp_path: Path) -> None:
    file = settle(tmp_path)
    with pytest.raises(InputError, match=r"--cron 'daily at 9' is not a cron expression"):
        serve(read_settings(file), file, "daily at 9")


def test_serve_refuses_a_taken_port_and_a_server_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    file = settle(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            temporary_settings({PREFECT_SERVER_API_PORT: port, PREFECT_API_URL: None}),
            pytest.raises(InputError, match="is taken"),
        ):
            serve(read_settings(file), file, "0 * * * *")
    absent = {PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}
    with temporary_settings(absent), pytest.raises(OnwardError, match="no Prefect server answers"):
        serve(read_settings(file), file, "0 * * * *")


def test_prefect_yaml_names_the_same_flows() -> None:
    listed = YAML(typ="safe", pure=True).load((ROOT / "prefect.yaml").read_text())["deployments"]
    for one in listed:
        file, _, name = one["entrypoint"].partition(":")
        work = getattr(deployments, name)
        assert isinstance(work, Flow)
        assert ROOT / file == Path(deployments.__file__)
        assert set(one["parameters"]) == set(work.parameters.properties)
        assert one["name"] == deployments.DEPLOYMENT
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_onward_run_does_not_import_prefect(tmp_path: Path) -> None:
    file = settle(tmp_path)
    script = (
        "import sys\nfrom flows.cli import app\n"
        f"app(['run', '--settings', {str(file)!r}], standalone_mode=False)\n"
        "assert 'prefect' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=tmp_path)


@dataclass
class Served:
    """A running `onward serve`: its process, what it printed, and its Prefect server's address."""

    file: Path
    process: subprocess.Popen[bytes]
    output: Path
    api: str

    def runs(self, state_type: str) -> list[FlowRun]:
        with temporary_settings({PREFECT_API_URL: self.api}), get_client(sync_client=True) as client:
            wanted = FlowRunFilter(state={"type": {"any_": [state_type]}})
            return client.read_flow_runs(flow_run_filter=wanted)

    def pause(self) -> None:
        with temporary_settings({PREFECT_API_URL: self.api}), get_client(sync_client=True) as client:
            for one in client.read_deployments():
                client.request("POST", "/deployments/{id}/pause_deployment", path_params={"id": one.id})

    def paused(self) -> dict[str, bool]:
        """Name of deployments → whether those of this name are paused."""
        with temporary_settings({PREFECT_API_URL: self.api}), get_client(sync_client=True) as client:
            return {one.name: one.paused for one in client.read_deployments()}

    def completes_another(self) -> None:
        before = len(self.runs("COMPLETED"))
        until(lambda: len(self.runs("COMPLETED")) > before)

    def wait_for(self, state_type: str, message: str = "") -> list[FlowRun]:
        return until(lambda: [one for one in self.runs(state_type) if message in (one.state.message or "")])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(folder: Path, file: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """`onward serve` with a tick every five seconds, as a user starts it, once it serves."""
    port = free_port()
    env = {**os.environ, "PREFECT_SERVER_API_PORT": str(port), "PREFECT_RUNNER_POLL_FREQUENCY": "2"}
    command = [*ONWARD, "serve", "--cron", "* * * * * */5", "--settings", str(file), *arguments]
    output = folder / "printed.txt"
    with output.open("wb") as printed:
        process = subprocess.Popen(
            command, cwd=folder, env=env | environment, stdout=printed, stderr=printed, start_new_session=True
        )
    try:
        until(lambda: "Ticks run at" in output.read_text() or process.poll() is not None, 120)
        yield Served(
            file, process, output, environment.get("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
        )
    finally:
        # A polite end, which takes the server along; the kill only if that fails.
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A data folder that is served."""
    folder = tmp_path_factory.mktemp("served")
    file = settle(folder, datetime.now(UTC) - timedelta(hours=1))
    with serving(folder, file) as found:
        assert found.process.poll() is None, found.output.read_text()
        yield found


def test_a_scheduled_run_starts_by_itself_and_completes(served: Served) -> None:
    done = served.wait_for("COMPLETED")
    assert all(one.auto_scheduled for one in done)
    found = tables(served.file)
    assert [row[3] for row in found["executions"]] == ["c1"]
    assert len(found["messages"]) == len(found["webhooks"]) == len(found["tags"]) == 1


def test_runs_never_overlap(served: Served) -> None:
    with run_lock(read_settings(served.file).state / LOCK_FILE):
        served.wait_for("FAILED", "another run is in progress")
    cancelled = served.wait_for("CANCELLED")
    assert "concurrency limit" in cancelled[0].state.message
    assert "leaked" not in served.output.read_text()


def test_a_second_one_in_the_folder_is_refused_and_the_first_goes_on(served: Served, tmp_path: Path) -> None:
    with serving(tmp_path, served.file) as second:
        assert second.process.wait(30) == 1
        (said,) = second.output.read_text().splitlines()
        assert f"another `onward serve` works in this data folder (pid {served.process.pid}, since 20" in said
    assert not any(served.paused().values())
    served.completes_another()


def test_another_folder_on_the_same_server_needs_a_name_of_its_own(served: Served, tmp_path: Path) -> None:
    file = settle(tmp_path, datetime.now(UTC) - timedelta(hours=1))
    with serving(tmp_path, file, PREFECT_API_URL=served.api) as nameless:
        assert nameless.process.wait(30) == 2
        (said,) = nameless.output.read_text().splitlines()
        folder = read_settings(served.file).data_dir.resolve()
        assert f"its deployment onward-tick/onward is that of the data folder {folder}; serve this" in said
    with serving(tmp_path, file, "--name", "other", PREFECT_API_URL=served.api) as other:
        until((tmp_path / "data/published" / PUBLISHED_FILE).exists)
        assert [row[3] for row in tables(file)["executions"]] == ["c1"]
        os.killpg(other.process.pid, signal.SIGINT)
        assert other.process.wait(30) == 130
        printed = other.output.read_text()
        assert printed.endswith("Stopped; the schedules are paused until `onward serve` runs again.\n")
        assert "Traceback" not in printed
    assert served.paused() == {"onward": False, "other": True}
    # A paused one is nobody's at the moment: the name is taken over.
    with serving(tmp_path, file, "--name", "other", PREFECT_API_URL=served.api) as again:
        assert again.process.poll() is None
    served.completes_another()


def test_an_interrupt_between_runs_ends_it_cleanly_and_takes_the_server_along(served: Served) -> None:
    served.pause()
    until(lambda: not any(map(served.runs, ("SCHEDULED", "PENDING", "RUNNING"))))
    before = len(served.output.read_text())
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.process.wait(30) == 130
    printed = served.output.read_text()[before:]
    assert "Stopped; the schedules are paused" in printed
    assert "Traceback" not in printed
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", int(served.api.rsplit(":", 1)[1].partition("/")[0])))


def port_of(api: str) -> int:
    return int(api.rsplit(":", 1)[1].partition("/")[0])


def answers(api: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port_of(api))) == 0


@pytest.mark.slow
def test_a_killed_one_takes_its_server_along_and_the_next_serves(tmp_path: Path) -> None:
    file = settle(tmp_path, datetime.now(UTC) - timedelta(hours=1))
    with serving(tmp_path, file) as killed:
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait(10)
        until(lambda: not answers(killed.api))
    with serving(tmp_path, file) as again:
        again.wait_for("COMPLETED")


@pytest.mark.slow
def test_the_server_of_one_that_starts_at_the_same_time_is_not_taken_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settle(tmp_path / "first", datetime.now(UTC) - timedelta(hours=1))
    other = settle(tmp_path / "second")
    with serving(tmp_path / "first", file) as first:
        monkeypatch.setattr(server_module, "_check_free", lambda _: None)
        taken = temporary_settings({PREFECT_SERVER_API_PORT: port_of(first.api), PREFECT_API_URL: None})
        with taken, pytest.raises(InputError, match="is taken"):
            serve(read_settings(other), other, "0 * * * *")
        assert not any(first.paused().values())


def interrupted_once(folder: Path, file: Path, when: Callable[[Served], object]) -> None:
    with serving(folder, file) as found:
        when(found)
        os.killpg(found.process.pid, signal.SIGINT)
        code, printed = found.process.wait(60), found.output.read_text()
    assert code == 130, printed
    assert "Traceback" not in printed
    # Prefect's log may say it too, of a task that was under way.
    own = "\n".join(line for line in printed.splitlines() if " | " not in line)
    assert own.count("Stopped; ") + own.count("interrupted: ") == 1, printed
    assert not answers(found.api)
    assert places_held(file) == 0, printed


def places_held(file: Path) -> int:
    """How many places of deployments, which have one each, are taken."""
    database = read_settings(file).state / "prefect" / "prefect.db"
    with closing(sqlite3.connect(database)) as db:
        ((held,),) = db.execute("select coalesce(sum(active_slots), 0) from concurrency_limit_v2").fetchall()
        return int(held)


def test_an_interrupt_during_a_tick_ends_it_and_a_run_by_hand_goes_on(tmp_path: Path) -> None:
    file = settle(tmp_path, datetime.now(UTC) - timedelta(hours=1))
    interrupted_once(tmp_path, file, lambda found: until(lambda: found.runs("RUNNING")))
    run_tick(read_settings(file), datetime.now(UTC))
    assert [len(tables(file)[name]) for name in ("messages", "webhooks", "tags")] == [1, 1, 1]


@pytest.mark.usefixtures("server")
def test_of_what_is_stopped_no_run_that_was_about_to_begin_keeps_its_place() -> None:
    with get_client(sync_client=True) as client:
        made = [
            client.create_flow_run(tick, tags=tags, state=state)
            for tags, state in ((["a", "b"], Pending()), (["a", "c"], Pending()), (["a", "b"], Completed()))
        ]
        asyncio.run(let_go(["a", "b"]))
        found = [client.read_flow_run(one.id).state_type for one in made]
    assert found == [StateType.CANCELLED, StateType.PENDING, StateType.COMPLETED]


@pytest.mark.slow
def test_interrupts_at_many_moments(tmp_path: Path) -> None:
    chance = random.Random(0)
    for number in range(20):
        folder = tmp_path / str(number)
        file = settle(folder, datetime.now(UTC) - timedelta(hours=1))
        interrupted_once(folder, file, lambda _: time.sleep(chance.uniform(0, 12)))
        run_tick(read_settings(file), datetime.now(UTC))
        assert len(tables(file)["messages"]) == 1

"""The Prefect server to work with: the one that is configured, else one started on this machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import typer
from httpx import InvalidURL
from prefect import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_PORT, temporary_settings

from flows.errors import InputError, OnwardError
from flows.serve import local

HOST = "127.0.0.1"
PATIENCE = timedelta(minutes=2)
MEMO = "PREFECT_SERVER_MEMO_STORE_PATH"
"""What a server notes for its next start: beside its history, not in the user's own folder of Prefect."""


@contextmanager
def prefect_api(folder: Path) -> Generator[str]:
    """The address of the Prefect API to use, for as long as the block lasts.

    Args:
        folder: where a server started here keeps its history and its log.

    Raises:
        InputError: the port of a server to start is taken.
        OnwardError: the server of `PREFECT_API_URL`, or the one started, doesn't answer.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        fault = _fault()
        if fault:
            raise OnwardError(
                f"{configured}: no Prefect server answers ({fault}); start it, or unset PREFECT_API_URL and "
                "let `onward serve` start one"
            )
        yield configured
        return
    port = PREFECT_SERVER_API_PORT.value()
    with _local_server(port, folder) as api, temporary_settings({PREFECT_API_URL: api}):
        yield api


@contextmanager
def _local_server(port: int, folder: Path) -> Generator[str]:
    _check_free(port)
    folder.mkdir(parents=True, exist_ok=True)
    log, memo = folder / "server.log", str(folder.absolute() / "memo.toml")
    history = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder.absolute()}/prefect.db"
    }
    private = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_API_URL": "/api"}
    command = [sys.executable, "-m", local.__name__, "server", "start", "--host", HOST, "--port", str(port)]
    typer.echo("Starting a Prefect server on this machine")
    with log.open("wb") as output:
        # A session of its own: Ctrl-C must reach the server after the schedules are paused, not before.
        process = subprocess.Popen(
            command, env={**history, **os.environ, **private, MEMO: memo}, stdout=output, stderr=output,
            stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    try:
        api = f"http://{HOST}:{port}/api"
        with temporary_settings({PREFECT_API_URL: api}):
            _wait_for(process, log)
            _check_ours(port, memo)
        yield api
    finally:
        _stop(process)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise _taken(port) from None
        except OverflowError:
            raise InputError(f"PREFECT_SERVER_API_PORT={port}: no port; give one from 1 to 65535") from None


def _check_ours(port: int, memo: str) -> None:
    """Two that start at once both find the port free, and then the server of one of them there.

    Raises:
        InputError: it is the other one's, known by where it keeps its notes.
    """
    with get_client(sync_client=True) as client:
        theirs = client.request("GET", "/admin/settings").json()
    if theirs["server"]["memo_store_path"] != memo:
        raise _taken(port)


def _taken(port: int) -> InputError:
    return InputError(
        f"port {port} is taken; if a Prefect server of yours is there, set "
        f"PREFECT_API_URL=http://{HOST}:{port}/api; else give another port: PREFECT_SERVER_API_PORT"
    )


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while _fault():
        if process.poll() is not None or time.monotonic() > deadline:
            raise OnwardError(f"the Prefect server did not start; {log} says why")
        time.sleep(0.5)


def _fault() -> Exception | None:
    try:
        with get_client(sync_client=True) as client:
            return client.api_healthcheck()
    except InvalidURL as error:
        return error


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.close()
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

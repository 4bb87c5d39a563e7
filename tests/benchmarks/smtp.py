"""Mails a second by SMTP, to aiosmtpd in a process of its own, beside a bare loop of aiosmtplib over the same bytes.

The bare loop has as many connections, kept for all mails, and notes nothing; the sender takes hand-overs of 500 mails,
as a run makes them, and notes in a SQLite file, synced, what is begun and answered. Best of some rounds that take
turns; processor time too, without the server's, since on a busy machine seconds say little.
"""

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from threading import Lock

from aiosmtplib import SMTP

from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.smtp import SmtpSender, open_sender
from flows.sending import SmtpSettings

AT_ONCE = 500
_SERVER = """
import asyncio
from aiosmtpd.smtp import SMTP

class Post:
    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 Ok: queued as 1"

async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Post(), loop=loop, hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(serve())
"""


@contextmanager
def server() -> Iterator[int]:
    """aiosmtpd in a process of its own; its port."""
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class Noted:
    """Notes what is told in a synced SQLite file, as a send ledger does."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.executescript("pragma journal_mode = wal; pragma synchronous = full;")
        self._db.execute("create table sends (id text primary key, status text) without rowid")
        self._lock, self.sent = Lock(), 0

    def begin(self, ids: Sequence[str]) -> None:
        """In one transaction."""
        self._write("insert into sends values (?, null)", [(one,) for one in ids])

    def answer(self, answers: Sequence[Answer]) -> None:
        """In one transaction."""
        self._write(
            "update sends set status = ? where id = ?", [(one.status, one.message_id) for one in answers]
        )
        self.sent += sum(one.status == "sent" for one in answers)

    def _write(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        with self._lock:
            self._db.execute("begin")
            self._db.executemany(statement, rows)
            self._db.execute("commit")


def mails(count: int, length: int) -> list[Outgoing]:
    """Plain mails with a body of so many characters."""
    line = "You left something in your cart, and it is still there for you.\n"
    return [
        Outgoing(
            message_id=f"{n:032x}", customer_id=f"c{n}", workflow_id="w", step="0", template_id=None,
            to=f"c{n}@example.com", subject="Hello", text=line * (length // len(line)), html=None,
            at=datetime(2026, 3, 1, tzinfo=UTC), sender="Shop <news@shop.example>",
        )
        for n in range(count)
    ]  # fmt: skip


async def bare(port: int, payload: Sequence[tuple[str, bytes]], connections: int) -> None:
    """The same mails over as many connections, by nothing but the library."""
    left = iter(payload)

    async def work() -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for to, content in left:
                await client.sendmail("news@shop.example", [to], content)

    await asyncio.gather(*(work() for _ in range(connections)))


def measure(count: int, length: int, connections: int, rounds: int) -> str:
    """Mails a second of both, and their ratio."""
    messages = mails(count, length)
    plain = [(one.to, message_bytes(one).encode()) for one in messages]
    seconds = {"bare": Best(), "sender": Best()}
    with server() as port, tempfile.TemporaryDirectory(prefix="onward-smtp-") as folder:
        given = {"type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "concurrency": connections}
        sender = open_sender("shop", SmtpSettings.model_validate(given))
        payloads = [sender.prepare(messages[n : n + AT_ONCE]) for n in range(0, count, AT_ONCE)]
        lines = b"\n".join(payloads).splitlines()
        assert [json.loads(one)[3].encode() for one in lines] == [one for _, one in plain]
        for number in range(rounds):
            seconds["bare"].take(lambda: asyncio.run(bare(port, plain, connections)))
            noted = Noted(Path(folder) / f"{number}.sqlite")
            seconds["sender"].take(lambda noted=noted: hand_over(sender, payloads, noted))
            assert noted.sent == count
    alone, whole = seconds["bare"], seconds["sender"]
    return (
        f"{count:,} mails of {length:,} characters, {connections} connections: aiosmtplib alone "
        f"{count / alone.wall:,.0f}/s, sender {count / whole.wall:,.0f}/s, ratio {alone.wall / whole.wall:.2f}; "
        f"processor time {1e6 * alone.cpu / count:.0f} and {1e6 * whole.cpu / count:.0f} µs a mail, ratio "
        f"{alone.cpu / whole.cpu:.2f}"
    )


@dataclass
class Best:
    """The least seconds, and processor seconds, that something took."""

    wall: float = inf
    cpu: float = inf

    def take(self, act: Callable[[], object]) -> None:
        """Do it once more."""
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        self.wall = min(self.wall, time.perf_counter() - wall)
        self.cpu = min(self.cpu, time.process_time() - cpu)


def hand_over(sender: SmtpSender, payloads: Sequence[bytes], noted: Noted) -> None:
    """All hand-overs, one after another."""
    for key, payload in enumerate(payloads):
        sender.hand_over(str(key), payload, noted)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=5_000)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    for size in (1_000, 20_000):
        print(measure(asked.mails, size, 4, asked.rounds), flush=True)

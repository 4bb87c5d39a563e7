"""Handing over by HTTP against a bare httpx loop that posts the same bytes: `python -m tests.benchmarks.http_senders`.

One message a request (SendGrid) and a hundred (Resend), to a server in a process of its own that takes anything at
once; as many connections on both sides. Goal: at least 0.7 × as fast. Turns are taken, the best of each counts.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

import httpx
from pydantic import TypeAdapter

from flows.delivery.senders.base import Answer
from flows.delivery.senders.over_http import HttpSender
from flows.delivery.senders.requests import Request, unpacked
from flows.sending import Senders
from tests.delivery.providers.setting import CASES, outgoing

CONNECTIONS = 4
TEXT = "Hello Ann,\nthere is something in your cart.\n" * 20
HANDED_OVER = 1000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Handing over by HTTP against bare httpx.")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args(arguments)
    for name, size in (("sendgrid", 1), ("resend", 100)):
        with serving(size) as url:
            compare(name, url, given.messages, given.turns)


def compare(name: str, url: str, count: int, turns: int) -> None:
    """Print how fast both are."""
    changes = {"per_second": 1e9, "concurrency": CONNECTIONS, "base_url": url}
    settings = TypeAdapter(Senders).validate_python({"shop": {**CASES[name].given, **changes}})["shop"]
    sender: HttpSender = CASES[name].module.open_sender("shop", settings)
    began = time.perf_counter()
    size = min(sender.batch_limit, HANDED_OVER)
    payloads = [
        sender.prepare(
            [
                outgoing(one, text=TEXT, html=f"<p>{TEXT}</p>")
                for one in range(start, min(start + size, count))
            ]
        )
        for start in range(0, count, size)
    ]
    prepared = time.perf_counter() - began
    requests = [one for payload in payloads for one in unpacked(payload)]
    ours = min(timed(lambda: hand_over(sender, payloads, count)) for _ in range(turns))
    bare = min(timed(lambda: post(url, requests)) for _ in range(turns))
    print(
        f"{name}: {len(requests):,} requests, {count:,} messages; prepared {count / prepared:,.0f}/s; "
        f"handed over {count / ours:,.0f}/s; bare httpx {count / bare:,.0f}/s; ratio {bare / ours:.2f}"
    )


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


class Counts:
    """A recorder that only counts."""

    def __init__(self) -> None:
        self.sent = 0

    def begin(self, ids: Sequence[str]) -> None:
        """Nothing to note."""

    def answer(self, answers: Sequence[Answer]) -> None:
        self.sent += sum(one.status == "sent" for one in answers)


def hand_over(sender: HttpSender, payloads: Sequence[bytes], count: int) -> None:
    """As the crew of `flows/delivery/crew.py` does: so many hand-overs at once as the sender takes."""
    recorders = [Counts() for _ in payloads]
    with ThreadPoolExecutor(sender.concurrency) as pool:
        list(
            pool.map(
                lambda one: sender.hand_over(f"k{one[0]}", payloads[one[0]], one[1]), enumerate(recorders)
            )
        )
    assert sum(one.sent for one in recorders) == count


def post(url: str, requests: Sequence[Request]) -> None:
    """The same bytes by httpx alone."""
    with (
        httpx.Client(base_url=url, limits=httpx.Limits(max_connections=CONNECTIONS)) as client,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        headers = {"Content-Type": "application/json", "Authorization": "Bearer x"}
        answers = pool.map(lambda one: client.post(one.path, content=one.body, headers=headers), requests)
        assert all(one.status_code == 200 for one in answers)


@contextmanager
def serving(size: int) -> Iterator[str]:
    """A server that says that it took so many, at once."""
    mine, its = Pipe()
    process = Process(target=serve, args=(size, its), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{mine.recv()}"
    process.kill()
    process.join()


def serve(size: int, told: Connection) -> None:
    body = json.dumps({"data": [{"id": f"{one:032x}"} for one in range(size)]}).encode()
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(answer)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**22)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()

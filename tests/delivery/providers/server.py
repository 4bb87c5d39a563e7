"""A provider on this machine: a real HTTP server that holds every request against the provider's description.

What it does with a request is a *manner*: it takes it and says so, takes it and hangs up, hangs up before, wants to be
left alone, … Manners are given in order, one a request; then `always`.
"""

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Received:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


class Description(Protocol):
    """What a provider documents of itself."""

    key_header: str | None

    def faults(self, request: Received) -> list[str]:
        """What is wrong with a request."""
        ...

    def take(self, request: Received, refused: frozenset[str]) -> tuple[list[str], Said]:
        """The ids of the messages taken, all but some, and what is said."""
        ...

    def tell(self, request: Received, taken: Sequence[str]) -> Said:
        """The answer to a question."""
        ...


@dataclass(frozen=True)
class Manner:
    """What is done with a request.

    Attributes:
        says: said instead of taking it.
        hangs_up: "before" or "after" taking it.
        breaks_off: the answer is cut short.
        waits: so long before anything is done, in seconds.
    """

    says: Said | None = None
    hangs_up: str | None = None
    breaks_off: bool = False
    waits: float = 0.0


TAKES = Manner()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients may go as they like."""


class Provider:
    """The server; use it in a `with` statement."""

    def __init__(self, description: Description, refused: Sequence[str] = ()) -> None:
        self.description = description
        self.refused = frozenset(refused)
        self.manners: list[Manner] = []
        self.always = TAKES
        self.received: list[Received] = []
        self.taken: list[str] = []
        self.faults: list[str] = []
        self._under_key: dict[str, tuple[bytes, Said]] = {}
        self._lock = Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                provider.handle(self)

            do_GET = do_PUT = do_POST  # noqa: N815 (names of the library)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed at that: no provider has got a request
            handler.close_connection = True
            return None
        request = Received(handler.command, handler.path, dict(handler.headers.items()), body)
        with self._lock:
            self.received.append(request)
            if request.method == "GET":
                return _answer(handler, self.description.tell(request, self.taken), TAKES)
            manner = self.manners.pop(0) if self.manners else self.always
        time.sleep(manner.waits)
        if manner.hangs_up == "before":
            return _hang_up(handler)
        said = manner.says or self._take(request)
        return _hang_up(handler) if manner.hangs_up == "after" else _answer(handler, said, manner)

    def _take(self, request: Received) -> Said:
        with self._lock:
            self.faults += self.description.faults(request)
            key = request.headers.get(self.description.key_header or "-")
            if key in self._under_key:
                first, said = self._under_key[key]
                return said if first == request.body else Said(409, {"name": "invalid_idempotent_request"})
            taken, said = self.description.take(request, self.refused)
            self.taken += taken
            if key:
                self._under_key[key] = (request.body, said)
            return said


def _answer(handler: BaseHTTPRequestHandler, said: Said, manner: Manner) -> None:
    handler.send_response(said.status)
    for name, value in said.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(said.body) + manner.breaks_off))
    handler.end_headers()
    handler.wfile.write(said.body[: len(said.body) // 2] if manner.breaks_off else said.body)
    handler.close_connection = manner.breaks_off


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True

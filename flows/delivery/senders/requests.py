"""What the ledger stores of a hand-over by HTTP: a row of requests, byte for byte.

Each request is a line of JSON that names the ids in it, its path and the sizes of its items, followed by the items'
bytes. A request with several items is a JSON array of them, so that it can be cut in two without touching a byte.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

JSON = "application/json"
AT_ONCE = 32
"""The most messages that are begun together where each has a request of its own."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Request:
    """A request that hands messages over.

    Attributes:
        ids: of the messages in it.
        path: below the provider's base address, or a whole address.
        items: their bytes, one for each.
        array: whether the body is a JSON array of the items; else there is one.
        content_type: of the body.
        reference: what the provider can be asked by later, beside the id.
    """

    ids: tuple[str, ...]
    path: str
    items: tuple[bytes, ...]
    array: bool = False
    content_type: str = JSON
    reference: str = ""

    @property
    def body(self) -> bytes:
        """What is sent."""
        return b"[" + b",".join(self.items) + b"]" if self.array else self.items[0]

    def halves(self) -> tuple["Request", "Request"]:
        """Two requests with a half of the messages each."""
        half = len(self.ids) // 2
        return (
            replace(self, ids=self.ids[:half], items=self.items[:half]),
            replace(self, ids=self.ids[half:], items=self.items[half:]),
        )


def packed(requests: Iterable[Request]) -> bytes:
    """Requests as the bytes of a hand-over."""
    pieces: list[bytes] = []
    for one in requests:
        head = [
            one.ids,
            one.path,
            [len(item) for item in one.items],
            one.array,
            one.content_type,
            one.reference,
        ]
        pieces += [json.dumps(head).encode(), b"\n", *one.items, b"\n"]
    return b"".join(pieces)


def unpacked(payload: bytes) -> Iterator[Request]:
    """The requests of a hand-over."""
    place = 0
    while place < len(payload):
        end = payload.index(b"\n", place)
        ids, path, sizes, array, content_type, reference = json.loads(payload[place:end])
        place, items = end + 1, []
        for size in sizes:
            items.append(payload[place : place + size])
            place += size
        place += 1
        yield Request(tuple(ids), path, tuple(items), array, content_type, reference)


def document(content: object) -> bytes:
    """A JSON value as bytes, the same whenever it is made; what UTF-8 can't spell becomes a question mark."""
    return _ENCODER.encode(content).encode("utf-8", "replace")


def fitting(
    items: Iterable[tuple[str, bytes]], most: int, most_bytes: int
) -> Iterator[list[tuple[str, bytes]]]:
    """Ids and items in groups of at most so many, of at most so many bytes as an array unless one alone has more."""
    group: list[tuple[str, bytes]] = []
    size = 2
    for one in items:
        if group and (len(group) == most or size + len(one[1]) + 1 > most_bytes):
            yield group
            group, size = [], 2
        group.append(one)
        size += len(one[1]) + 1
    if group:
        yield group


def with_keys(key: str, requests: Sequence[Request], *, own: bool = False) -> list[tuple[str, Request]]:
    """Requests, each with a key that is the same whenever its hand-over is repeated.

    Args:
        key: the hand-over's.
        requests: all of the hand-over, or parts of one of its requests.
        own: whether the first has a key of its own too, instead of the hand-over's.
    """
    return [
        (key if not place and not own else f"{key}-{one.ids[0]}-{len(one.ids)}", one)
        for place, one in enumerate(requests)
    ]


def a_few_at_once(keyed: Iterable[tuple[str, Request]]) -> Iterator[list[tuple[str, Request]]]:
    """Requests in groups that carry few messages, or are a single one."""
    group: list[tuple[str, Request]] = []
    size = 0
    for one in keyed:
        if group and size + len(one[1].ids) > AT_ONCE:
            yield group
            group, size = [], 0
        group.append(one)
        size += len(one[1].ids)
    if group:
        yield group

"""What the ledger stores of a hand-over by HTTP: a row of requests, byte for byte.

Each request is a line of JSON that names the ids in it, its path and the size of its body, followed by the body's
bytes. Of a JSON array it names the sizes of the items too, so that it can be cut in two without touching a byte.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile

import orjson

JSON = "application/json"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Request:
    """A request that hands messages over.

    Attributes:
        ids: of the messages in it.
        path: below the provider's base address, or a whole address.
        body: what is sent.
        sizes: how many bytes each message has in a body that is a JSON array of them; none for any other.
        content_type: of the body.
        reference: what the provider can be asked by later, beside the id.
    """

    ids: tuple[str, ...]
    path: str
    body: bytes
    sizes: tuple[int, ...] = ()
    content_type: str = JSON
    reference: str = ""

    def halves(self) -> tuple["Request", "Request"]:
        """Two requests, of an array, with a half of the messages each."""
        ends = accumulate(size + 1 for size in self.sizes)
        items = [self.body[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]
        half = len(self.ids) // 2
        return self._with(self.ids[:half], items[:half]), self._with(self.ids[half:], items[half:])

    def _with(self, ids: tuple[str, ...], items: Sequence[bytes]) -> "Request":
        body, sizes = array(items)
        return replace(self, ids=ids, body=body, sizes=sizes)


def array(items: Sequence[bytes]) -> tuple[bytes, tuple[int, ...]]:
    """Items as a JSON array, and their sizes."""
    return b"[" + b",".join(items) + b"]", tuple(map(len, items))


def packed(requests: Iterable[Request]) -> bytes:
    """Requests as the bytes of a hand-over."""
    pieces: list[bytes] = []
    for one in requests:
        head = [one.ids, one.path, len(one.body), one.sizes, one.content_type, one.reference]
        pieces += [document(head), b"\n", one.body, b"\n"]
    return b"".join(pieces)


def unpacked(payload: bytes) -> Iterator[Request]:
    """The requests of a hand-over."""
    place = 0
    while place < len(payload):
        end = payload.index(b"\n", place)
        ids, path, size, sizes, content_type, reference = json.loads(payload[place:end])
        place = end + 2 + size
        yield Request(tuple(ids), path, payload[end + 1 : place - 1], tuple(sizes), content_type, reference)


def document(content: object) -> bytes:
    """A JSON value as bytes, the same whenever it is made; what UTF-8 can't spell becomes a question mark."""
    try:
        return orjson.dumps(content)
    except TypeError:  # it can't spell it
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


def first_of(keyed: Sequence[tuple[str, Request]], most: int) -> Sequence[tuple[str, Request]]:
    """The first requests that carry so many messages at most, or the first alone."""
    messages = accumulate(len(one.ids) for _, one in keyed)
    return keyed[: max(1, sum(1 for _ in takewhile(lambda carried: carried <= most, messages)))]

"""Messages as RFC 5322 text, written directly: `email.message` builds only about 550 a second.

The result equals that of `email.message` (policy SMTP), except for subjects that aren't plain ASCII in one
line: the library's folding drops or doubles blanks between encoded and plain words, so such a subject becomes
a row of RFC 2047 words here. Bodies are 7bit where they can be, else base64: no relay has a reason to touch
either. Header values never hold a line break (`header_lines.py`).
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

import numpy as np

from flows.delivery.senders.base import Attachment, Outgoing
from flows.delivery.senders.header_lines import addressing_lines, naming_lines
from flows.delivery.senders.mail_headers import LINE_LIMIT

_ROW = 76  # characters (RFC 2045 §6.8)
_LINE_END = tuple(b"\r\n")
_SEVEN_BIT = bytes([*b"\t\r\n", *range(0x20, 0x7F)])
_MEDIA_TYPE = re.compile(
    r"(?!message/|multipart/)[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}"
)
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}")
_FILE_NAME = 70  # characters; in RFC 2231 each may become twelve, and a line holds 998
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\/]+")


@dataclass(frozen=True)
class _Part:
    """A part's own headers, each line ended, and its body, likewise."""

    headers: str
    body: str

    def __str__(self) -> str:
        return f"{self.headers}\r\n{self.body}"


def message_bytes(message: Outgoing) -> str:
    """One message as RFC 5322 text, ASCII only, lines ending in CRLF.

    Its Message-ID is made of `message_id` and the domain of From, so it is the same however often it is written.

    Raises:
        InputError: the From or Reply-To address isn't one.
    """
    return (
        f"{addressing_lines(message)}Date: {_day(message.at.date())}{message.at:%H:%M:%S} +0000\r\n"
        f"{naming_lines(message)}{_with_files(message)}"
    )


@lru_cache(64)
def _day(day: date) -> str:
    """The day of a Date header, up to the time."""
    return format_datetime(datetime.combine(day, time(), UTC)).removesuffix("00:00:00 +0000")


def _with_files(message: Outgoing) -> _Part:
    """The message's last headers and its body."""
    files = [one for one in message.attachments if not _is_inline(one, message)]
    content = _alternatives(message)
    if not files:
        return _versioned(content)
    parts = [_versioned(content), *(_file(one) for one in files)]
    return _versioned(_multipart("mixed", f"m=_{message.message_id}", parts))


def _alternatives(message: Outgoing) -> _Part:
    """Text, HTML, or both, the one to be preferred last (RFC 2046 §5.1.4)."""
    boundary = f"=_{message.message_id}"
    if message.html is None:
        return _text("plain", message.text, boundary)
    rich = _with_images(_text("html", message.html, boundary), message)
    if not message.text:
        return rich
    return _multipart("alternative", boundary, [_text("plain", message.text, boundary), _versioned(rich)])


def _with_images(rich: _Part, message: Outgoing) -> _Part:
    """The HTML part with the images that it names by `cid:` (RFC 2387)."""
    images = [one for one in message.attachments if _is_inline(one, message)]
    if not images:
        return rich
    boundary = f"r=_{message.message_id}"
    parts = [_versioned(rich), *(_file(one, inline=True) for one in images)]
    return _multipart("related", boundary, parts, '\r\n type="text/html";')


def _is_inline(file: Attachment, message: Outgoing) -> bool:
    named = file.content_id is not None and _CONTENT_ID.fullmatch(file.content_id) is not None
    return named and message.html is not None


def _multipart(kind: str, boundary: str, parts: Sequence[_Part], parameter: str = "") -> _Part:
    inner = "\r\n".join(f"--{boundary}\r\n{part}" for part in parts)
    return _Part(
        f'Content-Type: multipart/{kind};{parameter}\r\n boundary="{boundary}"\r\n',
        f"{inner}\r\n--{boundary}--\r\n",
    )


def _versioned(part: _Part) -> _Part:
    """With MIME-Version where `email.message` puts it: first for what has parts, else last."""
    version = "MIME-Version: 1.0\r\n"
    first = part.headers.startswith("Content-Type: multipart/")
    return _Part(f"{version}{part.headers}" if first else f"{part.headers}{version}", part.body)


def _text(subtype: str, text: str, boundary: str) -> _Part:
    lines = text.encode("utf-8", "replace").splitlines()
    body = b"\r\n".join(lines) + b"\r\n"
    plain = max(map(len, lines), default=0) <= LINE_LIMIT and not body.translate(None, _SEVEN_BIT)
    fits = plain and boundary not in text
    return _Part(
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {'7bit' if fits else 'base64'}\r\n",
        body.decode() if fits else _base64_lines(body),
    )


@lru_cache(32)  # as a rule the same file goes with many messages
def _file(file: Attachment, *, inline: bool = False) -> _Part:
    kind = file.media_type.lower()
    return _Part(
        f"Content-Type: {kind if _MEDIA_TYPE.fullmatch(kind) else 'application/octet-stream'}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: {'inline' if inline else 'attachment'};\r\n {_file_name(file.name)}\r\n"
        + (f"Content-ID: <{file.content_id}>\r\n" if inline else ""),
        _base64_lines(file.content),
    )


def _file_name(name: str) -> str:
    """The parameter of Content-Disposition (RFC 2231 where the name isn't plain)."""
    clean = _BREAKS.sub(" ", name).strip()[-_FILE_NAME:] or "file"
    if clean.isascii() and '"' not in clean:
        return f'filename="{clean}"'
    return f"filename*=utf-8''{quote(clean, safe='', errors='replace')}"


def _base64_lines(body: bytes) -> str:
    """Base64, `_ROW` characters a line: all at once, for a long part has hundreds of lines."""
    encoded = np.frombuffer(binascii.b2a_base64(body, newline=False), np.uint8)
    whole = len(encoded) // _ROW
    rows = np.empty((whole, _ROW + 2), np.uint8)
    rows[:, :_ROW] = encoded[: whole * _ROW].reshape(whole, _ROW)
    rows[:, _ROW:] = _LINE_END
    rest = encoded[whole * _ROW :].tobytes()
    return (rows.tobytes() + (rest + b"\r\n" if rest else b"")).decode()

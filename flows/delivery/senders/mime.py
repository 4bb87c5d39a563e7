"""Messages as RFC 5322 text, written directly: `email.message` builds only about 550 a second.

The result equals that of `email.message` (policy SMTP), except for subjects that aren't plain ASCII in one
line: the library's folding drops or doubles blanks between encoded and plain words, so such a subject becomes
a row of RFC 2047 words here. Bodies are 7bit where they can be, else base64: no relay has a reason to touch
either. Header values never hold a line break.
"""

import binascii
import re
from dataclasses import dataclass
from email import policy
from email.utils import format_datetime, parseaddr

from flows.delivery.senders.base import Outgoing
from flows.errors import InputError
from transforms.people.addresses import AddressError, address_of

_LINE = 78
_LINE_LIMIT = 998
_WORD_BYTES = 42  # base64 of 42 bytes and the frame =?utf-8?b?…?= stay below RFC 2047's 75 characters
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_BASE64_BYTES = 57  # 76 characters a line
_SEVEN_BIT = re.compile(r"[\t\r\n\x20-\x7e]*")


@dataclass(frozen=True)
class Letterhead:
    """What is alike in every message: the folded From line, the domain of Message-IDs, List-Unsubscribe."""

    sender_line: str
    domain: str
    list_unsubscribe: str | None = None


def letterhead(from_address: str, list_unsubscribe: str | None = None) -> Letterhead:
    """Read a From address such as `Shop <news@shop.example>`.

    Raises:
        InputError: it isn't one address, or `list_unsubscribe` isn't ASCII in one line of at most 998.
    """
    address = parseaddr(from_address)[1]
    try:
        sent_from = address_of(address)
    except AddressError as error:
        raise _not_an_address(from_address, f" ({error})" if address else "") from error
    if not from_address.isprintable():
        raise _not_an_address(from_address)
    if list_unsubscribe is not None and not _one_line("List-Unsubscribe", list_unsubscribe, _LINE_LIMIT):
        raise InputError(f"List-Unsubscribe: {list_unsubscribe!r} isn't one line of ASCII text, at most 998")
    line = _folded("From", from_address.replace(address, sent_from))
    return Letterhead(line, sent_from.rpartition("@")[2], list_unsubscribe)


def _not_an_address(given: str, why: str = "") -> InputError:
    return InputError(
        f"from_address: {given!r} isn't an e-mail address{why}; write it as `Name <name@example.com>`"
    )


def message_bytes(message: Outgoing, head: Letterhead) -> str:
    """One message as RFC 5322 text, ASCII only, lines ending in CRLF."""
    unsubscribe = f"List-Unsubscribe: {head.list_unsubscribe}\r\n" if head.list_unsubscribe else ""
    return (
        f"{head.sender_line}{_recipient(message.to)}{subject_lines(message.subject)}"
        f"Date: {format_datetime(message.at)}\r\n"
        f"Message-ID: <{message.message_id}@{head.domain}>\r\n{unsubscribe}{_body(message)}"
    )


def subject_lines(subject: str) -> str:
    """The Subject header; what isn't plain and short becomes encoded words, each line within 78."""
    if not subject or ("=?" not in subject and _one_line("Subject", subject, _LINE)):
        return f"Subject: {subject}\r\n"
    words = (binascii.b2a_base64(chunk, newline=False).decode() for chunk in _chunks(subject))
    return "Subject: " + "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words) + "\r\n"


def _chunks(text: str) -> list[bytes]:
    chunks, open_chunk = [], b""
    for character in text:
        encoded = character.encode()
        if len(open_chunk) + len(encoded) > _WORD_BYTES:
            chunks.append(open_chunk)
            open_chunk = b""
        open_chunk += encoded
    return [*chunks, open_chunk]


def _one_line(name: str, value: str, width: int) -> bool:
    return len(name) + 2 + len(value) <= width and _PLAIN.fullmatch(value) is not None


def _recipient(address: str) -> str:
    return f"To: {address}\r\n" if len(address) + 4 <= _LINE else _folded("To", address)


def _folded(name: str, value: str) -> str:
    folded: str = policy.SMTP.fold(*policy.SMTP.header_store_parse(name, value))
    return folded


def _body(message: Outgoing) -> str:
    boundary = f"=_{message.message_id}"
    if message.html is None or not message.text:
        kind, content = ("plain", message.text) if message.html is None else ("html", message.html)
        headers, body = _part(kind, content, boundary)
        return f"{headers}MIME-Version: 1.0\r\n\r\n{body}"
    headers, body = _part("plain", message.text, boundary)
    rich_headers, rich_body = _part("html", message.html, boundary)
    return (
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n{headers}\r\n{body}"
        f"\r\n--{boundary}\r\n{rich_headers}MIME-Version: 1.0\r\n\r\n{rich_body}\r\n--{boundary}--\r\n"
    )


def _part(subtype: str, text: str, boundary: str) -> tuple[str, str]:
    lines = text.encode().splitlines()
    body = b"\r\n".join(lines) + b"\r\n"
    fits = (
        max(map(len, lines), default=0) <= _LINE_LIMIT and _SEVEN_BIT.fullmatch(text) and boundary not in text
    )
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {'7bit' if fits else 'base64'}\r\n",
        body.decode() if fits else _base64_lines(body),
    )


def _base64_lines(body: bytes) -> str:
    rows = (body[start : start + _BASE64_BYTES] for start in range(0, len(body), _BASE64_BYTES))
    return "".join(f"{binascii.b2a_base64(row, newline=False).decode()}\r\n" for row in rows)

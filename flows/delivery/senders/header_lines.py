"""The header lines of a mail (RFC 5322): ASCII, none longer than 998 characters, and never one more than was meant.

Whatever is put in comes from people's data, so nothing of it ends a line: control characters become blanks, what isn't
plain becomes a row of RFC 2047 words, and what has no lawful spelling at all (a URI too long for a line) is left out.
"""

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from functools import lru_cache
from urllib.parse import quote

from flows.delivery.senders.base import Outgoing
from flows.errors import InputError
from transforms.people.addresses import AddressError, address_of

_LINE = 78
_NAME_LIMIT = 300
LINE_LIMIT = 998
_WORD_BYTES = 42  # base64 of 42 bytes and the frame =?utf-8?b?…?= stay below RFC 2047's 75 characters
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NAME = re.compile(r"[!-9;-~]{1,76}")
_OUTSIDE_A_WORD = re.compile(r"[^A-Za-z0-9._-]+")
_URI_MARKS = "!#$%&'()*+,/:;=?@[]~"
_OWN = {
    *("from", "to", "subject", "date", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post"),
    *("feedback-id", "mime-version", "content-type", "content-transfer-encoding"),
}


@dataclass(frozen=True)
class Letterhead:
    """What a From address makes of every message: its folded line, the bare address, the domain of Message-IDs."""

    line: str
    address: str
    domain: str


@lru_cache(1024)
def letterhead(sender: str) -> Letterhead:
    """Read a From address such as `Shop <news@shop.example>`.

    Raises:
        InputError: it isn't one address.
    """
    line, address = _mailbox("From", "from_address", sender)
    return Letterhead(line, address, address.rpartition("@")[2])


@lru_cache(1024)
def reply_line(reply_to: str) -> str:
    """The Reply-To line.

    Raises:
        InputError: it isn't one address.
    """
    return _mailbox("Reply-To", "reply_to", reply_to)[0]


def _mailbox(name: str, setting: str, given: str) -> tuple[str, str]:
    """The header of an address with a name beside it, and the address alone."""
    beside, written = parseaddr(given)
    try:
        address = address_of(written)
    except AddressError as error:
        raise _not_an_address(setting, given, f" ({error})" if written else "") from error
    if not given.isprintable() or len(beside) > _NAME_LIMIT:
        raise _not_an_address(setting, given)
    if not beside.isascii() or "=?" in beside:
        return f"{name}: {_words(beside)}\r\n <{address}>\r\n", address
    line = f"{name}: {formataddr((beside, address))}"
    return (
        line if len(line) <= _LINE else f"\r\n <{address}>".join(line.rsplit(f" <{address}>", 1))
    ) + "\r\n", address


def _not_an_address(setting: str, given: str, why: str = "") -> InputError:
    return InputError(
        f"{setting}: {given!r} isn't an e-mail address{why}; write it as `Name <name@example.com>`"
    )


def recipient_line(address: str) -> str:
    """The To line of a bare address."""
    return f"To: {address}\r\n" if _one_line("To", address, LINE_LIMIT) else text_line("To", address)


def subject_lines(subject: str) -> str:
    """The Subject header; what isn't plain and short becomes encoded words, each line within 78."""
    if not subject or ("=?" not in subject and _one_line("Subject", subject, _LINE)):
        return f"Subject: {subject}\r\n"
    return _encoded("Subject", subject)


def text_line(name: str, value: str) -> str:
    """A header of free text: one line if it is plain and fits, else encoded words."""
    if not value or ("=?" not in value and _one_line(name, value, LINE_LIMIT)):
        return f"{name}: {value}\r\n"
    return _encoded(name, _CONTROLS.sub(" ", value))


def further_lines(headers: Mapping[str, str]) -> str:
    """Headers beyond those that every message has; a name that is no header's, or one of those, is left out."""
    return "".join(
        text_line(name, value)
        for name, value in headers.items()
        if _NAME.fullmatch(name) and name.lower() not in _OWN
    )


def unsubscribe_lines(uris: Sequence[str], *, one_click: bool) -> str:
    """List-Unsubscribe (RFC 2369), and List-Unsubscribe-Post (RFC 8058) where the first URI takes that POST.

    A line holds as many URIs as fit and is folded between two only: some readers don't put a folded one together.
    """
    if not uris:
        return ""
    written = [f"<{_uri(one)}>" for one in uris]
    usable = [one for one in written if len(one) + len("List-Unsubscribe: ,") <= LINE_LIMIT]
    lines = [""]
    for one in usable:
        joined = f"{lines[-1]}, {one}" if lines[-1] else one
        if len(joined) + len("List-Unsubscribe: ,") <= LINE_LIMIT:
            lines[-1] = joined
        else:
            lines.append(one)
    post = (
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        if one_click and usable[:1] == written[:1]
        else ""
    )
    return "List-Unsubscribe: " + ",\r\n ".join(lines) + f"\r\n{post}" if usable else ""


def feedback_id(message: Outgoing) -> str:
    """Gmail's Feedback-ID: workflow, step and variant, class of messages, sender; complaints are counted by each."""
    return _feedback_id(
        message.workflow_id, message.step, message.variant, message.message_class, message.sender
    )


@lru_cache(4096)
def _feedback_id(
    workflow: str, step: str, variant: str | None, message_class: str | None, sender: str
) -> str:
    which = f"{step}-{variant}" if variant else step
    parts = (workflow, which, message_class or "mail", letterhead(sender).domain)
    return ":".join(_OUTSIDE_A_WORD.sub("-", part)[:64] or "-" for part in parts)


def _uri(given: str) -> str:
    """A URI without anything that would end it or its line."""
    return quote(given, safe=_URI_MARKS, errors="replace")


def _one_line(name: str, value: str, width: int) -> bool:
    return len(name) + 2 + len(value) <= width and _PLAIN.fullmatch(value) is not None


def _encoded(name: str, text: str) -> str:
    return f"{name}: {_words(text)}\r\n"


def _words(text: str) -> str:
    """Encoded words (RFC 2047), one a line."""
    words = (binascii.b2a_base64(chunk, newline=False).decode() for chunk in _chunks(text))
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _chunks(text: str) -> list[bytes]:
    chunks, open_chunk = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(open_chunk) + len(encoded) > _WORD_BYTES:
            chunks.append(open_chunk)
            open_chunk = b""
        open_chunk += encoded
    return [*chunks, open_chunk]

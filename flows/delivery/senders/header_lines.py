"""The header lines of a mail (RFC 5322): ASCII, none longer than 998 characters, and never one more than was meant.

Whatever is put in comes from people's data, so nothing of it ends a line: control characters become blanks, and what
isn't plain becomes a row of RFC 2047 words.
"""

import binascii
import re
from email.utils import formataddr
from functools import lru_cache

from flows.delivery.senders.base import Outgoing
from flows.delivery.senders.mail_headers import (
    CONTROLS,
    LINE_LIMIT,
    Mailbox,
    feedback_id,
    further,
    mailbox,
    message_id_of,
    sender_of,
    unsubscribe_uris,
)

_LINE = 78
_WORD_BYTES = 42  # base64 of 42 bytes and the frame =?utf-8?b?…?= stay below RFC 2047's 75 characters
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def addressing_lines(message: Outgoing) -> str:
    """From, To and Subject.

    Raises:
        InputError: the From address isn't one.
    """
    to = message.to
    recipient = f"To: {to}\r\n" if _one_line("To", to, LINE_LIMIT) else _text_line("To", to)
    return f"{_mailbox_line('From', sender_of(message))}{recipient}{subject_lines(message.subject)}"


def naming_lines(message: Outgoing) -> str:
    """Message-ID, Reply-To, what is for unsubscribing, Feedback-ID and whatever else the message has.

    Raises:
        InputError: the From or Reply-To address isn't one.
    """
    reply = _mailbox_line("Reply-To", mailbox("reply_to", message.reply_to)) if message.reply_to else ""
    unsubscribe = _unsubscribe_lines(message) if message.unsubscribe else ""
    own = "".join(_text_line(*one) for one in further(message.headers).items()) if message.headers else ""
    return (
        f"Message-ID: {message_id_of(message)}\r\n{reply}{unsubscribe}"
        f"Feedback-ID: {feedback_id(message)}\r\n{own}"
    )


def subject_lines(subject: str) -> str:
    """The Subject header; what isn't plain and short becomes encoded words, each line within 78."""
    if not subject or ("=?" not in subject and _one_line("Subject", subject, _LINE)):
        return f"Subject: {subject}\r\n"
    return _encoded("Subject", subject)


@lru_cache(1024)
def _mailbox_line(name: str, given: Mailbox) -> str:
    if not given.name.isascii() or "=?" in given.name:
        return f"{name}: {_words(given.name)}\r\n <{given.address}>\r\n"
    line = f"{name}: {formataddr((given.name, given.address))}"
    if len(line) > _LINE:
        line = f"\r\n <{given.address}>".join(line.rsplit(f" <{given.address}>", 1))
    return f"{line}\r\n"


def _text_line(name: str, value: str) -> str:
    """A header of free text: one line if it is plain and fits, else encoded words."""
    if not value or ("=?" not in value and _one_line(name, value, LINE_LIMIT)):
        return f"{name}: {value}\r\n"
    return _encoded(name, CONTROLS.sub(" ", value))


def _unsubscribe_lines(message: Outgoing) -> str:
    """A line holds as many URIs as fit and is folded between two only: some readers don't put a folded one together."""
    uris, one_click = unsubscribe_uris(message)
    if not uris:
        return ""
    lines = [""]
    for one in uris:
        joined = f"{lines[-1]}, {one}" if lines[-1] else one
        if len(joined) + len("List-Unsubscribe: ,") <= LINE_LIMIT:
            lines[-1] = joined
        else:
            lines.append(one)
    post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if one_click else ""
    return "List-Unsubscribe: " + ",\r\n ".join(lines) + f"\r\n{post}"


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

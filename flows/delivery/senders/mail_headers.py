"""What the headers of a mail say, whether it goes out as text (`header_lines.py`) or by a provider's API."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote

from flows.delivery.senders.base import Attachment, Outgoing
from flows.errors import InputError
from transforms.people.addresses import AddressError, address_of

LINE_LIMIT = 998
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NAME_LIMIT = 300
_URI_LIMIT = LINE_LIMIT - len("List-Unsubscribe: <>,")
_URI_MARKS = "!#$%&'()*+,/:;=?@[]~"
_NAME = re.compile(r"[!-9;-~]{1,76}")
_OUTSIDE_A_WORD = re.compile(r"[^A-Za-z0-9_-]")
_OUTSIDE_A_PART = re.compile(r"[^A-Za-z0-9._-]+")
_OWN = {
    *("from", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "list-unsubscribe"),
    *("list-unsubscribe-post", "feedback-id", "mime-version", "content-type", "content-transfer-encoding"),
}


@dataclass(frozen=True)
class Mailbox:
    """A From or Reply-To address: the name, blank if there is none, and the bare address."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The address's domain."""
        return self.address.rpartition("@")[2]


@lru_cache(1024)
def mailbox(setting: str, given: str) -> Mailbox:
    """Read an address such as `Shop <news@shop.example>`.

    Args:
        setting: what people call it; the error names it.
        given: as they wrote it.

    Raises:
        InputError: it isn't one address.
    """
    name, written = parseaddr(given)
    try:
        address = address_of(written)
    except AddressError as error:
        raise _not_an_address(setting, given, f" ({error})" if written else "") from error
    if not given.isprintable() or len(name) > _NAME_LIMIT:
        raise _not_an_address(setting, given)
    return Mailbox(name, address)


def sender_of(message: Outgoing) -> Mailbox:
    """Whom a message is from.

    Raises:
        InputError: its From address isn't one.
    """
    return mailbox("from_address", message.sender)


def message_id_of(message: Outgoing) -> str:
    """The Message-ID header: the same however often the message is made."""
    return f"<{message.message_id}@{sender_of(message).domain}>"


def feedback_id(message: Outgoing) -> str:
    """Gmail's Feedback-ID: workflow, step and variant, class of messages, domain; complaints are counted by each."""
    which = f"{message.step}-{message.variant}" if message.variant else message.step
    return _joined(message.workflow_id, which, message.message_class or "mail", sender_of(message).domain)


def unsubscribe_uris(message: Outgoing) -> tuple[list[str], bool]:
    """The URIs of List-Unsubscribe (RFC 2369) in their brackets, and whether the first takes the POST of RFC 8058.

    One that is too long for a line has no lawful spelling, and is left out.
    """
    written = [quote(one, safe=_URI_MARKS, errors="replace") for one in message.unsubscribe]
    usable = [f"<{one}>" for one in written if len(one) <= _URI_LIMIT]
    return usable, message.one_click and bool(usable) and len(written[0]) <= _URI_LIMIT


def further(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers beyond those that every message has; a name that is no header's, or one of those, is left out."""
    return {
        name: value for name, value in headers.items() if _NAME.fullmatch(name) and name.lower() not in _OWN
    }


def mail_headers(message: Outgoing) -> dict[str, str]:
    """The headers beyond From, To, Subject, Reply-To and Message-ID, each in one line, for APIs that take them by name.

    Raises:
        InputError: the message's From address isn't one.
    """
    headers = {"Feedback-ID": feedback_id(message)}
    uris, one_click = unsubscribe_uris(message)
    if uris:
        headers["List-Unsubscribe"] = ", ".join(uris)
    if one_click:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers | {name: CONTROLS.sub(" ", value) for name, value in further(message.headers).items()}


def marks(message: Outgoing) -> dict[str, str]:
    """What a message is marked with at the provider, so that what it tells of it later can be put in its place."""
    found = {"message_id": message.message_id, "workflow_id": message.workflow_id, "step": message.step}
    return found | ({"variant": message.variant} if message.variant else {})


def as_word(text: str) -> str:
    """Text of ASCII letters, digits, `_` and `-` alone, at most 256, for providers that take nothing else."""
    return _OUTSIDE_A_WORD.sub("_", text)[:256] or "_"


def content_of(attachment: Attachment) -> str:
    """A file's bytes as base64."""
    return base64.b64encode(attachment.content).decode()


def _not_an_address(setting: str, given: str, why: str = "") -> InputError:
    return InputError(
        f"{setting}: {given!r} isn't an e-mail address{why}; write it as `Name <name@example.com>`"
    )


@lru_cache(4096)
def _joined(*parts: str) -> str:
    return ":".join(_OUTSIDE_A_PART.sub("-", part)[:64] or "-" for part in parts)

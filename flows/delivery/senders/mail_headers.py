"""The headers of a mail that a provider's API takes by name, and the fields that several APIs share."""

import base64
import re
from collections.abc import Mapping
from email.utils import parseaddr
from functools import lru_cache

from flows.delivery.senders.base import Attachment, Outgoing

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NAME = re.compile(r"[!-9;-~]{1,76}")
_OUTSIDE_A_WORD = re.compile(r"[^A-Za-z0-9_-]")
_PART = re.compile(r"[^A-Za-z0-9._-]+")
_OWN = {
    *(
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "message-id",
        "reply-to",
        "list-unsubscribe",
        "feedback-id",
    ),
    *("list-unsubscribe-post", "mime-version", "content-type", "content-transfer-encoding"),
}


@lru_cache(1024)
def mailbox(given: str) -> tuple[str, str]:
    """The name, blank if there is none, and the bare address of a From or Reply-To address."""
    return parseaddr(given)


def message_id_of(message: Outgoing) -> str:
    """The Message-ID header: the same however often the message is made."""
    return f"<{message.message_id}@{_domain(message)}>"


def mail_headers(message: Outgoing) -> dict[str, str]:
    """The headers beyond From, To, Subject, Reply-To and Message-ID, each in one line.

    List-Unsubscribe (RFC 2369) and List-Unsubscribe-Post (RFC 8058) if the message can be unsubscribed from;
    Feedback-ID, by which Gmail counts complaints: workflow, step and variant, class of messages, domain.
    """
    headers = {"Feedback-ID": _feedback_id(message)}
    if message.unsubscribe:
        headers["List-Unsubscribe"] = ", ".join(f"<{_CONTROLS.sub('', one)}>" for one in message.unsubscribe)
        if message.one_click:
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers | _further(message.headers)


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


def _further(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers beyond our own; a name that is no header's, or one of ours, is left out."""
    return {
        name: _CONTROLS.sub(" ", value)
        for name, value in headers.items()
        if _NAME.fullmatch(name) and name.lower() not in _OWN
    }


def _feedback_id(message: Outgoing) -> str:
    which = f"{message.step}-{message.variant}" if message.variant else message.step
    return _joined(message.workflow_id, which, message.message_class or "mail", _domain(message))


def _domain(message: Outgoing) -> str:
    return mailbox(message.sender)[1].rpartition("@")[2]


@lru_cache(4096)
def _joined(*parts: str) -> str:
    return ":".join(_PART.sub("-", part)[:64] or "-" for part in parts)

"""What a rendered message is likely to be disliked for, by people, mail programs or spam filters."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Literal
from urllib.parse import urlsplit

from transforms.content.links import links
from transforms.content.templates import Rendered

CLIPPED = 102_000
"""Bytes of HTML beyond which Gmail shows the rest on a page of its own."""

_IMAGE = re.compile(r"<img\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=", re.IGNORECASE)
_LINK_TAG = re.compile(r"<a\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=", re.IGNORECASE)
_SCRIPT = re.compile(r"<(script|form|iframe|object|embed|video|audio)\b", re.IGNORECASE)
_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|\*\|\w+\|\*")
_UNSUBSCRIBE = re.compile(
    r"unsubscribe|opt[\s_-]?out|preferences|abmelden|abbestellen|désinscri|désabonn", re.IGNORECASE
)
_ANSWER = re.compile(r"\s*(re|fwd?|aw|wg)\s*:", re.IGNORECASE)
_SHOUTED = re.compile(r"!{2,}|\?{3,}|\${2,}|€{2,}|%\s*(?:off|free)\b.*!", re.IGNORECASE)
_SPAMMY = re.compile(
    r"\b(?:100% free|act now|cash bonus|click here|congratulations you|double your|earn \$|free money|guaranteed|"
    r"make money|no obligation|risk[- ]free|urgent|viagra|winner|you won)\b",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(r"\b(?:no|do[-_.]?not)[-_.]?reply@", re.IGNORECASE)
_FREE_MAIL = re.compile(
    r"@(?:gmail|googlemail|yahoo|hotmail|outlook|live|aol|gmx|web|icloud|proton(?:mail)?)\.[a-z.]+>?\s*$",
    re.IGNORECASE,
)
_SCHEMES = ("http", "https", "mailto", "tel", "sms", "cid")

Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True)
class Lint:
    """A likely mistake: how bad it is, and a sentence on what it is and what to do."""

    severity: Severity
    says: str


def lint_message(
    rendered: Rendered, *, transactional: bool, sender: str | None = None, unsubscribe: Sequence[str] = ()
) -> list[Lint]:
    """What a message is likely to be disliked for, the worst first.

    Args:
        rendered: the message.
        transactional: whether it may go without a way to unsubscribe.
        sender: the From address that it goes out with, if it has none of its own.
        unsubscribe: where its reader can unsubscribe, as its headers say.
    """
    found = [
        *_subject(rendered),
        *_sender(rendered.sender or sender or ""),
        *_parts(rendered, transactional, unsubscribe),
        *_html(rendered.html or ""),
        *_links(rendered.html or ""),
    ]
    return sorted(found, key=lambda one: ("error", "warning", "hint").index(one.severity))


def _subject(rendered: Rendered) -> Iterator[Lint]:
    subject = rendered.subject
    if not subject:
        yield Lint("error", "the subject is empty; give the message one")
    if len(subject) > 78:
        yield Lint(
            "hint", f"the subject has {len(subject)} characters; many programs show the first 40 to 70"
        )
    letters = [one for one in subject if one.isalpha()]
    if len(letters) > 8 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        yield Lint("warning", "the subject is in capitals, which spam filters count; write it as a sentence")
    if _SHOUTED.search(subject):
        yield Lint("warning", "the subject shouts (!!, $$), which spam filters count; one mark is enough")
    if _ANSWER.match(subject):
        yield Lint(
            "warning", "the subject begins like an answer or a forwarded mail; providers take that for deceit"
        )
    if found := _SPAMMY.search(subject):
        yield Lint("warning", f"the subject says {found[0]!r}, which spam filters count")
    if rendered.html and not rendered.preheader:
        yield Lint(
            "hint",
            "there is no preheader; mail programs then show the beginning of the text beside the subject",
        )


def _sender(sender: str) -> Iterator[Lint]:
    if _NO_ANSWER.search(sender):
        yield Lint("hint", f"nobody can answer {sender}; an address that somebody reads is trusted more")
    if _FREE_MAIL.search(sender):
        yield Lint(
            "error",
            f"{sender} is an address of a mail provider, whose DMARC policy lets such mail be refused",
        )


def _parts(rendered: Rendered, transactional: bool, unsubscribe: Sequence[str]) -> Iterator[Lint]:
    both = f"{rendered.text}\n{rendered.html or ''}"
    if not rendered.text.strip():
        yield Lint("error", "there is no text part; write a .txt.j2, or some text into the HTML")
    said = unescape(both)
    if not (transactional or _UNSUBSCRIBE.search(both) or any(one in said for one in unsubscribe)):
        what = "link {{ message.unsubscribe_url }}, or mark the workflow transactional"
        yield Lint("error", f"there is no link to unsubscribe; {what}")
    if found := _LEFT_OVER.search(both + rendered.subject):
        yield Lint("error", f"{found[0]!r} goes out as it stands; a placeholder is written wrongly")
    if rendered.missing:
        yield Lint("warning", f"without a value: {', '.join(rendered.missing)}; give them a default")


def _html(html: str) -> Iterator[Lint]:
    size = len(html.encode())
    if size > CLIPPED:
        yield Lint("warning", f"the HTML part has {size:,} bytes; Gmail cuts it off at {CLIPPED:,}")
    bare = sum(not _ALT.search(one) for one in _IMAGE.findall(html))
    if bare:
        yield Lint(
            "warning", f'{bare} images without alt; describe them, or write alt="" where they only decorate'
        )
    for name in dict.fromkeys(one.lower() for one in _SCRIPT.findall(html)):
        yield Lint("error", f"<{name}> doesn't work in mail, and gets it refused; remove it")


def _links(html: str) -> Iterator[Lint]:
    if without := sum(not _HREF.search(one) for one in _LINK_TAG.findall(html)):
        yield Lint("warning", f"{without} links without href")
    for attribute, value in dict.fromkeys(links(html)):
        if attribute in ("href", "src") and (what := _broken(attribute, value)):
            yield Lint("error", f"the {attribute} {value[:80]!r} {what}")


def _broken(attribute: str, value: str) -> str | None:
    if not value.strip():
        return "is empty"
    if value.startswith("#") and attribute == "href":
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return "isn't a valid address"
    if parts.scheme not in _SCHEMES:
        return "leads nowhere from a mail; write the whole address, with https://"
    if parts.scheme in ("http", "https") and not parts.hostname:
        return "names no host"
    return "has blanks in it; write %20" if any(map(str.isspace, value.strip())) else None

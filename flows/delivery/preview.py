"""A page that shows messages as their readers will see them; it is self-contained, and asks nothing of the network."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_string, policy
from email.utils import parseaddr
from html.parser import HTMLParser
from importlib.resources import files

from flows.delivery.samples import Made
from flows.delivery.senders.base import Attachment, Outgoing
from flows.delivery.senders.mime import message_bytes
from transforms.content.lints import CLIPPED, Lint, lint_message
from transforms.content.pages import filled_page

_VIEWS = (
    *(("desktop", "Desktop"), ("mobile", "Mobile"), ("dark", "Dark"), ("text", "Text")),
    *(("headers", "Headers"), ("links", "Links"), ("findings", "Findings")),
)
_OF_HTML = ("desktop", "mobile", "dark")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:{}; base-uri 'none'; form-action 'none'"
)
_WEB_IMAGES = " https: http:"
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark|name=[\"']?color-scheme", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"]+")
_WORDS = re.compile(r"\s+")


@dataclass(frozen=True)
class Fact:
    """A short word on a message; `severity` is empty, or as that of a `Lint`."""

    severity: str
    says: str


@dataclass(frozen=True)
class Link:
    """A link of a mail: what is to be clicked, and where it leads."""

    text: str
    url: str


@dataclass(frozen=True)
class Sample:
    """A message as one customer would get it, or why there is none.

    Attributes:
        name: which one it is, such as `cart_abandonment, step 1`.
        mail: the message; None if it can't be made.
        preheader: what an inbox shows after the subject.
        raw: the mail as it goes out (RFC 5322).
        missing: names that had no value.
        rules: the names of the personalization rules that applied.
        findings: what it is likely to be disliked for.
        fault: why it can't be made.
    """

    name: str
    mail: Outgoing | None = None
    preheader: str = ""
    raw: str = ""
    missing: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    findings: tuple[Lint, ...] = ()
    fault: str | None = None


def sample_of(made: Made) -> Sample:
    """What a page shows of a message that was made."""
    if made.letter is None:
        return Sample(made.name, fault=made.fault)
    mail, rendered = made.letter.mail, made.letter.rendered
    findings = lint_message(
        rendered, transactional=made.transactional, sender=mail.sender, unsubscribe=mail.unsubscribe
    )
    return Sample(
        name=made.name,
        mail=mail,
        preheader=rendered.preheader,
        raw=message_bytes(mail),
        missing=made.letter.missing,
        rules=tuple(made.letter.recorded["rules"]),
        findings=tuple(findings),
    )


def preview_page(
    title: str, whom: str, samples: Sequence[Sample], *, faults: Sequence[str] = (), web_images: bool = False
) -> str:
    """One HTML page of some messages.

    Args:
        title: what is previewed.
        whom: for whom, in words.
        samples: the messages.
        faults: what is wrong with the rules' files; their rules are left out.
        web_images: whether the mails' images are loaded from the web; else only those that go with the mail show.
    """
    source = files("flows.delivery").joinpath("preview.html.j2").read_text(encoding="utf-8")
    values = {
        "title": title,
        "whom": whom,
        "faults": faults,
        "policy": _POLICY.format(_WEB_IMAGES if web_images else ""),
        "views": [{"id": name, "label": label} for name, label in _VIEWS],
        "messages": [_shown(one) for one in samples],
    }
    return filled_page(source, values)


def links_in(html: str | None, text: str) -> list[Link]:
    """The links of a mail, those of its HTML if it has some, in order."""
    if html is None:
        return [Link(found, found) for found in _URL.findall(text)]
    reader = _Links()
    reader.feed(html)
    reader.close()
    return reader.found


def _shown(sample: Sample) -> dict[str, object]:
    """What the page says of a message, by the names of its template."""
    mail = sample.mail
    if mail is None:
        return {"name": sample.name, "subject": sample.name, "fault": sample.fault or "there is no message"}
    name, address = parseaddr(mail.sender)
    views = [one for one in _VIEWS if mail.html is not None or one[0] not in _OF_HTML]
    links = links_in(mail.html, mail.text)
    counts = {"links": f" ({len(links)})", "findings": f" ({len(sample.findings)})"}
    return {
        "name": sample.name,
        "subject": mail.subject,
        "fault": None,
        "sender_name": name or address,
        "initial": (name or address)[:1].upper(),
        "preheader": sample.preheader or _WORDS.sub(" ", mail.text).strip()[:140],
        "facts": list(_facts(sample, mail, len(links))),
        "views": [{"id": view, "label": label + counts.get(view, "")} for view, label in views],
        "html": None if mail.html is None else _with_images(mail.html, mail.attachments),
        "has_dark": bool(mail.html and _DARK.search(mail.html)),
        "text": mail.text,
        "headers": list(message_from_string(sample.raw, policy=policy.default).items()),
        "links": links,
        "findings": sample.findings,
    }


def _facts(sample: Sample, mail: Outgoing, links: int) -> Iterator[Fact]:
    if mail.html is None:
        yield Fact("", "text only")
    else:
        size = len(mail.html.encode())
        cut = f", and Gmail cuts mails off at {_kilobytes(CLIPPED)}" if size > CLIPPED else ""
        yield Fact("error" if cut else "", f"HTML of {_kilobytes(size)}{cut}")
    if not mail.text:
        yield Fact("warning", "no text part")
    yield Fact("", f"{_kilobytes(len(sample.raw))} in all")
    yield Fact("", f"{links} link{'' if links == 1 else 's'}")
    if mail.attachments:
        yield Fact("", f"{len(mail.attachments)} file{'' if len(mail.attachments) == 1 else 's'}")
    if sample.rules:
        yield Fact("", f"by the rules {', '.join(sample.rules)}")
    if sample.missing:
        yield Fact("warning", f"without a value: {', '.join(sample.missing)}")


def _kilobytes(size: int) -> str:
    return f"{size:,} bytes" if size < 1000 else f"{size / 1000:,.1f} kB"


def _with_images(html: str, attachments: Sequence[Attachment]) -> str:
    """The HTML with the images that go with the mail in place of their `cid:` addresses (RFC 2392)."""
    for one in attachments:
        if one.content_id:
            content = b64encode(one.content).decode()
            html = html.replace(f"cid:{one.content_id}", f"data:{one.media_type};base64,{content}")
    return html


class _Links(HTMLParser):
    """Collects the links of a page: their words, or the words of the image in them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Link] = []
        self._url: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link begins, or there is an image in one."""
        given = dict(attrs)
        if tag == "a":
            self._end()
            self._url = given.get("href")
        elif tag == "img" and self._url is not None:
            self._words.append(f"[{given.get('alt') or 'image'}]")

    def handle_data(self, data: str) -> None:
        """Words, perhaps of a link."""
        if self._url is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """A link ends."""
        if tag == "a":
            self._end()

    def close(self) -> None:
        """The page ends."""
        super().close()
        self._end()

    def _end(self) -> None:
        if self._url is not None:
            self.found.append(Link(_WORDS.sub(" ", "".join(self._words)).strip(), self._url))
        self._url, self._words = None, []

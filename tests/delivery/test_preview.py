"""The page of a preview: what is on it, that nothing of a mail gets out of its frame, and how it looks and works."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.preview import Link, Sample, links_in, preview_page
from flows.delivery.senders.base import Attachment, Outgoing
from tests.delivery.chromium import MISSING, PROGRAM, chromium
from transforms.content.lints import CLIPPED, Lint

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
HTML = (
    "<!doctype html><html><head><style>@media (prefers-color-scheme: dark)"
    "{body{background:#000;color:#fff}}</style></head>"
    '<body><h1>Hello &amp; welcome</h1><a href="https://shop.example/cart?a=1&amp;b=2">Your <b>cart</b></a>'
    '<a href="https://shop.example/shoe"><img src="https://shop.example/shoe.png" alt="A shoe"></a></body></html>'
)  # fmt: skip
RAW = (
    "From: Shop <news@shop.example>\r\nTo: zoe@example.com\r\nSubject: =?utf-8?b?SGVsbG8gWm/Dqw==?=\r\n"
    "List-Unsubscribe: <mailto:stop@shop.example>\r\n\r\nbody"
)
MAIL = Outgoing(
    message_id="a" * 32, customer_id="c1", workflow_id="cart", step="1", template_id="t", to="zoe@example.com",
    subject="Hello Zoë", text="Hello\nhttps://shop.example/cart", html=HTML, at=AT, sender="Shop <news@shop.example>",
)  # fmt: skip
SAMPLE = Sample(
    "cart, step 1",
    MAIL,
    raw=RAW,
    missing=("event.total",),
    rules=("greeting", "tone"),
    findings=(Lint("error", "no way out"),),
)
VIEWS = ["desktop", "mobile", "dark", "text", "headers", "links", "findings"]


def page(*samples: Sample, web_images: bool = False) -> str:
    return preview_page("cart", "For c1.", samples, web_images=web_images)


class Elements(HTMLParser):
    """The start tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_everything_there_is_to_see() -> None:
    found = Elements(page(SAMPLE))
    words = " ".join(" ".join(found.words).split())
    for one in (
        "For c1.", "Hello Zoë", "cart, step 1", "HTML of", "2 links", "by the rules greeting, tone",
        "without a value: event.total", "error: no way out", "Findings (1)", "Links (2)",
        "<mailto:stop@shop.example>", "https://shop.example/cart?a=1&b=2", "[A shoe]",
    ):  # fmt: skip
        assert one in words
    frames = found.all("iframe")
    assert [one["srcdoc"] for one in frames] == [HTML] * 3
    assert all(one["sandbox"] == "" for one in frames)
    assert [one["class"] for one in found.all("input")] == [f"to-{view}" for view in VIEWS]
    assert [one["class"] for one in found.all("input") if "checked" in one] == ["to-desktop"]


def test_a_mail_of_text_only() -> None:
    found = Elements(page(replace(SAMPLE, mail=replace(MAIL, html=None))))
    assert found.all("iframe") == []
    assert [one["class"] for one in found.all("input")] == [f"to-{view}" for view in VIEWS[3:]]
    assert "text only" in found.words


def test_one_that_can_t_be_made_says_why() -> None:
    found = Elements(page(SAMPLE, Sample("cart, step 3", fault="cart_2.html.j2, line 3: <b> isn't it")))
    assert "cart_2.html.j2, line 3: <b> isn't it" in found.words
    assert [one["href"] for one in found.all("a")] == ["#message-1", "#message-2"]


def test_a_mail_that_gmail_cuts_off() -> None:
    long = replace(SAMPLE, mail=replace(MAIL, html="<p>" + "x" * CLIPPED))
    assert "HTML of 102.0 kB, and Gmail cuts mails off at 102.0 kB" in Elements(page(long)).words
    assert "HTML of 2 bytes" in Elements(page(replace(SAMPLE, mail=replace(MAIL, html="ab")))).words


def test_images_that_go_with_the_mail_are_in_the_page() -> None:
    image = Attachment("logo.png", "image/png", b"\x89PNG", "logo")
    mail = replace(MAIL, html='<img src="cid:logo">', attachments=(image,))
    assert (
        Elements(page(replace(SAMPLE, mail=mail))).all("iframe")[0]["srcdoc"]
        == '<img src="data:image/png;base64,iVBORw==">'
    )


def test_images_of_the_web_only_where_asked_for() -> None:
    policies = [
        next(
            one["content"]
            for one in Elements(page(SAMPLE, web_images=asked)).all("meta")
            if "http-equiv" in one
        )
        for asked in (False, True)
    ]
    assert "img-src data:;" in (policies[0] or "")
    assert "img-src data: https: http:;" in (policies[1] or "")


def test_dark_styles_are_told_from_none() -> None:
    assert "by the mail’s own dark styles" in page(SAMPLE)
    assert 'class="darkened"' not in page(SAMPLE)
    assert 'class="darkened"' in page(replace(SAMPLE, mail=replace(MAIL, html="<p>Hi")))


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="x">a<a href="y">b', [Link("a", "x"), Link("b", "y")]),
        ("<a name=z>a</a><p>no link", []),
        ('<a href="x"><img src="i"></a>', [Link("[image]", "x")]),
        ('<a href="x"> two\n words </a>', [Link("two words", "x")]),
    ],
)
def test_links_are_found(html: str, found: list[Link]) -> None:
    assert links_in(html, "https://not.example") == found


def test_links_of_text() -> None:
    assert links_in(None, "See https://a.example/x and <http://b.example>.") == [
        Link("https://a.example/x", "https://a.example/x"),
        Link("http://b.example", "http://b.example"),
    ]


HOSTILE = [
    '"',
    "'",
    "<script>",
    "</title>",
    "</iframe>",
    "&quot;",
    "-->",
    "{{ 7 * 7 }}",
    "{% for %}",
    "]]>",
    "\x00",
    "é",
]
texts = st.lists(st.sampled_from([*HOSTILE, "word", " "]), max_size=6).map("".join)


@given(texts, texts, texts, texts)
def test_whatever_a_mail_holds_it_adds_nothing_to_the_page(
    subject: str, text: str, html: str, name: str
) -> None:
    mail = replace(MAIL, subject=subject, text=text, html=html, sender=f"{name} <a@shop.example>")
    shown = Sample(name, mail, text, f"X-Odd: {name}\r\n\r\n", (name,), (name,), (Lint("warning", text),))
    found, plain = Elements(page(shown)), Elements(page(SAMPLE))
    tags = {tag for tag, _ in found.tags}
    assert "script" not in tags
    assert tags <= {tag for tag, _ in plain.tags} | {"p"}
    assert len(found.all("iframe")) == 3
    # What HTML itself makes of a null and of line ends is no way out.
    assert (found.all("iframe")[0]["srcdoc"] or "").replace("\ufffd", "\x00") == html


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A web server's address, and what was asked of it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()
        thread.join()


def hostile(url: str) -> str:
    return (
        f'<html><head><link rel="stylesheet" href="{url}/css"><style>@import "{url}/import"; '
        f"body{{background:url({url}/background)}}</style>"
        f'<meta http-equiv="refresh" content="0;url={url}/refresh"><base href="{url}/base/"></head>'
        f'<body onload="fetch(\'{url}/onload\')"><script>parent.document.title="stolen"; fetch("{url}/script")</script>'
        f'<img src="{url}/image"><img src="x" onerror="fetch(\'{url}/onerror\')"><iframe src="{url}/frame"></iframe>'
        f'<video src="{url}/video" autoplay></video><object data="{url}/object"></object></body></html>'
    )


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_nothing_is_asked_of_the_network_and_no_script_runs(
    asked: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, seen = asked
    file = tmp_path / "page.html"
    file.write_text(page(replace(SAMPLE, mail=replace(MAIL, html=hostile(url)))), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        for view in VIEWS:
            browser.ask(f"document.querySelector('.to-{view}').click()")
        browser.ask("new Promise(done => setTimeout(done, 500))")
        browser.picture(tmp_path / "hostile.png")
        assert browser.ask("document.title") == "cart: preview"
    assert seen == []


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_images_of_the_web_are_loaded_where_asked_for(asked: tuple[str, list[str]], tmp_path: Path) -> None:
    url, seen = asked
    file = tmp_path / "page.html"
    mail = replace(MAIL, html=f'<img src="{url}/image">')
    file.write_text(page(replace(SAMPLE, mail=mail), web_images=True), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
    assert set(seen) == {"/image"}


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_it_is_used_by_keyboard_and_shows_one_view_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(SAMPLE), encoding="utf-8")
    panels = "[...document.querySelectorAll('.panel')].filter(one => one.offsetParent)"
    visible = f"{panels}.map(one => one.classList[1]).join()"
    with chromium(tmp_path / "profile", width=900) as browser:
        browser.open(file.as_uri())
        assert browser.ask(visible) == "desktop"
        browser.press("Tab")
        assert browser.ask("document.activeElement.className") == "to-desktop"
        for view in VIEWS[1:]:
            browser.press("ArrowRight")
            assert browser.ask(visible) == view
        browser.press("ArrowRight")
        browser.press("ArrowRight")
        assert browser.ask(visible) == "mobile"
        assert browser.ask("document.querySelector('.mobile iframe').clientWidth") <= 375
        assert (
            browser.ask("getComputedStyle(document.querySelector('.to-mobile + label')).outlineStyle")
            == "solid"
        )


LEAST_CONTRAST = """(() => {
    const rgb = text => text.match(/[\\d.]+/g).map(Number);
    const part = share => share <= .03928 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * part(r / 255) + .7152 * part(g / 255) + .0722 * part(b / 255);
    const ground = one => {
        while (one && rgb(getComputedStyle(one).backgroundColor)[3] === 0) one = one.parentElement;
        return one ? rgb(getComputedStyle(one).backgroundColor) : [255, 255, 255];
    };
    const contrast = one => {
        const [most, least] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((a, b) => b - a);
        return (most + .05) / (least + .05);
    };
    const shown = [...document.querySelectorAll("h1,h2,p,li,th,td,pre,label,a,b,span,i")];
    return Math.min(...shown.filter(one => one.offsetParent).map(contrast));
})()"""


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_by_day_and_by_night(scheme: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(SAMPLE, Sample("cart, step 2", fault="no")), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        browser.open(file.as_uri())
        for view in VIEWS:
            browser.ask(f"document.querySelector('.to-{view}').click()")
            assert browser.ask(LEAST_CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_the_dark_view_shows_the_mail_s_dark_styles(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    text = page(SAMPLE).replace('sandbox=""', 'sandbox="allow-same-origin"')  # so that the test can look in
    file.write_text(re.sub(r' loading="lazy"', "", text), encoding="utf-8")
    ground = "getComputedStyle(document.querySelector('.{} iframe').contentDocument.body).backgroundColor"
    with chromium(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        for view, colour in (
            ("desktop", "rgba(0, 0, 0, 0)"),
            ("mobile", "rgba(0, 0, 0, 0)"),
            ("dark", "rgb(0, 0, 0)"),
        ):
            browser.ask(f"document.querySelector('.to-{view}').click()")
            assert browser.ask(ground.format(view)) == colour

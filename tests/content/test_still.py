"""What is left of a message's HTML where it is only looked at: nothing that asks, leads away or runs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.content.still import still, still_text

ASKS = re.compile(
    r"https?://\S*/|\bsrc|href|url\(|@import|<script|<link|<meta|<form|\son\w+=|<!--", re.IGNORECASE
)


@pytest.mark.parametrize(
    ("given_html", "shown"),
    [
        ("<p style='color: red'>Hi &lt;b&gt;</p>", '<p style="color: red">Hi &lt;b&gt;</p>'),
        ('<a href="https://x.example/s?token=1" style="color:#fff">Go</a>', '<u style="color:#fff">Go</u>'),
        ('<img src="https://x.example/p.gif" width=1>', ""),
        (
            '<img src="https://x.example/p.png" alt="A <cup>">',
            '<span class="onward-image">A &lt;cup&gt;</span>',
        ),
        ("<img src=data:image/gif;base64,x alt=Dot/>", '<span class="onward-image">Dot/</span>'),
        ("a<script>alert('</p>')</script>b", "ab"),
        ("a<svg><image href='x'/><p>in</svg>b", "ab"),
        ("<form action=x><input name=y>words</form>", "words"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->x<br/>", "x<br>"),
        ("<td background='https://x.example/' bgcolor=red onclick=x()>t</td>", '<td bgcolor="red">t</td>'),
        ("<p style='background: url( \"https://x.example/a)b\" ) red'>", '<p style="background: none red">'),
        ("<p style='background: \\75rl(https://x.example)'>", "<p>"),
        ("<p style='background: image-set(\"https://x.example\" 1x)'>", "<p>"),
        (
            "<style>@import url(https://x.example/a.css); p > b {color: red}</style>",
            "<style> p > b {color: red}</style>",
        ),
        ("<style>@font-face {src: url(x)} b {}</style>", "<style> b {}</style>"),
        ("<link rel=stylesheet href=https://x.example/a.css><meta http-equiv=refresh content=0>x", "x"),
        ("see https://x.example/me?token=secret.", "see https://x.example/…"),
    ],
)
def test_by_hand(given_html: str, shown: str) -> None:
    assert still(given_html) == shown


def test_of_addresses_in_a_text_the_server_is_left() -> None:
    assert still_text("Stop: https://x.example/u?c=ann&s=1\nor http://y.example") == (
        "Stop: https://x.example/…\nor http://y.example/…"
    )


PIECES = st.sampled_from(
    [
        *(
            "<a href='https://x.example/1'>",
            "</a>",
            "<img src=https://x.example/2 alt=x>",
            "<script>",
            "</script>",
        ),
        *(
            "<style>",
            "</style>",
            "@import 'https://x.example/3';",
            "p{background:url(https://x.example/4)}",
            "<!--",
        ),
        *(
            "-->",
            "<svg>",
            "</svg>",
            "<link href=https://x.example/5>",
            "<p style='background:url(https://x.example/6)'>",
        ),
        *(
            "</p>",
            "<",
            ">",
            "&lt;script&gt;",
            "words",
            "<template>",
            "</template>",
            "<iframe src=x>",
            "<table><td>",
        ),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_nothing_asks_whatever_stands_there(html: str) -> None:
    shown = still(html)
    read = re.findall(r"<style.*?</style>|<style.*|<[^>]*>", shown, re.DOTALL)
    assert not [one for one in read if ASKS.search(one)], shown
    assert not re.search(r"https?://[^\s/]+/[^…]", shown)

"""What a message is likely to be disliked for."""

from html import escape

import pytest

from transforms.content.lints import lint_message
from transforms.content.templates import Rendered

GOOD_HTML = '<p>Hi</p><img src="https://x.example/a.png" alt=""><a href="https://x.example/unsubscribe">Unsubscribe</a>'
GOOD = {
    "subject": "Your cart waits",
    "text": "Unsubscribe: https://x.example/u",
    "html": GOOD_HTML,
    "preheader": "It does",
}


def lints(
    transactional: bool = False, sender: str = "Shop <hello@shop.example>", **changes: object
) -> list[str]:
    rendered = Rendered(**{**GOOD, "missing": (), **changes})  # type: ignore[arg-type]
    return [
        f"{one.severity}: {one.says}"
        for one in lint_message(rendered, transactional=transactional, sender=sender)
    ]


def test_a_good_message() -> None:
    assert lints() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"subject": ""}, "error: the subject is empty"),
        ({"subject": "x" * 79}, "hint: the subject has 79"),
        ({"subject": "LAST CHANCE TODAY"}, "warning: the subject is in capitals"),
        ({"subject": "Only today!!"}, "warning: the subject shouts"),
        ({"subject": "Re: your order"}, "warning: the subject begins like an answer"),
        ({"subject": "Act now please"}, "warning: the subject says 'Act now'"),
        ({"preheader": ""}, "hint: there is no preheader"),
        ({"sender": "noreply@shop.example"}, "hint: nobody can answer"),
        (
            {"sender": "Shop <shop@gmail.com>"},
            "error: Shop <shop@gmail.com> is an address of a mail provider",
        ),
        ({"text": " "}, "error: there is no text part"),
        ({"text": "x", "html": None}, "error: there is no link to unsubscribe"),
        ({"subject": "Hi {{ name }}"}, "error: '{{' goes out"),
        ({"missing": ("first_name",)}, "warning: without a value: first_name"),
        ({"html": GOOD_HTML + "x" * 102_000}, "warning: the HTML part has 102,"),
        ({"html": GOOD_HTML + '<img src="https://x.example/b.png">'}, "warning: 1 images without alt"),
        ({"html": GOOD_HTML + "<SCRIPT>x</SCRIPT>"}, "error: <script> doesn't work"),
        ({"html": GOOD_HTML + "<a>x</a>"}, "warning: 1 links without href"),
        ({"html": GOOD_HTML + '<a href="">x</a>'}, "error: the href '' is empty"),
        ({"html": GOOD_HTML + '<a href="/sale">x</a>'}, "error: the href '/sale' leads nowhere"),
        ({"html": GOOD_HTML + '<a href="https://">x</a>'}, "names no host"),
        ({"html": GOOD_HTML + '<a href="https://x.example/a b">x</a>'}, "has blanks"),
        ({"html": GOOD_HTML + '<a href="http://[x">x</a>'}, "isn't a valid address"),
    ],
)
def test_likely_mistakes(changes: dict[str, object], says: str) -> None:
    (found,) = lints(**changes)  # type: ignore[arg-type]
    assert says in found


def test_a_link_to_unsubscribe_needn_t_be_called_so() -> None:
    stop = "https://shop.example/no-more?c=1&m=2"
    rendered = Rendered("S", "Text", f'<a href="{escape(stop)}">No more letters</a>', (), "y")
    assert lint_message(rendered, transactional=False, unsubscribe=("mailto:stop@shop.example", stop)) == []
    assert lint_message(rendered, transactional=False, unsubscribe=("mailto:stop@shop.example",)) != []


def test_transactional_mail_needs_no_way_to_unsubscribe() -> None:
    assert lints(transactional=True, text="x", html=None, preheader="y") == []


def test_the_worst_comes_first() -> None:
    assert [one.partition(":")[0] for one in lints(subject="", preheader="", missing=("a",))] == [
        "error",
        "warning",
        "hint",
    ]

"""The text part made of an HTML part."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.content import bodies
from transforms.content.bodies import text_of
from transforms.content.errors import ContentError
from transforms.content.templates import CompiledContent, ContentSource, Rendered, compile_content, render
from transforms.content.values import Values

PAGE = """<html><head><title>no</title><style>p { color: red }</style></head><body>
{% macro item(one) %}<li><a href="https://x.example/{{ one|urlencode }}">{{ one }}</a></li>{% endmacro %}
<h1>Hello {{ name|default("you") }}!</h1>
{% if items2 %}<ul>{% for one in items2 %}{{ item(one) }}{% endfor %}</ul>{% endif %}
<p>{{ item(name)|striptags|upper }} <b>{{ note }}</b><br>{{ url }} <a href="{{ url }}">{{ url }}</a></p>
<a href="https://x.example"><img src="a.png"></a>
</body></html>"""


def compiled(html: str) -> CompiledContent:
    return compile_content(
        ContentSource("s", None, template="a", files={"a.html.j2": html}, inline_css=False)
    )


def rendered(html: str, **attributes: Any) -> Rendered:
    return render(compiled(html), Values(attributes, {}, {}))


def test_links_lists_and_headings() -> None:
    found = rendered(PAGE, name="Ann", items2=["cup", "pot"], note="last day", url="https://x.example/u")
    assert found.text == (
        "Hello Ann!\n\n  * [cup](https://x.example/cup)\n  * [pot](https://x.example/pot)\n\n"
        "ANN last day\nhttps://x.example/u https://x.example/u\n"
    )


@pytest.mark.parametrize(
    "html", ["<p>{{ a }} &amp; &lt;b&gt;</p>", "<pre>{{ a }}</pre>", "{{ a }}", "<p>{{ a }}{{ b }}</p>"]
)
@pytest.mark.parametrize(
    "value",
    [
        "x",
        "\x00a\x0bb\x7f",
        "\ud800",
        " x ",
        "a\n b",
        "<b>&",
        "\ue0000\ue001",
        "\ue0009\ue001",
        "",
        None,
        3,
        ["a", "b"],
    ],
)
def test_values_are_as_the_html_shows_them(html: str, value: object) -> None:
    found = rendered(html, a=value, b="end")
    assert found.text == text_of(found.html or "")


NAMES = st.text(min_size=0, max_size=12)
PAGES = compiled(PAGE)


@given(NAMES, st.lists(NAMES, max_size=3), NAMES)
def test_what_is_known_of_other_customers_changes_nothing(name: str, several: list[str], note: str) -> None:
    found = render(
        PAGES, Values({"name": name, "items2": several, "note": note, "url": "https://x.example"}, {}, {})
    )
    assert found.text == text_of(found.html or "")


def test_html_is_gone_through_once_for_many_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies._text_of_shared.cache_clear()
    gone_through: list[str] = []
    once = bodies._text_of
    monkeypatch.setattr(bodies, "_text_of", lambda html: gone_through.append(html) or once(html))
    content = compiled("<p>Hello {{ name }}{% if vip %}, dear{% endif %}</p>")
    texts = [render(content, Values({"name": f"Ann{n}", "vip": n % 2}, {}, {})).text for n in range(20)]
    assert texts[:2] == ["Hello Ann0\n", "Hello Ann1, dear\n"]
    assert len(gone_through) == 2


def test_a_preheader_is_no_text() -> None:
    source = ContentSource("s", None, "<body><p>Hi</p></body>", preheader="Look")
    assert render(compile_content(source), Values({}, {}, {})).text == "Hi\n"


def test_html_too_long_for_it_is_told() -> None:
    with pytest.raises(ContentError, match=r"300,\d+ characters, too many .* write a \.txt\.j2"):
        rendered("<p>" + "x" * 300_001)

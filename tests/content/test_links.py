"""Links that values make: none runs code, however it is disguised; others stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.content.errors import ContentError
from transforms.content.links import refused_link
from transforms.content.templates import ContentSource, compile_content, render
from transforms.content.values import Values

DISGUISES = [
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript\t:x",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A&#x61vascript:x",
    "java&Tab;script&NewLine;:x",
    "data:text/html,<script>",
    "DATA:text/html;base64,AAAA",
    "vbscript:msgbox",
    "\u200bjavascript:x",
    "&#0000106avascript:x",
]


def html_of(template: str, value: str) -> str:
    content = compile_content(ContentSource("", "t", template))
    return render(content, Values({"v": value}, {}, {})).html or ""


@pytest.mark.parametrize("link", DISGUISES)
@pytest.mark.parametrize("attribute", ["href", "SRC ", "formaction"])
def test_disguises_are_seen(link: str, attribute: str) -> None:
    quoted = [f'<a {attribute}="{link}">', f"<a {attribute}= '{link}'>"]
    assert all(map(refused_link, quoted))


@pytest.mark.parametrize("link", [one for one in DISGUISES if "&" not in one])
@pytest.mark.parametrize(
    "template",
    [
        '<a href="{{ v }}">x</a>',
        "<img src='{{ v }}'>",
        '<a class="b" href="{% if v %}{{ v }}{% endif %}">',
        '<a href="{{ v|trim }}">',
    ],
)
def test_values_make_no_link_that_runs_code(template: str, link: str) -> None:
    with pytest.raises(ContentError, match=r"^html.*could run code"):
        html_of(template, link)


def test_a_scheme_put_together_of_pieces_is_seen() -> None:
    with pytest.raises(ContentError, match="could run code"):
        html_of('<a href="{{ v }}script:alert(1)">', "java")
    with pytest.raises(ContentError, match="could run code"):
        html_of('<a href="java{{ v }}">', "script:alert(1)")
    with pytest.raises(ContentError, match="could run code"):
        html_of('<a href="{{ v }}{{ v2 }}{% if v %}:{% endif %}alert(1)">', "javascript")


@pytest.mark.parametrize(
    "link",
    [
        "https://x.example/?a=b:c",
        "http://x",
        "mailto:a@x.example",
        "tel:+43",
        "#top",
        "/data:x",
        "12:30",
        "?javascript:",
    ],
)
def test_other_links_stay(link: str) -> None:
    assert f'"{link}"' in html_of('<a href="{{ v }}">x</a>', link)


@pytest.mark.parametrize(
    "template",
    ["<p>\n<a href={{ v }}>", "\n<img alt='a' src = {% if v %}{{ v }}{% endif %}>", "\n<b\tid={{v}}>"],
)
def test_an_attribute_s_value_needs_quotes(template: str) -> None:
    with pytest.raises(ContentError, match="html, line 2: the value of an attribute needs quotes"):
        html_of(template, "x onclick=y()")


@pytest.mark.parametrize(
    "template",
    [
        "<p>a = {{ v }}</p>",
        '<a href="?a={{ v }}&b= {{ v }}">',
        "<a {{ v }}>",
        "<a title='{{ v|default(\"x\") }}' b=''>{{ v }}",
    ],
)
def test_quoted_values_are_fine(template: str) -> None:
    assert "text" in html_of(template, "text")


def test_text_that_looks_like_a_link_is_text() -> None:
    assert "javascript:" in html_of("<p>{{ v }}</p>", "javascript: the good parts")


SCHEMES = st.sampled_from(["javascript", "vbscript", "data"])
NOISE = st.text(alphabet="\t\n\r \x00\x0b\u200b", max_size=2)


@given(SCHEMES, st.data())
def test_noise_within_a_scheme_hides_nothing(scheme: str, data: st.DataObject) -> None:
    letters = [one.upper() if data.draw(st.booleans()) else one for one in f"{scheme}:"]
    link = "".join(f"{data.draw(NOISE)}{one}" for one in letters) + "x"
    with pytest.raises(ContentError, match="could run code"):
        html_of('<a href="{{ v }}">', link)

"""MJML templates: compiled once, with their layouts; tags of Jinja2 come out where they stood."""

from typing import Any

import pytest

from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, Rendered, compile_content, render
from transforms.content.values import Values

LAYOUT = """<mjml>
<mj-head><mj-title>{% block title %}News{% endblock %}</mj-title>
<mj-style>@media (max-width: 480px) { .b { color: {{ brand|default("#123456") }} } }</mj-style></mj-head>
<mj-body>
{% include "header.mjml.j2" %}
{% block main %}<mj-section><mj-column><mj-text>default</mj-text></mj-column></mj-section>{% endblock %}
</mj-body>
</mjml>"""
HEADER = '<mj-section background-color="{{ brand }}"><mj-column><mj-text>{{ shop }}</mj-text></mj-column></mj-section>'
PAGE = """{% extends "layout.mjml.j2" %}
{% from "ui.html.j2" import hello %}
{% block title %}Sale: {{ super() }}{% endblock %}
{% block main %}
{{ super() }}
{% if products %}
{% for one in products %}
<mj-section>
<mj-column>
<mj-text>{{ hello(one.name) }}{% if one.old %} <s>{{ one.old }}</s>{% endif %}</mj-text>
<mj-button href="{{ one.url }}">Buy {{ one.name }}</mj-button>
</mj-column>
</mj-section>
{% else %}<mj-section><mj-column><mj-text>never</mj-text></mj-column></mj-section>
{% endfor %}
{% endif %}
{% endblock %}
"""
FILES = {
    "a.mjml.j2": PAGE, "layout.mjml.j2": LAYOUT, "header.mjml.j2": HEADER,
    "ui.html.j2": "{% macro hello(name) %}<b>{{ name }}</b>{% endmacro %}",
}  # fmt: skip
PRODUCTS = [
    {"name": "Cup & saucer", "url": "https://x.example/1?a=1&b=2"},
    {"name": "Pot", "old": 9, "url": "https://x.example/2"},
]


def rendered(files: dict[str, str], **attributes: Any) -> Rendered:
    return render(
        compile_content(ContentSource("s", None, template="a", files=files)), Values(attributes, {}, {})
    )


def page(body: str) -> dict[str, str]:
    return {"a.mjml.j2": f"<mjml>\n<mj-body>\n{body}\n</mj-body>\n</mjml>"}


def test_a_layout_with_loops_conditions_and_macros() -> None:
    found = rendered(FILES, products=PRODUCTS, shop="<Shop>", brand="red")
    html = found.html or ""
    assert "<title>Sale: News</title>" in html
    assert ".b { color: red }" in html
    assert (
        html.index("&lt;Shop&gt;")
        < html.index("default")
        < html.index("<b>Cup &amp; saucer</b>")
        < html.index("<b>Pot</b>")
    )
    assert html.count("<s>9</s>") == 1
    assert 'href="https://x.example/1?a=1&amp;b=2"' in html
    assert html.count('bgcolor="red"') == 1
    for left in ("mj-", "qxj", "{%", "{{", "never", "googleapis"):
        assert left not in html.replace("mj-column-per", "").replace("mj-outlook", "").replace(
            "mj-full-width", ""
        )
    assert found.text.splitlines()[0] == "<Shop>"
    assert "Buy Pot](https://x.example/2)" in found.text


def test_no_products() -> None:
    html = rendered(FILES).html or ""
    assert "default" in html
    assert "never" not in html
    assert html.count("<body") == html.count("</body>") == 1


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (page("<mj-section>\n<mj-column>\n</mj-section>"), "a.mjml.j2, line 4: not valid MJML: <mj-column> isn't closed "
         "before </mj-section> in line 5"),
        (page("<mj-section>\n<mj-colum/></mj-section>"), "line 4: not valid MJML: there is no <mj-colum> here; did you mean <mj-column>?"),
        (page("<mj-section>\n\n text {{ x }}</mj-section>"), "line 5: text stands right within <mj-section>"),
        (page("<mj-section {% if x %}css-class='a'{% endif %}></mj-section>"), "line 3: a tag of Jinja2 stands within <mj-section …>"),
        (page("<mj-include path='/etc/passwd' />"), "line 3: mj-include isn't allowed"),
        (page("<mj-section><mj-column><mj-text>{{ x|uper }}</mj-text></mj-column></mj-section>"), "line 3: filter 'uper'"),
        (page("<mj-section><mj-column><mj-text>{{ 1 / 0 }}</mj-text></mj-column></mj-section>"), "line 3: division by zero"),
        (page("<mj-carousel>{% for x in y %}<mj-carousel-image src='x'/>{% endfor %}</mj-carousel>"), "line 3: {% for x in y %} can't stand"),
        (page("</mj-section>"), "line 2: not valid MJML: <mj-body> isn't closed before </mj-section> in line 3"),
        ({"a.mjml.j2": "Hello"}, "a.mjml.j2, line 1: not MJML: there is no <mjml>"),
        ({"a.mjml.j2": "<mjml><mj-body>"}, "line 1: not valid MJML: <mj-body> isn't closed"),
        ({**FILES, "a.mjml.j2": "{% macro x() %}\n<mj-text/>{% endmacro %}" + LAYOUT}, "line 2: MJML is compiled before macros run"),
        ({**FILES, "header.mjml.j2": "\n<mj-section><mj-colum></mj-section>"}, "header.mjml.j2, line 2: not valid MJML"),
        ({"a.mjml.j2": "<mjml><mj-body><mj-text>{{ 'qxj' }}</mj-text></mj-body></mjml>"}, "'qxj'"),
        (page("<mj-section><mj-column><mj-text><p>{{ x }}</mj-text></mj-column></mj-section>"), "a.mjml.j2, line "),
    ],
)  # fmt: skip
def test_faults_have_their_lines(files: dict[str, str], says: str) -> None:
    with pytest.raises(ContentError) as caught:
        compile_content(ContentSource("s", None, template="a", files=files))
    assert says in str(caught.value)


@pytest.mark.parametrize("broken", ["{{ 1 / zero }}", "{{\n'a' * zero }}"])
def test_what_fails_while_rendering_has_the_line_it_was_written_on(broken: str) -> None:
    files = {**FILES, "a.mjml.j2": PAGE.replace("Buy {{ one.name }}", "Buy\n" + broken)}
    line = files["a.mjml.j2"].count("\n", 0, files["a.mjml.j2"].index(broken)) + 1 + broken.count("\n")
    with pytest.raises(ContentError, match=rf"^a\.mjml\.j2, line {line}: "):
        rendered(files, products=PRODUCTS, zero=0)
    partial = {**FILES, "header.mjml.j2": HEADER.replace("{{ shop }}", "\n{{ 1 / zero }}")}
    with pytest.raises(ContentError, match=r"^header\.mjml\.j2, line 2: division"):
        rendered(partial, zero=0)


def test_the_preheader_is_hidden_at_the_beginning_of_the_body() -> None:
    source = ContentSource("s", None, template="a", files=FILES, preheader="For <{{ shop }}>")
    html = render(compile_content(source), Values({"shop": "A&B"}, {}, {})).html or ""
    start = html.index(">", html.index("<body")) + 1
    assert html[start:].startswith('<div style="display:none')
    assert "For &lt;A&amp;B&gt;&#847;" in html


def test_css_is_inlined_in_html_unless_it_is_off() -> None:
    styled = "<html><head><style>p { color: red } @media print { p { color: blue } }</style></head><body><p>{{ n }}</p></body></html>"
    files = {"a.html.j2": styled}

    def html(inline: bool | None) -> str:
        source = ContentSource("s", "t", template="a", files=files, inline_css=inline)
        return render(compile_content(source), Values({"n": "x"}, {}, {})).html or ""

    assert '<p style="color: red;">x</p>' in html(None)
    assert "@media print" in html(None)
    assert html(False) == styled.replace("{{ n }}", "x")

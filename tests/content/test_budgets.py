"""Bombs: each ends soon, and fails its own template or message alone."""

import time
from contextlib import suppress
from typing import Any

import pytest

from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, compile_content, render
from transforms.content.values import Values

LIMIT = 2.0
BIG = "xy " * 300_000
VALUES: dict[str, Any] = {
    "big": BIG, "blank": " " * 900_000, "tags": "<!---->" * 128_000, "open": "<" * 900_000, "many": ["x"] * 50_000,
    "deep": [], "hex": "f" * 900_000, "rows": [{"a": n} for n in range(2_000)], "n": 1e308, "upper": "ÄÖÜ" * 300_000,
}  # fmt: skip
for _ in range(900):
    VALUES["deep"] = [VALUES["deep"]]

DATA_BOMBS = [
    "{% for a in big %}{% for b in big %}{% endfor %}{% endfor %}",
    "{% for a in big %}{% for b in big %}x{{ b }}{% endfor %}{% endfor %}",
    "{% for a in many if a == big %}{% endfor %}{% for a in many if big == big %}{% endfor %}",
    "{% for a in many %}{% if big == big ~ a %}{% endif %}{% endfor %}",
    "{% for a in many %}{{ big|upper }}{% endfor %}",
    "{% for a in many %}{{ big|length }}{{ blank|default('x') }}{{ loop.length }}{% endfor %}",
    "{% for a in many %}{% if blank %}x{% endif %}{% if big is lower %}{% endif %}{% endfor %}",
    "{% for a in many %}{% if 'xyz' in big %}{% endif %}{% endfor %}",
    "{{ [" + "big," * 5_000 + "]|sort }}",
    "{{ [" + "big," * 5_000 + "]|join }}",
    "{{ [" + "big," * 5_000 + "] }}",
    "{{ " + "~".join(["big"] * 5_000) + " }}",
    "{{ tags|striptags }}",
    "{{ open|striptags }}",
    "{{ big|title }}{{ big|urlencode }}{{ big|capitalize }}",
    "{{ upper|upper }}{{ upper|lower }}{{ upper|title }}{{ upper|urlencode }}",
    "{{ big|trim('" + "q" * 1000 + "') }}",
    "{{ big|replace('x', '" + "q" * 1000 + "') }}",
    "{{ deep }}",
    "{{ deep|join }}",
    "{{ deep|sort }}",
    "{{ deep|string }}",
    "{{ hex|int(0, 16) // 7 }}",
    "{{ hex|int * hex|int }}",
    "{{ n * n }}",
    "{{ '%d'|format(n) }}",
    "{{ many|sort|join }}{{ many|unique|join }}{{ many|reverse|join }}{{ many|sum }}",
    "{% for a in rows %}{% for b in rows %}{{ b.a }}{% endfor %}{% endfor %}",
    "{{ '1e999999999'|money('EUR') }}",
    "{{ hex|number }}",
    "{{ '1' ~ hex|date }}",
    "{{ big|url }}",
    "{{ n|date }}",
    "{{ 1|plural(big) }}",
    "{{ big|truncate(1000) }}{{ big|truncate(1000, true) }}",
]
FILE_BOMBS = {
    "doubling": "{% macro m(x, n) %}{% if n %}{{ m(x ~ x, n - 1) }}{% endif %}{% endmacro %}{{ m(big, 25) }}",
    "added": "{% macro m(x, n) %}{% if n %}{{ m(x + x, n - 1) }}{% endif %}{% endmacro %}{{ m(many, 25) }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two recursions": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(28) }}",
    "captured": "{% for a in many %}{% set x %}" + "text" * 10_000 + "{% endset %}{% endfor %}",
    "macro text": "{% macro m() %}" + "text" * 10_000 + "{% endmacro %}{% for a in many %}{{ m()|first }}{% endfor %}",
    "call blocks": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 20
    + "x"
    + "{% endcall %}" * 20,
    "else": "{% for a in big %}{% for b in [] %}{% else %}{% for c in big %}{% endfor %}{% endfor %}{% endfor %}",
}  # fmt: skip
COMPILE_BOMBS = [
    "{{ 9**(9**8) }}",
    "{{ 'a' * 10**9 }}",
    "{{ " + "(" * 100 + "1" + ")" * 100 + " }}",
    "{{ " + "[" * 400 + "]" * 400 + " }}",
    "{{ " + "not " * 5_000 + "a }}",
    "{{ " + "-" * 5_000 + "1 }}",
    "{{ a" + ".b" * 5_000 + " }}",
    "{{ a" + "|e" * 5_000 + " }}",
    "{{ " + "a if b else " * 3_000 + "c }}",
    "{{ 1" + "+1" * 240_000 + " }}",
    "{{ 1" + "~1" * 240_000 + " }}",
    "{{ '" + "a" * 499_000 + "'|upper }}",
    "{{ " + "9" * 100_000 + " }}",
    "{{ " + "9" * 4_000 + " * 1 }}",
    "{{ 1e308 * 1e308 }}",
    "{% if a %}" * 1_000,
    "{% if a %}x{% endif %}" * 1_000,
    "{% if a %}" + "{% elif b %}x" * 1_900 + "{% endif %}",
    "{" * 499_000,
    "{{" * 240_000,
    "{#" * 240_000,
    " " * 499_000 + "{%",
    "{% raw %}" * 4_000,
    "{{ a }}" * 2_000,
    "{{ [" + "1," * 200_000 + "] }}",
    "{{ {" + "'a':1," * 60_000 + "} }}",
    "{{ a(" + "1," * 100_000 + ") }}",
    "{% for " + "a," * 100_000 + " in b %}{% endfor %}",
    "{{ '" + "\\" * 200_000 + "' }}",
    "{{ a is " + "not " * 100_000 + "b }}",
    "\n" * 400_000 + "{{ 1 / 0 }}",
    '{{ "' + "'" * 400_000 + " }}",
    "{%-" + " " * 400_000 + "-%}",
]


def seconds_of(source: ContentSource) -> float:
    """How long it takes to be compiled and rendered, or to be refused."""
    started = time.process_time()
    with suppress(ContentError):
        render(compile_content(source), Values(VALUES, {"big": BIG}, {}))
    return time.process_time() - started


def some(bombs: list[str]) -> list[Any]:
    """Every sixth, the others in long runs only."""
    others = [pytest.param(one, marks=pytest.mark.slow) for n, one in enumerate(bombs) if n % 6]
    return bombs[::6] + others


@pytest.mark.parametrize("template", some(DATA_BOMBS), ids=lambda one: one[:60])
@pytest.mark.parametrize("part", ["text", pytest.param("html", marks=pytest.mark.slow)])
def test_bombs_of_data_end(template: str, part: str) -> None:
    text, html = (template, None) if part == "text" else (None, template)
    assert seconds_of(ContentSource("s", text, html)) < LIMIT


@pytest.mark.parametrize("name", FILE_BOMBS)
def test_bombs_of_files_end_with_the_place(name: str) -> None:
    files = {"a.txt.j2": FILE_BOMBS[name]}
    source = ContentSource("s", None, template="a", files=files)
    assert seconds_of(source) < LIMIT
    with pytest.raises(ContentError, match=r"^a\.txt\.j2, line 1: .*(steps|characters|deep)"):
        render(compile_content(source), Values(VALUES, {}, {}))


def test_files_that_include_one_another_twice_end() -> None:
    files = {f"{n}": f"{{% include '{n + 1}' %}}" * 3 for n in range(18)} | {
        "18": "x",
        "a.txt.j2": "{% include '0' %}",
    }
    source = ContentSource("s", None, template="a", files=files)
    assert seconds_of(source) < LIMIT
    with pytest.raises(ContentError, match="steps"):
        render(compile_content(source), Values({}, {}, {}))


MJML_BOMBS = {
    "includes": {f"{n}": f"{{% include '{n + 1}' %}}" * 3 for n in range(18)} | {"18": ""},
    "supers": {
        f"{n}": f"{{% extends '{n + 1}' %}}{{% block b %}}{{{{ super() }}}}{{{{ super() }}}}{{% endblock %}}"
        for n in range(18)
    }
    | {"18": "<mjml>{% block b %}<mj-body>x</mj-body>{% endblock %}</mjml>"},
    "circle": {
        "0": "{% extends '1' %}{% block b %}{% block a %}{% endblock %}{% endblock %}",
        "1": "{% extends '2' %}{% block a %}{% block b %}{% endblock %}{% endblock %}",
        "2": "<mjml>{% block a %}{% endblock %}{% block b %}{% endblock %}</mjml>",
    },
    "blocks": {
        "0": "<mjml>" + "".join(f"{{% block b{n} %}}" for n in range(50)) + "{% endblock %}" * 50 + "</mjml>"
    },
    "many blocks": {
        "0": "<mjml><mj-body>"
        + "".join(f"{{% block b{n} %}}{{% endblock %}}" for n in range(900))
        + "</mj-body></mjml>"
    },
    "quotes": {"0": "<mjml><mj-body>" + "<a '\"" * 80_000},
    "tags": {"0": "<mjml>" + "<mj-body>" * 50_000},
    "no elements": {"0": "<" * 400_000 + "mjml>"},
    "href": {"0": "<mjml>" + "href=" * 90_000 + "{{ a }}"},
    "elements": {"0": "<mjml><mj-body>" + "<mj-section><mj-column><mj-text>x" * 8_000},
    "deep elements": {
        "0": "<mjml><mj-body>" + "<mj-wrapper>" * 9_000 + "</mj-wrapper>" * 9_000 + "</mj-body></mjml>"
    },
}


@pytest.mark.parametrize(
    "opening",
    [
        "<div>",
        "<b>",
        "<div><object></div></object>",
        "<!--><div>",
        "<div/>",
        "<div title='</div>'>",
        "<p><i></p>",
    ],
)
@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_elements_nested_too_deep_end_no_process(opening: str, kind: str) -> None:
    page = {
        "html": "<style>p { color: red }</style>{% for one in rows %}OPEN OPEN OPEN OPEN OPEN{% endfor %}",
        "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>MANY",
    }[kind]
    page = page.replace("MANY", opening * 15_000).replace("OPEN", opening)
    content = ContentSource("s", "t", template="a", files={f"a.{kind}.j2": page})
    with pytest.raises(ContentError, match=r"nested more than|not closed|not valid MJML"):
        render(compile_content(content), Values(VALUES, {}, {}))


def test_many_rules_for_many_elements_end() -> None:
    rules = "".join(f"div p:not(.x{n}) {{{{ '{{' }}}}color:red}}" for n in range(1_000))
    source = ContentSource(
        "s", "t", f"<style>{rules}</style><div>{{% for a in rows %}}{'<p>x</p>' * 9}{{% endfor %}}</div>"
    )
    assert seconds_of(source) < LIMIT
    with pytest.raises(ContentError, match="too many CSS rules"):
        render(compile_content(source), Values(VALUES, {}, {}))


@pytest.mark.parametrize("name", MJML_BOMBS)
def test_bombs_of_mjml_end(name: str) -> None:
    files = {
        **MJML_BOMBS[name],
        "a.mjml.j2": "{% extends '0' %}" if name in ("supers", "circle") else "{% include '0' %}",
    }
    started = time.process_time()
    with suppress(ContentError):
        compile_content(ContentSource("s", None, template="a", files=files))
    assert time.process_time() - started < LIMIT


@pytest.mark.parametrize("template", some(COMPILE_BOMBS), ids=lambda one: one[:40].strip())
@pytest.mark.parametrize("wide", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_bombs_for_the_compiler_are_that_templates_fault(template: str, wide: bool) -> None:
    files = {"a.html.j2": template}
    source = (
        ContentSource("s", None, template="a", files=files) if wide else ContentSource("s", None, template)
    )
    assert seconds_of(source) < LIMIT


def test_a_bomb_fails_its_message_alone() -> None:
    compiled = compile_content(
        ContentSource("s", "{% for a in x %}{% for b in x %}{{ b }}{% endfor %}{% endfor %}")
    )
    with pytest.raises(ContentError, match=r"^text, line 1: more than 100,000 steps were needed"):
        render(compiled, Values({"x": BIG}, {}, {}))
    assert render(compiled, Values({"x": "ab"}, {}, {})).text == "abab"


def test_what_is_usual_is_far_within_the_budget() -> None:
    template = (
        "{% for p in products %}{{ loop.index }}. {{ p.name }}: {{ p.price|number(2) }}\n{% endfor %}"
        + "text" * 50_000
    )
    products = [{"name": f"Product {n}", "price": n} for n in range(2_000)]
    text = render(compile_content(ContentSource("s", template)), Values({"products": products}, {}, {})).text
    assert text.count("Product") == 2_000


def test_too_much_text_is_told() -> None:
    with pytest.raises(ContentError, match="more than 1,000,000 characters"):
        render(compile_content(ContentSource("s", "{{ big }}{{ big }}")), Values({"big": BIG}, {}, {}))
    with pytest.raises(ContentError, match="subject: 1,000 characters came out; allowed are 900"):
        render(compile_content(ContentSource("{{ big }}", "")), Values({"big": "x" * 1_000}, {}, {}))

"""Bombs: each ends soon, and fails its own template or message alone."""

import time
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
    "{{ tags|striptags }}", "{{ open|striptags }}", "{{ big|title }}{{ big|urlencode }}{{ big|capitalize }}",
    "{{ upper|upper }}{{ upper|lower }}{{ upper|title }}{{ upper|urlencode }}",
    "{{ big|trim('" + "q" * 1000 + "') }}", "{{ big|replace('x', '" + "q" * 1000 + "') }}",
    "{{ deep }}", "{{ deep|join }}", "{{ deep|sort }}", "{{ deep|string }}",
    "{{ hex|int(0, 16) // 7 }}", "{{ hex|int * hex|int }}", "{{ n * n }}", "{{ '%d'|format(n) }}",
    "{{ many|sort|join }}{{ many|unique|join }}{{ many|reverse|join }}{{ many|sum }}",
    "{% for a in rows %}{% for b in rows %}{{ b.a }}{% endfor %}{% endfor %}",
    "{{ '1e999999999'|money('EUR') }}", "{{ hex|number }}", "{{ '1' ~ hex|date }}", "{{ big|url }}",
    "{{ n|date }}", "{{ 1|plural(big) }}", "{{ big|truncate(1000) }}{{ big|truncate(1000, true) }}",
]  # fmt: skip
FILE_BOMBS = {
    "doubling": "{% macro m(x, n) %}{% if n %}{{ m(x ~ x, n - 1) }}{% endif %}{% endmacro %}{{ m(big, 25) }}",
    "added": "{% macro m(x, n) %}{% if n %}{{ m(x + x, n - 1) }}{% endif %}{% endmacro %}{{ m(many, 25) }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two recursions": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(28) }}",
    "captured": "{% for a in many %}{% set x %}" + "text" * 10_000 + "{% endset %}{% endfor %}",
    "macro text": "{% macro m() %}" + "text" * 10_000 + "{% endmacro %}{% for a in many %}{% set x = m() %}{% endfor %}",
    "call blocks": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}" + "{% call m() %}" * 20 + "x" + "{% endcall %}" * 20,
    "else": "{% for a in big %}{% for b in [] %}{% else %}{% for c in big %}{% endfor %}{% endfor %}{% endfor %}",
}  # fmt: skip
COMPILE_BOMBS = [
    "{{ 9**(9**8) }}", "{{ 'a' * 10**9 }}", "{{ " + "(" * 100 + "1" + ")" * 100 + " }}", "{{ " + "[" * 400 + "]" * 400 + " }}",
    "{{ " + "not " * 5_000 + "a }}", "{{ " + "-" * 5_000 + "1 }}", "{{ a" + ".b" * 5_000 + " }}", "{{ a" + "|e" * 5_000 + " }}",
    "{{ " + "a if b else " * 3_000 + "c }}", "{{ 1" + "+1" * 240_000 + " }}", "{{ 1" + "~1" * 240_000 + " }}",
    "{{ '" + "a" * 499_000 + "'|upper }}", "{{ " + "9" * 100_000 + " }}", "{{ " + "9" * 4_000 + " * 1 }}", "{{ 1e308 * 1e308 }}",
    "{% if a %}" * 1_000, "{% if a %}x{% endif %}" * 1_000, "{% if a %}" + "{% elif b %}x" * 1_900 + "{% endif %}",
    "{" * 499_000, "{{" * 240_000, "{#" * 240_000, " " * 499_000 + "{%", "{% raw %}" * 4_000, "{{ a }}" * 2_000,
    "{{ [" + "1," * 200_000 + "] }}", "{{ {" + "'a':1," * 60_000 + "} }}", "{{ a(" + "1," * 100_000 + ") }}",
    "{% for " + "a," * 100_000 + " in b %}{% endfor %}", "{{ '" + "\\" * 200_000 + "' }}", "{{ a is " + "not " * 100_000 + "b }}",
    "\n" * 400_000 + "{{ 1 / 0 }}", "{{ \"" + "'" * 400_000 + " }}", "{%-" + " " * 400_000 + "-%}",
]  # fmt: skip


def seconds_of(source: ContentSource) -> float:
    """How long it takes to be compiled and rendered, or to be refused."""
    started = time.process_time()
    try:
        render(compile_content(source), Values(VALUES, {"big": BIG}, {}))
    except ContentError as error:
        assert len(str(error)) < 2_000
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

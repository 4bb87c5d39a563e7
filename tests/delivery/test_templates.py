import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.definitions.templates import read_templates, template_source
from transforms.content.errors import ContentError
from transforms.content.sources import template_fault
from transforms.content.templates import ContentSource, Rendered, compile_content, render
from transforms.content.values import Values

TEMPLATES = Path(__file__).parents[2] / "data" / "templates"


def rendered(
    text: str,
    attributes: dict[str, Any] | None = None,
    event: dict[str, Any] | None = None,
    *,
    subject: str = "",
    html: str | None = None,
    customer: dict[str, Any] | None = None,
) -> Rendered:
    compiled = compile_content(ContentSource(subject, text, html))
    known = customer or {"customer_id": "c1", "email": None}
    return render(compiled, Values(attributes or {}, event or {}, known))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi {{first_name}}!", "Hi Zoë!"),
        ("{{ event.cart_value }} {{ event.total }}", "80 125.99"),
        ("{{ '%.2f'|format(event.cart_value) }}", "80.00"),
        ("{{ customer_id }}", "c1"),
        ("{{ vip }} {{ tags }} {{ address }}", 'true a, 2, b {"city": "Köln"}'),
        ("{{ event.items }} {{ event['keys'] }} {{ address.city }}", "3 k Köln"),
        (
            "{% for t in tags %}{{ loop.index }}{{ t }}{% if not loop.last %},{% endif %}{% endfor %}",
            "1a,22,3b",
        ),
        ("{{ tags[0] }}{{ tags[9] }}{{ first_name[0] }}", "aZ"),
        ("{{ 2 * 3 + event.cart_value }} {{ 7 % 4 }}", "86 3"),
        ("{{ nothing|default('you') }} {{ 'x' if nothing else 'y' }}", "you y"),
        ("{{ first_name|upper }} {{ name2|upper }}|", "ZOË |"),
        ("a\n{% if vip %}\nb\n{% endif %}\nc\n", "a\nb\nc\n"),
        ("{{ '<b>' }}", "<b>"),
    ],
)
def test_placeholders(template: str, expected: str) -> None:
    attributes = {
        "first_name": "Zoë", "vip": True, "tags": ["a", 2.0, "b"], "address": {"city": "Köln"},
        "nothing": None,
    }  # fmt: skip
    event = {"cart_value": 80.0, "total": 125.99, "items": 3, "keys": "k"}
    assert rendered(template, attributes, event).text == expected


def test_only_html_is_escaped() -> None:
    parts = rendered("{{ n }}", {"n": "<a> & b"}, html="<p>{{ n }}</p>", subject="{{ n }}")
    assert (parts.subject, parts.text, parts.html) == ("<a> & b", "<a> & b", "<p>&lt;a&gt; &amp; b</p>")


def test_names_without_a_value_are_empty_and_recorded_once() -> None:
    parts = rendered(
        "{{ a }}{{ event.b }}{{ event.b.c }}{{ a }}{{ d|default('') }}{{ null }}", {"null": None}
    )
    assert parts.text == ""
    assert parts.missing == ("a", "event.b", "null")


@pytest.mark.parametrize("blank", ["", "  ", "\n\t", "\u00a0", None])
def test_blank_text_is_as_good_as_no_value(blank: str | None) -> None:
    attributes = {"a": blank, "b": {"c": blank}, "d": [blank, "x"]}
    source = (
        "{{ a }}{{ b.c }}{{ d[0] }}{{ event.e }}|{{ a|default('you') }}{{ event.e|d('me') }}|"
        "{{ 'there' if a else 'none' }}|{{ 'blank' if a == '' }}{{ 'other' if a != '' }}|"
        "{% for one in d %}{{ one|default('-') }}{% endfor %}"
    )
    parts = rendered(source, attributes, {"e": blank})
    assert parts.text == "|youme|none|blank|-x"
    assert parts.missing == ("a", "c", "0", "event.e")


def test_what_a_filter_leaves_blank_has_a_default_too() -> None:
    assert (
        rendered("{{ a|trim('x')|default('you') }} {{ b|default('no', true) }}", {"a": "xx", "b": 0}).text
        == "you no"
    )


def test_blanks_around_and_within_text_stay() -> None:
    assert rendered("{{ a }}{{ b }}{{ a[2] }}", {"a": " x y ", "b": 0}).text == " x y 0 "


def test_the_customer_wins_over_an_attribute_of_that_name() -> None:
    customer = {"customer_id": "c1", "email": "c1@example.com"}
    parts = rendered("{{ customer_id }} {{ email }}", {"customer_id": "x", "email": "y"}, customer=customer)
    assert parts.text == "c1 c1@example.com"
    assert rendered("{{ email }}", {"email": "y@example.com"}).text == "y@example.com"


def test_line_breaks_never_reach_the_subject() -> None:
    parts = rendered("x", {"n": "a\r\nBcc: b@example.com\u2028\x00"}, subject=" Hi\n{{ n }} ")
    assert parts.subject == "Hi a Bcc: b@example.com"


def test_lone_surrogates_become_replacement_characters() -> None:
    assert rendered("{{ n }}é", {"n": "\ud800"}).text == "\ufffdé"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ 9**(9**8) }}", "line 1: pow isn't allowed"),
        ("{{ 1 / 0 }}", "line 1: division by zero"),
        ("\n{{ 5 % 0.0 }}", "line 2: division by zero"),
        ("{{ a is evn }}", "did you mean 'even'?"),
        ("{{ 1e400 }}", "too large"),
        ("{{ a|trim('" + "x" * 1001 + "') }}", "arguments of 'trim'"),
        ("{{ " + "1" + " + 1" * 100 + " }}", "nested more than 60 deep"),
        ("{{ " + "(" * 100 + "1" + ")" * 100 + " }}", "simplify"),
        ("{% if a %}" * 100 + "{% endif %}" * 100, "deep"),
        ("{{ a }}" * 60_000, "60,000 placeholders"),
        ("{{ a|join(*b) }}", "spread"),
        ("\n{% set x = 1 %}", "line 2: assign isn't allowed"),
        ("{{ range(9) }}", "call isn't allowed"),
        ("{{ 'a'.ljust(1000000000) }}", "call isn't allowed"),
        ("{% include 'x' %}", "include isn't allowed"),
        ("{% macro a() %}{% endmacro %}", "macro isn't allowed"),
        ("{{ 'a'|center(1000000000) }}", "filter 'center' isn't allowed"),
        ("{{ a|uper }}", "did you mean 'upper'?"),
        ("{{ '%1000000000d'|format(1) }}", "literal pattern"),
        ("{{ a|format(1) }}", "literal pattern"),
        ("{{ 1.5|round(1000000000, 'ceil') }}", "arguments of 'round'"),
        ("{{ a|join(a) }}", "arguments of 'join'"),
        ("{% for a in b %}{% for c in b %}{% for d in b %}{% endfor %}{% endfor %}{% endfor %}", "3 deep"),
        ("{{", "line 1: not a valid Jinja2 template: unexpected"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "simplify"),
        ("{{ " + "9" * 5000 + " }}", "simplify"),
        ("x" * 500_001, "500,001 characters"),
    ],
)
def test_what_is_refused_when_compiled(template: str, says: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ContentError, match=says.replace("(", r"\(").replace("?", r"\?")):
        compile_content(ContentSource("", template))
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ 'x' * 1000000000 }}", "works on numbers"),
        ("{{ name * 1000000000 }}", "works on numbers"),
        ("{{ ['x'] * 1000000000 }}", "works on numbers"),
        ("{{ name % 1 }}", "works on numbers"),
        ("{{ 999999999 * 999999999 * 999999999 }}", "up to 1e15"),
        ("{{ 1 / zero }}", "division by zero"),
        ("{{ nothing + 1 }}", "'nothing' is undefined"),
        (
            "{% for a in many %}{% for b in many %}{{ name }}{% endfor %}{% endfor %}",
            "line 1: more than 100,000 steps",
        ),
    ],
)
def test_what_fails_one_message(template: str, says: str) -> None:
    with pytest.raises(ContentError, match=says):
        rendered(template, {"name": "%1000000000d", "many": ["x"] * 1000, "zero": 0})


def test_python_attributes_are_out_of_reach() -> None:
    assert (
        rendered("{{ ''.__class__ }}{{ event.__class__ }}{{ loop.x }}{{ self.__init__ }}{{ dict }}").text
        == ""
    )


def test_a_message_needs_a_body() -> None:
    with pytest.raises(ContentError, match="needs a body"):
        compile_content(ContentSource("s", None, None))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_value_can_be_printed(name: str, other: str) -> None:
    parts = rendered("{{ n }}|{{ event.o }}", {"n": name}, {"o": other}, subject="{{ n }}", html="{{ n }}")
    assert parts.text.count("|") >= 1
    assert parts.subject == "" or parts.subject.isprintable() or not set(parts.subject) & set("\r\n\x00")
    parts.text.encode()
    assert "<" not in (parts.html or "")


@given(st.text(alphabet="{}%|()[].'ab1*~ \n#-<>=", max_size=40))
def test_any_template_compiles_or_is_refused(source: str) -> None:
    with suppress(ContentError):
        rendered(source, {"a": "x", "b": [1, 2]})


@pytest.mark.parametrize("name", sorted(one.name.split(".")[0] for one in TEMPLATES.glob("*_*.mjml.j2")))
def test_the_templates_in_data_render_with_and_without_values(name: str) -> None:
    compiled = compile_content(template_source(read_templates(TEMPLATES), name, "Hi", None))
    event = {"cart_value": 125.99, "products": ["product_1"]}
    full = render(compiled, Values({"first_name": "Zoë", "location": "Köln"}, event, {"customer_id": "c1"}))
    bare = render(compiled, Values({}, {}, {"customer_id": "c1"}))
    assert full.missing == bare.missing == ()
    for part in (full.text, full.html or ""):
        assert "Zoë" in part
        assert ("€125.99" in part) == ("product_1" in part) == (name == "cart_reminder_1")
    for part in (bare.text, bare.html or ""):
        assert "Hello there" in part


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("Hi {{ name }}", None),
        (
            "one\n{% set x = 1 %}",
            (2, "assign isn't allowed here, only in template files; use placeholders, filters, if and for"),
        ),
        ("{{ name|uper }}", (1, "filter 'uper' isn't allowed; did you mean 'upper'?")),
        (
            "\n\n{% if %}",
            (3, "not a valid Jinja2 template: Expected an expression, got 'end of statement block'"),
        ),
    ],
)
def test_the_sandbox_says_what_it_refuses_and_in_which_line(
    source: str, fault: tuple[int, str] | None
) -> None:
    assert template_fault(source) == fault

"""What can never be rendered is found without a customer; what can, for some, isn't called a fault."""

import pytest

from transforms.content.samples import filters_by_name, sample_faults, sample_values
from transforms.content.templates import ContentSource, compile_content, render, used_names


def faults(text: str, html: str | None = None) -> list[str]:
    return list(map(str, sample_faults(compile_content(ContentSource("{{ n }}", text, html)))))


@pytest.mark.parametrize(
    "template",
    [
        "{{ a }}{{ a.b.c }}{{ event.x * 2 + 1 - event.y / 3 }}{{ a|upper|trim|truncate(3) }}{{ -a }}",
        "{% for p in products %}{{ p.name }} {{ p.price|money('EUR') }} {{ loop.index }}{% else %}x{% endfor %}",
        "{{ '%.2f'|format(event.total) }} {{ '%d %s'|format(a, b) }} {{ a|round(2) }} {{ a|int + 1 }} {{ a|float }}",
        "{{ at|date('long') }}{{ at|time }}{{ n|number(2) }}{{ n|percent }}{{ n|plural('a', 'b') }}{{ u|url(ref=a) }}",
        "{% if a > 3 and 'x' in tags and a in ['p', 'q'] and a in 'text' %}{{ a }}"
        "{% elif not b %}{{ b ~ 'x' }}{% endif %}",
        "{{ tags|join(', ') }}{{ tags|sort|first }}{{ tags|length }}{{ tags|sum }}{{ tags|max }}{{ tags|unique|join }}",
        "{{ n|money(event.currency) }}{{ n|number(event.digits) }}{{ at|date(event.pattern) }}",
        "{{ items[0].name }}{{ message.view_url }}{{ blocks.greeting }}{{ customer['a b'] }}{{ a is divisibleby(2) }}",
        "{{ 1 / zero }}{{ nothing + 1 }}{{ tags|first + 1 }}{{ a|replace('x', 'y') }}{{ customer }}{{ tags }}",
    ],
)
def test_what_some_customers_can_have_is_no_fault(template: str) -> None:
    assert faults(template, f"<p>{template}</p>") == []


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("\n{{ 'x' * 3 }}", "text, line 2: * works on numbers"),
        ("{% if plan == 'a' %}\n{{ 'x' / 2 }}{% endif %}", "text, line 2: / works on numbers"),
        ("{% if plan == 'a' %}x{% else %}\n\n{{ 1|money('Euro') }}{% endif %}", "text, line 3: money needs"),
        ("{{ '2026-13-01'|date }}", "date needs an instant"),
        ("{{ at|date('" + "y" * 101 + "') }}", "at most 100"),
        ("{{ 'a' + 1 }}", "text, line 1: "),
        ("{% for a in 5 %}{% endfor %}", "a loop needs a list"),
        ("{{ 10000000 * 10000000 * 10000000 * 2 }}", "up to 1e15"),
        ("{{ 'ftp://x'|url }}", "https"),
        ("{{ 1|plural('a', few='b', lots='c') }}", "no form 'lots'"),
    ],
)
def test_what_fails_by_itself_is_a_fault(template: str, says: str) -> None:
    (found,) = faults(template)
    assert says in found


def test_a_link_of_the_template_that_runs_code_is_a_fault() -> None:
    (found,) = faults("t", '<a href=" javascript:x()">')
    assert "could run code" in found


def test_sample_values_fill_everything() -> None:
    source = ContentSource(
        "{{ first_name }} {{ event.cart_value|money('EUR') }}",
        "{{ event.ordered_at|date }} {% for p in event.products %}{{ p }}{% endfor %} {{ message.unsubscribe_url }}"
        "{{ customer.points + 1 }}{{ execution.branch }}{{ blocks.intro }}"
        "{% for i in items %}{{ i.url|url }}{% endfor %}",
    )
    compiled = compile_content(source)
    found = render(compiled, sample_values(used_names(compiled)))
    assert (found.subject, found.missing) == ("Anna €49.90", ())


def test_names_that_filters_write_have_what_these_write() -> None:
    source = "{{ event.when|date }} {{ event.sum|money('EUR') }} {{ n|plural('x', 'y') }} {{ event.to|url }}"
    compiled = compile_content(ContentSource("S", source))
    values = sample_values(used_names(compiled), filters_by_name(compiled))
    assert render(compiled, values).text.startswith("Mar 1, 2026 €49.90 y https://example.com/page?utm_")

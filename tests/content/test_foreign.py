"""Other tools' merge tags are told, each with what it is called here."""

import pytest

from transforms.content.foreign import foreign_tags
from transforms.content.sources import template_fault


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("Hi *|FNAME|*", "{{ first_name }}"),
        ("\n*|UNSUB|*", "{{ message.unsubscribe_url }}"),
        ("%%first name%%", "{{ first_name }}"),
        ("[[city]]", "{{ city }}"),
        ("{$order.id}", "{{ order.id }}"),
    ],
)
def test_what_would_be_printed_as_it_stands(source: str, ours: str) -> None:
    ((line, says),) = foreign_tags(source)
    assert line == source.count("\n") + 1
    assert says.startswith(source.strip().removeprefix("Hi "))
    assert says.endswith(f"write {ours}")


def test_our_own_language_isnt_told() -> None:
    assert foreign_tags("{{ a|default('*') }} 100%% [x](y) *|* {{ '%.2f'|format(x) }} a [[1]]") == []


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("x\n{{ customer.first_name | default: 'x' }}", "{{ customer.first_name|default('x') }}"),
        ('{{first_name|default:"you"}}', '{{ first_name|default("you") }}'),
        ("{{ total | money: 'EUR' | upcase }}", "{{ total|money('EUR') }}"),
        ("{% unless vip %}", "{% if not … %}"),
        ("{% assign x = 1 %}", "{% set name = value %}"),
        ("{{#if vip}}", "{% if … %}…{% endif %}"),
    ],
)
def test_what_isnt_valid_is_told_with_what_it_means(source: str, ours: str) -> None:
    fault = template_fault(source)
    assert fault is not None
    line, says = fault
    assert line == source.count("\n") + 1
    assert says.endswith(f"write {ours}")

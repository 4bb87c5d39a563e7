"""Dates, money, numbers, plurals and addresses, as the customer's language and zone have them."""

from typing import Any

import pytest

from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, compile_content, render
from transforms.content.values import Values

NOBREAK = "\u00a0"
INSTANT = "2026-03-01T23:30:00Z"


def shown(template: str, locale: str = "en", timezone: str = "UTC", **attributes: Any) -> str:
    values = Values(
        attributes, {"at": INSTANT, "total": 1234.5, "currency": "USD"}, {"customer_id": "c1", "created_at": INSTANT},
        execution={"workflow_id": "spring sale"}, message={"unsubscribe_url": "https://x.example/u"},
        blocks={"greeting": "Hi <you>"}, items=[{"name": "cup"}], locale=locale, timezone=timezone,
    )  # fmt: skip
    return render(compile_content(ContentSource("", template)), values).text.replace("\u202f", NOBREAK)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ customer.first_name }} {{ customer['Favourite Shop'] }} {{ first_name }}", "Zoë Köln Zoë"),
        ("{{ customer.customer_id }} {{ customer.created_at|date }}", "c1 Mar 1, 2026"),
        ("{{ execution.workflow_id }} {{ message.unsubscribe_url }}", "spring sale https://x.example/u"),
        (
            "{{ blocks.greeting }} {% for one in items %}{{ one.name }}{% endfor %} {{ customer.items }}",
            "Hi <you> cup mine",
        ),
        ("{{ message.view_url|default('none') }} {{ customer.blank|default('no') }}", "none no"),
        ("{{ customer.address.city }} {{ customer['address']['city'] }}", "Wien Wien"),
    ],
)
def test_names(template: str, expected: str) -> None:
    given = {
        "first_name": "Zoë",
        "Favourite Shop": "Köln",
        "blank": " ",
        "items": "mine",
        "address": {"city": "Wien"},
    }
    assert shown(template, **given) == expected


def test_missing_names_are_told_with_what_they_are_of() -> None:
    found = render(
        compile_content(
            ContentSource("", "{{ customer.a }}{{ event.b }}{{ message.view_url }}{{ blocks.x }}{{ c }}")
        ),
        Values({}, {}, {}),
    )
    assert found.missing == ("customer.a", "event.b", "message.view_url", "blocks.x", "c")


@pytest.mark.parametrize(
    ("template", "locale", "timezone", "expected"),
    [
        ("{{ event.at|date }}", "en", "UTC", "Mar 1, 2026"),
        ("{{ event.at|date }}", "de_AT", "Europe/Vienna", "02.03.2026"),
        ("{{ event.at|date('full') }}", "fr-FR", "America/New_York", "dimanche 1 mars 2026"),
        ("{{ event.at|date('d. MMMM y, HH:mm') }}", "de", "Asia/Tokyo", "2. März 2026, 08:30"),
        ("{{ event.at|date('short', 'Europe/Vienna') }}", "en_GB", "UTC", "02/03/2026"),
        ("{{ event.at|time }} {{ event.at|time('HH:mm') }}", "en_GB", "Europe/Vienna", "00:30 00:30"),
        ("{{ day|date('long') }}", "en", "America/New_York", "March 1, 2026"),
        ("{{ seconds|date }} {{ milliseconds|date }}", "en", "UTC", "Mar 1, 2026 Mar 1, 2026"),
        ("{{ event.total|money('EUR') }}", "de", "UTC", f"1.234,50{NOBREAK}€"),
        ("{{ event.total|money(event.currency) }}", "en", "UTC", "$1,234.50"),
        ("{{ event.total|money('jpy') }} {{ text|money('EUR') }}", "en", "UTC", "¥1,234 €19.90"),
        ("{{ event.total|number }} {{ event.total|number(2) }} {{ 5|number(0) }}", "de", "UTC", "1.234,5 1.234,50 5"),
        ("{{ 0.156|percent }} {{ 0.156|percent(1) }}", "en", "UTC", "16% 15.6%"),
        ("{{ 0.156|percent(1) }}", "de", "UTC", f"15,6{NOBREAK}%"),
        ("{{ event.at|date }}", "xx_YY", "Nowhere/At_All", "Mar 1, 2026"),
        ("{{ 1|plural('item', 'items') }} {{ 2|plural('item', 'items') }} {{ 0|plural('item', 'items') }}", "en", "UTC", "item items items"),
        ("{% for n in [1, 3, 5, 22] %}{{ n|plural('plik', 'pliku', few='pliki', many='plików') }} {% endfor %}", "pl", "UTC", "plik pliki plików pliki "),
        ("{{ 0|plural('x', 'y', zero='none') }} {{ tags|plural('tag', 'tags') }}", "en", "UTC", "none tags"),
    ],
)  # fmt: skip
def test_formats(template: str, locale: str, timezone: str, expected: str) -> None:
    given = {
        "day": "2026-03-01",
        "seconds": 1772323200,
        "milliseconds": 1772323200000,
        "text": " 19.9 ",
        "tags": ["a", "b"],
    }
    assert shown(template, locale, timezone, **given) == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ name|date }}", "date needs an instant such as 2026-03-01T12:00:00Z; given: 'Zoë'"),
        ("{{ '2026-03-01'|time }}", "time needs an instant"),
        ("{{ name|money('EUR') }}", "a number is needed"),
        ("{{ true|number }}", "a number is needed"),
        ("{{ 1|money('Euro') }}", "three letters"),
        ("{{ 1|money(nothing) }}", "three letters"),
        ("{{ 1|number(99) }}", "decimals must be 0 to 10"),
        ("{{ 1|plural('a', 'b', several='c') }}", "no form 'several'"),
        ("{{ '2026-03-01'|date('" + "y" * 101 + "') }}", "at most 100 characters"),
        ("{{ 'javascript:alert(1)'|url }}", "starts with https"),
        ("{{ name|url }}", "starts with https"),
    ],
)
def test_what_doesnt_fit_a_filter(template: str, says: str) -> None:
    with pytest.raises(ContentError, match=r"^text, line 1: ") as caught:
        shown(template, name="Zoë")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "filtered", ["date", "time", "money('EUR')", "number", "percent", "plural('a')", "url"]
)
def test_what_has_no_value_prints_as_nothing(filtered: str) -> None:
    found = render(compile_content(ContentSource("", f"[{{{{ nothing|{filtered} }}}}]")), Values({}, {}, {}))
    assert (found.text, found.missing) == ("[]", ("nothing",))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ page|url }}", "https://x.example/a?b=1&c=&utm_medium=email&utm_campaign=spring%20sale#top"),
        ("{{ page|url(campaign='new', source='shop', ref=name) }}",
         "https://x.example/a?b=1&c=&utm_medium=email&utm_campaign=new&utm_source=shop&ref=Zo%C3%AB%20%26#top"),
        ("{{ 'https://x.example/?utm_campaign=own'|url(medium='sms', term=nothing) }}",
         "https://x.example/?utm_campaign=own&utm_medium=sms"),
    ],
)  # fmt: skip
def test_campaign_parameters(template: str, expected: str) -> None:
    assert shown(template, page="https://x.example/a?b=1&c=#top", name="Zoë &") == expected

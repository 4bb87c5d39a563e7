"""How many messages a core renders a second: `python -m tests.benchmarks.rendering [--count N]`.

Plain ones have a text part, a subject and five names, and are made into MIME; those with a layout have MJML that comes
to about 20 kB of HTML, and a text part of their own. Inlining CSS and making a text part of HTML are measured apart.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows.delivery.senders.base import Outgoing
from flows.delivery.senders.mime import message_bytes
from transforms.content.bodies import text_of, with_inline_css
from transforms.content.templates import (
    CompiledContent,
    ContentSource,
    Rendered,
    compile_content,
    render,
)
from transforms.content.values import Values

PLAIN = ContentSource(
    "{{ first_name|default('Hello') }}, you left something in your cart",
    """Hello {{ first_name|default("there") }} {{ last_name }},

your cart of {{ event.cart_value }} is still where you left it. It waits for you in {{ city }}, for {{ points }} points.

If something kept you from ordering, reply to this mail and we will help.

Your Onward team
""",
)
LAYOUT = """<mjml>
<mj-head><mj-title>{% block title %}News{% endblock %}</mj-title><mj-style>.price { color: #c00 }</mj-style></mj-head>
<mj-body background-color="#f4f4f4">
{% include "header.mjml.j2" %}
{% block main %}{% endblock %}
{% include "footer.mjml.j2" %}
</mj-body>
</mjml>
"""
HEADER = """<mj-section background-color="#ffffff"><mj-column>
<mj-image src="https://shop.example/logo.png" alt="Shop" width="120px" href="https://shop.example"/>
</mj-column></mj-section>
"""
FOOTER = """<mj-section><mj-column><mj-text font-size="11px" color="#888888">
You get this mail because you signed up. <a href="{{ message.unsubscribe_url }}">Unsubscribe</a>
</mj-text></mj-column></mj-section>
"""
NEWS = """{% extends "layout.mjml.j2" %}
{% block main %}
<mj-section background-color="#ffffff"><mj-column>
<mj-text>Hello {{ first_name|default("there") }} {{ last_name }}, your cart of {{ event.cart_value }} waits.</mj-text>
</mj-column></mj-section>
{% for product in event.products %}
<mj-section background-color="#ffffff">
<mj-column width="40%"><mj-image src="{{ product.image }}" alt="{{ product.name }}"/></mj-column>
<mj-column width="60%"><mj-text><h2>{{ product.name }}</h2><p class="price">{{ product.price }}</p></mj-text>
<mj-button href="{{ product.url }}" background-color="#222222">Have a look</mj-button></mj-column>
</mj-section>
{% endfor %}
{% endblock %}
"""
TEXT = """Hello {{ first_name|default("there") }} {{ last_name }},

your cart of {{ event.cart_value }} waits.
{% for product in event.products %}
  - {{ product.name }}: {{ product.price }}, {{ product.url }}
{% endfor %}

Unsubscribe: {{ message.unsubscribe_url }}
"""
NEWSLETTER = ContentSource(
    "{{ first_name }}, there is news",
    None,
    template="news",
    preheader="Three things for {{ first_name }}",
    files={
        "news.mjml.j2": NEWS, "news.txt.j2": TEXT, "layout.mjml.j2": LAYOUT, "header.mjml.j2": HEADER,
        "footer.mjml.j2": FOOTER,
    },
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Messages rendered a second.")
    parser.add_argument("--count", type=int, default=20_000)
    count = parser.parse_args(arguments).count
    plain, news = compile_content(PLAIN), compile_content(NEWSLETTER)
    everybody = [values(number) for number in range(count)]
    html = render(news, everybody[0]).html or ""
    report(
        "plain, with MIME", count, lambda: [mail(n, render(plain, one)) for n, one in enumerate(everybody)]
    )
    report("plain, rendered only", count, lambda: [render(plain, one) for one in everybody])
    few = everybody[: count // 4]
    report(f"layout, {len(html):,} characters", len(few), lambda: render_all(news, few))
    report("layout, with MIME", len(few), lambda: [mail(n, render(news, one)) for n, one in enumerate(few)])
    report("inlining its CSS", count // 40, lambda: [with_inline_css(html) for _ in range(count // 40)])
    report("text made of its HTML", count // 40, lambda: [text_of(html) for _ in range(count // 40)])
    alone = compile_content(
        replace(
            NEWSLETTER, files={name: text for name, text in NEWSLETTER.files.items() if name != "news.txt.j2"}
        )
    )
    report("layout without a text part", len(few), lambda: render_all(alone, few))
    report("compiling the layout", 20, lambda: [compile_content(NEWSLETTER) for _ in range(20)])


def render_all(compiled: CompiledContent, everybody: Sequence[Values]) -> None:
    """Render a message for each."""
    for one in everybody:
        render(compiled, one)


def values(number: int) -> Values:
    """What a message for one customer may say."""
    name = f"Product {number % 97}"
    product = {
        "name": name,
        "price": 19.9,
        "image": "https://shop.example/p.png",
        "url": "https://shop.example/p",
    }
    attributes: dict[str, Any] = {
        "first_name": f"Ann{number}",
        "last_name": "Berg",
        "city": "Vienna",
        "points": number,
    }
    return Values(
        attributes, {"cart_value": 80.5 + number % 50, "products": [product] * 4},
        {"customer_id": f"c{number}", "email": f"c{number}@example.com"},
        message={"unsubscribe_url": f"https://shop.example/u/{number}"},
    )  # fmt: skip


def mail(number: int, rendered: Rendered) -> str:
    """The message as RFC 5322 text."""
    outgoing = Outgoing(
        f"{number:032x}", f"c{number}", "w", "0", None, f"c{number}@example.com", rendered.subject, rendered.text,
        rendered.html, AT, "Shop <news@shop.example>",
    )  # fmt: skip
    return message_bytes(outgoing)


AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def report(what: str, count: int, work: Callable[[], object]) -> None:
    """Do some work and print how much of it was done a second."""
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    print(f"{what:32} {count / seconds:>10,.0f} a second   {1e6 * seconds / count:>8,.1f} µs each")


if __name__ == "__main__":
    main()

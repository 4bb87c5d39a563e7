"""Links that lead somewhere and that nobody else can make; settings that would send mail without them."""

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.checks import secret_faults, sending_faults
from flows.delivery.policies import Way, bounds_of, link_places, trapped, way_of
from flows.sending import Links, Throttle, WarmUp
from flows.settings import Settings
from tests.delivery.mails import outgoing
from transforms.definitions.reading import read_workflow
from transforms.definitions.workflow import Workflow
from transforms.delivery.link_places import LinkPlaces, unsubscribe_url_faults
from transforms.delivery.links import MessageLinks, links_of
from transforms.delivery.signatures import (
    PURPOSES,
    Purpose,
    Token,
    TokenError,
    read_token,
    signed,
    token_body,
)
from transforms.delivery.throttles import Bounds, WarmUpPlan

KEY = "0123456789abcdef" * 4
MESSAGE = "a1" * 16
PUBLIC = LinkPlaces("https://mail.shop.example", KEY)
MAILTO = f"mailto:stop@shop.example?subject=unsubscribe%20{MESSAGE}"
purposes = st.sampled_from(PURPOSES)


def links(places: LinkPlaces, customer_id: str = "c1", email: str = "zoe@example.com") -> MessageLinks:
    return links_of(places, MESSAGE, customer_id, email)


def test_nothing_leads_nowhere() -> None:
    assert links(LinkPlaces()) == MessageLinks()
    assert links(LinkPlaces()).names == {}
    assert links(LinkPlaces(key=KEY)) == MessageLinks()


def test_the_endpoint_has_a_page_for_each_purpose() -> None:
    found = links(PUBLIC)
    for purpose, url in zip(
        PURPOSES, (found.unsubscribe_url, found.preferences_url, found.view_url), strict=True
    ):
        start, _, token = (url or "").rpartition("/")
        assert start == f"https://mail.shop.example/{purpose}"
        assert read_token(KEY, purpose, token) == Token(MESSAGE, "c1")
    assert (found.list_unsubscribe, found.one_click) == ((found.unsubscribe_url,), True)
    assert set(found.names) == {"unsubscribe_url", "preferences_url", "view_url"}


def test_the_format_is_fixed_so_links_in_old_mails_go_on_working() -> None:
    made = signed(KEY, "unsubscribe", token_body(MESSAGE, "c1"))
    assert made == (
        "WyJhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMWExYTFhMSIsImMxIl0._dFYggE78nm19q0F0S7EPtbXHqHXH4S207dWup9gtts"
    )


def test_an_address_for_unsubscribing_alone() -> None:
    found = links(LinkPlaces(unsubscribe_mailto="stop@shop.example"))
    assert found == MessageLinks(list_unsubscribe=(MAILTO,))
    assert parse_qs(urlsplit(MAILTO).query) == {"subject": [f"unsubscribe {MESSAGE}"]}


def test_one_click_comes_before_the_address() -> None:
    found = links(LinkPlaces("https://mail.shop.example", KEY, "stop@shop.example"))
    assert found.list_unsubscribe == (found.unsubscribe_url, MAILTO)
    assert found.one_click


def test_an_own_page_is_used_instead_and_takes_no_one_click() -> None:
    own = "https://shop.example/stop?who={{ customer_id }}&mail={{email}}&m={{ message_id }}"
    found = links(LinkPlaces("https://mail.shop.example", KEY, None, own), "a b&c", "zoe+x@example.com")
    assert found.unsubscribe_url is not None
    assert parse_qs(urlsplit(found.unsubscribe_url).query) == {
        "who": ["a b&c"], "mail": ["zoe+x@example.com"], "m": [MESSAGE]
    }  # fmt: skip
    assert (found.list_unsubscribe, found.one_click) == ((found.unsubscribe_url,), False)
    assert found.preferences_url is not None


def test_a_page_without_tls_takes_no_one_click() -> None:
    found = links(LinkPlaces("http://localhost:8080", KEY))
    assert len(found.list_unsubscribe) == 1
    assert not found.one_click


def test_what_is_too_long_for_a_header_stays_in_the_mail_only() -> None:
    found = links(LinkPlaces("https://mail.shop.example", KEY, "stop@shop.example"), "c" * 900)
    assert found.unsubscribe_url is not None
    assert (found.list_unsubscribe, found.one_click) == ((MAILTO,), False)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS, TEXTS)
def test_every_header_is_plain_ascii_in_one_line(customer_id: str, email: str) -> None:
    own = LinkPlaces(unsubscribe_url="https://shop.example/{{ customer_id }}/{{ email }}")
    for places in (PUBLIC, own):
        for one in links(places, customer_id, email).list_unsubscribe:
            assert one.isascii()
            assert one.isprintable()
            assert not set(" <>,") & set(one)
    assert unquote(links(own, customer_id, email).unsubscribe_url or "").endswith(f"/{customer_id}/{email}")


@given(TEXTS, TEXTS, purposes)
def test_a_token_tells_whose_it_is(message_id: str, customer_id: str, purpose: Purpose) -> None:
    token = signed(KEY, purpose, token_body(message_id, customer_id))
    assert read_token(KEY, purpose, token) == Token(message_id, customer_id)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(purposes, purposes, st.integers(0, 200), st.characters())
def test_any_other_character_key_or_purpose_is_refused(
    purpose: Purpose, other: Purpose, place: int, character: str
) -> None:
    token = signed(KEY, purpose, token_body(MESSAGE, "c1"))
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    # The last character of base64 has bits to spare.
    if changed not in (token, token[:-1] + changed[-1]):
        with pytest.raises(TokenError):
            read_token(KEY, purpose, changed)
    if other != purpose:
        with pytest.raises(TokenError):
            read_token(KEY, other, token)
    with pytest.raises(TokenError):
        read_token(KEY[::-1], purpose, token)


@given(st.text(max_size=60))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(TokenError, match="not a link of ours for 'view'") as refused:
        read_token(KEY, "view", text)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("https://shop.example/stop?c={{ customer_id }}", None),
        ("https://shop.example/{{ name }}", "given {{ name }}, which isn't known here; allowed: {{ customer_id }}"),
        ("shop.example/{{ email }}", "starts with https:// or http://"),
        ("https://shop.example/{{ email }", "starts with https:// or http://"),
        ("https://{{ email }}.[", "starts with https:// or http://"),
        ("https://shop.example/a b", "starts with https:// or http://"),
        ("javascript:alert(1)", "starts with https:// or http://"),
    ],
)  # fmt: skip
def test_an_own_page_that_can_t_be_meant(template: str, says: str | None) -> None:
    found = list(unsubscribe_url_faults(template))
    assert bool(found) == bool(says)
    assert says is None or says in found[0]


def workflow(name: str = "welcome", *, does: str = "send_email", **more: Any) -> Workflow:
    config = {"subject": "Hi", "content": "Hi"} if does == "send_email" else {"tag": "x"}
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return read_workflow(
        f"workflow_id: {name}\nworkflow_name: W\n{extra}triggers:\n  - {{type: behavioral, config: {{action: a}}}}\n"
        f"actions:\n  - {{type: {does}, config: {config}}}\n",
        "w.yaml",
    )


def faults(*workflows: Workflow, **given_settings: Any) -> list[str]:
    base = {"from_address": "Shop <news@shop.example>", "senders": {"shop": SMTP}}
    return sending_faults(Settings(**{**base, **given_settings}), workflows or [workflow()])


SMTP: dict[str, Any] = {"type": "smtp", "host": "localhost"}
KEYED = {"public_url": "https://mail.shop.example", "key": KEY}


def test_files_need_no_links() -> None:
    assert faults() == []
    assert faults(from_address="Onward <onward@example.com>") == []
    assert faults(sender="mine", senders={"mine": {"type": "eml"}}) == []


def test_a_real_sender_needs_a_way_to_unsubscribe() -> None:
    (found,) = faults(sender="shop")
    assert found.startswith(
        "links: mail of 'welcome' would go out by the sender 'shop' and nobody could unsubscribe"
    )


@pytest.mark.parametrize(
    "links",
    [KEYED, {"unsubscribe_mailto": "stop@shop.example"}, {"unsubscribe_url": "https://shop.example/stop"}],
)
def test_any_way_to_unsubscribe_will_do(links: dict[str, str]) -> None:
    assert faults(sender="shop", links=links) == []


@pytest.mark.parametrize(
    "one",
    [workflow(transactional="true"), workflow(is_active="false"), workflow(does="add_tag")],
    ids=["transactional", "inactive", "without mail"],
)
def test_who_needs_none(one: Workflow) -> None:
    assert faults(one, sender="shop") == []


def test_a_trap_needs_none() -> None:
    assert faults(sender="shop", environment="staging") == []


def test_a_route_can_lead_to_a_real_sender() -> None:
    assert len(faults(routes=[{"sender": "shop"}])) == 1
    assert len(faults(routes=[{"sender": "shop", "workflows": ["welcome"]}])) == 1
    assert faults(routes=[{"workflows": ["welcome"]}, {"sender": "shop"}]) == []
    assert faults(routes=[{"sender": "shop", "message_classes": ["news"]}], sender="eml") == [
        "routes[0].message_classes: 'news' isn't the message_class of a workflow; allowed: none"
    ]


def test_many_workflows_are_one_sentence() -> None:
    (found,) = faults(*(workflow(f"w{number}") for number in range(8)), sender="shop")
    assert "'w4' and 3 more would go out" in found


def test_names_that_nothing_has() -> None:
    found = faults(sender="shpo", routes=[{"sender": "emll", "workflows": ["welcom"]}])
    assert found == [
        "sender: 'shpo' isn't the name of a sender; allowed: eml, shop; did you mean 'shop'?",
        "routes[0].sender: 'emll' isn't the name of a sender; allowed: eml, shop; did you mean 'eml'?",
        "routes[0].workflows: 'welcom' isn't the id of a workflow; allowed: welcome; did you mean 'welcome'?",
    ]


def test_a_route_may_name_a_workflow_whose_file_has_faults() -> None:
    settings = Settings(routes=[{"workflows": ["broken"]}])  # type: ignore[list-item]
    assert sending_faults(settings, [workflow()], ["broken"]) == []


@pytest.mark.parametrize(("is_active", "told"), [("true", 1), ("false", 0), ("draft", 0)])
def test_only_workflows_that_customers_enter_must_be_ready_to_send(is_active: str, told: int) -> None:
    assert len(faults(workflow(is_active=is_active), sender="shop")) == told


def test_the_example_s_address_isn_t_one_to_send_from() -> None:
    (found,) = faults(sender="shop", links=KEYED, from_address="Onward <onward@example.com>")
    assert found.startswith(
        "from_address: mail of 'welcome' would go out by the sender 'shop' from the example"
    )
    own = {"shop": {**SMTP, "from_address": "Shop <a@shop.example>"}}
    assert faults(sender="shop", links=KEYED, from_address="Onward <onward@example.com>", senders=own) == []


def test_files_are_files() -> None:
    assert faults(senders={"eml": SMTP})[0] == "senders.eml: is of type smtp; give that sender another name"


def test_secrets_that_aren_t_there(monkeypatch: pytest.MonkeyPatch) -> None:
    senders = {"shop": {**SMTP, "password": "env:NO_SUCH_NAME"}, "other": {**SMTP, "password": "env:NEITHER"}}
    given_settings = Settings(sender="shop", senders=senders, links={**KEYED, "key": "env:NO_SUCH_KEY"})  # type: ignore[arg-type]
    assert [one.partition(",")[0] for one in secret_faults(given_settings)] == [
        "links.key: names the environment variable 'NO_SUCH_KEY'",
        "senders.shop.password: names the environment variable 'NO_SUCH_NAME'",
    ]
    monkeypatch.setenv("NO_SUCH_NAME", "hidden")
    monkeypatch.setenv("NO_SUCH_KEY", KEY)
    assert secret_faults(given_settings) == []
    assert link_places(given_settings.links).key == KEY


def test_the_way_of_a_message() -> None:
    shop = {**SMTP, "from_address": "Shop <a@shop.example>", "pool": "main"}
    routes = [
        {"message_classes": ["news"], "from_address": "News <n@shop.example>", "reply_to": "r@shop.example"}
    ]
    given_settings = Settings(sender="shop", senders={"shop": shop}, routes=routes)  # type: ignore[arg-type]
    assert way_of(given_settings, "welcome", None) == Way("shop", "Shop <a@shop.example>", None, "main")
    assert way_of(given_settings, "welcome", "news") == Way(
        "shop", "News <n@shop.example>", "r@shop.example", "main"
    )
    staging = given_settings.model_copy(update={"environment": "staging"})
    assert way_of(staging, "welcome", None).sender == "eml"
    assert (
        way_of(staging.model_copy(update={"staging_to": "qa@shop.example"}), "welcome", None).sender == "shop"
    )


def test_staging_sends_everything_to_one_address() -> None:
    mail = outgoing()
    assert trapped(Settings(), mail) is mail
    assert trapped(Settings(environment="staging"), mail) is mail
    caught = trapped(Settings(environment="staging", staging_to="QA <qa@shop.example>"), mail)
    assert (caught.to, caught.headers) == ("qa@shop.example", {"X-Original-To": mail.to})


def test_a_key_s_file_must_be_there(tmp_path: Path) -> None:
    key = tmp_path / "dkim.pem"
    dkim = {"domain": "shop.example", "selector": "s1", "key_file": str(key)}
    senders = {"shop": {**SMTP, "dkim": dkim}}
    assert faults(senders=senders) == [
        f"senders.shop.dkim.key_file: no file {key}; name the private key's file"
    ]
    key.write_text("-----BEGIN")
    assert faults(senders=senders) == []


def test_addresses_of_pages_are_looked_at() -> None:
    assert "isn't ASCII" in faults(links={"public_url": "https://müller.example", "key": KEY})[0]
    assert faults(links={"unsubscribe_url": "https://x.example/{{ id }}"})[0].startswith(
        "links.unsubscribe_url: given"
    )


@pytest.mark.parametrize("domain", ["gmail", "@gmail.com", "a b.de", "*.de", ""])
def test_a_throttle_of_what_isn_t_a_domain(domain: str) -> None:
    (found,) = faults(throttle={"domain_per_hour": {domain: 10}})
    assert found.startswith(
        f"throttle.domain_per_hour: {domain!r} isn't a domain; allowed: one such as gmail.com, or *"
    )


def test_a_throttle_as_plain_values() -> None:
    start = WarmUp(start="2026-03-01")  # type: ignore[arg-type]
    given_throttle = Throttle(
        per_hour=5, domain_per_hour={"GMail.com": 3, "müller.example": 2, "*": 1}, warm_up=start
    )
    assert bounds_of(given_throttle) == Bounds(
        5, {"gmail.com": 3, "xn--mller-kva.example": 2, "*": 1}, WarmUpPlan(date(2026, 3, 1), 500, 2.0, 14)
    )
    assert bounds_of(Throttle()) == Bounds()


def test_the_key_isn_t_shown() -> None:
    places = link_places(Links(public_url="https://mail.shop.example", key=KEY))  # type: ignore[arg-type]
    assert places.key == KEY
    assert KEY not in repr(places)

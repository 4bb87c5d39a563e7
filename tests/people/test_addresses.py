"""Addresses as other systems write them."""

import polars as pl
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from transforms.people.addresses import AddressError, address_key, address_of, mailboxes


@pytest.mark.parametrize(
    ("given_text", "sent_to"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann@Example.COM\t", "Ann@example.com"),
        ("Ann <ann@example.com>", "ann@example.com"),
        ("Zoë Müller < zoe@example.com >", "zoe@example.com"),
        ('"Doe, J. (sales)" <j+x@example.com>', "j+x@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("ann@müller.example", "ann@xn--mller-kva.example"),
        ("Ann <ann@MÜLLER.example>", "ann@xn--mller-kva.example"),
        ("ann@xn--mller-kva.example", "ann@xn--mller-kva.example"),
        ("ann@例え.jp", "ann@xn--r8jz45g.jp"),
        ("ann@shop.museum", "ann@shop.museum"),
        ("ann@shop.test", "ann@shop.test"),
        ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_one_that_mail_can_be_sent_to(given_text: str, sent_to: str) -> None:
    assert address_of(given_text) == sent_to


@pytest.mark.parametrize(
    ("given_text", "says"),
    [
        ("ann.@example.com", "cannot have a period immediately before the @-sign"),
        ("nobody", "must have an @-sign"),
        ("ann@localhost", "should have a period"),
        ("ann@host.invalid", "special-use or reserved name"),
        ("zoë@example.com", "Internationalized characters before the @-sign are not supported"),
        ("a@example.com, b@example.com", "contains invalid characters"),
        ("a@example.com\r\nBcc: b@example.com", "contains invalid characters"),
        ("ann@exa_mple.com", "contains invalid characters: '_'"),
        ("Ann <ann@example.com> <b@example.com>", "contains invalid characters"),
        ("ann@ex--x.com", "two dashes"),
        (f"{'a' * 65}@example.com", "too long"),
    ],
)
def test_one_that_it_can_t_shows_itself_and_why(given_text: str, says: str) -> None:
    with pytest.raises(AddressError) as refused:
        address_of(given_text)
    told = str(refused.value)
    assert told.startswith('not a usable e-mail address: "')
    assert given_text[:20].split("\r", maxsplit=1)[0] in told
    assert says in told
    assert "\n" not in told


def test_a_long_one_is_shown_in_part() -> None:
    with pytest.raises(AddressError, match=r"^.{100,250}$"):
        address_of("x" * 1_000_000)


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("zoe@example.com", True), ("zoe.d+x_y'z@sub.example.co.uk", True),
        ("Z@xn--kln-sna.example", True),
        ("a" * 64 + "@example.com", True), ("a" * 65 + "@example.com", False), ("zoe@example", False),
        ("zoe", False), ("@example.com", False), ("a@b@example.com", False),
        ("a b@example.com", False),
        (".a@example.com", False), ("a..b@example.com", False), ("a@-b.example", False),
        ("a@b..example", False),
        ("a@example.com\r\nBcc: b@c.example", False), ("zoë@example.com", False),
        ("a@" + "b" * 63 + "." + "c" * 63 + ".example", True),
        ("a@" + ("b" * 60 + ".") * 5 + "example", False), ("a@127.0.0.1", False),
    ],
)  # fmt: skip
def test_sizes_dots_and_marks(address: str, usable: bool) -> None:
    if usable:
        assert address_of(address) == address
    else:
        with pytest.raises(AddressError):
            address_of(address)


PARTS = st.text("aZ09.-_+'@ ", min_size=1, max_size=8)
DOMAINS = st.sampled_from(["com", "de", "org", "example", "c", "local", "test", "museum", "xn--p1ai"])


@given(st.builds(lambda local, domain, top: f"{local}@{domain}.{top}", PARTS, PARTS, DOMAINS))
def test_the_fast_way_takes_what_the_library_takes(text: str) -> None:
    bare = text.strip()
    try:
        checked = validate_email(
            bare, check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True
        ).ascii_email
    except EmailNotValidError:
        with pytest.raises(AddressError):
            address_of(text)
    else:
        assert address_of(text) == checked


@pytest.mark.parametrize(
    "other",
    [
        "ann@müller.example",
        "ANN@MÜLLER.EXAMPLE",
        " Ann <ann@xn--mller-kva.example>",
        "Ann@XN--MLLER-KVA.example",
    ],
)
def test_spellings_of_one_address_have_one_key(other: str) -> None:
    assert address_key(other) == "ann@xn--mller-kva.example"
    assert address_key(other) != address_key("ann@muller.example")


@given(st.text(max_size=20))
def test_any_text_has_a_key(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WRITTEN = st.sampled_from(
    ["Ann@Example.com", "ann@example.com ", "Ann <ann@MÜLLER.example>", "a@xn--mller-kva.example", " "]
)


@given(st.lists(st.none() | TEXTS | WRITTEN, max_size=6))
def test_many_at_once_have_the_forms_that_each_has(texts: list[str | None]) -> None:
    found = mailboxes(pl.Series(texts, dtype=pl.String))
    assert found.to_list() == [address_key(one) or None if one is not None else None for one in texts]

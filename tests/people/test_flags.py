"""What addresses show of themselves, many at once and one by one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.people.test_addresses import DOMAINS, PARTS, TEXTS, WRITTEN
from transforms.people.addresses import AddressError, address_of, domain_of
from transforms.people.flags import FLAGS, address_fault, address_flags
from transforms.people.known import DISPOSABLE, ROLES

LIKE_ADDRESSES = st.builds(lambda local, domain, top: f"{local}@{domain}.{top}", PARTS, PARTS, DOMAINS)
LONG = st.integers(60, 66).map(lambda length: f"{'a' * length}@{'b' * 60}.{'c' * 60}.{'d' * 60}.de")
ANY = st.lists(
    st.none() | TEXTS | WRITTEN | LIKE_ADDRESSES | LONG | LIKE_ADDRESSES.map(lambda one: f"A <{one}>")
)


def row(text: str | None, *disposable: str) -> dict[str, object]:
    (found,) = address_flags(pl.Series([text], dtype=pl.String), disposable).rows(named=True)
    return found


@given(ANY)
def test_many_are_read_as_each_is(texts: list[str | None]) -> None:
    found = address_flags(pl.Series(texts, dtype=pl.String))
    assert dict(found.schema) == FLAGS
    assert found["fault"].to_list() == [address_fault(one) for one in texts]
    assert found["is_valid"].to_list() == [fault is None for fault in found["fault"]]
    domains = [None if address_fault(one) else address_of(one or "").rpartition("@")[2] for one in texts]
    assert found["domain"].to_list() == domains


@pytest.mark.parametrize("text", [None, "", "  ", "\t"])
def test_no_address(text: str | None) -> None:
    assert address_fault(text) == "no e-mail address"


def test_what_can_t_be_written_to_shows_what_was_given() -> None:
    assert (address_fault("nobody") or "").startswith('not a usable e-mail address: "nobody": ')
    assert address_fault("Ann <ann@example.com>") is None


@pytest.mark.parametrize(
    ("text", "is_role"),
    [
        ("info@shop.example", True), ("INFO@shop.example", True), ("info+news@shop.example", True),
        ("No-Reply <no-reply@shop.example>", True), ("info.ann@shop.example", False),
        ("information@shop.example", False), ("ann+info@shop.example", False), ("postmaster@mail.de", True),
    ],
)  # fmt: skip
def test_a_function_s_address(text: str, is_role: bool) -> None:
    assert row(text)["is_role"] == is_role


@pytest.mark.parametrize(
    ("text", "is_disposable"),
    [
        ("a@mailinator.com", True), ("a@MAILINATOR.com", True), ("a@x.y.mailinator.com", True),
        ("a@10minutemail.co.uk", True), ("a@co.uk.example", False), ("a@notmailinator.com", False),
        ("a@mailinator.com.example", False), ("a@gmail.com", False),
    ],
)  # fmt: skip
def test_a_mailbox_to_be_thrown_away(text: str, is_disposable: bool) -> None:
    assert row(text)["is_disposable"] == is_disposable


def test_a_list_of_one_s_own_counts_too() -> None:
    assert row("a@burner.shop.example", "burner.shop.example")["is_disposable"] is True
    assert row("a@deep.burner.shop.example", "burner.shop.example")["is_disposable"] is True
    assert row("a@shop.example", "burner.shop.example")["is_disposable"] is False


def test_unusable_ones_have_no_flags() -> None:
    found = row("info@mailinator")
    assert (found["domain"], found["is_role"], found["is_disposable"]) == (None, None, None)


def test_the_lists_are_of_what_addresses_have() -> None:
    assert {domain_of(one) for one in DISPOSABLE} == DISPOSABLE
    assert all(address_of(f"{one}@shop.example") == f"{one}@shop.example" for one in ROLES)
    assert all(one == one.lower() and "+" not in one for one in ROLES)


@pytest.mark.parametrize("text", ["x<b@c.de>", "a b.de", "", "c@d.de"])
def test_what_no_address_has_is_no_domain(text: str) -> None:
    with pytest.raises(AddressError):
        domain_of(text)

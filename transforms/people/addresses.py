"""E-mail addresses as people and other systems write them → the one that mail is sent to, or why there is none."""

import json
import re
from functools import lru_cache

import polars as pl

_NAMED = re.compile(r"[^<>]*<([^<>]*)>")
_DOT_ATOMS = re.compile(
    r"(?=.{3,254}$)(?=.{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|net|org|edu|example|[a-z]{2})",
    re.IGNORECASE,
)
"""The shape of nearly all addresses, a subset of what is checked otherwise, and twenty times as fast."""
_SHOWN = 100
ODD = "(?i)[^!-;=?-~]|xn--"
"""What no address has of which lower case is the key: other than ASCII, blanks, a name beside it, Punycode."""


class AddressError(ValueError):
    """Text that mail can't be sent to; says what was given and what is wrong with it."""


def address_keys(odd: pl.Series) -> pl.DataFrame:
    """`address, key`, one row for each of distinct texts in which `ODD` is found."""
    keys = pl.Series([address_key(one) for one in odd], dtype=pl.String)
    return pl.DataFrame({"address": odd.cast(pl.String), "key": keys})


def mailboxes(addresses: pl.Series) -> pl.Series:
    """The one form of each text that is an address: equal for two exactly if they are one address; null for a blank."""
    odd = addresses.filter(addresses.str.contains(ODD)).unique()
    keys = address_keys(odd)
    forms = addresses.replace_strict(
        keys["address"], keys["key"], default=addresses.str.to_lowercase(), return_dtype=pl.String
    )
    return forms.set(forms == "", None).alias("mailbox")


def bare_address(text: str) -> str:
    """An address as it was written, without blanks around it and a name beside it."""
    named = _NAMED.fullmatch(text.strip())
    return (named[1] if named else text).strip()


def address_of(text: str) -> str:
    """The address that mail is sent to: trimmed, without a name beside it, its domain in Punycode and lower case.

    Nothing is looked up: whether the domain exists shows when mail is sent.

    Raises:
        AddressError: no relay would take it.
    """
    bare = bare_address(text)
    if _DOT_ATOMS.fullmatch(bare) and "--" not in bare:
        local, _, domain = bare.rpartition("@")
        return f"{local}@{domain.lower()}"
    return _checked(text, bare)


def domain_of(text: str) -> str:
    """A domain as addresses have it: in Punycode and lower case.

    Raises:
        AddressError: no address has it.
    """
    if "<" in text:
        raise AddressError(f"not a domain: {_quoted(text)}")
    return address_of(f"a@{text}").removeprefix("a@")


def address_key(text: str) -> str:
    """What is equal for two texts exactly if they are one address: case apart, Punycode or not, named or not."""
    try:
        return address_of(text).lower()
    except AddressError:
        return bare_address(text).lower()


@lru_cache(maxsize=10_000)
def _checked(text: str, bare: str) -> str:
    # Most runs meet no address that asks for it.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(
            bare, check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True
        ).ascii_email
    except EmailNotValidError as error:
        raise AddressError(f"not a usable e-mail address: {_quoted(text)}: {error}") from error
    if found is None:
        raise AddressError(f"not a usable e-mail address: {_quoted(text)}: it has no form in ASCII")
    return found


def _quoted(text: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return json.dumps(shown, ensure_ascii=False)

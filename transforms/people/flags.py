"""What an address shows of itself: whether mail can go there, its domain, whether it is a function's or thrown away."""

from collections.abc import Collection

import polars as pl

from transforms.people.addresses import AddressError, address_of, domain_of
from transforms.people.known import DISPOSABLE, ROLES

FLAGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "domain": pl.String,
    "is_role": pl.Boolean,
    "is_disposable": pl.Boolean,
    "is_valid": pl.Boolean,
    "fault": pl.String,
}
NO_ADDRESS = "no e-mail address"

_SHAPE = r"^([a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@]+)$"
"""A name that any domain can have (RFC 5321 §4.1.2), and a domain; in lower case."""
_PARTS = ((1, "name"), (2, "written"))
_LOCAL, _LONGEST = 64, 254
_READ = {"given": pl.String, "address": pl.String, "fault": pl.String}


def address_fault(text: str | None) -> str | None:
    """Why no mail can be sent to a text, with the text as it was given; None: it can."""
    if text is None or not text.strip():
        return NO_ADDRESS
    try:
        address_of(text)
    except AddressError as error:
        return str(error)
    return None


def address_flags(emails: pl.Series, disposable: Collection[str] = ()) -> pl.DataFrame:
    """What addresses show of themselves.

    Args:
        emails: texts as they were given; each distinct one is looked at once.
        disposable: domains of mailboxes to be thrown away, in lower case, besides those known here.

    Returns:
        A row for each of `emails`, in its order: `domain` (in Punycode and lower case), `is_role`, `is_disposable`,
        `is_valid`, `fault` (as `address_fault` says). Where an address isn't valid the first three are null.
    """
    distinct = emails.cast(pl.String).unique().alias("given").to_frame()
    read = distinct.join(_read(distinct["given"]), on="given", how="left", nulls_equal=True)
    parts = read.with_columns(
        pl.col("address").str.extract(r"@(.*)$").alias("domain"),
        pl.col("address").str.extract(r"^([^@+]*)").str.to_lowercase().alias("name"),
    )
    flags = parts.select(
        "given",
        "domain",
        pl.col("name").is_in(ROLES).alias("is_role"),
        _is_among("domain", DISPOSABLE | frozenset(disposable)).alias("is_disposable"),
        pl.col("address").is_not_null().alias("is_valid"),
        "fault",
    )
    asked = emails.cast(pl.String).alias("given").to_frame()
    return asked.join(flags, on="given", how="left", nulls_equal=True, maintain_order="left").select(*FLAGS)


def _read(distinct: pl.Series) -> pl.DataFrame:
    """`given, address, fault` of each distinct text: the address in lower case that mail goes to, or why there is none.

    Whether a domain is one is asked once for all addresses that have it.
    """
    given = pl.col("given")
    bare = pl.coalesce(given.str.extract(r"^[^<>]*<([^<>]*)>$"), given).str.strip_chars().str.to_lowercase()
    parts = distinct.to_frame().with_columns(bare.str.extract(_SHAPE, n).alias(name) for n, name in _PARTS)
    split = parts.join(_domains(parts["written"]), on="written", how="left")
    address = pl.concat_str("name", pl.lit("@"), "domain")
    is_plain = (pl.col("name").str.len_bytes() <= _LOCAL) & (address.str.len_bytes() <= _LONGEST)
    plain = split.with_columns(pl.when(is_plain).then(address).alias("address"))
    return pl.concat(
        [
            plain.drop_nulls("address").select("given", "address", fault=pl.lit(None, pl.String)),
            _one_by_one(plain.filter(pl.col("address").is_null())["given"]),
        ]
    )


def _domains(written: pl.Series) -> pl.DataFrame:
    """`written, domain` of each distinct domain that is one."""
    distinct = written.drop_nulls().unique()
    read = [_domain(one) for one in distinct]
    return pl.DataFrame({"written": distinct, "domain": read}, {"written": pl.String, "domain": pl.String})


def _domain(written: str) -> str | None:
    try:
        return domain_of(written)
    except AddressError:
        return None


def _one_by_one(texts: pl.Series) -> pl.DataFrame:
    faults = [address_fault(one) for one in texts]
    read = [None if fault else address_of(one).lower() for one, fault in zip(texts, faults, strict=True)]
    return pl.DataFrame({"given": texts, "address": read, "fault": faults}, _READ)


def _is_among(column: str, domains: Collection[str]) -> pl.Expr:
    """Whether a domain, or one that it lies in, is among some."""
    labels = pl.col(column).str.split(".")
    most = max((one.count(".") + 1 for one in domains), default=1)
    tails = (labels.list.tail(length).list.join(".").is_in(sorted(domains)) for length in range(2, most + 1))
    return pl.any_horizontal(pl.col(column).is_in(sorted(domains)), *tails)

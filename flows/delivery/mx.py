"""Which domains take mail, asked of the DNS (RFC 5321 §5.1, RFC 7505) and remembered in a file."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import dns.exception
import dns.resolver
import polars as pl

from flows.errors import OnwardError
from flows.files import aside_name, put_in_place
from transforms.tables.frames import Schema

Mx = Literal["mx", "address", "refuses", "none", "unknown"]
"""`mx`: has mail servers. `address`: has none, but a host of its name, to which mail goes instead. `refuses`: says that
it takes no mail. `none`: there is no such domain, or no host. `unknown`: no answer that says so."""

SCHEMA: Schema = {"domain": pl.String, "mx": pl.String, "asked_at": pl.Datetime("us", "UTC")}
LASTS = {"mx": timedelta(days=30), "address": timedelta(days=30)}
"""How long an answer counts; others last a day, for who mends a domain. No answer isn't remembered."""
_OTHERWISE_LASTS = timedelta(days=1)
_AT_ONCE = 32
_SLICE = (
    320  # so much is lost when the run is interrupted; the DNS that answers none of them isn't asked further
)
_PATIENCE = 6.0


def open_resolver() -> dns.resolver.Resolver:
    """The DNS servers of this machine, which are given a few seconds for each question.

    Raises:
        OnwardError: it has none.
    """
    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration as error:
        raise OnwardError(f"no DNS server is known here ({error}); set one up, or leave --mx out") from error
    resolver.timeout, resolver.lifetime = _PATIENCE / 3, _PATIENCE
    return resolver


def ask_domains(
    domains: pl.Series,
    cache: Path,
    resolver: dns.resolver.Resolver,
    now: datetime,
    told: Callable[[int], object] = lambda _: None,
) -> pl.DataFrame:
    """Which of some domains take mail.

    Args:
        domains: in Punycode and lower case.
        cache: the file of answers, which is read first and brought up to date; a damaged one is made anew.
        resolver: whom to ask.
        now: the present, UTC.
        told: called with how many answers are remembered so far.

    Returns:
        `domain, mx` of each distinct one (see `Mx`).

    Raises:
        OSError: the cache can't be written.
    """
    remembered = _still_counts(_read(cache), now)
    asked = domains.drop_nulls().unique().sort().to_frame("domain").cast(pl.String)
    new = asked.join(remembered, on="domain", how="anti")["domain"]
    for answers in _asked(new, resolver, now):
        remembered = pl.concat([remembered, answers])
        _write(cache, remembered)
        told(len(remembered))
    found = asked.join(remembered, on="domain", how="left", maintain_order="left")
    return found.select("domain", pl.col("mx").fill_null("unknown"))


def ask_domain(domain: str, resolver: dns.resolver.Resolver) -> Mx:
    """Whether a domain takes mail, asked of the DNS."""
    try:
        answer = resolver.resolve(f"{domain}.", "MX", search=False)
        hosts = [str(one.exchange) for one in answer]
        return "refuses" if hosts == ["."] else "mx"
    except dns.resolver.NXDOMAIN:
        return "none"
    except dns.resolver.NoAnswer:
        return _host(domain, resolver)
    except (dns.exception.DNSException, OSError, ValueError):
        return "unknown"


def _host(domain: str, resolver: dns.resolver.Resolver) -> Mx:
    """Where there is no MX, mail goes to the host of that name, if there is one (RFC 5321 §5.1)."""
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(f"{domain}.", kind, search=False)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except (dns.exception.DNSException, OSError):
            return "unknown"
        return "address"
    return "none"


def _asked(domains: pl.Series, resolver: dns.resolver.Resolver, now: datetime) -> Iterator[pl.DataFrame]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(domains), _SLICE):
            some = domains.slice(start, _SLICE)
            answers = list(pool.map(lambda one: ask_domain(one, resolver), some))
            asked = pl.DataFrame({"domain": some, "mx": answers, "asked_at": [now] * len(some)}, SCHEMA)
            answered = asked.filter(pl.col("mx") != "unknown")
            yield answered
            if len(some) == _SLICE and answered.is_empty():
                return


def _still_counts(known: pl.DataFrame, now: datetime) -> pl.DataFrame:
    lasts = pl.col("mx").replace_strict(LASTS, default=_OTHERWISE_LASTS, return_dtype=pl.Duration("us"))
    age = pl.lit(now, SCHEMA["asked_at"]) - pl.col("asked_at")
    return known.filter((age >= timedelta()) & (age < lasts))


def _read(cache: Path) -> pl.DataFrame:
    if not cache.exists():
        return pl.DataFrame(schema=SCHEMA)
    try:
        return pl.read_parquet(cache).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    except (pl.exceptions.PolarsError, OSError):
        return pl.DataFrame(schema=SCHEMA)


def _write(cache: Path, known: pl.DataFrame) -> None:
    aside = aside_name(cache)
    known.write_parquet(aside)
    put_in_place(aside, cache)

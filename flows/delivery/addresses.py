"""The addresses of the store's customers looked through: which can't be written to, and what the others show."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.files import flush
from flows.settings import Settings
from flows.warehouse import read_sql
from transforms.people.addresses import AddressError, domain_of, mailboxes
from transforms.people.flags import NO_ADDRESS, address_flags

OWN_DOMAINS = "disposable_domains.txt"
"""The file beside the data of further domains of mailboxes to be thrown away, one a line."""

MX_CACHE = "mx.parquet"


@dataclass(frozen=True)
class Looked:
    """The known customers, one row each, ordered by id.

    Attributes:
        customers: `customer_id, email` (as given, or null), `mailbox` (equal for two exactly if it is one address),
            `domain, is_role, is_disposable, is_valid, fault` (`transforms.people.flags`), `mx` if the DNS was asked.
    """

    customers: pl.DataFrame

    @property
    def without(self) -> pl.DataFrame:
        """Customers who have no address."""
        return self.customers.filter(pl.col("fault") == NO_ADDRESS)

    @property
    def unusable(self) -> pl.DataFrame:
        """Customers whose address no relay takes; `fault` says why."""
        return self.customers.filter(pl.col("fault").is_not_null() & (pl.col("fault") != NO_ADDRESS))

    @property
    def role(self) -> pl.DataFrame:
        """Customers whose address is a function's."""
        return self.customers.filter("is_role")

    @property
    def disposable(self) -> pl.DataFrame:
        """Customers whose mailbox is made to be thrown away."""
        return self.customers.filter("is_disposable")

    @property
    def shared(self) -> pl.DataFrame:
        """Mailboxes that several customers have: `mailbox, customers` (a list of ids), the most shared first."""
        owned = self.customers.filter("is_valid").group_by("mailbox")
        groups = owned.agg(pl.col("customer_id").sort().alias("customers"))
        several = groups.filter(pl.col("customers").list.len() > 1)
        return several.sort(pl.col("customers").list.len(), "mailbox", descending=[True, False])

    @property
    def unreachable(self) -> pl.DataFrame:
        """Domains that take no mail: `domain, mx, customers` (how many), those of most customers first."""
        asked = self.customers.filter(pl.col("mx").is_in(["refuses", "none"]))
        counts = asked.group_by("domain", "mx").agg(pl.len().alias("customers"))
        return counts.sort("customers", "domain", descending=[True, False])


def look_through(con: DuckDBPyConnection, settings: Settings) -> Looked:
    """The addresses of all known customers, looked at without asking anybody.

    Args:
        con: a connection to what is published.
        settings: where the data lie.

    Raises:
        InputError: the file of one's own domains has a line that is none.
    """
    people = read_sql(con, "delivery/addresses.sql").cast(pl.String)
    flags = address_flags(people["email"], own_domains(settings.data_dir / OWN_DOMAINS))
    return Looked(people.with_columns(mailboxes(people["email"])).hstack(flags))


def own_domains(file: Path) -> frozenset[str]:
    """The domains of a file, one a line; blank lines and what follows a `#` don't count. None if it isn't there.

    Raises:
        InputError: a line is no domain, or it isn't text.
    """
    if not file.exists():
        return frozenset()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file}: can't be read as UTF-8 text ({error}); save it as such") from error
    written = {number: line.partition("#")[0].strip() for number, line in enumerate(lines, 1)}
    return frozenset(_own_domain(text, file, number) for number, text in written.items() if text)


def customer_file(looked: Looked) -> pl.DataFrame:
    """The flags as a customer file of the inbox has them: `email_domain, email_role, email_disposable`, `email_mx`.

    Null where there is no usable address, which removes what an earlier file said. `email_mx` is there if the DNS was
    asked, and `unknown` where it didn't answer.
    """
    names = {"domain": "email_domain", "is_role": "email_role", "is_disposable": "email_disposable"}
    mx = {"mx": "email_mx"} if "mx" in looked.customers.columns else {}
    return looked.customers.select(
        "customer_id", **{new: pl.col(old) for old, new in {**names, **mx}.items()}
    )


def write_customer_file(rows: pl.DataFrame, file: Path) -> None:
    """Write a Parquet file that appears whole or not at all, also in an inbox that is read meanwhile.

    Raises:
        InputError: the name isn't one of a Parquet file, or there is no such folder.
    """
    if file.suffix != ".parquet" or not file.parent.is_dir() or file.is_dir():
        raise InputError(
            f"--out {file}: names a .parquet file in a folder that is there, such as people.parquet"
        )
    aside = file.with_name(f".{file.name}.tmp")  # which the inbox passes over
    rows.write_parquet(aside)
    flush(aside)
    aside.replace(file)
    flush(file.parent)


def _own_domain(text: str, file: Path, number: int) -> str:
    try:
        return domain_of(text)
    except AddressError as error:
        raise InputError(
            f"{file}:{number}: {text!r} isn't a domain; write one a line, such as mailinator.com"
        ) from error

"""The people that the store knows: their addresses."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl

    from flows.delivery.addresses import Looked
    from flows.settings import Settings

_SHOWN = 10


def addresses_command(
    mx: Annotated[
        bool, typer.Option("--mx", help="Also ask the DNS which domains take mail; answers are remembered.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write what was found as a customer file, for instance into inbox/customers/: attributes "
            "email_domain, email_role, email_disposable, and email_mx with --mx."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything found as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Look through the customers' e-mail addresses: unusable, of a function, disposable, shared by several."""
    from flows.delivery.addresses import customer_file, look_through, write_customer_file
    from flows.reports.frames import open_reports

    places = settings_of(settings)
    with status() as say:
        say("Reading addresses")
        with open_reports(places) as con:
            looked = look_through(con, places)
        if mx:
            looked = _asked(looked, places, say)
    if out:
        write_customer_file(customer_file(looked), out)
    typer.echo(_as_json(looked) if as_json else "\n".join(_sentences(looked)))
    if out and not as_json:
        typer.echo(f"Written to {out}")


def _asked(looked: "Looked", places: "Settings", say: "Callable[[str], object]") -> "Looked":
    from flows.delivery.addresses import MX_CACHE, Looked
    from flows.delivery.mx import ask_domains, open_resolver
    from flows.session import wall_clock

    found = ask_domains(
        looked.customers["domain"],
        places.state / MX_CACHE,
        open_resolver(),
        wall_clock(),
        lambda number: say(f"Asking the DNS: {counted(number, 'domain')} answered"),
    )
    return Looked(looked.customers.join(found, on="domain", how="left", maintain_order="left"))


def _sentences(looked: "Looked") -> "Iterable[str]":
    everybody, without = len(looked.customers), len(looked.without)
    yield f"{counted(everybody, 'customer')}, {everybody - without:,} with an e-mail address"
    yield from _some("can't be written to", [": ".join(one) for one in _rows(looked.unusable, "fault")])
    yield from _some("of a function and not a person", [" ".join(one) for one in _rows(looked.role, "email")])
    yield from _some("to be thrown away", [" ".join(one) for one in _rows(looked.disposable, "email")])
    yield from _some(
        "shared by several customers",
        [f"{mailbox}: {_few(customers)}" for mailbox, customers in looked.shared.iter_rows()],
    )
    if "mx" in looked.customers.columns:
        yield from _some(
            "that take no mail",
            [
                f"{domain} ({_MX[mx]}): {counted(customers, 'customer')}"
                for domain, mx, customers in looked.unreachable.iter_rows()
            ],
            "domain",
        )
        unknown = looked.customers.filter(looked.customers["mx"] == "unknown")["domain"].n_unique()
        if unknown:
            yield f"of {counted(unknown, 'domain')} the DNS said nothing; run again later"


_MX = {"none": "no such domain, or nothing there", "refuses": "says so"}


def _rows(people: "pl.DataFrame", column: str) -> list[tuple[str, str]]:
    return people.select("customer_id", column).rows()


def _few(customers: list[str]) -> str:
    more = f" and {len(customers) - _SHOWN:,} more" if len(customers) > _SHOWN else ""
    return f"{', '.join(customers[:_SHOWN])}{more}"


def _some(what: str, lines: list[str], noun: str = "address") -> "Iterable[str]":
    """How many of a kind there are, and the first of them."""
    plural = "addresses" if noun == "address" else f"{noun}s"
    yield f"{len(lines):,} {noun if len(lines) == 1 else plural} {what}" + (":" if lines else "")
    yield from (f"  {one}" for one in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN:,} more; --json lists them all"


def _as_json(looked: "Looked") -> str:
    asked = {"unreachable": looked.unreachable.to_dicts()} if "mx" in looked.customers.columns else {}
    return json.dumps(
        {
            "customers": len(looked.customers),
            "without_address": len(looked.without),
            "unusable": looked.unusable.select("customer_id", "email", "fault").to_dicts(),
            "role": looked.role.select("customer_id", "email").to_dicts(),
            "disposable": looked.disposable.select("customer_id", "email").to_dicts(),
            "shared": looked.shared.to_dicts(),
            **asked,
        },
        ensure_ascii=False,
    )

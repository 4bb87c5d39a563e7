"""Messages looked at and tried before anybody gets them: preview, send-test."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, check_names_file, counted, settings_of
from flows.errors import InputError, OnwardError

if TYPE_CHECKING:
    from flows.delivery.planned import Planned
    from flows.delivery.samples import Made, Person
    from flows.settings import Settings

Name = Annotated[
    str, typer.Argument(metavar="TEMPLATE|WORKFLOW", help="The id of a template or of a workflow.")
]
Customer = Annotated[
    str | None,
    typer.Option(
        help="The id of a customer of the store, for whom it is made. [default: somebody made up]",
        show_default=False,
    ),
]


def preview_command(
    name: Name,
    customer: Customer = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="For somebody made up, as without --customer.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("preview.html"),
    web_images: Annotated[
        bool, typer.Option("--web-images", help="Let the page load the mails' images from the web.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Write one HTML page that shows messages as readers see them: desktop, mobile, dark, text, headers, links."""
    from flows.delivery.preview import preview_page, sample_of
    from flows.delivery.rules import load_rules
    from flows.files import write_text

    if sample and customer is not None:
        raise InputError("--sample makes somebody up; give either it or --customer")
    check_names_file("--out", out)
    places = settings_of(settings)
    made, faults = _made(places, name, customer, "preview"), load_rules(places.content).faults
    whom = "For somebody made up." if customer is None else f"For the customer {customer}."
    samples = [sample_of(one) for one in made]
    write_text(out, preview_page(name, whom, samples, faults=faults, web_images=web_images))
    told = [*faults, *(f"{one.name}: {one.fault}" for one in made if one.fault)]
    for one in told:
        typer.echo(one, err=True)
    typer.echo(f"{counted(len(made), 'message')}. Written to {out}")
    if told:
        sys.exit(OnwardError.exit_code)


def send_test_command(
    name: Name,
    to: Annotated[str, typer.Option("--to", help="The address to send it to.")],
    customer: Customer = None,
    step: Annotated[
        str | None,
        typer.Option(help="Which step's message of a workflow, such as 1 or vip/2. [default: the first]"),
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Send one message now, by the configured sender, to whoever tries it out; it is part of no journey."""
    from uuid import uuid4

    from flows.delivery.policies import way_of
    from flows.delivery.send_test import send_test
    from transforms.people.addresses import AddressError, address_of

    places = settings_of(settings)
    try:
        address = address_of(to)
    except AddressError as error:
        raise InputError(f"--to: {error}") from error
    made, *_ = _made(places, name, customer, f"test-{uuid4().hex}", step)
    if made.letter is None:
        raise OnwardError(f"{made.name}: {made.fault}")
    mail = made.letter.mail
    way = way_of(places, mail.workflow_id, mail.message_class)
    tried = send_test(places, mail, address, way.sender)
    detail = f" ({tried.detail})" if tried.detail else ""
    typer.echo(f"{made.name}: {tried.mail.subject!r} sent to {tried.mail.to} by {tried.sender}{detail}")


def _made(
    places: "Settings", name: str, customer: str | None, prefix: str, step: str | None = None
) -> "list[Made]":
    from flows.delivery.planned import planned_messages
    from flows.delivery.samples import make_messages
    from flows.session import wall_clock

    planned = _of_step(planned_messages(places, name), step)
    return make_messages(places, planned, _person(places, customer), wall_clock(), prefix)


def _person(places: "Settings", customer: str | None) -> "Person | None":
    from flows.delivery.samples import read_person
    from flows.reports.frames import open_reports

    if customer is None:
        return None
    with open_reports(places) as con:
        return read_person(con, customer)


def _of_step(planned: "list[Planned]", step: str | None) -> "list[Planned]":
    if step is None:
        return planned
    named = {one.short_name: one for one in planned}
    if step not in named:
        raise InputError(f"--step {step}: no step that sends mail; allowed: {', '.join(named)}")
    return [named[step]]

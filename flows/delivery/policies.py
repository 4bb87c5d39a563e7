"""The settings of sending as `transforms/delivery` works with them, and what is wrong with them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from flows.delivery.senders.base import Outgoing
from flows.errors import InputError
from flows.secrets import resolved
from flows.sending import Links, Route, SenderSettings, SmtpSettings, Throttle
from flows.settings import Settings
from transforms.definitions.actions import SendEmail
from transforms.definitions.base import advice
from transforms.definitions.walk import actions_of
from transforms.definitions.workflow import Workflow
from transforms.delivery.links import LinkPlaces, unsubscribe_url_faults
from transforms.delivery.throttles import EVERY_OTHER, Bounds, WarmUpPlan
from transforms.people.addresses import AddressError, address_of, domain_of

FILES = "eml"
"""The sender that is there without settings, and its type: nothing leaves the house."""
_EXAMPLE = Settings.model_fields["from_address"].default
_NAMED = 5


@dataclass(frozen=True)
class Way:
    """How the messages of a workflow go out: the name of the sender, and what they say of whom they are from."""

    sender: str
    from_address: str
    reply_to: str | None = None
    pool: str | None = None


def link_places(links: Links) -> LinkPlaces:
    """Where links lead, as plain values, the key looked up where its setting says that it lies.

    Raises:
        InputError: it isn't there.
    """
    found = resolved(links, "links") if links.key else links
    key = found.key.get_secret_value() if found.key else None
    return LinkPlaces(links.public_url, key, links.unsubscribe_mailto, links.unsubscribe_url)


def bounds_of(throttle: Throttle) -> Bounds:
    """How much goes out at most, as plain values."""
    plan = throttle.warm_up
    return Bounds(
        throttle.per_hour,
        {_domain(name): most for name, most in throttle.domain_per_hour.items()},
        WarmUpPlan(plan.start, plan.first_day, plan.growth, plan.days) if plan else None,
    )


def way_of(settings: Settings, workflow_id: str | None, message_class: str | None) -> Way:
    """How the messages of a workflow go out: the first route that fits wins over the sender, the sender over the rest.

    In staging without an address to send everything to, they become files.

    Args:
        settings: all of them.
        workflow_id: None for a message of none.
        message_class: the workflow's, if it names one.
    """
    route = next((one for one in settings.routes if _fits(one, workflow_id, message_class)), Route())
    name = route.sender or settings.sender
    own = settings.senders.get(name)
    return Way(
        FILES if settings.environment == "staging" and settings.staging_to is None else name,
        route.from_address or (own and own.from_address) or settings.from_address,
        route.reply_to or (own and own.reply_to) or settings.reply_to,
        route.pool or (own and own.pool),
    )


def trapped(settings: Settings, mail: Outgoing) -> Outgoing:
    """The mail itself; in staging with an address to send everything to, the same to that address.

    The header `X-Original-To` then says whom it was for.
    """
    if settings.environment != "staging" or settings.staging_to is None:
        return mail
    headers = {**mail.headers, "X-Original-To": mail.to}
    return replace(mail, to=address_of(settings.staging_to), headers=headers)


def is_real(settings: Settings, sender: str) -> bool:
    """Whether a sender takes mail out of the house, to people."""
    given = settings.senders.get(sender)
    return settings.environment == "production" and given is not None and given.type != FILES


def sending_faults(
    settings: Settings, workflows: Sequence[Workflow], left_out: Collection[str] = ()
) -> list[str]:
    """What of the settings of sending can't be meant, a sentence each; checked before a tick commits anything.

    Args:
        settings: all of them.
        workflows: the valid workflows.
        left_out: ids of workflows whose files have faults: a route may name them.
    """
    known = {one.workflow_id for one in workflows} | set(left_out)
    return [
        *_sender_faults(settings),
        *_route_faults(settings, known, {one.message_class for one in workflows if one.message_class}),
        *_link_faults(settings),
        *_throttle_faults(settings),
        *_unsubscribe_faults(settings, workflows),
        *_address_faults(settings, workflows),
    ]


def secret_faults(settings: Settings) -> list[str]:
    """Secrets that aren't where the settings say; asked before a tick commits, on the machine that sends.

    Only those of the links, and of senders that the settings or a route name.
    """
    names = {settings.sender, *(one.sender for one in settings.routes)}
    senders = {f"senders.{name}": one for name, one in sorted(settings.senders.items()) if name in names}
    return [
        *_secret_faults("links", settings.links),
        *(one for item in senders.items() for one in _secret_faults(*item)),
    ]


def _secret_faults(place: str, given: Links | SenderSettings) -> Iterator[str]:
    try:
        resolved(given, place)
    except InputError as error:
        yield str(error)


def _fits(route: Route, workflow_id: str | None, message_class: str | None) -> bool:
    return (not route.workflows or workflow_id in route.workflows) and (
        not route.message_classes or message_class in route.message_classes
    )


def _sender_faults(settings: Settings) -> Iterator[str]:
    names = [("sender", settings.sender)] + [
        (f"routes[{at}].sender", one.sender) for at, one in enumerate(settings.routes) if one.sender
    ]
    allowed = sorted({FILES, *settings.senders})
    for place, name in names:
        if name not in allowed:
            yield f"{place}: {name!r} isn't the name of a sender; {advice(name, allowed)}"
    if FILES in settings.senders and settings.senders[FILES].type != FILES:
        yield f"senders.{FILES}: is of type {settings.senders[FILES].type}; give that sender another name"
    for name, sender in sorted(settings.senders.items()):
        dkim = sender.dkim if isinstance(sender, SmtpSettings) else None
        if dkim and not dkim.key_file.is_file():
            yield f"senders.{name}.dkim.key_file: no file {dkim.key_file}; name the private key's file"


def _route_faults(settings: Settings, workflows: set[str], classes: set[str]) -> Iterator[str]:
    for at, route in enumerate(settings.routes):
        for kind, key, names, known in (
            ("the id of a workflow", "workflows", route.workflows, workflows),
            ("the message_class of a workflow", "message_classes", route.message_classes, classes),
        ):
            for name in names:
                if name not in known:
                    yield f"routes[{at}].{key}: {name!r} isn't {kind}; {advice(name, sorted(known))}"


def _link_faults(settings: Settings) -> Iterator[str]:
    links = settings.links
    if links.public_url and not links.public_url.isascii():
        yield f"links.public_url: {links.public_url!r} isn't ASCII, as headers must be; write its host in Punycode"
    if links.unsubscribe_url:
        yield from (f"links.unsubscribe_url: {one}" for one in unsubscribe_url_faults(links.unsubscribe_url))


def _throttle_faults(settings: Settings) -> Iterator[str]:
    for name in settings.throttle.domain_per_hour:
        try:
            _domain(name)
        except AddressError:
            yield (
                f"throttle.domain_per_hour: {name!r} isn't a domain; allowed: one such as gmail.com, or "
                f"{EVERY_OTHER} for each that isn't named"
            )


def _domain(name: str) -> str:
    """A domain as addresses have it."""
    return name if name == EVERY_OTHER else domain_of(name)


def _unsubscribe_faults(settings: Settings, workflows: Sequence[Workflow]) -> Iterator[str]:
    links = settings.links
    if links.public_url or links.unsubscribe_mailto or links.unsubscribe_url:
        return
    silent = [one for one in workflows if not one.transactional and _sender_in_use(settings, one)]
    if silent:
        named = ", ".join(repr(one.workflow_id) for one in silent[:_NAMED])
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        sender = _sender_in_use(settings, silent[0])
        yield (
            f"links: mail of {named}{more} would go out by the sender {sender!r} and nobody could unsubscribe; set "
            "links.public_url, links.unsubscribe_mailto or links.unsubscribe_url, or write `transactional: true` in "
            "workflows whose messages people need whatever they consent to"
        )


def _address_faults(settings: Settings, workflows: Sequence[Workflow]) -> Iterator[str]:
    for one in workflows:
        sender = _sender_in_use(settings, one)
        if sender and way_of(settings, one.workflow_id, one.message_class).from_address == _EXAMPLE:
            yield (
                f"from_address: mail of {one.workflow_id!r} would go out by the sender {sender!r} from the example "
                f"{_EXAMPLE!r}; set from_address, or senders.{sender}.from_address"
            )
            return


def _sender_in_use(settings: Settings, workflow: Workflow) -> str | None:
    """The sender that carries an active workflow's mail to people, if there is such."""
    sender = way_of(settings, workflow.workflow_id, workflow.message_class).sender
    sends = workflow.is_active and any(isinstance(one, SendEmail) for _, one in actions_of(workflow))
    return sender if sends and is_real(settings, sender) else None

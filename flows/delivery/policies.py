"""The settings of sending as `transforms/delivery` works with them: where links lead, how much, which way."""

from dataclasses import dataclass, replace
from typing import Final

from flows.delivery.senders.base import Outgoing
from flows.secrets import resolved
from flows.sending import EmlSettings, Links, Route, Throttle
from flows.settings import Settings
from transforms.delivery.link_places import LinkPlaces
from transforms.delivery.throttles import EVERY_OTHER, Bounds, WarmUpPlan
from transforms.people.addresses import address_of, domain_of

FILES: Final = "eml"
"""The sender that is there without settings, and its type: nothing leaves the house."""


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
        {domain_key(name): most for name, most in throttle.domain_per_hour.items()},
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
    own = settings.senders.get(name) or EmlSettings(type=FILES)
    return Way(
        FILES if becomes_files(settings) else name,
        route.from_address or own.from_address or settings.from_address,
        route.reply_to or own.reply_to or settings.reply_to,
        route.pool or own.pool,
    )


def becomes_files(settings: Settings) -> bool:
    """Whether all mail becomes files: in staging, unless one address takes all of it."""
    return settings.environment == "staging" and settings.staging_to is None


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


def domain_key(name: str) -> str:
    """A domain as addresses have it, or `*`.

    Raises:
        AddressError: no address has it.
    """
    return name if name == EVERY_OTHER else domain_of(name)


def _fits(route: Route, workflow_id: str | None, message_class: str | None) -> bool:
    return (not route.workflows or workflow_id in route.workflows) and (
        not route.message_classes or message_class in route.message_classes
    )

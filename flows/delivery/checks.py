"""What of the settings of sending can't be meant, found before anything is decided or sent."""

from collections.abc import Collection, Iterator, Sequence

from flows.delivery.policies import FILES, domain_key, is_real, way_of
from flows.errors import InputError
from flows.secrets import resolved
from flows.sending import Links, SenderSettings, SmtpSettings
from flows.settings import Settings
from transforms.definitions.actions import SendEmail
from transforms.definitions.base import advice
from transforms.definitions.walk import actions_of
from transforms.definitions.workflow import Workflow
from transforms.delivery.link_places import unsubscribe_url_faults
from transforms.delivery.throttles import EVERY_OTHER
from transforms.people.addresses import AddressError

_EXAMPLE = Settings.model_fields["from_address"].default
_NAMED = 5


def check_sending(settings: Settings, workflows: Sequence[Workflow], left_out: Collection[str] = ()) -> None:
    """Look whether what is due could be sent, before anything is decided.

    Args:
        settings: all of them.
        workflows: the valid workflows.
        left_out: ids of workflows whose files have faults: a route may name them.

    Raises:
        InputError: with every fault of the settings of sending.
    """
    faults = [*sending_faults(settings, workflows, left_out), *secret_faults(settings)]
    if faults:
        listed = "\n".join(f"  {one}" for one in faults)
        raise InputError(f"the settings of sending can't be meant so:\n{listed}\nNothing was decided or sent")
    if any(is_real(settings, one) for one in settings.senders):
        # Whoever has no sender but files shall not pay for importing the others'.
        from flows.delivery.senders.choose import open_sender, senders_in_use

        for name in senders_in_use(settings):
            open_sender(settings, name)


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


def weekly_faults(settings: Settings) -> list[str]:
    """What of the settings keeps the report from being mailed, a sentence each; nothing if nobody is to get it."""
    way = way_of(settings, None, None)
    if settings.weekly_report.to and is_real(settings, way.sender) and way.from_address == _EXAMPLE:
        return [
            f"from_address: the weekly report would go out by the sender {way.sender!r} from the example {_EXAMPLE!r}; "
            f"set from_address, or senders.{way.sender}.from_address"
        ]
    return []


def _secret_faults(place: str, given: Links | SenderSettings) -> Iterator[str]:
    try:
        resolved(given, place)
    except InputError as error:
        yield str(error)


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
            domain_key(name)
        except AddressError:
            yield (
                f"throttle.domain_per_hour: {name!r} isn't a domain; allowed: one such as gmail.com, or "
                f"{EVERY_OTHER} for each that isn't named"
            )


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
    sends = workflow.is_live and any(isinstance(one, SendEmail) for _, one in actions_of(workflow))
    return sender if sends and is_real(settings, sender) else None

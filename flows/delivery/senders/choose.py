"""Which way of sending the settings name."""

from collections.abc import Collection

from flows.delivery.policies import FILES, becomes_files
from flows.delivery.senders.base import Sender
from flows.errors import InputError
from flows.secrets import resolved
from flows.sending import (
    EmlSettings,
    HttpSettings,
    MailgunSettings,
    PostmarkSettings,
    ResendSettings,
    SenderSettings,
    SendGridSettings,
    SesSettings,
    SmtpSettings,
)
from flows.settings import Settings
from transforms.definitions.base import advice


def senders_in_use(settings: Settings) -> list[str]:
    """The names of the senders that messages may go by; in staging they become files, unless one address takes all."""
    if becomes_files(settings):
        return [FILES]
    routed = [one.sender for one in settings.routes if one.sender]
    return list(dict.fromkeys([settings.sender, *routed]))


def senders_to_finish(settings: Settings, began: Collection[str]) -> list[str]:
    """Those of some names that settings still know, used or not; in staging none, since they reach people."""
    known = {FILES, *settings.senders} if settings.environment == "production" else {FILES}
    return sorted(known & set(began))


def open_sender(settings: Settings, name: str) -> Sender:
    """The sender of a name, its secrets looked up; nothing is connected yet.

    Raises:
        InputError: there is no such sender, a secret of it isn't where the settings say, or it can't be used so.
    """
    given = settings.senders.get(name)
    if given is None and name == FILES:
        given = EmlSettings(type=FILES)
    if given is None:
        names = advice(name, sorted({FILES, *settings.senders}))
        raise InputError(f"sender: {name!r} isn't the name of a sender; {names}")
    return _opened(settings, name, resolved(given, f"senders.{name}"))


def _opened(settings: Settings, name: str, given: SenderSettings) -> Sender:
    # Each provider's modules are imported where they are used: none of them shall cost the others' users time.
    match given:
        case EmlSettings():
            from flows.delivery.senders import eml

            return eml.open_sender(name, settings.trap)
        case SmtpSettings():
            from flows.delivery.senders import smtp

            return smtp.open_sender(name, given)
        case SesSettings():
            from flows.delivery.senders import ses

            return ses.open_sender(name, given)
        case SendGridSettings():
            from flows.delivery.senders import sendgrid

            return sendgrid.open_sender(name, given)
        case PostmarkSettings():
            from flows.delivery.senders import postmark

            return postmark.open_sender(name, given)
        case ResendSettings():
            from flows.delivery.senders import resend

            return resend.open_sender(name, given)
        case MailgunSettings():
            from flows.delivery.senders import mailgun

            return mailgun.open_sender(name, given)
        case HttpSettings():
            from flows.delivery.senders import http

            return http.open_sender(name, given)

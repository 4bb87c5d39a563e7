"""Which way of sending the settings name."""

from flows.delivery.senders import eml
from flows.delivery.senders.base import Sender
from flows.errors import InputError
from flows.settings import Settings


def open_sender(settings: Settings) -> Sender:
    """The sender named in the settings.

    Raises:
        InputError: there is no such sender, or its settings aren't valid.
    """
    if settings.sender == "eml":
        return eml.open_sender("eml", settings.outbox)
    raise InputError(f"sender: {settings.sender!r} isn't a way of sending; allowed: eml")

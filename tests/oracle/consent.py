"""semantics.md §11: what a profile says of being written to, as people spell it."""

import re
from typing import Any, Literal

from tests.oracle.values import is_number

CONSENT_FIELDS = ("email_consent", "subscription_status")
NO = {
    *("false", "f", "no", "n", "0", "off", "none", "never", "denied", "opted_out", "opt_out", "optout"),
    *("unsubscribed", "unsubscribe", "not_subscribed", "never_subscribed", "nonsubscribed", "cleaned"),
    *("pending", "bounced", "complained", "blacklisted", "redacted"),
}
YES = {
    *("true", "t", "yes", "y", "1", "on", "granted", "opted_in", "opt_in", "subscribed", "subscribe"),
    *("active", "confirmed"),
}


def consent(value: Any) -> Literal["no", "yes"] | None:
    """No, yes, or neither."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return {0: "no", 1: "yes"}.get(value)
    word = re.sub(r"[\s-]", "_", value.strip().lower()) if isinstance(value, str) else ""
    if word in NO:
        return "no"
    return "yes" if word in YES else None

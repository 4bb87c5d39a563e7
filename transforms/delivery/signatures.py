"""What a link of a message says of whose it is, signed so that nobody else can make one.

A token is two words of base64url with a dot between, the ids and their HMAC-SHA-256 (RFC 2104), which itsdangerous
makes and compares in constant time. Each purpose has a key of its own, derived from the setting `links.key` and the
purpose's name: the token of a page that shows a message unsubscribes nobody. (Not `URLSafeSerializer`, which compresses
each token and derives its key again: it takes six times as long, and its bytes depend on the version of zlib.)
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

Purpose = Literal["unsubscribe", "preferences", "view"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
"""What links are for; each is the first part of its link's path."""


class TokenError(ValueError):
    """A token that isn't one of ours, or is for another purpose; says so without showing it."""


@dataclass(frozen=True)
class Token:
    """Whose link it is."""

    message_id: str
    customer_id: str


def token_body(message_id: str, customer_id: str) -> bytes:
    """The part of a token before its signature, the same for every purpose."""
    return base64_encode(json.dumps([message_id, customer_id], separators=(",", ":")).encode())


def signed(key: str, purpose: Purpose, body: bytes) -> str:
    """The token of a body: safe in a URL as it is, and the same whenever it is made."""
    return _signer(key, purpose).sign(body).decode("ascii")


def read_token(key: str, purpose: Purpose, token: str) -> Token:
    """Whose link a token is of, checked in constant time.

    Args:
        key: the setting `links.key`.
        purpose: what the link that it came by is for.
        token: the last part of the link's path.

    Raises:
        TokenError: it wasn't signed with this key for this purpose, was cut or changed.
    """
    try:
        ids = json.loads(base64_decode(_signer(key, purpose).unsign(token.encode())))
    except (BadSignature, UnicodeEncodeError):
        raise TokenError(
            f"not a link of ours for {purpose!r}: it was cut off or changed, or made with another key; "
            "open it from the message again"
        ) from None
    return Token(*ids)


@lru_cache(maxsize=16)
def _signer(key: str, purpose: Purpose) -> Signer:
    """Deriving a key takes as long as signing, so it is done once."""
    derived = Signer(key, salt=f"onward.{purpose}", key_derivation="hmac", digest_method=hashlib.sha256)
    return Signer(derived.derive_key(), key_derivation="none", digest_method=hashlib.sha256)

"""DKIM (RFC 6376): mails signed with the key of a domain, RSA and SHA-256, relaxed in headers and body.

Canonical forms are dkimpy's. Its own signatures are written in Python, at a hundred a second; OpenSSL makes 2,500.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import Relaxed

from flows.errors import InputError
from flows.processes import ByFields
from flows.sending import Dkim

_SIGNED = (
    *("from", "reply-to", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"),
    *("feedback-id", "mime-version", "content-type", "content-transfer-encoding"),
)
_NEVER_ADDED = ("from", "to", "subject", "date")
"""Named once more than they occur: with one added the signature is void (§8.15)."""
_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_FEWEST_BITS = 1024
_ROW = 72


@dataclass(frozen=True)
class Signer(ByFields):
    """Signs for a domain, with the private key (PEM) to its DNS record `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    pem: bytes = field(repr=False)

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The private key, ready to sign."""
        return cast(RSAPrivateKey, load_pem_private_key(self.pem, password=None))

    def signed(self, mail: str) -> str:
        """A mail (ASCII, lines ending in CRLF) with its DKIM-Signature before everything else."""
        head, _, body = mail.encode("ascii").partition(b"\r\n\r\n")
        fields = [tuple(one.split(b":", 1)) for one in _NEXT_FIELD.split(head)]
        names = [name.decode().lower() for name, _ in fields]
        listed = [one for one in _SIGNED if one in names] + list(_NEVER_ADDED)
        digest = base64.b64encode(sha256(Relaxed.canonicalize_body(body)).digest()).decode()
        unsigned = (
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain}; s={self.selector};\r\n"
            f" h={_rows(':'.join(listed), ':')};\r\n bh={digest};\r\n b="
        )
        said = _canonical(fields, listed, unsigned.encode("ascii"))
        signature = base64.b64encode(self.key.sign(said, PKCS1v15(), SHA256())).decode()
        return f"{unsigned}{_rows(signature)}\r\n{mail}"


def open_signer(sender: str, settings: Dkim) -> Signer:
    """Read the private key.

    Args:
        sender: the name of the sender that has the settings.
        settings: its own.

    Raises:
        InputError: the file isn't there, or isn't an RSA key in PEM without a password, of 1024 bits or more.
    """
    setting, file = f"senders.{sender}.dkim.key_file", settings.key_file
    return Signer(settings.domain, settings.selector, _read_key(setting, file))


def _read_key(setting: str, file: Path) -> bytes:
    hint = "make one with `openssl genrsa -out dkim.pem 2048`"
    try:
        pem = file.read_bytes()
        key = load_pem_private_key(pem, password=None)
    except OSError as error:
        raise InputError(
            f"{setting}: {file} can't be read: {error.strerror}; {hint}, or name its path"
        ) from error
    except TypeError:
        raise InputError(f"{setting}: {file} is locked with a password; take that off, or {hint}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{setting}: {file} is no private key in PEM; {hint}") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _FEWEST_BITS:
        raise InputError(f"{setting}: {file} is no RSA key of {_FEWEST_BITS} bits or more; {hint}")
    return pem


def _canonical(fields: Sequence[tuple[bytes, ...]], listed: Sequence[str], signature: bytes) -> bytes:
    """What is signed (§3.7): the listed fields that there are, then the signature's own without its value."""
    by_name = {name.lower(): (name, value + b"\r\n") for name, value in fields}
    there = [by_name[name.encode()] for name in dict.fromkeys(listed) if name.encode() in by_name]
    name, _, value = signature.partition(b":")
    written = [b":".join(one) for one in Relaxed.canonicalize_headers([*there, (name, value + b"\r\n")])]
    return b"".join(written).removesuffix(b"\r\n")


def _rows(text: str, after: str = "") -> str:
    """A long value in rows, which readers put together."""
    if not after:
        return "\r\n ".join(text[start : start + _ROW] for start in range(0, len(text), _ROW))
    rows = [""]
    for part in text.split(after):
        if len(rows[-1]) + len(part) >= _ROW:
            rows.append("")
        rows[-1] += f"{part}{after}"
    return "\r\n ".join(rows).removesuffix(after)

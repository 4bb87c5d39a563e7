"""What pages have in common: the files they are made of, and the policy that lets them ask nobody for anything."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


def beside(name: str) -> str:
    """The text of a file of this room."""
    return files("flows.reports.html").joinpath(name).read_text(encoding="utf-8")


def policy(script: str) -> str:
    """The policy of a page whose one script this is, and whose styles lie in it."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )

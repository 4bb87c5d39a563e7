"""What pages of this kind share: the files they are made of, and what a browser may do with them."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


def part(name: str) -> str:
    """The text of a file beside this one, such as `page.css`."""
    return files("flows.reports.html").joinpath(name).read_text(encoding="utf-8")


def policy_of(script: str) -> str:
    """The content security policy of a page that runs this script, and asks nothing of the network."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )

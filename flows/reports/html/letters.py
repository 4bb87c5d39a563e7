"""Messages as they look, for the page: the newest that was sent of each kind, as far as there is room."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import polars as pl

from transforms.content.still import still, still_text
from transforms.content.templates import Rendered

KIND = ("workflow_id", "branch", "step", "template_id", "variant")
MOST, MOST_BYTES = 60, 80_000
"""So many messages are shown, those of which most were sent, and none that is larger."""
NOT_KEPT = "What it said isn’t kept, or was erased."
TOO_LARGE = "It is too large for this page; “onward message {} --html FILE” writes it to a file."
IMAGES = "Images aren’t loaded, and links lead nowhere."
_ENDS_SCRIPT = re.compile(r"<(?=[/!s])", re.IGNORECASE)

Kind: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True)
class Letter:
    """The newest message of a kind.

    Attributes:
        message_id: its id.
        sent_at: when it was sent.
        sent: how many of its kind were.
        rendered: what it said; None where nothing is kept of it.
    """

    message_id: str
    sent_at: datetime
    sent: int
    rendered: Rendered | None


def read_letters(
    newest: pl.DataFrame, read: Callable[[Sequence[str]], Mapping[str, Rendered]]
) -> dict[Kind, Letter]:
    """Kind of message → its newest, those of which most were sent first.

    Args:
        newest: rows of `sql/reports/page/newest_messages.sql`.
        read: the messages of some ids, as they went out.
    """
    rows = newest.sort("sent", "message_id", descending=[True, False]).head(MOST)
    made = read(rows["message_id"].to_list())
    return {
        tuple(row[name] for name in KIND): Letter(
            row["message_id"], row["sent_at"], row["sent"], made.get(row["message_id"])
        )
        for row in rows.to_dicts()
    }


def letters_json(letters: Sequence[Letter], room: int) -> str:
    """What the page's script reads: a list of `subject`, `at`, `note`, and `html` or `text`, in the same order.

    Args:
        letters: those of which most were sent first.
        room: how many bytes there are for all of them.
    """
    told = []
    for one in letters:
        shown = _told(one)
        if (size := len(_json(shown).encode())) > min(room, MOST_BYTES):
            shown = {**_head(one), "note": TOO_LARGE.format(one.message_id)}
            size = len(_json(shown).encode())
        room -= size
        told.append(shown)
    return _json(told)


def _head(letter: Letter) -> dict[str, str]:
    subject = letter.rendered.subject if letter.rendered else "A message"
    return {"subject": subject, "at": f"{letter.sent_at:%Y-%m-%d %H:%M} UTC"}


def _told(letter: Letter) -> dict[str, str]:
    said = letter.rendered
    if said is None:
        return {**_head(letter), "note": NOT_KEPT}
    if said.html is None:
        return {**_head(letter), "note": "It is text only.", "text": still_text(said.text)}
    return {**_head(letter), "note": IMAGES, "html": still(said.html)}


def _json(value: object) -> str:
    """JSON that can stand in a script element, whatever is in it."""
    return _ENDS_SCRIPT.sub(r"\\u003c", json.dumps(value, ensure_ascii=False))

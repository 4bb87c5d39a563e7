"""`onward explain --html`: a customer's timeline as one page, self-contained, that asks nothing of the network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.files import write_text
from flows.reports.explain import Explained
from flows.reports.html.parts import beside, policy
from flows.reports.html.sentences import Clock, spelled
from transforms.answers.account import Entry
from transforms.answers.sentences import instant
from transforms.answers.why_not import WhyNot
from transforms.content.pages import filled_page

KINDS = {
    "fact": "Facts",
    "entry": "Entries",
    "refusal": "Refused entries",
    "step": "Steps and messages",
    "goal": "Goals",
    "end": "Ends",
    "suppression": "Suppressions",
}
"""The kinds of lines of a timeline, and what a page calls them."""


@dataclass(frozen=True)
class _Workflows:
    """The workflows that a page tells of, each by its place: ids may have any characters.

    Attributes:
        names: by id.
        places: likewise, from 0.
    """

    names: Mapping[str, str]
    places: Mapping[str, int]


def write_page(explained: Explained, file: Path) -> None:
    """Write the page to `file`, which is replaced whole.

    Raises:
        OSError: the disk is full, …
    """
    write_text(file, page_of(explained))


def page_of(explained: Explained) -> str:
    """The page as text."""
    found, clock = explained.found, Clock(explained.timezone)
    script, told = beside("explained.js"), _workflows(explained)
    kinds = Counter(one.kind for one in found.timeline)
    values = {
        "policy": policy(script),
        "style": beside("page.css") + beside("explained.css"),
        "script": script,
        "customer": spelled(found.customer),
        "until": {"utc": instant(explained.until), "local": clock.says(explained.until)},
        "zone": explained.timezone,
        "is_utc": clock.is_utc,
        "notes": [clock.sentence(one) for one in explained.notes],
        "workflows": [(told.places[one], spelled(name)) for one, name in told.names.items()],
        "kinds": [(kind, name, kinds[kind]) for kind, name in KINDS.items() if kinds[kind]],
        "lines": [_line(one, told, clock) for one in found.timeline],
        "missed": [_missed(one, told, clock) for one in found.why_not],
        "versions": _versions(explained, told, clock),
    }
    return filled_page(beside("explained.html.j2"), values)


def _workflows(explained: Explained) -> _Workflows:
    found = explained.found
    told = (*(one.workflow_id for one in found.timeline), *(one.workflow_id for one in found.why_not))
    ids = {one for one in told if one is not None}
    ids |= {one for fact in found.timeline for one in fact.asked}
    named = {
        one["workflow_id"]: one["workflow_name"] or one["workflow_id"]
        for one in sorted(explained.versions, key=lambda one: int(one["number"]))
    }
    names = {one: named.get(one, one) for one in sorted(ids)}
    return _Workflows(names, {one: place for place, one in enumerate(names)})


def _line(entry: Entry, told: _Workflows, clock: Clock) -> dict[str, Any]:
    """A line of the timeline; `of`: the places of workflows it is told of, None: of all."""
    of = entry.asked if entry.kind == "fact" else (entry.workflow_id,)
    return {
        "kind": entry.kind,
        "utc": instant(entry.at),
        "local": clock.says(entry.at),
        "of": None if of == (None,) else " ".join(str(told.places[one]) for one in of if one is not None),
        "workflow": spelled(told.names[entry.workflow_id]) if entry.workflow_id is not None else None,
        "version": entry.version,
        "said": clock.sentence(entry.said),
        "because": [clock.sentence(one) for one in entry.because],
    }


def _missed(missed: WhyNot, told: _Workflows, clock: Clock) -> dict[str, Any]:
    return {
        "of": told.places[missed.workflow_id],
        "said": clock.sentence(missed.said),
        "because": [clock.sentence(one) for one in missed.because],
    }


def _versions(explained: Explained, told: _Workflows, clock: Clock) -> Sequence[dict[str, Any]]:
    """Each version of the workflows told of, and how often the customer entered it."""
    entries = Counter(
        (one.workflow_id, one.version) for one in explained.found.timeline if one.kind == "entry"
    )
    rows = [one for one in explained.versions if one["workflow_id"] in told.places]
    return [
        {
            "of": told.places[one["workflow_id"]],
            "name": spelled(told.names[one["workflow_id"]]),
            "id": spelled(one["workflow_id"]),
            "number": one["number"],
            "utc": instant(one["since"]) if one["since"] else None,
            "local": clock.says(one["since"]) if one["since"] else None,
            "entries": entries[one["workflow_id"], one["number"]],
        }
        for one in sorted(rows, key=lambda one: (one["workflow_id"], int(one["number"])))
    ]

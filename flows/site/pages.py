"""The pages as text: an index of all workflows, and one of each."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from re import ASCII, sub
from typing import Any

from flows.overview.show import Shown, branches_of, facts_told, heading_told
from flows.overview.versions import ACTIVE, INACTIVE, NO_FILE, UNREADABLE
from flows.reports.html.parts import beside, policy
from flows.site.gather import Gathered, Subject
from flows.site.maps import map_of
from flows.site.starts import starts_of_all
from transforms.content.pages import filled_page
from transforms.definitions.told import trigger_told
from transforms.definitions.told_actions import shares_told, steps_told
from transforms.definitions.told_patterns import pattern_told
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import DRAFT, SendEmail, Workflow

INDEX = "index.html"
FOLDER = "workflows"
STATES = (ACTIVE, DRAFT, INACTIVE, UNREADABLE, NO_FILE)
LONGEST = 60
"""Letters of a page's file name."""


def pages_of(gathered: Gathered, templates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Path below the site's folder → the page's text.

    Args:
        gathered: what the pages tell.
        templates: template id → its files.
    """
    paths = _paths([one.name for one in gathered.subjects])
    found = {INDEX: _page("Workflows", "index.html.j2", _index(gathered, paths))}
    for one in gathered.subjects:
        values = _workflow(one, gathered, paths, templates)
        found[paths[one.name]] = _page(one.title, "workflow.html.j2", values)
    return found


def _paths(names: Sequence[str]) -> dict[str, str]:
    """Name → the path of its page: plain letters only, and no two alike on disks that take `A` for `a`."""
    plain = {one: sub(r"[^\w-]+", "-", one, flags=ASCII)[:LONGEST] for one in names}
    times = Counter(one.lower() for one in plain.values())
    return {
        name: f"{FOLDER}/{short}.html"
        if short == name and times[short.lower()] == 1
        else f"{FOLDER}/{short}-{sha256(name.encode()).hexdigest()[:8]}.html"
        for name, short in plain.items()
    }


def _page(title: str, template: str, values: Mapping[str, Any]) -> str:
    script = f"{beside('journey.js')}\n{_own('site.js')}"
    head = {
        "title": title,
        "policy": policy(script),
        "style": f"{beside('page.css')}\n{_own('site.css')}",
        "script": script,
        "icons": beside("icons.svg"),
    }
    return filled_page(_own("page.html.j2"), {**head, "body": filled_page(_own(template), values)})


def _own(name: str) -> str:
    return files("flows.site").joinpath(name).read_text(encoding="utf-8")


def _index(gathered: Gathered, paths: Mapping[str, str]) -> dict[str, Any]:
    subjects = gathered.subjects
    counts = Counter(one.state for one in subjects)
    shown = [one.shown for one in subjects if one.shown]
    return {
        "states": [(one, counts[one]) for one in STATES if one in counts],
        "workflows": [_card(one, gathered, paths) for one in subjects],
        "starts": starts_of_all(shown, paths),
        "patterns": _patterns(gathered, paths),
        "faults": gathered.faults,
        "has_store": gathered.has_store,
    }


def _card(one: Subject, gathered: Gathered, paths: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": one.name,
        "title": one.title,
        "path": paths[one.name],
        "state": one.state,
        "description": one.shown.listed.workflow.description if one.shown else "",
        "enters": [trigger_told(each) for each in one.shown.listed.workflow.triggers] if one.shown else [],
        "faults": one.faults,
        "figures": _figures(one.shown) if one.shown and gathered.has_store else [],
        "words": " ".join(_words(one, gathered)),
    }


def _words(one: Subject, gathered: Gathered) -> Iterator[str]:
    """What a workflow is found by besides what is seen."""
    yield from one.faults
    yield from (name for name, _ in gathered.tests.get(one.name, ()))
    if one.shown:
        own = one.shown.listed.workflow
        for told in facts_told(one.shown).values():
            yield told if isinstance(told, str) else " ".join(told)
        for name, when, actions in branches_of(own):
            yield f"{name} {when or ''}"
            yield from (told for _, _, told in steps_told(actions))


def _figures(shown: Shown) -> list[tuple[str, str]]:
    listed = shown.listed
    version = listed.current or (listed.versions[-1] if listed.versions else None)
    entries = listed.entries
    return [
        ("version", "new" if version is None else str(version.number)),
        ("in flight", f"{listed.in_flight:,}"),
        ("entries", "?" if entries is None else f"{entries:,}"),
    ]


def _patterns(gathered: Gathered, paths: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            **_pattern(name, gathered),
            "users": [
                (one, paths[one])
                for one, named in sorted(gathered.used.items())
                if name in named and one in paths
            ],
        }
        for name in sorted(gathered.patterns)
    ]


def _pattern(name: str, gathered: Gathered) -> dict[str, Any]:
    pattern = gathered.patterns.get(name)
    when, terms = (
        pattern_told(pattern) if pattern else ("not among the valid patterns of the patterns file", [])
    )
    return {"name": name, "when": when, "terms": terms}


def _workflow(
    one: Subject, gathered: Gathered, paths: Mapping[str, str], templates: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    shown = one.shown
    return {
        "id": one.name,
        "title": one.title,
        "index": f"../{INDEX}",
        "faults": one.faults,
        "sources": one.sources,
        "tests": gathered.tests.get(one.name, []),
        "patterns": [_pattern(name, gathered) for name in gathered.used.get(one.name, ())],
        "told": _told(shown, paths, templates) if shown else None,
        "figures": _figures(shown) if shown and gathered.has_store else [],
    }


def _told(shown: Shown, paths: Mapping[str, str], templates: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What is known of a workflow that can be read."""
    own = shown.listed.workflow
    facts = facts_told(shown)
    return {
        "description": own.description,
        "facts": [
            (subject, [what] if isinstance(what, str) else what)
            for subject, what in facts.items()
            if subject not in ("Starts", "Started by")
        ],
        "others": [
            (subject, [(name, _page_of(name, paths), fact) for name, fact in some.items()])
            for subject, some in (("Starts", shown.starts), ("Started by", shown.started_by))
            if some
        ],
        "map": map_of(own),
        "branches": [
            (name, heading_told(own, name, when), list(steps_told(actions)))
            for name, when, actions in branches_of(own)
        ],
        "messages": list(_messages(own, templates)),
        "versions": [
            (one, one is shown.listed.current)
            for one in sorted(shown.listed.versions, key=lambda one: -one.number)
        ],
    }


def _page_of(name: str, paths: Mapping[str, str]) -> str:
    return paths[name].removeprefix(f"{FOLDER}/")


def _messages(workflow: Workflow, templates: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Every e-mail that a workflow sends, in its order."""
    for branch, step, action in named_steps(workflow):
        if not isinstance(action, SendEmail):
            continue
        said = action.config
        ids = dict.fromkeys(one.template_id for one in (said, *said.variants) if one.template_id)
        yield {
            "branch": branch,
            "step": step,
            "subjects": [one.subject for one in (said, *said.variants) if one.subject],
            "templates": [(one, templates.get(one, ())) for one in ids],
            "variants": shares_told({one.name: one.weight for one in said.variants}) if said.variants else "",
        }

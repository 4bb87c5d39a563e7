"""What the pages tell: every workflow with its files, faults, patterns and tests, and who starts whom."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.definitions.folder import definition_files, likely_id, load_patterns, workflow_files
from flows.definitions.scenarios import load_scenarios
from flows.errors import InputError
from flows.overview.listing import Listed, Listing, list_workflows
from flows.overview.show import Shown
from flows.overview.versions import UNREADABLE
from flows.settings import Settings
from transforms.definitions.patterns import Pattern
from transforms.definitions.signals import PatternScore, PatternTruth, signal_of
from transforms.definitions.walk import conditions_of, triggers_of
from transforms.definitions.workflow import Workflow
from transforms.lint.cascades import starts_of

MOST_LETTERS = 200_000
"""What is shown of a file."""


@dataclass(frozen=True)
class Source:
    """A definition file as it stands, and what is wrong with it.

    Attributes:
        name: its path, without the folders around the project.
        workflow_id: whose it is, as far as can be made out.
        text: what it holds; empty if it can't be read.
        faults: one sentence each, with its place.
    """

    name: str
    workflow_id: str | None
    text: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A workflow, or a file that should be one.

    Attributes:
        name: its id; the file's name where none can be made out.
        shown: what `onward show` tells; None: neither its file nor the store says what it does.
        sources: its files.
    """

    name: str
    shown: Shown | None
    sources: tuple[Source, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return self.shown.listed.workflow.workflow_name if self.shown else self.name

    @property
    def state(self) -> str:
        """How it stands, as `onward list` says."""
        return self.shown.listed.state if self.shown else UNREADABLE

    @property
    def faults(self) -> list[str]:
        """What is wrong with its files."""
        return [fault for one in self.sources for fault in one.faults]


@dataclass(frozen=True)
class Gathered:
    """Everything there is to tell.

    Attributes:
        subjects: by name.
        patterns: by name.
        used: workflow_id → the patterns that it names.
        tests: workflow_id → (name, file) of the tests that name it.
        faults: of files that are no workflows.
        has_store: whether a run was ever made, so that there are versions and counts.
    """

    subjects: tuple[Subject, ...]
    patterns: Mapping[str, Pattern]
    used: Mapping[str, list[str]]
    tests: Mapping[str, list[tuple[str, str]]]
    faults: tuple[str, ...]
    has_store: bool


def gather(settings: Settings) -> Gathered:
    """Everything that the pages tell, of the files as they are now and of the store, if there is one.

    Raises:
        InputError: there is nothing to tell.
        StateError: the state file can't be read.
    """
    listing = list_workflows(settings)
    sources = list(_sources(settings, listing))
    if not listing.workflows and not sources:
        raise InputError(f"{settings.workflows}: no workflows there yet; `onward init` writes a first one")
    subjects = tuple(sorted(_subjects(listing, sources), key=lambda one: one.name))
    tests, faults = _tests(settings, [one.workflow.workflow_id for one in listing.workflows])
    told = {fault for one in sources for fault in one.faults}
    others = [short for fault in (*listing.faults, *faults) if (short := _short(fault, settings)) not in told]
    return Gathered(
        subjects,
        load_patterns(settings.patterns).patterns,
        {one.workflow.workflow_id: _patterns_of(one.workflow) for one in listing.workflows},
        tests,
        tuple(others),
        any(one.versions for one in listing.workflows),
    )


def _sources(settings: Settings, listing: Listing) -> Iterator[Source]:
    folder = settings.workflows
    if not folder.is_dir():
        return
    ids = {path: workflow_id for workflow_id, path in workflow_files(folder).items()}
    for path in definition_files(folder):
        faults = [_short(one, settings) for one in listing.faults if one.startswith(f"{path}:")]
        workflow_id = ids.get(path) or next(iter(likely_id(path)), None)
        yield Source(_short(str(path), settings), workflow_id, _text(path), tuple(faults))


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}\n…"


def _short(text: str, settings: Settings) -> str:
    """A text without the folders around the project: pages are for others, who have other folders."""
    folders = (settings.data_dir, settings.workflows, settings.patterns, settings.templates, settings.tests)
    for around in (one.parent for one in folders):
        text = text.replace(f"{around}/", "") if around.is_absolute() and around != around.parent else text
    return text


def _subjects(listing: Listing, sources: Sequence[Source]) -> Iterator[Subject]:
    files: defaultdict[str, list[Source]] = defaultdict(list)
    for one in sources:
        files[one.workflow_id or one.name].append(one)
    for shown in _shown(listing.workflows):
        workflow_id = shown.listed.workflow.workflow_id
        yield Subject(workflow_id, shown, tuple(files.pop(workflow_id, ())))
    for name, some in files.items():
        yield Subject(name, None, tuple(some))


def _shown(listed: Sequence[Listed]) -> Iterator[Shown]:
    every = [one.workflow for one in listed]
    starts = {one.workflow_id: starts_of(one, every) for one in every}
    for one in listed:
        own = one.workflow.workflow_id
        yield Shown(one, starts[own], {other: facts[own] for other, facts in starts.items() if own in facts})


def _patterns_of(workflow: Workflow) -> list[str]:
    """The patterns that a workflow names, in its order."""
    named = [
        str(trigger.config.get("pattern"))
        for _, _, trigger in triggers_of(workflow)
        if trigger.type == "pattern"
    ]
    for _, _, condition in conditions_of(workflow):
        asked = signal_of(condition.attribute)
        if isinstance(asked, PatternTruth | PatternScore):
            named.append(asked.name)
    return [*dict.fromkeys(named)]


def _tests(
    settings: Settings, workflows: Sequence[str]
) -> tuple[dict[str, list[tuple[str, str]]], list[str]]:
    """Which tests name a workflow, and the faults of files of tests."""
    if not settings.tests.is_dir():
        return {}, []
    files, faults = load_scenarios(settings.tests, workflows)
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for file in files:
        for test in file.file.tests:
            named = {
                *(test.workflows or file.file.workflows),
                *(test.expect.workflows if test.expect else ()),
            }
            for one in sorted(named):
                found[one].append((test.name, _short(str(file.path), settings)))
    return dict(found), faults
